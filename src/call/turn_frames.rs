//! The messages in a stream of bytes from a TURN server. The library's own buffer grows without
//! bound when what comes is no TURN; this one does not.

/// The longest message that is read, in bytes: a packet and what is around it.
const FRAME_BYTES_MAX: usize = 4096;
/// A STUN message's head.
const HEAD_BYTES: usize = 20;
/// What every STUN message has after its type and length.
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// A stream that is no TURN, or has a message that is longer than any could be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NotTurn;

/// The messages in a stream of bytes. Never holds more than was pushed at once and one message.
#[derive(Default)]
pub(super) struct TurnFrames {
    buffer: Vec<u8>,
}

impl TurnFrames {
    /// Takes what came.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message; `None` until more has come.
    ///
    /// # Errors
    /// What came is no STUN message. We bind no channels, so nothing else can come.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, NotTurn> {
        let Some(head) = self.buffer.first_chunk::<HEAD_BYTES>() else {
            // The first byte tells enough to give up on.
            return if self.buffer.first().is_some_and(|first| first & 0xc0 != 0) { Err(NotTurn) } else { Ok(None) };
        };
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let whole = HEAD_BYTES + length;
        let is_stun = head[0] & 0xc0 == 0 && head[4..8] == MAGIC_COOKIE && length.is_multiple_of(4);
        if !is_stun || whole > FRAME_BYTES_MAX {
            return Err(NotTurn);
        }
        if self.buffer.len() < whole {
            return Ok(None);
        }
        let rest = self.buffer.split_off(whole);
        Ok(Some(std::mem::replace(&mut self.buffer, rest)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(length: u16, fill: u8) -> Vec<u8> {
        let [high, low] = length.to_be_bytes();
        let mut bytes = vec![0x01, 0x01, high, low];
        bytes.extend(MAGIC_COOKIE);
        bytes.extend([fill; 12]);
        bytes.extend(vec![fill; usize::from(length)]);
        bytes
    }

    #[test]
    fn what_is_no_turn_is_told_at_its_first_bytes() {
        let told = |bytes: &[u8]| {
            let mut frames = TurnFrames::default();
            frames.push(bytes);
            frames.next()
        };
        assert_eq!(told(b"HTTP/1.1 400 Bad Request\r\n"), Err(NotTurn));
        assert_eq!(told(&[0x40, 0x00, 0x00, 0x04]), Err(NotTurn), "a channel that nobody bound");
        assert_eq!(told(&message(65_532, 0)[..HEAD_BYTES]), Err(NotTurn), "longer than any packet");
        assert_eq!(told(&message(6, 0)), Err(NotTurn), "no whole words");
        assert_eq!(told(&[0x00, 0x01]), Ok(None));
        assert_eq!(told(&[]), Ok(None));
    }

    proptest! {
        #[test]
        fn messages_come_out_however_the_stream_is_cut(
            lengths in prop::collection::vec(0_u16..40, 1..6),
            cuts in prop::collection::vec(1_usize..50, 1..40),
        ) {
            let messages: Vec<Vec<u8>> = lengths.iter().zip(1..).map(|(length, n)| message(length * 4, n)).collect();
            let mut stream: &[u8] = &messages.concat();
            let (mut frames, mut found) = (TurnFrames::default(), Vec::new());
            for cut in cuts.iter().cycle() {
                let (now, later) = stream.split_at((*cut).min(stream.len()));
                frames.push(now);
                while let Some(frame) = frames.next().expect("all is well") {
                    found.push(frame);
                }
                stream = later;
                if stream.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(found, messages);
        }

        #[test]
        fn it_never_holds_more_than_a_message_and_a_push(pushes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..30)) {
            let mut frames = TurnFrames::default();
            for push in pushes {
                frames.push(&push);
                while let Ok(Some(_)) = frames.next() {}
                if frames.next().is_err() {
                    return Ok(());
                }
                prop_assert!(frames.buffer.len() <= FRAME_BYTES_MAX);
            }
        }
    }
}
