//! When a fault applies: conditions on what the partner sees of an attempt, all of which must
//! hold. In TOML: `when = { kind = "capability", payload = { symbol = "_", residue = 3 } }`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{
    AddressFamily, CallDirection, EdgeName, KeySlot, Share, SignatureCells, StableHasher, Symbol, TokenKind, Traits,
};

/// Conditions that must all hold; none at all always holds.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    /// This kind of token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<TokenKind>,
    /// Signed with the key in this slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeySlot>,
    /// The name in the token is like this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<NameIs>,
    /// The payload has such a character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<CellIs>,
    /// The payload's length mod 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_length_residue: Option<Residue<4>>,
    /// The signature has such a character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<CellIs>,
    /// It came in through this edge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<EdgeName>,
    /// Over this address family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<AddressFamily>,
    /// In calls of this direction; of faults of calls only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<CallDirection>,
    /// On this share of the partner's nodes; which node serves a connection is drawn afresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Percent>,
}

/// A condition on the name in a token; all that is set must hold.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameIs {
    /// Its length mod 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residue: Option<Residue<3>>,
    /// Its length in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u8>,
}

/// A condition on `-` and `_` in a part of a token; one place must fit all that is set.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellIs {
    /// Only this character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Symbol>,
    /// Its offset mod 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residue: Option<Residue<4>>,
    /// Its offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u16>,
    /// This character stands right behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Symbol>,
}

/// What is left of a number divided by `M`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Residue<const M: u8>(u8);

impl<const M: u8> Residue<M> {
    /// The residue, if it is less than `M`.
    pub const fn new(residue: u8) -> Option<Self> {
        if residue < M { Some(Self(residue)) } else { None }
    }

    fn is_of(self, number: u16) -> bool {
        number % u16::from(M) == u16::from(self.0)
    }
}

impl<const M: u8> TryFrom<u8> for Residue<M> {
    type Error = String;
    fn try_from(residue: u8) -> Result<Self, String> {
        Self::new(residue).ok_or_else(|| format!("a residue mod {M} is at most {}, not {residue}", M - 1))
    }
}

impl<const M: u8> From<Residue<M>> for u8 {
    fn from(residue: Residue<M>) -> Self {
        residue.0
    }
}

/// A share above nothing, written as `"33%"`.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Percent(Share);

impl Percent {
    /// The share, if it is more than nothing.
    pub fn new(share: Share) -> Option<Self> {
        (share.get() > 0.0).then_some(Self(share))
    }

    /// The share.
    pub fn share(self) -> Share {
        self.0
    }
}

impl TryFrom<String> for Percent {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("a share is written like \"33%\", more than 0% and at most 100%; not {text:?}");
        let number: f64 = text.strip_suffix('%').map(str::trim).and_then(|n| n.parse().ok()).ok_or_else(wrong)?;
        Share::new(number / 100.0).and_then(Self::new).ok_or_else(wrong)
    }
}

impl From<Percent> for String {
    fn from(percent: Percent) -> Self {
        format!("{}%", (percent.0.get() * 1e6).round() / 1e4)
    }
}

