//! Where a connection has come in, and which faults are switched on there.

use std::sync::Arc;

use crate::model::{AddressFamily, CallDirection, EdgeName, TokenShape, Traits};
use crate::partner::twilio::VerifiedToken;
use crate::sim::behaviour::{Behaviour, Ending, SessionFault, TransportFault};
use crate::sim::call_fault::{CallFault, RestFault};
use crate::sim::predicate::Node;
use crate::sim::rule::FaultRule;

/// Edge, home region, and the region in the partner's long form; what an edge beside these calls
/// its region is its own name.
const REGIONS: [(&str, &str, &str); 8] = [
    ("ashburn", "us1", "US_EAST_VIRGINIA"),
    ("dublin", "ie1", "EU_IRELAND"),
    ("frankfurt", "de1", "EU_FRANKFURT"),
    ("sao-paulo", "br1", "SOUTH_AMERICA_SAO_PAULO"),
    ("singapore", "sg1", "ASIAPAC_SINGAPORE"),
    ("sydney", "au1", "ASIAPAC_SYDNEY"),
    ("tokyo", "jp1", "ASIAPAC_TOKYO"),
    ("umatilla", "us2", "US_WEST_OREGON"),
];

/// Where a connection has come in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The edge.
    pub edge: EdgeName,
    /// The address family.
    pub family: Option<AddressFamily>,
    /// The partner's node that serves it.
    pub node: Node,
}

impl Place {
    /// The region in the partner's long form.
    pub(super) fn region(&self) -> &str {
        self.known().map_or(self.edge.as_str(), |(_, _, long)| long)
    }

    /// The home region's code.
    pub(super) fn home(&self) -> &'static str {
        self.known().map_or("us1", |(_, code, _)| code)
    }

    fn known(&self) -> Option<&'static (&'static str, &'static str, &'static str)> {
        REGIONS.iter().find(|(edge, ..)| *edge == self.edge.as_str())
    }
}

/// The faults that a connection may get.
#[derive(Clone, PartialEq, Debug)]
pub enum Faults {
    /// The first rule that applies.
    Rules(Arc<[FaultRule]>),
    /// This one, whatever the token.
    Fixed(Option<SessionFault>),
    /// This one in every call, and none besides.
    FixedCall(CallFault),
}

impl Faults {
    /// The transport fault of a new connection, and the rule that says so.
    pub fn transport(&self, place: &Place) -> Option<(TransportFault, &FaultRule)> {
        let Self::Rules(rules) = self else { return None };
        rules.iter().find_map(|rule| Some((rule.transport(&place.edge, place.family, place.node)?, rule)))
    }

    /// The session fault of a client with these traits, and the rule that says so. A misreading
    /// comes as the refusal that it leads to.
    pub fn session(&self, traits: &Traits, place: &Place) -> Option<(SessionFault, Option<&FaultRule>)> {
        match self {
            Self::Rules(rules) => rules.iter().find_map(|rule| {
                let fault = rule.session(traits, place.node)?;
                Some((refusal_of(fault, &traits.shape), Some(rule)))
            }),
            Self::Fixed(fault) => fault.map(|fault| (refusal_of(fault, &traits.shape), None)),
            Self::FixedCall(_) => None,
        }
    }

    /// The fault of a call in this direction of a client with these traits.
    pub fn call(&self, traits: &Traits, place: &Place, direction: CallDirection) -> Option<CallFault> {
        match self {
            Self::Rules(rules) => rules.iter().find_map(|rule| rule.call(traits, place.node, direction)),
            Self::Fixed(_) => None,
            Self::FixedCall(fault) => Some(*fault),
        }
    }

    /// The fault of the REST API at this place.
    pub fn rest(&self, place: &Place) -> Option<RestFault> {
        let fault = match self {
            Self::Rules(rules) => rules.iter().find_map(|rule| rule.rest(&place.edge, place.family, place.node)),
            Self::Fixed(_) => None,
            Self::FixedCall(fault) => Some(*fault),
        };
        match fault? {
            CallFault::Rest(fault) => Some(fault),
            _ => None,
        }
    }

    /// What a client with these traits meets at this place, transport before session, and the
    /// rule that says so.
    pub fn behaviour(&self, traits: &Traits, place: &Place) -> Option<(Behaviour, Option<&FaultRule>)> {
        if let Some((fault, rule)) = self.transport(place) {
            return Some((Behaviour::Transport(fault), Some(rule)));
        }
        self.session(traits, place).map(|(fault, rule)| (Behaviour::Session(fault), rule))
    }
}

/// A misreading as the refusal that it leads to; everything else as it is.
pub fn refusal_of(fault: SessionFault, shape: &TokenShape) -> SessionFault {
    let SessionFault::Misparse(misparse) = fault else { return fault };
    misparse.code(shape).map_or(fault, |code| SessionFault::Refuse {
        code,
        retry_after_s: None,
        then: Ending::Close(1000),
    })
}

/// The traits of a verified token as the partner sees them.
pub(super) fn traits_of(token: &VerifiedToken, shape: TokenShape, place: &Place) -> Traits {
    let length = token.identity.as_ref().map_or(0, |name| name.chars().count());
    Traits {
        kind: token.kind,
        key: token.key,
        name_length: u8::try_from(length).unwrap_or(u8::MAX),
        edge: place.edge.clone(),
        family: place.family,
        shape,
    }
}
