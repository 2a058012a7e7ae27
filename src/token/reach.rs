//! What tokens a pod's minter can make: computed by minting, not assumed.

use crate::model::{EdgeName, KeySlot, Segment, Symbol, TokenKind, TokenShape};

use super::Feature;
use super::feature::total_length;

/// One combination of what can be chosen of a token. Everything of its text but the signature
/// follows from it, except digits, and those are never symbols.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Form {
    /// Kind of token.
    pub kind: TokenKind,
    /// Which of the pod's keys signs it.
    pub key: KeySlot,
    /// Length of the name in it, in characters; 0 where we do not choose the name.
    pub name_length: u8,
    /// How frequent it is among the tokens of the pod's agents, in any unit; 0 in all forms if
    /// that is not known.
    pub natural: u32,
    /// Payload cells and lengths of one such token; its signature is left out. Default where the
    /// tokens are not ours and their text is not known beforehand.
    pub shape: TokenShape,
}

impl Form {
    /// True if every token of this form has the feature, whatever its signature and its edge.
    pub fn has(&self, feature: &Feature) -> bool {
        match feature {
            Feature::Kind(kind) => self.kind == *kind,
            Feature::Key(kind, key) => (self.kind, self.key) == (*kind, *key),
            Feature::NameLength(length) => self.name_length == *length,
            Feature::NameResidue(residue) => self.name_length % 3 == *residue,
            Feature::Edge(_) => false,
            of_the_text => of_the_text.holds_of(&self.shape),
        }
    }
}

/// What a pod's minter can make. A signature can hold any of its 84 cells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reach {
    forms: Vec<Form>,
    edges: Vec<EdgeName>,
    steered: bool,
}

impl Reach {
    /// Tokens that are minted here in these forms and used through these edges. Of forms with one
    /// kind, key and length only the first is kept.
    pub fn minted(forms: Vec<Form>, edges: Vec<EdgeName>) -> Self {
        let mut kept: Vec<Form> = Vec::with_capacity(forms.len());
        for form in forms {
            let same =
                |known: &Form| (known.kind, known.key, known.name_length) == (form.kind, form.key, form.name_length);
            if !kept.iter().any(same) {
                kept.push(form);
            }
        }
        Self { forms: kept, edges, steered: true }
    }

    /// The same, knowing how frequent each form is among the pod's agents, in the order of the forms.
    pub fn with_frequencies(mut self, frequencies: &[u32]) -> Self {
        for (form, frequency) in self.forms.iter_mut().zip(frequencies) {
            form.natural = *frequency;
        }
        self
    }

    /// Tokens of this kind that come from elsewhere: nothing about them can be chosen.
    pub fn foreign(kind: TokenKind, edges: Vec<EdgeName>) -> Self {
        let form = Form { kind, key: KeySlot(0), name_length: 0, natural: 0, shape: TokenShape::default() };
        Self { forms: vec![form], edges, steered: false }
    }

    /// The combinations, each once.
    pub fn forms(&self) -> &[Form] {
        &self.forms
    }

    /// What a token of this kind and key becomes if its name is to have so many characters: a name
    /// that is too short for us is made longer, by threes. `None` if the pod has no such token.
    pub fn form(&self, kind: TokenKind, key: KeySlot, name_length: u8) -> Option<&Form> {
        let alike = |form: &&Form| (form.kind, form.key, form.name_length % 3) == (kind, key, name_length % 3);
        let fitting = self.forms.iter().filter(alike).filter(|form| form.name_length >= name_length);
        fitting.min_by_key(|form| form.name_length)
    }

    /// The edges, first choice first.
    pub fn edges(&self) -> &[EdgeName] {
        &self.edges
    }

    /// True if tokens can be made to a wish.
    pub const fn is_steered(&self) -> bool {
        self.steered
    }

    /// The pairs of kind and key, in the order of the forms.
    pub fn classes(&self) -> Vec<(TokenKind, KeySlot)> {
        let mut classes = Vec::new();
        for form in &self.forms {
            if !classes.contains(&(form.kind, form.key)) {
                classes.push((form.kind, form.key));
            }
        }
        classes
    }

