//! `config/pods/*.toml`.

use crate::model::{EdgeName, PodName, TokenKind};
use crate::partner::twilio::{Account, ApiKey, KNOWN_EDGES};
use crate::plan::{
    AgentNames, Budget, DeviceErrors, PartnerAccount, PlainRule, Pod, Population, Thresholds, TokenEndpoint,
    TokenSource,
};

use super::call;
use super::ice;
use super::nearest::nearest;
use super::shapes::NAME_LENGTHS;
use super::table::{Placed, Table};
use super::{Place, Problems};

/// A pod, and where what others refer to stands.
pub struct PodDraft {
    /// Its name, if it could be read.
    pub name: Option<Placed<PodName>>,
    /// Its name for the public.
    pub public_name: Option<Placed<String>>,
    /// Its account.
    pub account_sid: Option<Placed<String>>,
    /// All of it, if all of it is right.
    pub pod: Option<Pod>,
    /// Where its budget stands.
    pub budget_place: Place,
    /// Where its silence stands.
    pub silence_place: Place,
    /// Where its stable window stands, if it was written.
    pub stable_place: Option<Place>,
}

impl PodDraft {
    /// Reads the whole file. What is only doubtful goes to the warnings.
    pub fn read(table: &Table<'_>, warnings: &mut Problems) -> Self {
        let name = table.text("name").and_then(|name| PodName::parse(&name).ok());
        let partner = table.table("partner");
        let tokens = table.table("tokens");
        let thresholds_table = table.table("thresholds");
        let public_name = table.placed_text("public_name");
        let runbook = table.text("runbook");
        let account = partner.as_ref().and_then(|partner| twilio(partner, warnings));
        let source = tokens.as_ref().and_then(token_source);
        let minted = tokens.as_ref().is_some_and(|tokens| !tokens.has("from"));
        if let Some(partner) = &partner
            && minted
            && !partner.has("api_key")
            && !partner.has("auth_token")
        {
            partner.mistake(
                "api_key",
                "this pod has no key, so no token can be minted for it",
                "add api_key (or auth_token for capability tokens), or tokens.from",
            );
        }
        let thresholds = thresholds_table.as_ref().and_then(thresholds);
        let budget_table = table.table("budget");
        let calls = call::pod_calls(budget_table.as_ref(), table.table("calls").as_ref());
        let ice = table.table("ice").and_then(|table| ice::settings(&table, partner.as_ref()));
        let budget = budget_table.and_then(|table| table.integer("connections_per_minute"));
        let whole = || {
            Some(Pod {
                name: name.clone()?,
                public_name: public_name.clone()?.value,
                partner: PartnerAccount::Twilio(account?),
                tokens: source?,
                thresholds: thresholds?,
                budget: Budget { connections_per_minute: budget? },
                calls: calls?,
                ice: ice?,
                runbook,
            })
        };
        Self {
            pod: whole(),
            name: name.map(|value| Placed { value, place: table.place("name") }),
            public_name,
            account_sid: partner.as_ref().and_then(|partner| partner.placed_text("account_sid")),
            budget_place: table.place("budget"),
            stable_place: thresholds_table
                .as_ref()
                .filter(|table| table.has("stable"))
                .map(|table| table.place("stable")),
            silence_place: thresholds_table.map_or_else(|| table.place("thresholds"), |table| table.place("silence")),
        }
    }
}

fn twilio(table: &Table<'_>, warnings: &mut Problems) -> Option<Account> {
    let edges = table.texts("edges");
    for edge in &edges {
        if !KNOWN_EDGES.contains(&edge.value.as_str()) && !table.has("signalling") {
            let hint = nearest(&edge.value, KNOWN_EDGES).map(|near| format!("did you mean \"{near}\"?"));
            warnings.push(edge.place.clone(), format!("edge \"{}\" is not one that we know", edge.value), hint);
        }
    }
    let key = |table: &Table<'_>| {
        let (sid, secret) = (table.text("sid"), table.secret("secret"));
        Some(ApiKey { sid: sid?, secret: secret? })
    };
    let api_keys = table.tables("api_key").iter().filter_map(key).collect();
    let (application_sid, far_application_sid) = (table.text("application_sid"), table.text("far_application_sid"));
    if far_application_sid.is_some() && far_application_sid == application_sid {
        table.mistake(
            "far_application_sid",
            "this is application_sid again, and one application cannot both echo and ring a client",
            "make a second application: docs/calls.md",
        );
    }
    let auth_token = table.secret("auth_token");
    let (region, signalling) = (table.text("region"), table.text("signalling"));
    let (rest, ca_file) = (table.text("rest"), table.ca_file("ca_file"));
    Some(Account {
        account_sid: table.text("account_sid")?,
        application_sid,
        far_application_sid,
        edges: edges.iter().filter_map(|edge| EdgeName::parse(&edge.value).ok()).collect(),
        api_keys,
        auth_token,
        region,
        signalling,
        rest,
        ca_file,
    })
}

