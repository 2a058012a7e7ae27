//! One `[[receiver]]`.

use crate::model::ReceiverName;
use crate::plan::{Email, Receiver, ReceiverKind, SmtpSecurity, Webhook};

use super::address::is_loopback;
use super::table::{Placed, Table};

/// A receiver whose names are not resolved yet.
pub struct ReceiverDraft {
    /// Its name, if it could be read.
    pub name: Option<Placed<ReceiverName>>,
    /// Who is told instead.
    pub fallback: Option<Placed<String>>,
    /// The rest, if all of it is right.
    pub kind: Option<ReceiverKind>,
}

impl ReceiverDraft {
    /// Reads one.
    pub fn read(table: &Table<'_>) -> Self {
        let name = table.text("name").and_then(|name| ReceiverName::parse(&name).ok());
        let kind = match table.text("kind").as_deref() {
            Some("email") => email(table).map(ReceiverKind::Email),
            Some("webhook") => webhook(table).map(ReceiverKind::Webhook),
            _ => None,
        };
        Self {
            name: name.map(|value| Placed { value, place: table.place("name") }),
            fallback: table.placed_text("fallback"),
            kind,
        }
    }

    /// The receiver, once its fallback is known to exist.
    pub fn finish(self) -> Option<Receiver> {
        let fallback = self.fallback.and_then(|fallback| ReceiverName::parse(&fallback.value).ok());
        Some(Receiver { name: self.name?.value, kind: self.kind?, fallback })
    }
}

fn email(table: &Table<'_>) -> Option<Email> {
    let security = match table.text("security").as_deref() {
        Some("tls") => SmtpSecurity::Tls,
        Some("none") => SmtpSecurity::Loopback,
        _ => SmtpSecurity::StartTls,
    };
    let (user, password) = (table.text("user"), table.secret("password"));
    if table.has("user") != table.has("password") {
        table.mistake(
            if table.has("user") { "user" } else { "password" },
            "user and password go together",
            "write both, or neither",
        );
    }
    let host = table.text("host");
    if security == SmtpSecurity::Loopback {
        if host.as_deref().is_some_and(|host| !is_loopback(host)) {
            table.mistake(
                "security",
                "without TLS anybody on the way can read and change pages",
                "write \"starttls\" or \"tls\"; \"none\" is for a mail server on this machine",
            );
        }
        if table.has("password") {
            table.mistake("password", "a password is never sent without TLS", "use \"starttls\" or \"tls\"");
        }
    }
    let usual_port = match security {
        SmtpSecurity::StartTls => 587,
        SmtpSecurity::Tls => 465,
        SmtpSecurity::Loopback => 25,
    };
    Some(Email {
        from: table.text("from")?,
        to: table.texts("to").into_iter().map(|to| to.value).collect(),
        host: host?,
        port: table.integer("port").unwrap_or(usual_port),
        security,
        auth: user.zip(password),
        ca_file: table.ca_file("ca_file"),
    })
}

fn webhook(table: &Table<'_>) -> Option<Webhook> {
    let (secrets, ca_file) = (table.secrets("secret"), table.ca_file("ca_file"));
    Some(Webhook { url: table.url_or_secret("url")?, secrets, ca_file })
}