impl Predicate {
    /// Reads the inside of a `when = { … }`, as on a command line.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Whole {
            when: Predicate,
        }
        toml::from_str::<Whole>(&format!("when = {{ {text} }}")).map(|whole| whole.when)
    }

    /// True if it holds for an attempt with these traits, on the node that was drawn for it.
    pub fn holds(&self, traits: &Traits, node: Node) -> bool {
        self.token_holds(traits)
            && self.edge.as_ref().is_none_or(|edge| *edge == traits.edge)
            && self.family.is_none_or(|family| traits.family == Some(family))
            && self.node_holds(node)
    }

    /// True if it holds before the partner has seen a token. Only rules that
    /// [`Predicate::is_blind`] may be asked this.
    pub fn holds_unseen(&self, edge: &EdgeName, family: Option<AddressFamily>, node: Node) -> bool {
        self.edge.as_ref().is_none_or(|only| only == edge)
            && self.family.is_none_or(|only| family == Some(only))
            && self.node_holds(node)
    }

    /// True if it does not depend on the token.
    pub fn is_blind(&self) -> bool {
        *self == Self { edge: self.edge.clone(), family: self.family, share: self.share, ..Self::default() }
    }

    /// True if it holds for a call of this direction, as far as the direction is concerned.
    pub fn holds_towards(&self, direction: CallDirection) -> bool {
        self.direction.is_none_or(|only| only == direction)
    }

    /// True if it always holds.
    pub fn is_always(&self) -> bool {
        *self == Self::default()
    }

    fn token_holds(&self, traits: &Traits) -> bool {
        let shape = &traits.shape;
        self.kind.is_none_or(|kind| kind == traits.kind)
            && self.key.is_none_or(|key| key == traits.key)
            && self.name.is_none_or(|name| name.holds(traits.name_length))
            && self.payload.is_none_or(|cell| cell.is_among(&shape.payload))
            && self.payload_length_residue.is_none_or(|residue| residue.is_of(shape.lengths[1]))
            && self
                .signature
                .is_none_or(|cell| cell.is_among(&SignatureCells::iter(shape.signature).collect::<Vec<_>>()))
    }

    fn node_holds(&self, node: Node) -> bool {
        self.share.is_none_or(|percent| node.lies_in(percent.0))
    }
}

impl NameIs {
    fn holds(self, length: u8) -> bool {
        self.residue.is_none_or(|residue| residue.is_of(u16::from(length)))
            && self.length.is_none_or(|only| only == length)
    }
}

impl CellIs {
    fn is_among(self, cells: &[(u16, Symbol)]) -> bool {
        let followed = |at: u16| self.then.is_none_or(|next| cells.contains(&(at.saturating_add(1), next)));
        cells.iter().any(|(at, symbol)| self.fits(*at, *symbol) && followed(*at))
    }

    fn fits(self, offset: u16, symbol: Symbol) -> bool {
        self.symbol.is_none_or(|only| only == symbol)
            && self.residue.is_none_or(|residue| residue.is_of(offset))
            && self.offset.is_none_or(|only| only == offset)
    }
}

/// The partner's node that serves one connection, as a point on a line: a share takes the line
/// up to it. Drawn from a seed and the connection, so that the same run gives the same nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Node(u64);

/// 2^64: the whole line.
const LINE: f64 = 18_446_744_073_709_551_616.0;

impl Node {
    /// The node of a connection (or attempt).
    pub fn of(seed: u64, connection: u64) -> Self {
        Self(StableHasher::new("partner-node").number(seed).number(connection).finish())
    }

    /// The name of its gateway: the line is cut into ten, so that a share of 10 % is `gw-0`.
    pub fn gateway(self) -> String {
        format!("gw-{}", (self.0 as f64 / LINE * 10.0).floor().min(9.0))
    }

    fn lies_in(self, share: Share) -> bool {
        (self.0 as f64) < share.get() * LINE || share == Share::ONE
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_always() {
            return f.write_str("always");
        }
        let mut parts = Vec::new();
        parts.extend(self.kind.map(|kind| format!("{kind} tokens")));
        parts.extend(self.key.map(|key| format!("key {}", key.0)));
        parts.extend(self.name.map(|name| name.to_string()));
        parts.extend(self.payload.map(|cell| format!("{cell} in the payload")));
        parts.extend(self.payload_length_residue.map(|r| format!("payload length = {} mod 4", r.0)));
        parts.extend(self.signature.map(|cell| format!("{cell} in the signature")));
        parts.extend(self.edge.as_ref().map(|edge| format!("edge {edge}")));
        parts.extend(self.family.map(|family| match family {
            AddressFamily::V4 => "IPv4".to_owned(),
            AddressFamily::V6 => "IPv6".to_owned(),
        }));
        parts.extend(self.direction.map(|direction| format!("{direction} calls")));
        parts.extend(self.share.map(|percent| format!("{} of nodes", percent.0)));
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for NameIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("name")?;
        if let Some(length) = self.length {
            write!(f, " of {length} characters")?;
        }
        self.residue.map_or(Ok(()), |residue| write!(f, " with length = {} mod 3", residue.0))
    }
}