fn token_source(table: &Table<'_>) -> Option<TokenSource> {
    let mut name_lengths = table.integers("name_lengths");
    let population = Population::new(table.tables("population").iter().filter_map(agent_names).collect());
    if !table.has("name_lengths") {
        let natural = population.lengths(NAME_LENGTHS);
        name_lengths = if natural.is_empty() { name_lengths } else { natural };
    }
    let ttl = table.duration("ttl");
    if !table.has("from") {
        let ttl_s = u32::try_from(ttl?.as_secs()).ok()?;
        return Some(TokenSource::Minted { name_lengths, ttl_s, population });
    }
    for key in ["name_lengths", "population", "ttl"] {
        if table.has(key) {
            table.mistake(key, "this is for minted tokens only", "leave it out: tokens.from fetches them");
        }
    }
    table.table("from").and_then(|table| endpoint(&table)).map(TokenSource::Endpoint)
}

fn agent_names(table: &Table<'_>) -> Option<AgentNames> {
    let kind = table.text("kind").map(|kind| if kind == "access" { TokenKind::Access } else { TokenKind::Capability });
    let (length, agents) = (table.integer("length"), table.integer("agents"));
    let other_characters = table.integer("other_characters")?;
    if agents.is_some_and(|agents| other_characters > agents) {
        table.mistake("other_characters", "more than there are agents", "it counts some of the agents");
    }
    Some(AgentNames { kind, length: length?, agents: agents?, other_characters })
}

fn endpoint(table: &Table<'_>) -> Option<TokenEndpoint> {
    let (headers, pointer) = (table.secrets_by_name("headers"), table.text("pointer"));
    for (name, _) in &headers {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(token) {
            table.mistake("headers", "this is not the name of a header", "write for example X-Api-Key");
        }
    }
    let kind = match table.text("kind").as_deref() {
        Some("capability") => TokenKind::Capability,
        _ => TokenKind::Access,
    };
    let (test_agents, ca_file) = (table.flag("test_agents"), table.ca_file("ca_file"));
    Some(TokenEndpoint { url: table.text("url")?, headers, pointer, kind, test_agents: test_agents?, ca_file })
}

fn thresholds(table: &Table<'_>) -> Option<Thresholds> {
    let device_errors = table.table("device_errors").and_then(|table| device_errors(&table));
    let calls = table.table("calls").and_then(|table| call::thresholds(&table));
    let plain = table.tables("rule").iter().filter_map(plain_rule).collect();
    let (persist, overdue) = (table.duration("persist"), table.duration("overdue"));
    let (stable, silence) = (table.duration("stable"), table.duration("silence"));
    Some(Thresholds {
        device_errors: device_errors?,
        plain,
        calls: calls?,
        persist: persist?,
        overdue: overdue?,
        stable: stable?,
        silence: silence?,
    })
}

fn device_errors(table: &Table<'_>) -> Option<DeviceErrors> {
    let (detect, baseline) = (table.share("detect"), table.share("baseline"));
    let rate = table.per_year("false_pages");
    if let (Some(detect), Some(baseline)) = (detect, baseline)
        && baseline.get() * 2.0 >= detect.get()
    {
        table.mistake(
            if table.has("baseline") { "baseline" } else { "detect" },
            format!("{detect} cannot be told from a baseline of {baseline}"),
            "raise detect to more than twice the baseline",
        );
    }
    Some(DeviceErrors { detect: detect?, false_pages_per_year: rate?, baseline: baseline? })
}

fn plain_rule(table: &Table<'_>) -> Option<PlainRule> {
    match table.text("kind")?.as_str() {
        "share" => {
            let (share, window, minimum) = (table.share("share"), table.duration("window"), table.integer("minimum"));
            Some(PlainRule::ShareInWindow { share: share?, window: window?, minimum: minimum? })
        }
        "k_of_n" => {
            let (failures, of) = (table.integer::<u32>("failures"), table.integer::<u32>("of"));
            if failures > of && of.is_some() {
                table.mistake("failures", "more failures than attempts", "failures is at most of");
            }
            Some(PlainRule::KOfN { failures: failures?, of: of? })
        }
        "consecutive" => Some(PlainRule::Consecutive { failures: table.integer("failures")? }),
        "too_few" => {
            let (minimum, window) = (table.integer("minimum"), table.duration("window"));
            Some(PlainRule::TooFew { minimum: minimum?, window: window? })
        }
        "latency" => {
            let (percentile, of) = (table.integer("percentile"), table.integer("of"));
            Some(PlainRule::Latency { percentile: percentile?, longer_than: table.duration("longer_than")?, of: of? })
        }
        "certificate_days" => Some(PlainRule::CertificateDays { days: table.integer("days")? }),
        _ => None,
    }
}
