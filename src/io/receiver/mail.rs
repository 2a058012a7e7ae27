//! The mail itself: headers that hold a thread together, and two parts that say the same.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};

use crate::engine::{IncidentFacts, IncidentState, Notification};
use crate::message::Page;
use crate::model::StableHasher;
use crate::plan::Severity;

use super::DeliveryError;

/// The mail for one address. Its Message-ID is the same on every try, so that a repeat after an
/// unknown outcome is the same mail.
pub(super) fn mail(notification: &Notification, page: &Page, from: &str, to: &str) -> Result<Message, DeliveryError> {
    let facts = &notification.incident;
    let (from, to) = (address(from)?, address(to)?);
    let domain = from.email.domain().to_owned();
    let root = root_message_id(facts, &domain);
    let decided = Duration::from_millis(u64::try_from(notification.at.as_millis()).unwrap_or(0));
    let mut builder = Message::builder()
        .message_id(Some(format!("<{}.{:016x}@{domain}>", notification.id, address_hash(&to.email))))
        .in_reply_to(root.clone())
        .references(root)
        .date(UNIX_EPOCH + decided)
        .from(from)
        .to(to)
        .subject(page.subject.clone());
    for (name, value) in headers(notification) {
        builder = builder.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
    }
    builder
        .multipart(MultiPart::alternative_plain_html(page.text.clone(), page.html.clone()))
        .map_err(|error| DeliveryError::Setting(format!("the mail cannot be written: {error}")))
}

/// The id that every mail about an incident refers to. No mail has it: mail programs make a
/// thread of all that name the same parent, found or not. So a thread survives a lost first mail.
fn root_message_id(facts: &IncidentFacts, domain: &str) -> String {
    format!("<rc-{}-{}-{}.root@{domain}>", facts.location, facts.number.0, facts.opened.as_millis())
}

fn headers(notification: &Notification) -> Vec<(&'static str, String)> {
    let facts = &notification.incident;
    let firing = facts.state == IncidentState::Firing;
    let mut headers = vec![
        // Stop vacation replies; the second is Exchange's.
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("X-Auto-Response-Suppress", "All".to_owned()),
        // The subject never changes, so filters get the state here.
        ("X-Ringcheck-Incident", facts.number.0.to_string()),
        ("X-Ringcheck-State", if firing { "firing" } else { "resolved" }.to_owned()),
        ("X-Ringcheck-Severity", facts.severity.as_str().to_owned()),
        ("X-Ringcheck-Reason", notification.reason.as_str().to_owned()),
    ];
    if firing && facts.severity == Severity::Critical {
        headers.push(("Importance", "high".to_owned()));
        headers.push(("X-Priority", "1".to_owned()));
    }
    headers
}

fn address(text: &str) -> Result<Mailbox, DeliveryError> {
    text.parse().map_err(|_| DeliveryError::Setting(format!("\"{text}\" is not a mail address")))
}

fn address_hash(address: &Address) -> u64 {
    StableHasher::new("mail address").text(&address.to_string().to_lowercase()).finish()
}
