//! What of a pod's file is about STUN and TURN servers.

use crate::model::{IceService, IceUrl};
use crate::plan::{IceServerSettings, IceSettings};

use super::table::Table;

/// The servers that a pod's calls use.
pub fn settings(table: &Table<'_>, partner: Option<&Table<'_>>) -> Option<IceSettings> {
    let (from_partner, ca_file) = (table.flag("from_partner"), table.ca_file("ca_file"));
    let has_key = partner.is_none_or(|partner| partner.has("api_key") || partner.has("auth_token"));
    if from_partner == Some(true) && !has_key {
        table.mistake(
            "from_partner",
            "the partner tells its servers only to who has a key",
            "add api_key to [partner]",
        );
    }
    let servers = table.tables("servers").iter().filter_map(server).collect();
    Some(IceSettings { from_partner: from_partner?, servers, ca_file })
}

fn server(table: &Table<'_>) -> Option<IceServerSettings> {
    let (username, credential) = (table.secret("username"), table.secret("credential"));
    let url = table.text("url").and_then(|url| IceUrl::parse(&url).ok());
    let relays = url.as_ref().is_some_and(|url| matches!(url.service, IceService::Turn(_)));
    for key in ["username", "credential"] {
        if relays && !table.has(key) {
            table.mistake(key, "a TURN server relays for nobody whom it does not know", format!("add {key}"));
        } else if url.is_some() && !relays && table.has(key) {
            table.mistake(key, "a STUN server asks nobody who they are", "leave it out");
        }
    }
    let login = username.zip(credential);
    let url = url?;
    (login.is_some() || !relays).then_some(IceServerSettings { url, login })
}
