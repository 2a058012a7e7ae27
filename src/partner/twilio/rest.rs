//! The REST API as test calls use it: what to post, and what an answer means.

use secrecy::SecretString;
use serde::Deserialize;

use crate::model::{CallStatus, EdgeName, IceUrl, RelayLogin, RestAnswer, RestRequest};

use super::Account;
use super::claims::{form_decoded, form_encoded};

/// The largest answer that is read, in bytes; a call's description has some 2 kB.
pub const REST_ANSWER_MAX: usize = 64 * 1024;

/// What the call does that makes us ring: one digit as a tone, so that we hear something that is
/// not ours, then our own voice back. It ends with the call, whose length is limited.
const TWIML: &str = r#"<Response><Play digits="1"/><Echo/></Response>"#;

/// How long credentials for TURN servers shall live, in seconds: longer than any call.
const ICE_TTL_S: u32 = 1800;

/// Servers in a list that are looked at.
const ICE_SERVERS_MAX: usize = 16;

/// Fields of a form that are read.
const FIELDS_MAX: usize = 64;

/// Who calls: a name that nobody registers.
const CALLER: &str = "client:ringcheck";

/// A client as a call's sides tell of it.
pub fn client_address(name: &str) -> String {
    format!("client:{name}")
}

/// A request of the REST API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RestCall {
    /// The whole address.
    pub url: String,
    /// The form to post; `None` for a GET.
    pub form: Option<String>,
}

impl RestCall {
    /// Calls on a page of a list.
    pub const LISTED_MAX: usize = 20;

    /// A list of the calls between these that are in this state.
    pub fn list(account: &Account, edge: &EdgeName, parties: &Parties, status: &str) -> Self {
        let Parties { from, to } = parties;
        let mut query: Vec<(&str, &str)> = Vec::new();
        query.extend(from.as_deref().map(|from| ("From", from)));
        query.extend(to.as_deref().map(|to| ("To", to)));
        let size = Self::LISTED_MAX.to_string();
        query.extend([("Status", status), ("PageSize", &size)]);
        let query = form(&query);
        let base = base(account, edge);
        Self { url: format!("{base}/2010-04-01/Accounts/{}/Calls.json?{query}", account.account_sid), form: None }
    }

    /// The request, about the device of this name.
    pub fn of(account: &Account, edge: &EdgeName, identity: &str, request: &RestRequest) -> Self {
        let calls = format!("{}/2010-04-01/Accounts/{}/Calls", base(account, edge), account.account_sid);
        match request {
            RestRequest::Originate { marker, number, time_limit_s, timeout_s } => Self {
                url: format!("{calls}.json"),
                form: Some(form(&[
                    ("To", &number.as_ref().map_or(format!("client:{identity}?{marker}"), |call| call.number.clone())),
                    ("From", number.as_ref().map_or(CALLER, |call| call.caller.as_str())),
                    ("Twiml", TWIML),
                    ("Timeout", &timeout_s.to_string()),
                    ("TimeLimit", &time_limit_s.to_string()),
                ])),
            },
            RestRequest::Status { sid } => Self { url: format!("{calls}/{}.json", form_encoded(sid)), form: None },
            RestRequest::End { sid } => Self {
                url: format!("{calls}/{}.json", form_encoded(sid)),
                form: Some(form(&[("Status", "completed")])),
            },
        }
    }
}

impl RestCall {
    /// The request for STUN and TURN servers (Network Traversal Service).
    pub fn ice_servers(account: &Account, edge: &EdgeName) -> Self {
        let url = format!("{}/2010-04-01/Accounts/{}/Tokens.json", base(account, edge), account.account_sid);
        Self { url, form: Some(form(&[("Ttl", &ICE_TTL_S.to_string())])) }
    }
}

/// Where the API is: what the account says, or the region's own address, or the public one.
fn base(account: &Account, edge: &EdgeName) -> String {
    match (&account.rest, &account.region) {
        (Some(rest), _) => rest.trim_end_matches('/').to_owned(),
        (None, Some(region)) => format!("https://api.{edge}.{region}.twilio.com"),
        (None, None) => "https://api.twilio.com".to_owned(),
    }
}

/// The fields of a form, as the API reads it. At most 64.
pub fn form_fields(form: &str) -> Vec<(String, String)> {
    let field = |pair: &str| pair.split_once('=').map(|(key, value)| (form_decoded(key), form_decoded(value)));
    form.split('&').filter_map(field).take(FIELDS_MAX).collect()
}