impl fmt::Display for CellIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.symbol {
            Some(symbol) => write!(f, "{symbol}")?,
            None => f.write_str("- or _")?,
        }
        if let Some(offset) = self.offset {
            write!(f, " at offset {offset}")?;
        }
        if let Some(next) = self.then {
            write!(f, " before {next}")?;
        }
        self.residue.map_or(Ok(()), |residue| write!(f, " at offset = {} mod 4", residue.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TokenShape;

    fn traits() -> Traits {
        let mut shape = TokenShape { lengths: [36, 199, 43], ..TokenShape::default() };
        shape.payload.push((147, Symbol::Underscore));
        shape.signature.insert(10, Symbol::Dash);
        Traits {
            kind: TokenKind::Capability,
            key: KeySlot(0),
            name_length: 6,
            edge: EdgeName::parse("ashburn").expect("a name"),
            family: Some(AddressFamily::V4),
            shape,
        }
    }

    #[test]
    fn every_condition_must_hold() {
        for (text, holds) in [
            ("", true),
            (r#"kind = "capability""#, true),
            (r#"kind = "access""#, false),
            (r#"kind = "capability", key = 0"#, true),
            ("key = 1", false),
            ("name = { residue = 0 }", true),
            ("name = { residue = 0, length = 9 }", false),
            (r#"payload = { symbol = "_", residue = 3 }"#, true),
            (r#"payload = { symbol = "-", residue = 3 }"#, false),
            ("payload = { offset = 147 }", true),
            ("payload = { offset = 147, residue = 2 }", false),
            ("payload_length_residue = 3", true),
            ("signature = {}", true),
            (r#"signature = { symbol = "-", offset = 10 }"#, true),
            (r#"signature = { symbol = "_", offset = 10 }"#, false),
            (r#"signature = { symbol = "-", then = "_" }"#, false),
            (r#"edge = "dublin""#, false),
            (r#"family = "v4""#, true),
            (r#"share = "100%""#, true),
        ] {
            let predicate = Predicate::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(predicate.holds(&traits(), Node::of(1, 1)), holds, "{text}");
        }
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (text, said) in [
            (r#"kin = "access""#, "unknown field `kin`, expected one of `kind`"),
            (r#"kind = "legacy""#, "unknown variant `legacy`, expected `access` or `capability`"),
            ("name = { residue = 3 }", "a residue mod 3 is at most 2, not 3"),
            (r#"share = "33""#, "a share is written like \"33%\""),
            (r#"share = "0%""#, "more than 0%"),
            (r#"payload = { symbol = "+" }"#, "unknown variant `+`"),
        ] {
            let error = Predicate::parse(text).expect_err(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
            assert!(error.contains("line 1, column"), "{text}: {error}");
        }
    }

    #[test]
    fn a_share_of_nodes_is_that_share_and_the_same_each_time() {
        let predicate = Predicate::parse(r#"share = "33%""#).expect("valid");
        let hit = |seed| (0..10_000).filter(|n| predicate.holds(&traits(), Node::of(seed, *n))).count();
        assert!((3_100..3_500).contains(&hit(7)), "{}", hit(7));
        assert_eq!(hit(7), hit(7));
        assert_ne!(hit(7), hit(8));
    }

    #[test]
    fn it_reads_as_people_say_it_and_survives_a_round_trip() {
        let text = r#"kind = "capability", payload = { symbol = "_", residue = 3 }, share = "12.5%""#;
        let predicate = Predicate::parse(text).expect("valid");
        assert_eq!(predicate.to_string(), "capability tokens, _ at offset = 3 mod 4 in the payload, 12 % of nodes");
        let json = serde_json::to_string(&predicate).expect("plain data");
        assert_eq!(serde_json::from_str::<Predicate>(&json).expect("just written"), predicate);
        assert_eq!(Predicate::default().to_string(), "always");
    }

    #[test]
    fn what_depends_on_the_token_is_known() {
        for (text, blind) in [("", true), (r#"share = "5%", edge = "ashburn""#, true), (r#"kind = "access""#, false)] {
            assert_eq!(Predicate::parse(text).expect("valid").is_blind(), blind, "{text}");
        }
    }
}