    /// The payload cells that tokens of this kind can hold, in order of offset.
    pub fn payload_cells(&self, kind: TokenKind) -> Vec<(u16, Symbol)> {
        let of_kind = self.forms.iter().filter(|form| form.kind == kind);
        let mut cells: Vec<_> = of_kind.flat_map(|form| form.shape.payload.iter().copied()).collect();
        cells.sort_unstable();
        cells.dedup();
        cells
    }

    /// Lengths that some of the tokens have and others have not, with any kind and key: of the name
    /// and its remainder mod 3, of the payload mod 4, and classes of the whole text's.
    pub fn lengths(&self) -> Vec<Feature> {
        let names = || self.forms.iter().map(|form| form.name_length);
        let mut lengths: Vec<Feature> = names().map(Feature::NameLength).collect();
        lengths.extend(names().map(|length| Feature::NameResidue(length % 3)));
        lengths.extend((0..4).map(|residue| Feature::LengthResidue(Segment::Payload, residue)));
        let totals = self.forms.iter().map(|form| total_length(&form.shape) / u32::from(Feature::LENGTH_STEP));
        lengths.extend(totals.filter_map(|class| u16::try_from(class).ok()).map(Feature::TotalLength));
        lengths.sort_unstable();
        lengths.dedup();
        let holding = |feature: &Feature| self.forms.iter().filter(|form| form.has(feature)).count();
        lengths.retain(|feature| (1..self.forms.len()).contains(&holding(feature)));
        lengths
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A pod with both kinds, so many API keys, and these name lengths: `_` stands in capability
    /// payloads whose name's length is divisible by three.
    pub(in crate::token) fn pod(keys: u8, lengths: &[u8]) -> Reach {
        let edges = ["ashburn", "dublin"].map(|edge| EdgeName::parse(edge).expect("a name")).to_vec();
        let classes =
            (0..keys).map(|key| (TokenKind::Access, KeySlot(key))).chain([(TokenKind::Capability, KeySlot(0))]);
        let forms = classes.flat_map(|(kind, key)| {
            lengths.iter().map(move |&name_length| {
                let (characters, steps) = (u16::from(name_length), u16::from(name_length) / 3);
                let hit = kind == TokenKind::Capability && name_length % 3 == 0;
                let payload = if hit { vec![(4 * (36 + steps) + 3, Symbol::Underscore)] } else { Vec::new() };
                let before = if kind == TokenKind::Capability { 230 } else { 250 };
                let lengths = [36, ((before + characters) * 4).div_ceil(3), 43];
                Form {
                    kind,
                    key,
                    name_length,
                    natural: 0,
                    shape: TokenShape { payload, lengths, ..TokenShape::default() },
                }
            })
        });
        Reach::minted(forms.collect(), edges)
    }

    #[test]
    fn a_reach_tells_its_classes_and_cells() {
        let reach = pod(2, &[24, 25, 26, 27, 24]);
        assert_eq!(reach.forms().len(), 12, "each once");
        assert_eq!(reach.classes().len(), 3);
        assert_eq!(reach.payload_cells(TokenKind::Access), []);
        assert_eq!(reach.payload_cells(TokenKind::Capability), [(179, Symbol::Underscore), (183, Symbol::Underscore)]);
        assert!(reach.form(TokenKind::Access, KeySlot(2), 24).is_none());
        let longer = reach.form(TokenKind::Access, KeySlot(0), 21).map(|form| form.name_length);
        assert_eq!(longer, Some(24), "made longer");
        let lengths: Vec<String> = reach.lengths().iter().map(ToString::to_string).collect();
        assert_eq!(
            lengths.join("; "),
            "name of 24 characters; name of 25 characters; name of 26 characters; name of 27 characters; \
             name length 0 (mod 3); name length 1 (mod 3); name length 2 (mod 3); payload length 0 (mod 4); \
             payload length 2 (mod 4); payload length 3 (mod 4); text of 432 characters or more; \
             text of 448 characters or more"
        );
        let foreign = Reach::foreign(TokenKind::Access, Vec::new());
        assert!(!foreign.is_steered() && foreign.forms().len() == 1);
    }
}