fn form(fields: &[(&str, &str)]) -> String {
    let pair = |(key, value): &(&str, &str)| format!("{key}={}", form_encoded(value));
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Who has to do with a call, as the API writes it; whoever is absent may be anybody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parties {
    from: Option<String>,
    to: Option<String>,
}

impl Parties {
    /// Calls that the client of this name places.
    pub fn placed_by(name: &str) -> Self {
        Self { from: Some(format!("client:{name}")), to: None }
    }

    /// Calls to the client of this name; only those from this number, if it is given.
    pub fn to_client(name: &str, from: Option<&str>) -> Self {
        Self { from: from.map(str::to_owned), to: Some(format!("client:{name}")) }
    }

    /// Calls from one number to another.
    pub fn between(from: &str, to: &str) -> Self {
        Self { from: Some(from.to_owned()), to: Some(to.to_owned()) }
    }
}

/// A call in a list.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct ListedCall {
    /// The partner's id of it.
    pub sid: String,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    to: Option<String>,
}

impl ListedCall {
    /// True if it is exactly between these.
    pub fn is_between(&self, parties: &Parties) -> bool {
        let is = |wanted: &Option<String>, is: &Option<String>| {
            // Parameters may follow a client's name.
            let party = is.as_deref().and_then(|party| party.split('?').next());
            wanted.as_deref().is_none_or(|wanted| party == Some(wanted))
        };
        is(&parties.from, &self.from) && is(&parties.to, &self.to)
    }
}

/// The calls of a list's page; `None` if it is none.
pub fn listed_calls(body: &str) -> Option<Vec<ListedCall>> {
    #[derive(Deserialize)]
    struct Page {
        calls: Vec<ListedCall>,
    }
    let page: Page = serde_json::from_str(body).ok()?;
    let usable = |call: &ListedCall| !call.sid.is_empty() && call.sid.len() <= super::FIELD_TEXT_MAX;
    Some(page.calls.into_iter().filter(usable).collect())
}

/// What an answer means.
pub fn rest_answer(status: u16, retry_after_s: Option<u32>, body: &str) -> RestAnswer {
    #[derive(Deserialize)]
    struct Call {
        sid: String,
        status: CallStatus,
    }
    if !(200..300).contains(&status) {
        return RestAnswer::Refused { status, retry_after_s };
    }
    match serde_json::from_str(body) {
        Ok(Call { sid, status }) if !sid.is_empty() && sid.len() <= super::FIELD_TEXT_MAX => {
            RestAnswer::Call { sid, status }
        }
        _ => RestAnswer::Malformed,
    }
}

