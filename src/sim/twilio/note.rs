//! What the partner did and why: the ground truth that a monitor's findings are held against.

use serde::Serialize;

use crate::model::Traits;

/// One thing that the partner did. Holds no token and no name.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Note {
    /// What was done, in a word or two.
    pub did: &'static str,
    /// The code that was sent: of a frame, of HTTP or of a WebSocket close.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// The rule that made it so; absent if the partner did as it should.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// What the partner saw of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traits: Option<Traits>,
}

impl Note {
    /// What was done, without a reason.
    pub fn of(did: &'static str) -> Self {
        Self { did, code: None, fault: None, traits: None }
    }

    /// With a code.
    pub fn code(self, code: u32) -> Self {
        Self { code: Some(code), ..self }
    }

    /// With the rule that made it so.
    pub fn because(self, rule: Option<impl ToString>) -> Self {
        Self { fault: rule.map(|rule| rule.to_string()), ..self }
    }
}
