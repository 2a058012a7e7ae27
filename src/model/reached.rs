//! Where at the partner an attempt came out, as far as the partner told us.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::PartnerSaid;

/// A name that the partner gives to one of its places, fit to be shown and compared: 1 to 64 ASCII
/// letters, digits and `. _ : -`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlaceName(Arc<str>);

impl PlaceName {
    /// The longest that is taken, in characters.
    pub const LENGTH_MAX: usize = 64;

    /// The name, if it is one; anything longer or stranger is none.
    pub fn parse(name: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        let fits = (1..=Self::LENGTH_MAX).contains(&name.len()) && name.bytes().all(plain);
        fits.then(|| Self(Arc::from(name)))
    }

    /// As the partner writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for PlaceName {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        Self::parse(&name).ok_or_else(|| format!("not the name of a partner's place: {name:.80?}"))
    }
}

impl From<PlaceName> for String {
    fn from(name: PlaceName) -> Self {
        name.as_str().to_owned()
    }
}

/// Where at the partner an attempt came out. We cannot choose it, and the partner need not tell.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Serialize, Deserialize)]
pub struct Reached {
    /// The gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<PlaceName>,
    /// The region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<PlaceName>,
    /// The address that we connected to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
}

impl Reached {
    /// What the partner said, as far as it can be used.
    pub fn of(said: &PartnerSaid) -> Self {
        let name = |said: &Option<String>| said.as_deref().and_then(PlaceName::parse);
        Self {
            gateway: name(&said.gateway),
            region: name(&said.region),
            address: said.address.map(|address| address.ip()),
        }
    }

    /// True if nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_short_names_are_taken() {
        for (name, taken) in [
            ("gw-3", true),
            ("US_EAST_VIRGINIA", true),
            ("gll.4:x", true),
            ("", false),
            ("gw 3", false),
            ("<b>gw</b>", false),
            ("gw\n", false),
            ("gwä", false),
        ] {
            assert_eq!(PlaceName::parse(name).is_some(), taken, "{name:?}");
        }
        assert!(PlaceName::parse(&"x".repeat(PlaceName::LENGTH_MAX)).is_some());
        assert!(PlaceName::parse(&"x".repeat(PlaceName::LENGTH_MAX + 1)).is_none());
    }

    #[test]
    fn what_cannot_be_used_is_as_if_it_was_not_said() {
        let said = PartnerSaid {
            gateway: Some("gw 3".to_owned()),
            region: Some("EU_IRELAND".to_owned()),
            edge: None,
            address: Some(([192, 0, 2, 7], 443).into()),
        };
        let reached = Reached::of(&said);
        assert_eq!((reached.gateway.is_none(), reached.is_unknown()), (true, false));
        let text = serde_json::to_string(&reached).expect("plain data");
        assert_eq!(text, r#"{"region":"EU_IRELAND","address":"192.0.2.7"}"#);
        assert_eq!(serde_json::from_str::<Reached>(&text).expect("just written"), reached);
        assert!(Reached::of(&PartnerSaid::default()).is_unknown());
    }
}
