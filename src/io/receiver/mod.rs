//! Takes messages to people and machines: e-mail and signed webhooks, one file each. Every
//! receiver has a queue of its own, so that one that hangs delays no other; what waits in a queue
//! needs no saving, since the engine's outbox holds it until its delivery is reported.

mod delivery_error;
mod email;
mod mail;
mod outbox;
mod signature;
mod webhook;

pub use delivery_error::DeliveryError;
pub use email::EmailSender;
pub use outbox::{Finished, Outbox};
pub use signature::{SigningKey, sign};
pub use webhook::WebhookSender;
