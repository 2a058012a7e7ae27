//! What of a probe's file and of a pod's is about test calls.

use std::time::Duration;

use crate::model::{CallDirection, Codec, Digits, MediaPath};
use crate::plan::{
    CallLimit, CallRule, CallSettings, CallTarget, CallThresholds, FarEnd, KOfN, LongHold, PodCalls, ProbeKind,
};

use super::table::Table;

/// How the calls of a probe go; nothing for a probe that makes none. What does not fit the kind of
/// probe is a mistake.
pub fn settings(kind: ProbeKind, probe: &Table<'_>) -> Option<CallSettings> {
    let direction = match kind {
        ProbeKind::Connection => {
            if probe.has("call") {
                probe.mistake(
                    "call",
                    "this probe makes no calls",
                    "leave it out, or make a probe of kind \"outbound-call\"",
                );
            }
            return None;
        }
        ProbeKind::OutboundCall => CallDirection::Outbound,
        ProbeKind::InboundCall => CallDirection::Inbound,
    };
    if probe.has("hold") {
        probe.mistake("hold", "this is how long a connection is held", "write it in [call]");
    }
    let table = probe.table("call")?;
    let foreign: &[&str] = match direction {
        CallDirection::Outbound => &["ring_times", "to"],
        CallDirection::Inbound => &["far_end", "digits"],
    };
    for key in foreign.iter().filter(|key| table.has(key)) {
        table.mistake(key, format!("this has no meaning for {direction} calls"), "leave it out");
    }
    let hold = table.duration("hold");
    let long_holds = long_holds(&table, hold);
    let (path, far_end, to) = (table.text("path"), table.text("far_end"), table.text("to"));
    if far_end.as_deref() == Some("client") && table.has("digits") {
        table.mistake("digits", "another client of ours plays no digits back", "leave it out, or call the application");
    }
    let ring_times = match direction {
        CallDirection::Outbound => vec![Duration::ZERO],
        CallDirection::Inbound => table.durations("ring_times"),
    };
    let digits = digits(&table, hold);
    Some(CallSettings {
        direction,
        hold: hold?,
        long_holds,
        ring_times,
        codecs: codecs(&table),
        digits,
        path: MediaPath::ALL.into_iter().find(|known| Some(known.as_str()) == path.as_deref())?,
        far_end: if far_end? == "client" { FarEnd::Client } else { FarEnd::Application },
        to: if to? == "number" { CallTarget::Number } else { CallTarget::Client },
    })
}

fn long_holds(table: &Table<'_>, usual: Option<Duration>) -> Vec<LongHold> {
    let mut all = Vec::new();
    for one in table.tables("long_holds") {
        let (Some(hold), Some(share)) = (one.duration("hold"), one.share("share")) else { continue };
        if usual.is_some_and(|usual| hold <= usual) {
            one.mistake("hold", "this is not longer than the usual hold", "make it longer, or leave it out");
        }
        // At least one thousandth by its kind.
        all.push(LongHold { hold, permille: (share.get() * 1000.0).round() as u16 });
    }
    if all.iter().map(|long| u32::from(long.permille)).sum::<u32>() > 1000 {
        table.mistake("long_holds", "these shares are more than 100 % together", "lower them");
    }
    all.sort_by_key(|long| std::cmp::Reverse(long.hold));
    all
}

fn digits(table: &Table<'_>, hold: Option<Duration>) -> Option<Digits> {
    let text = if table.has("digits") { table.text("digits")? } else { return None };
    let digits = match Digits::parse(&text) {
        Ok(digits) => digits,
        Err(why) => {
            table.mistake("digits", format!("{text} cannot be pressed: {why}"), "w is a pause of half a second");
            return None;
        }
    };
    let needed = CallSettings::PLAY_BACK + digits.takes() * 2;
    if hold.is_some_and(|hold| hold < needed) {
        let seconds = needed.as_millis().div_ceil(1000);
        table.mistake("hold", "these digits cannot come back so soon", format!("write {seconds}s or more"));
    }
    Some(digits)
}

