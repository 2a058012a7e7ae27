//! Lifetimes below ten minutes. Ten are only recommended (RFC 8656, 7.2), and a server may grant
//! less; but `turn-client-proto` 0.7 takes such an answer to a refresh for none, and lets go of an
//! allocation that the server still keeps. So it is shown an answer of ten minutes which came as much
//! earlier, and that ends at the same moment.

use std::time::Duration;

use secrecy::ExposeSecret;
use turn_client_proto::stun::types::message::{
    LongTermKeyCredentials, Message, MessageClass, MessageIntegrityCredentials, MessageWriteVec,
};
use turn_client_proto::stun::types::prelude::{MessageWrite, MessageWriteExt};
use turn_client_proto::types::attribute::Lifetime;
use turn_client_proto::types::message::REFRESH;

use crate::model::RelayLogin;

/// The shortest lifetime that the library takes, in seconds.
const TAKEN_MIN_S: u32 = 600;

/// An answer to a refresh as the library takes it, and by how much earlier it must have come.
pub(super) struct Backdated {
    pub(super) bytes: Vec<u8>,
    pub(super) earlier: Duration,
}

/// This message, if it is the server's own answer to a refresh that grants less than the library takes.
pub(super) fn backdated(bytes: &[u8], login: &RelayLogin, realm: &str) -> Option<Backdated> {
    let message = Message::from_bytes(bytes).ok()?;
    if message.method() != REFRESH || !message.has_class(MessageClass::Success) {
        return None;
    }
    // Zero is what is left when an allocation is given back.
    let granted = message.attribute::<Lifetime>().ok()?.seconds();
    let missing = TAKEN_MIN_S.checked_sub(granted).filter(|missing| *missing > 0 && granted > 0)?;
    let (username, password) = (login.username.expose_secret(), login.password.expose_secret());
    let known: MessageIntegrityCredentials =
        LongTermKeyCredentials::new(username.to_owned(), password.to_owned(), realm.to_owned()).into();
    // What anybody else sends stays what it is: the library will not believe it.
    let algorithm = message.validate_integrity(&known).ok()?;
    let mut shown = Message::builder(message.get_type(), message.transaction_id(), MessageWriteVec::new());
    shown.add_attribute(&Lifetime::new(TAKEN_MIN_S)).ok()?;
    shown.add_message_integrity(&known, algorithm).ok()?;
    Some(Backdated { bytes: shown.finish(), earlier: Duration::from_secs(missing.into()) })
}
