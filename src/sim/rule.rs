//! A fault that is switched on: which one, and when it applies.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{AddressFamily, CallDirection, EdgeName, Traits};

use super::behaviour::{Behaviour, SessionFault, TransportFault};
use super::call_fault::CallFault;
use super::fault::{Fault, UnknownFault};
use super::predicate::{Node, Percent, Predicate};
use super::setting::{SettingError, Settings};

/// Most rules that a pod can have at a time.
pub const RULES_MAX: usize = 64;

/// A fault that is switched on. The first rule of a pod that applies wins, transport before
/// session.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(try_from = "RuleText", into = "RuleText")]
pub struct FaultRule {
    fault: Fault,
    when: Predicate,
}

/// Why a rule was refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RuleError {
    /// No such fault.
    #[error(transparent)]
    Unknown(#[from] UnknownFault),
    /// A parameter that does not fit.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The fault strikes before the partner has seen a token.
    #[error("{0} strikes before the partner has seen a token; its `when` can hold edge, family and share only")]
    Blind(&'static str),
    /// Only calls have a direction, and some faults only one.
    #[error("{0} does not concern {1} calls; its `when` holds no such direction")]
    Direction(&'static str, CallDirection),
    /// Two shares.
    #[error("`share` is written twice: in the rule and in its `when`")]
    TwoShares,
}

impl FaultRule {
    /// A rule, if the fault can depend on what the predicate asks.
    pub fn new(fault: Fault, when: Predicate) -> Result<Self, RuleError> {
        let is_rest = matches!(fault.behaviour(), Behaviour::Call(CallFault::Rest(_)));
        if (fault.transport().is_some() || is_rest) && !when.is_blind() {
            return Err(RuleError::Blind(fault.name()));
        }
        if let Some(direction) = when.direction
            && !matches!(fault.behaviour(), Behaviour::Call(of_calls) if of_calls.concerns(direction))
        {
            return Err(RuleError::Direction(fault.name(), direction));
        }
        Ok(Self { fault, when })
    }

    /// A fault that always applies.
    pub fn always(fault: Fault) -> Self {
        Self { fault, when: Predicate::default() }
    }

    /// The fault.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// When it applies.
    pub fn when(&self) -> &Predicate {
        &self.when
    }

    /// The transport fault that a new connection gets, if the rule is one and applies.
    pub fn transport(&self, edge: &EdgeName, family: Option<AddressFamily>, node: Node) -> Option<TransportFault> {
        self.fault.transport().filter(|_| self.when.holds_unseen(edge, family, node))
    }

    /// The session fault that a client with these traits gets, if the rule is one and applies.
    /// A misreading that does not matter for the token does not apply.
    pub fn session(&self, traits: &Traits, node: Node) -> Option<SessionFault> {
        let Behaviour::Session(fault) = self.fault.behaviour() else { return None };
        let matters = match fault {
            SessionFault::Misparse(misparse) => misparse.code(&traits.shape).is_some(),
            _ => true,
        };
        (matters && self.when.holds(traits, node)).then_some(fault)
    }

    /// The fault of a call in this direction of a client with these traits, if the rule is one and
    /// applies.
    pub fn call(&self, traits: &Traits, node: Node, direction: CallDirection) -> Option<CallFault> {
        let Behaviour::Call(fault) = self.fault.behaviour() else { return None };
        let applies = fault.concerns(direction) && self.when.holds_towards(direction);
        (applies && self.when.holds(traits, node)).then_some(fault)
    }

    /// The fault of the REST API, if the rule is one and applies.
    pub fn rest(&self, edge: &EdgeName, family: Option<AddressFamily>, node: Node) -> Option<CallFault> {
        let Behaviour::Call(fault @ CallFault::Rest(_)) = self.fault.behaviour() else { return None };
        self.when.holds_unseen(edge, family, node).then_some(fault)
    }
}

impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.fault, self.when)
    }
}

/// A rule as it is written in TOML and JSON.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    fault: String,
    #[serde(default, skip_serializing_if = "Predicate::is_always")]
    when: Predicate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share: Option<Percent>,
    #[serde(default, rename = "with", skip_serializing_if = "is_default")]
    settings: Settings,
}

fn is_default(settings: &Settings) -> bool {
    *settings == Settings::default()
}

impl TryFrom<RuleText> for FaultRule {
    type Error = RuleError;
    fn try_from(text: RuleText) -> Result<Self, RuleError> {
        let fault = Fault::named(&text.fault)?.with(text.settings)?;
        if text.share.is_some() && text.when.share.is_some() {
            return Err(RuleError::TwoShares);
        }
        let share = text.share.or(text.when.share);
        Self::new(fault, Predicate { share, ..text.when })
    }
}

impl From<FaultRule> for RuleText {
    fn from(rule: FaultRule) -> Self {
        Self {
            fault: rule.fault.name().to_owned(),
            share: rule.when.share,
            when: Predicate { share: None, ..rule.when },
            settings: *rule.fault.settings(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Result<FaultRule, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_rule_reads_and_prints() {
        let text = r#"
            fault = "parser-fails"
            when = { kind = "capability", payload = { symbol = "_", residue = 3 } }
            share = "33%"
            with = { part = "payload" }
        "#;
        let rule = rule(text).expect("valid");
        assert_eq!(
            rule.to_string(),
            "parser-fails (capability tokens, _ at offset = 3 mod 4 in the payload, 33 % of nodes)"
        );
        let json = serde_json::to_string(&rule).expect("plain data");
        assert_eq!(serde_json::from_str::<FaultRule>(&json).expect("just written"), rule);
    }

    #[test]
    fn a_rule_that_cannot_be_is_refused() {
        for (text, said) in [
            (r#"fault = "tcp-refuse""#, r#"did you mean "tcp-refused"?"#),
            ("fault = \"tls-alert\"\nwhen = { kind = \"access\" }", "strikes before the partner has seen a token"),
            ("fault = \"tls-alert\"\nshare = \"5%\"\nwhen = { share = \"5%\" }", "written twice"),
            ("fault = \"tls-alert\"\nwith = { code = 1 }", "has no parameter `code`; it has none"),
            (
                "fault = \"tls-alert\"\nwhen = { direction = \"inbound\" }",
                "strikes before the partner has seen a token",
            ),
            ("fault = \"token-invalid\"\nwhen = { direction = \"inbound\" }", "does not concern inbound calls"),
            ("fault = \"call-not-delivered\"\nwhen = { direction = \"outbound\" }", "does not concern outbound calls"),
            ("fault = \"tls-alert\"\nwith = { db = 3 }", "has no parameter `db`"),
            ("fault = \"tls-alert\"\nwhom = 1", "unknown field `whom`"),
        ] {
            let error = rule(text).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