fn codecs(table: &Table<'_>) -> Vec<Codec> {
    let mut codecs: Vec<Codec> = Vec::new();
    for word in table.texts("codecs") {
        let codec = if word.value == Codec::Opus.as_str() { Codec::Opus } else { Codec::Pcmu };
        if codecs.contains(&codec) {
            table.mistake("codecs", format!("{} is there twice", word.value), "name each codec once");
        }
        codecs.push(codec);
    }
    codecs
}

/// What a pod's calls may cost, and which numbers they may have to do with.
pub fn pod_calls(budget: Option<&Table<'_>>, calls: Option<&Table<'_>>) -> Option<PodCalls> {
    let (budget, calls) = (budget?, calls?);
    let allowed = calls.texts("allowed_numbers");
    let number = |key: &str| {
        let number = calls.text(key)?;
        if !allowed.iter().any(|one| one.value == number) {
            calls.mistake(
                key,
                format!("{number} is not among allowed_numbers"),
                "add it there: no number is called or shown that is not written twice",
            );
        }
        Some(number)
    };
    let (own_number, caller) = (number("own_number"), number("caller"));
    if own_number.is_some() && caller.is_none() {
        calls.mistake("own_number", "a phone number cannot be called without a caller", "add caller");
    }
    let (minutes_per_hour, minutes_per_day) =
        (budget.integer("call_minutes_per_hour"), budget.integer("call_minutes_per_day"));
    Some(PodCalls {
        calls_per_hour: budget.integer("calls_per_hour")?,
        minutes_per_hour: minutes_per_hour?,
        minutes_per_day: minutes_per_day?,
        allowed_numbers: allowed.into_iter().map(|one| one.value).collect(),
        own_number,
        caller,
    })
}

/// When a pod's calls are bad.
pub fn thresholds(table: &Table<'_>) -> Option<CallThresholds> {
    let (k, n) = (table.integer::<u32>("failures"), table.integer::<u32>("of"));
    let failures = match (k, n) {
        (Some(k), Some(n)) if k > n => {
            table.mistake("failures", "more failures than calls", "failures is at most of");
            None
        }
        (Some(k), Some(n)) => Some(KOfN { k, n }),
        (None, None) => None,
        _ => {
            let key = if k.is_some() { "failures" } else { "of" };
            table.mistake(key, "failures and of go together", "write both, or neither");
            None
        }
    };
    let (rate, baseline) = (table.per_year("false_pages"), table.share("baseline"));
    let rules = if table.has("rule") {
        table.tables("rule").iter().filter_map(rule).collect()
    } else {
        CallThresholds::default().rules
    };
    Some(CallThresholds { failures, false_pages_per_year: rate?, baseline: baseline?, rules })
}

fn rule(table: &Table<'_>) -> Option<CallRule> {
    let (k, n) = (table.integer("calls"), table.integer("of"));
    if k > n && n.is_some() {
        table.mistake("calls", "more bad calls than calls", "calls is at most of");
    }
    let mut only = None;
    let limit = match table.text("kind")?.as_str() {
        "set_up" => CallLimit::SetUp(table.duration("longer_than")?),
        "delivery" => {
            only = Some(CallDirection::Inbound);
            CallLimit::Delivery(table.duration("longer_than")?)
        }
        "mos" => CallLimit::Mos(table.score("below")?),
        // At most a thousand by its kind.
        "loss" => CallLimit::Loss((table.share("more_than")?.get() * 1000.0).round() as u16),
        "one_way" => CallLimit::OneWay,
        _ => CallLimit::Degraded,
    };
    if only.is_none() {
        let word = table.text("direction");
        only = CallDirection::ALL.into_iter().find(|direction| Some(direction.as_str()) == word.as_deref());
    }
    Some(CallRule { direction: only, limit, of: KOfN { k: k?, n: n? } })
}