/// The servers in the answer to [`RestCall::ice_servers`], at most 16; `None` if it is no such
/// answer. Addresses that no browser would ask are left out.
pub fn ice_servers(body: &str) -> Option<Vec<(IceUrl, Option<RelayLogin>)>> {
    #[derive(Deserialize)]
    struct Token {
        ice_servers: Vec<Listed>,
    }
    // Twilio writes each address twice, as `url` and `urls`; `urls` may be a list elsewhere.
    #[derive(Deserialize)]
    struct Listed {
        urls: Option<String>,
        url: Option<String>,
        username: Option<SecretString>,
        credential: Option<SecretString>,
    }
    let token: Token = serde_json::from_str(body).ok()?;
    let server = |listed: Listed| {
        let url = IceUrl::parse(&listed.urls.or(listed.url)?).ok()?;
        let login = listed.username.zip(listed.credential);
        Some((url, login.map(|(username, password)| RelayLogin { username, password })))
    };
    Some(token.ice_servers.into_iter().take(ICE_SERVERS_MAX).filter_map(server).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NumberCall;

    #[test]
    fn a_call_is_ordered_with_limits() {
        let account = Account { rest: Some("https://127.0.0.1:1/".to_owned()), ..Account::with_sid("AC1") };
        let edge = EdgeName::parse("ashburn").expect("a name");
        let request =
            RestRequest::Originate { marker: "rc=7".to_owned(), number: None, time_limit_s: 20, timeout_s: 15 };
        let call = RestCall::of(&account, &edge, "rc_pod_1", &request);
        assert_eq!(call.url, "https://127.0.0.1:1/2010-04-01/Accounts/AC1/Calls.json");
        assert_eq!(
            call.form.as_deref(),
            Some(
                "To=client%3Arc_pod_1%3Frc%3D7&From=client%3Aringcheck&Twiml=%3CResponse%3E%3CPlay+digits%3D%221%22%2F%3E\
                 %3CEcho%2F%3E%3C%2FResponse%3E&Timeout=15&TimeLimit=20"
            )
        );
        let number = NumberCall { number: "+15005550001".to_owned(), caller: "+15005550002".to_owned() };
        let request =
            RestRequest::Originate { marker: String::new(), number: Some(number), time_limit_s: 20, timeout_s: 15 };
        let form = RestCall::of(&account, &edge, "rc_pod_1", &request).form.expect("a form");
        assert!(form.starts_with("To=%2B15005550001&From=%2B15005550002&Twiml=%3CResponse"), "{form}");
        let end = RestCall::of(&account, &edge, "x", &RestRequest::End { sid: "CA/1".to_owned() });
        assert_eq!(end.url, "https://127.0.0.1:1/2010-04-01/Accounts/AC1/Calls/CA%2F1.json");
        assert_eq!(end.form.as_deref(), Some("Status=completed"));
    }

    #[test]
    fn calls_are_listed_by_a_name_and_only_those_of_the_name_are_taken() {
        let account = Account { rest: Some("https://127.0.0.1:1".to_owned()), ..Account::with_sid("AC1") };
        let edge = EdgeName::parse("ashburn").expect("a name");
        let list = RestCall::list(&account, &edge, &Parties::placed_by("rc_x"), "in-progress");
        assert_eq!(
            list.url,
            "https://127.0.0.1:1/2010-04-01/Accounts/AC1/Calls.json?From=client%3Arc_x&Status=in-progress&PageSize=20"
        );
        let page = r#"{"page":0,"calls":[
            {"sid":"CA1","from":"client:rc_x","to":""},
            {"sid":"CA2","from":"client:rc_xx","to":"client:rc_x?rc=7"},
            {"sid":"CA3","from":"+14155550100","to":null},
            {"sid":"","from":"client:rc_x"},
            {"sid":"CA5","from":"+14155550100","to":"client:rc_x"},
            {"sid":"CA6","from":"+14155550100","to":"+14155550111"},
            {"sid":"CA7","from":"+14155550111","to":"+14155550100"}]}"#;
        let found = |parties: Parties| -> Vec<String> {
            let calls = listed_calls(page).expect("a page").into_iter();
            calls.filter(|call| call.is_between(&parties)).map(|call| call.sid).collect()
        };
        assert_eq!(found(Parties::placed_by("rc_x")), ["CA1"]);
        assert_eq!(found(Parties::to_client("rc_x", None)), ["CA2", "CA5"]);
        assert_eq!(found(Parties::to_client("rc_x", Some("+14155550100"))), ["CA5"]);
        assert_eq!(found(Parties::between("+14155550100", "+14155550111")), ["CA6"]);
        assert_eq!(listed_calls("<html>"), None);
    }

    #[test]
    fn an_account_of_a_region_is_asked_there() {
        let account = Account { region: Some("ie1".to_owned()), ..Account::with_sid("AC1") };
        let edge = EdgeName::parse("dublin").expect("a name");
        let call = RestCall::of(&account, &edge, "x", &RestRequest::Status { sid: "CA1".to_owned() });
        assert_eq!(call.url, "https://api.dublin.ie1.twilio.com/2010-04-01/Accounts/AC1/Calls/CA1.json");
        assert_eq!(call.form, None);
    }

    #[test]
    fn servers_are_read_from_the_partners_list() {
        let body = r#"{ "username": "u", "password": "p", "ttl": "1800", "ice_servers": [
            { "url": "stun:global.stun.twilio.com:3478", "urls": "stun:global.stun.twilio.com:3478" },
            { "url": "turn:a:3478?transport=udp", "username": "u", "credential": "p", "urls": "turn:a:3478?transport=udp" },
            { "urls": "turns:a:443?transport=tcp", "username": "u", "credential": "p" },
            { "urls": "gopher:a" }, {} ] }"#;
        let listed = ice_servers(body).expect("a list");
        let shown: Vec<String> = listed
            .iter()
            .map(|(url, login)| format!("{} {}:{} {}", url.service.as_str(), url.host, url.port, login.is_some()))
            .collect();
        assert_eq!(shown, ["stun global.stun.twilio.com:3478 false", "turn-udp a:3478 true", "turn-tls a:443 true"]);
        for bad in ["", "{}", "[]", r#"{"ice_servers":{}}"#] {
            assert!(ice_servers(bad).is_none(), "{bad}");
        }
        let call = RestCall::ice_servers(
            &Account { rest: Some("https://127.0.0.1:1".to_owned()), ..Account::with_sid("AC1") },
            &EdgeName::parse("ashburn").expect("a name"),
        );
        assert_eq!(call.url, "https://127.0.0.1:1/2010-04-01/Accounts/AC1/Tokens.json");
        assert_eq!(call.form.as_deref(), Some("Ttl=1800"));
    }

    #[test]
    fn answers_are_understood() {
        let call = |status| RestAnswer::Call { sid: "CA1".to_owned(), status };
        for (status, body, expected) in [
            (201, r#"{"sid":"CA1","status":"queued","price":null}"#, call(CallStatus::Queued)),
            (200, r#"{"sid":"CA1","status":"in-progress"}"#, call(CallStatus::InProgress)),
            (200, r#"{"sid":"CA1","status":"teleported"}"#, call(CallStatus::Unknown)),
            (200, r#"{"sid":"CA1"}"#, RestAnswer::Malformed),
            (201, "", RestAnswer::Malformed),
            (401, r#"{"code":20003}"#, RestAnswer::Refused { status: 401, retry_after_s: None }),
        ] {
            assert_eq!(rest_answer(status, None, body), expected, "{status} {body}");
        }
    }
}
