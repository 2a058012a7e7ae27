//! `ringcheck avoid`: asks a running node which tokens a token service may avoid, and approves it.

use serde_json::Value;

use crate::io::http::ApproveRequest;
use crate::model::Timestamp;

use super::ending::{Ending, Failure};
use super::globals::Globals;
use super::operator::OperatorArgs;
use super::output::{self, Format};

/// Show which tokens a token service may avoid now, and approve it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringcheck avoid               what may be avoided, and what waits for you
  ringcheck avoid approve 42    let token services avoid the tokens of incident 42

An approval ends by itself (avoid.expires_after), with its incident, and when the diagnosis changes.
Exit codes: 0 done, 1 the node refused, 2 a mistake in the arguments, 3 the node cannot be reached.")]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    operator: OperatorArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Let token services avoid the tokens of an incident
    Approve {
        /// Number of the incident
        #[arg(value_name = "INCIDENT")]
        incident: u32,
    },
}

/// Asks the node and prints what it answers.
pub fn run(args: &Args, _: &Globals) -> Result<Ending, Failure> {
    let reply = match args.action {
        None => args.operator.get("/api/v1/avoid")?,
        Some(Action::Approve { incident }) => {
            args.operator.post("/api/v1/avoid/approve", &ApproveRequest { incident })?
        }
    };
    let accepted = reply.status.is_success();
    match (args.format, &args.action) {
        (Format::Json, _) => output::write_json(&reply.body)?,
        (Format::Text, _) if !accepted => output::write(&format!("Refused: {}\n", reply.refusal()))?,
        (Format::Text, None) => output::write(&listed(&reply.body))?,
        (Format::Text, Some(Action::Approve { incident })) => output::write(&format!(
            "Token services may avoid the tokens of incident {incident}{}.\n",
            moment(&reply.body["until"]).map(|until| format!(" until {until}")).unwrap_or_default()
        ))?,
    }
    Ok(Ending::well_if(accepted))
}

/// `/api/v1/avoid` for people.
fn listed(answer: &Value) -> String {
    let items = |list: &str| answer[list].as_array().into_iter().flatten().map(told).collect::<String>();
    let text = items("avoid") + &items("waiting");
    if text.is_empty() {
        "There is nothing to avoid: no open incident has a verified cause in its tokens.\n".to_owned()
    } else {
        text
    }
}

fn told(item: &Value) -> String {
    let number = &item["incident"];
    let words = |list: &Value, key: Option<&str>| -> String {
        let texts = list.as_array().into_iter().flatten();
        let texts = texts.filter_map(|one| key.map_or(one, |key| &one[key]).as_str());
        texts.collect::<Vec<_>>().join(if key.is_some() { "; " } else { ", " })
    };
    let state = match moment(&item["expires"]) {
        Some(until) => format!("approved until {until}"),
        None => format!("waits for approval: ringcheck avoid approve {number}"),
    };
    let helps = match words(&item["remedies"], Some("text")) {
        helps if helps.is_empty() => String::new(),
        helps => format!("  helps   {helps}\n"),
    };
    format!(
        "Incident {number}: {state}\n  tokens  {}\n  pods    {}\n  since   {}\n{helps}",
        item["tokens"].as_str().unwrap_or_default(),
        words(&item["pods"], None),
        moment(&item["since"]).unwrap_or_default(),
    )
}

fn moment(value: &Value) -> Option<String> {
    let at = value.as_str().and_then(Timestamp::parse_rfc3339)?;
    Some(format!("{} UTC", at.date_and_clock()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_avoided_is_told_before_what_waits() {
        let item = |incident: u32, expires: Value| {
            serde_json::json!({
                "incident": incident, "pods": ["pod-14", "pod-18"], "tokens": "capability tokens",
                "predicate": [[{ "kind": "capability" }]],
                "remedies": [{ "text": "use access tokens", "remedy": { "other_kind": "access" } }],
                "since": "2024-09-10T22:58:40.000Z", "approved": !expires.is_null(), "expires": expires,
            })
        };
        let answer = serde_json::json!({
            "avoid": [item(7, Value::from("2024-09-11T00:58:40.000Z"))], "waiting": [item(8, Value::Null)],
        });
        let text = listed(&answer);
        assert!(text.starts_with(
            "Incident 7: approved until 2024-09-11 00:58:40 UTC\n  tokens  capability tokens\n  pods    pod-14, pod-18\n"
        ), "{text}");
        assert!(
            text.contains("  helps   use access tokens\nIncident 8: waits for approval: ringcheck avoid approve 8\n")
        );
        assert!(listed(&serde_json::json!({ "avoid": [], "waiting": [] })).starts_with("There is nothing"));
    }
}
