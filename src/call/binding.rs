//! One question to a STUN server: under which address does the world see our socket? (RFC 8489)

use std::net::SocketAddr;
use std::time::Duration;

use turn_client_proto::stun::types::attribute::XorMappedAddress;
use turn_client_proto::stun::types::message::{
    BINDING, Message, MessageClass, MessageType, MessageWriteVec, TransactionId,
};
use turn_client_proto::stun::types::prelude::MessageWrite;

/// How long the first question waits for its answer before it is asked again; then twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// How often it is asked at most.
const ASKED_MAX: u32 = 6;

/// One question to a STUN server.
pub(super) struct Binding {
    server: SocketAddr,
    id: TransactionId,
    question: Vec<u8>,
    asked: u32,
    next: Duration,
}

impl Binding {
    /// A question that is to be asked now.
    pub(super) fn new(server: SocketAddr, now: Duration) -> Self {
        let id = TransactionId::generate();
        let request = MessageType::from_class_method(MessageClass::Request, BINDING);
        let builder = Message::builder(request, id, MessageWriteVec::new());
        Self { server, id, question: builder.finish(), asked: 0, next: now }
    }

    /// Whom it asks.
    pub(super) const fn server(&self) -> SocketAddr {
        self.server
    }

    /// When it is to be asked again; `None` when it was asked often enough.
    pub(super) fn wake(&self) -> Option<Duration> {
        (self.asked < ASKED_MAX).then_some(self.next)
    }

    /// What is to be sent by now.
    pub(super) fn poll(&mut self, now: Duration) -> Option<Vec<u8>> {
        if self.wake()? > now {
            return None;
        }
        self.next = now + FIRST_WAIT * 2_u32.pow(self.asked);
        self.asked += 1;
        Some(self.question.clone())
    }

    /// The address that an answer to it tells; `None` if this is no answer to it.
    pub(super) fn answered(&self, from: SocketAddr, bytes: &[u8]) -> Option<SocketAddr> {
        let (id, mapped) = mapped_address(bytes)?;
        (from == self.server && id == self.id).then_some(mapped)
    }
}

/// Under which address the sender of this answer saw us, and to which question it is one; `None`
/// for everything but a good answer to a STUN binding request.
pub(super) fn mapped_address(bytes: &[u8]) -> Option<(TransactionId, SocketAddr)> {
    let message = Message::from_bytes(bytes).ok()?;
    if !is_good_answer(message.get_type()) {
        return None;
    }
    let id = message.transaction_id();
    let mapped = message.attribute::<XorMappedAddress>().ok()?.addr(id);
    Some((id, mapped))
}

fn is_good_answer(kind: MessageType) -> bool {
    kind.method() == BINDING && kind.class() == MessageClass::Success
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7)), 3478);

    /// A STUN server's answer: `mapped` to the question.
    fn answer(question: &[u8], mapped: SocketAddr) -> Vec<u8> {
        use turn_client_proto::stun::types::prelude::MessageWriteExt;
        let question = Message::from_bytes(question).expect("a question");
        let mut answer = Message::builder_success(&question, MessageWriteVec::new());
        let told = XorMappedAddress::new(mapped, question.transaction_id());
        answer.add_attribute(&told).expect("there is room");
        answer.finish()
    }

    #[test]
    fn it_is_asked_again_ever_more_slowly_and_not_for_ever() {
        let mut binding = Binding::new(SERVER, Duration::from_secs(1));
        let mut asked = Vec::new();
        while let Some(wake) = binding.wake() {
            assert_eq!(binding.poll(wake - Duration::from_millis(1)), None, "not before its time");
            assert!(binding.poll(wake).is_some());
            asked.push(wake.as_millis());
        }
        assert_eq!(asked, [1000, 1250, 1750, 2750, 4750, 8750]);
    }

    #[test]
    fn only_its_own_answer_from_its_own_server_counts() {
        let mut binding = Binding::new(SERVER, Duration::ZERO);
        let question = binding.poll(Duration::ZERO).expect("asked");
        let mapped = SocketAddr::from(([203, 0, 113, 9], 40_000));
        let good = answer(&question, mapped);
        assert_eq!(binding.answered(SERVER, &good), Some(mapped));
        assert_eq!(binding.answered(SocketAddr::from(([192, 0, 2, 8], 3478)), &good), None, "from elsewhere");
        let other = Binding::new(SERVER, Duration::ZERO).poll(Duration::ZERO).expect("asked");
        assert_eq!(binding.answered(SERVER, &answer(&other, mapped)), None, "to another question");
        assert_eq!(binding.answered(SERVER, &question), None, "a question is no answer");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            mapped_address(&bytes);
        }
    }
}
