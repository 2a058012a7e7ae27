//! Whom the model of an attempt knows: its account, its keys, its clients, and calls as they usually go.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;

use crate::call::audio::ToneId;
use crate::call::{self, CallSettings, OtherClient, Route, Settings};
use crate::model::{
    AddressFamily, CallDirection, CallWish, EdgeName, NumberCall, Origin, RestRequest, Timestamp, TokenKind,
};
use crate::partner::twilio::{
    Account, AccountKeys, KeyRing, MintRequest, RestCall, SigningKey, client_address, form_fields, mint,
};

use super::predicate::Node;
use super::twilio::Place;

/// When the attempts of this model begin; nothing depends on it.
pub(super) const STARTED: Timestamp = Timestamp::from_millis(1_726_009_020_000);
/// Long enough for any attempt, in seconds.
const TOKEN_TTL_S: u32 = 3600;

pub(super) fn own_place() -> Place {
    let edge = EdgeName::parse("ashburn").expect("this is a valid name");
    Place { edge, family: Some(AddressFamily::V4), node: Node::of(0, 0) }
}

/// The form of a request, as the partner reads it.
pub(super) fn form_of(request: &RestRequest) -> Vec<(String, String)> {
    let call = RestCall::of(&own_account(), &own_place().edge, OWN_NAME, request);
    call.form.as_deref().map(form_fields).unwrap_or_default()
}

/// The account of this model. Nothing real is behind it.
fn own_account() -> Account {
    Account::with_sid(format!("AC{:032}", 1))
}

const OWN_NAME: &str = "rc_model";
const OWN_NUMBER: &str = "+15005550001";
const OWN_CALLER: &str = "+15005550002";
const OWN_APPLICATION: &str = "AP00000000000000000000000000000003";
const FAR_NAME: &str = "rc_model_far";
const FAR_APPLICATION: &str = "AP00000000000000000000000000000004";
const OWN_KEY_SID: &str = "SK00000000000000000000000000000002";
const OWN_KEY: &str = "the model's api key";
const OWN_AUTH_TOKEN: &str = "the model's auth token";

pub(super) fn own_keys() -> KeyRing {
    KeyRing::new(vec![AccountKeys {
        account_sid: own_account().account_sid,
        api_keys: vec![(OWN_KEY_SID.to_owned(), SecretString::from(OWN_KEY))],
        auth_token: Some(SecretString::from(OWN_AUTH_TOKEN)),
    }])
}

/// Which of the model's clients it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Who {
    /// The device under test, calling nobody, or being called.
    Plain,
    /// The same, with a call to the application that answers by itself.
    Calling,
    /// The same, with a call to the application that rings the other client.
    CallingFar,
    /// The other client.
    Far,
}

impl Who {
    /// Who makes the attempt that has these settings.
    pub(super) fn of(settings: &Settings) -> Self {
        match &settings.call {
            Some(call) if call.other.is_some() => Self::CallingFar,
            Some(call) if call.wish.direction == CallDirection::Outbound => Self::Calling,
            _ => Self::Plain,
        }
    }

    pub(super) fn token(self, kind: TokenKind) -> crate::token::TokenText {
        let key = match kind {
            TokenKind::Access => SigningKey::ApiKey { sid: OWN_KEY_SID, secret: OWN_KEY.as_bytes() },
            TokenKind::Capability => SigningKey::AuthToken { secret: OWN_AUTH_TOKEN.as_bytes() },
        };
        let account = own_account();
        let (identity, outgoing) = match self {
            Self::Plain => (OWN_NAME, None),
            Self::Calling => (OWN_NAME, Some(OWN_APPLICATION)),
            Self::CallingFar => (OWN_NAME, Some(FAR_APPLICATION)),
            Self::Far => (FAR_NAME, None),
        };
        let (now, ttl_s) = (STARTED, TOKEN_TTL_S);
        mint(&MintRequest { account: &account, key, identity, outgoing, now, ttl_s, serial: 0 })
    }
}

/// What rings which of the model's clients.
pub(super) fn own_rings() -> BTreeMap<String, String> {
    [(OWN_NUMBER, OWN_NAME), (FAR_APPLICATION, FAR_NAME)].map(|(what, whom)| (what.to_owned(), whom.to_owned())).into()
}

/// How the other client takes part in the call of an attempt with these settings.
pub(super) fn far_settings(settings: &Settings) -> Settings {
    let call = settings.call.as_ref().and_then(|call| call::far_settings(call, client_address(OWN_NAME)));
    Settings { call, register: true, ..settings.clone() }
}

/// The settings of a call, with some tone and ids, and steps of 5 s.
pub fn usual_call(wish: CallWish, origin: Origin) -> CallSettings {
    CallSettings {
        wish,
        digits: None,
        record: Duration::ZERO,
        tone: ToneId(0x5eed),
        temporary: "TJS00000000-0000-4000-8000-000000000001".to_owned(),
        marker: "rc=1".to_owned(),
        number: None,
        other: None,
        origin,
        step: Duration::from_secs(5),
        delivery: Duration::from_secs(20),
        servers: false,
    }
}

/// The same over the model's phone number.
pub(super) fn usual_number_call(wish: CallWish, origin: Origin) -> CallSettings {
    let number = NumberCall { number: OWN_NUMBER.to_owned(), caller: OWN_CALLER.to_owned() };
    CallSettings { number: Some(number), ..usual_call(wish, origin) }
}

/// The same to another client of the model's.
pub(super) fn usual_far_call(wish: CallWish, origin: Origin) -> CallSettings {
    CallSettings { other: Some(OtherClient { tone: ToneId(0xfa5e), calls_as: None }), ..usual_call(wish, origin) }
}

/// Settings as the example probe has them: one edge over TLS, the default deadlines.
pub fn usual_settings() -> Settings {
    Settings {
        deadlines: crate::model::Deadlines::DEFAULT,
        hold: Duration::from_secs(1),
        register: true,
        routes: vec![Route { dns: true, tls: true }],
        call: None,
    }
}
