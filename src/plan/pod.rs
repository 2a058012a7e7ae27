//! A pod as configured.

use crate::model::{EdgeName, PodName, TokenKind};
use crate::partner::twilio;

use super::{Budget, IceSettings, PodCalls, Population, Probe, SecretRef, Thresholds};

/// An isolated slice of the product.
#[derive(Clone, Debug, PartialEq)]
pub struct Pod {
    /// Its name, for us.
    pub name: PodName,
    /// Its name for the public; nothing else about it is ever published.
    pub public_name: String,
    /// Its partner account.
    pub partner: PartnerAccount,
    /// Where its tokens come from.
    pub tokens: TokenSource,
    /// When it is broken.
    pub thresholds: Thresholds,
    /// What may be spent in it.
    pub budget: Budget,
    /// What its test calls may cost, and whom they may have to do with.
    pub calls: PodCalls,
    /// The servers that its calls use to find paths for their media.
    pub ice: IceSettings,
    /// A page that helps the on-call engineer.
    pub runbook: Option<String>,
}

impl Pod {
    /// The edges, first choice first; never empty.
    pub fn edges(&self) -> &[EdgeName] {
        match &self.partner {
            PartnerAccount::Twilio(account) => &account.edges,
        }
    }

    /// How many keys sign tokens of a kind; zero if the pod has no means to mint that kind.
    pub fn keys(&self, kind: TokenKind) -> u8 {
        if let TokenSource::Endpoint(endpoint) = &self.tokens {
            return u8::from(endpoint.kind == kind);
        }
        match &self.partner {
            PartnerAccount::Twilio(account) => account.keys(kind),
        }
    }

    /// The account at the partner: pods in one account share its limits.
    pub fn account(&self) -> &str {
        match &self.partner {
            PartnerAccount::Twilio(account) => &account.account_sid,
        }
    }

    /// Scheduled attempts a minute, calls left out, that these probes of it make together.
    pub fn attempts_per_minute<'p>(&self, probes: impl Iterator<Item = &'p Probe>) -> f64 {
        let given = f64::from(self.budget.connections_per_minute);
        let asked = probes.map(|probe| probe.asks_per_minute().unwrap_or(given)).sum::<f64>();
        asked.min(given)
    }
}

/// An account at a partner, by partner.
#[derive(Clone, Debug, PartialEq)]
pub enum PartnerAccount {
    /// Twilio Voice.
    Twilio(twilio::Account),
}

/// Where a pod's tokens come from.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenSource {
    /// Minted here with the pod's keys, under names that we own.
    Minted {
        /// Lengths of the names, in characters: what the pod's agents have. At least one; by
        /// default three in a row, so that every residue mod 3 is there.
        name_lengths: Vec<u8>,
        /// How long a token lives, in seconds: 60 to 3600.
        ttl_s: u32,
        /// The names of the pod's agents, as far as known.
        population: Population,
    },
    /// Fetched from the product's own token endpoint; attempts stop after `connected` unless the
    /// endpoint gives tokens for test agents.
    Endpoint(TokenEndpoint),
}

/// The product's own token endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenEndpoint {
    /// Asked with POST.
    pub url: String,
    /// Extra headers; values are secrets.
    pub headers: Vec<(String, SecretRef)>,
    /// A JSON pointer to the token in the answer; the whole body if absent.
    pub pointer: Option<String>,
    /// What kind of token it gives.
    pub kind: TokenKind,
    /// True if the names in its tokens are ours to register.
    pub test_agents: bool,
    /// Own certificate authority for it.
    pub ca_file: Option<std::path::PathBuf>,
}
