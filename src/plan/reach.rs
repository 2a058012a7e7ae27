//! What tokens a pod's minter can make, found by making one of each.

use crate::model::{KeySlot, LocationName, Timestamp, TokenKind, TokenShape};
use crate::partner::twilio::{Account, MintRequest, SigningKey, mint};
use crate::token::{Form, OwnNames, Reach, shape_of};

use super::{PartnerAccount, Pod, TokenSource};

/// Signs tokens that never leave this file: only their shape is of interest.
const ANY_SECRET: &[u8] = b"shape only";
/// Any moment: digits are never symbols.
const ANY_TIME: Timestamp = Timestamp::from_millis(1_726_000_000_000);

impl Pod {
    /// What tokens can be made for it at this location, whose names they carry.
    pub fn reach(&self, location: &LocationName) -> Reach {
        let edges = self.edges().to_vec();
        match &self.tokens {
            TokenSource::Endpoint(endpoint) => Reach::foreign(endpoint.kind, edges),
            TokenSource::Minted { name_lengths, ttl_s, population } => {
                let names = OwnNames::new(&self.name, location);
                let mut forms = Vec::new();
                for kind in TokenKind::ALL {
                    for key in (0..self.keys(kind)).map(KeySlot) {
                        let lengths = name_lengths.iter();
                        forms.extend(lengths.filter_map(|length| self.form(&names, kind, key, *length, *ttl_s)));
                    }
                }
                let reach = Reach::minted(forms, edges);
                let frequencies = population.frequencies(&reach);
                reach.with_frequencies(&frequencies)
            }
        }
    }

    /// What an agent's token holds, as the minter makes it: a capability token names the
    /// application, and only then does its payload have the symbols that an agent's has.
    pub fn outgoing(&self, kind: TokenKind) -> Option<&str> {
        let PartnerAccount::Twilio(account) = &self.partner;
        account.application_sid.as_deref().filter(|_| kind == TokenKind::Capability)
    }

    /// What the tokens of an agent with this name look like, one for each kind and key that the
    /// pod has. None is made that the partner would take. Nothing where tokens are fetched from
    /// elsewhere, whose claims are not known, or if the name is longer than any name can be.
    pub fn forms_of_name(&self, name: &str) -> Vec<Form> {
        let TokenSource::Minted { ttl_s, .. } = &self.tokens else { return Vec::new() };
        let classes = TokenKind::ALL.into_iter().flat_map(|kind| (0..self.keys(kind)).map(move |key| (kind, key)));
        classes.filter_map(|(kind, key)| self.form_of(name, kind, KeySlot(key), *ttl_s)).collect()
    }

    fn form(&self, names: &OwnNames, kind: TokenKind, key: KeySlot, name_length: u8, ttl_s: u32) -> Option<Form> {
        // The shortest number: what the minter takes too, as long as it has at most ten names.
        self.form_of(&names.name(0, name_length), kind, key, ttl_s)
    }

    fn form_of(&self, identity: &str, kind: TokenKind, key: KeySlot, ttl_s: u32) -> Option<Form> {
        let PartnerAccount::Twilio(account) = &self.partner;
        let outgoing = self.outgoing(kind);
        let key_of = signing_key(account, kind, key)?;
        let request = MintRequest { account, key: key_of, identity, outgoing, now: ANY_TIME, ttl_s, serial: 1 };
        let TokenShape { payload, lengths, .. } = shape_of(mint(&request).expose());
        let name_length = u8::try_from(identity.chars().count()).ok()?;
        Some(Form {
            kind,
            key,
            name_length,
            natural: 0,
            shape: TokenShape { payload, lengths, ..TokenShape::default() },
        })
    }
}

fn signing_key(account: &Account, kind: TokenKind, key: KeySlot) -> Option<SigningKey<'_>> {
    match kind {
        TokenKind::Access => {
            let sid = account.api_keys.get(usize::from(key.0))?.sid.as_str();
            Some(SigningKey::ApiKey { sid, secret: ANY_SECRET })
        }
        TokenKind::Capability => Some(SigningKey::AuthToken { secret: ANY_SECRET }),
    }
}
