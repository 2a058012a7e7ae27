//! Properties of an attempt that a fault could depend on.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{EdgeName, KeySlot, TokenKind};

/// Everything about an attempt that a fault could depend on and that we know.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Traits {
    /// Kind of token.
    pub kind: TokenKind,
    /// Which of the pod's keys signed it.
    pub key: KeySlot,
    /// Length of the name (identity) in it, in characters.
    pub name_length: u8,
    /// Where traffic entered the partner.
    pub edge: EdgeName,
    /// Address family of the connection, once there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<AddressFamily>,
    /// What the token's text looks like; default where no token came to be.
    pub shape: TokenShape,
}

impl Traits {
    /// The name's length mod 3: it decides the alignment of what follows it in base64url.
    pub fn name_residue(&self) -> u8 {
        self.name_length % 3
    }
}

/// IPv4 or IPv6.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressFamily {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// One of the three parts of a token's text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Segment {
    /// The first part.
    Header,
    /// The second part.
    Payload,
    /// The third part.
    Signature,
}

/// The two characters in which base64url differs from base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Symbol {
    /// `-`, value 62.
    #[serde(rename = "-")]
    Dash,
    /// `_`, value 63.
    #[serde(rename = "_")]
    Underscore,
}

impl Symbol {
    /// The symbol that a byte of a token's text is, if it is one.
    pub const fn of(byte: u8) -> Option<Self> {
        match byte {
            b'-' => Some(Self::Dash),
            b'_' => Some(Self::Underscore),
            _ => None,
        }
    }

    /// The character.
    pub const fn as_char(self) -> char {
        match self {
            Self::Dash => '-',
            Self::Underscore => '_',
        }
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_char())
    }
}

/// One place where `-` or `_` stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Cell {
    /// In which part.
    pub segment: Segment,
    /// Which character.
    pub symbol: Symbol,
    /// At which offset within the part, from 0.
    pub offset: u16,
}

/// Which of the 84 possible cells of an HS256 signature are there: 42 offsets, two symbols.
/// Written as hexadecimal text: a number of 128 bits inside a tagged fact could not be read back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SignatureCells(pub u128);

impl From<SignatureCells> for String {
    fn from(cells: SignatureCells) -> Self {
        format!("{:x}", cells.0)
    }
}

impl TryFrom<String> for SignatureCells {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&text, 16).map(Self)
    }
}

impl SignatureCells {
    /// Offsets at which a symbol can stand: the 43rd character never is one (it holds 4 bits).
    pub const OFFSETS: u16 = 42;
    /// Cells that can exist.
    pub const COUNT: u32 = 84;

    /// Adds a cell; offsets past the last possible one are not cells.
    pub fn insert(&mut self, offset: u16, symbol: Symbol) {
        if offset < Self::OFFSETS {
            self.0 |= 1 << (offset * 2 + u16::from(symbol == Symbol::Underscore));
        }
    }

    /// No cell at all.
    pub const NONE: Self = Self(0);

    /// How many cells are in both.
    pub fn shared_with(self, other: Self) -> u32 {
        (self.0 & other.0).count_ones()
    }

    /// True if the symbol stands at this offset.
    pub fn contains(self, offset: u16, symbol: Symbol) -> bool {
        offset < Self::OFFSETS && self.0 >> (offset * 2 + u16::from(symbol == Symbol::Underscore)) & 1 == 1
    }

    /// True if the symbol stands anywhere.
    pub fn has(self, symbol: Symbol) -> bool {
        const DASHES: u128 = 0x5555_5555_5555_5555_5555_5555_5555_5555;
        let of_symbol = if symbol == Symbol::Dash { DASHES } else { DASHES << 1 };
        self.0 & of_symbol != 0
    }

    /// Pairs of symbols that can stand next to each other.
    pub const PAIRS: [(Symbol, Symbol); 4] = [
        (Symbol::Dash, Symbol::Dash),
        (Symbol::Dash, Symbol::Underscore),
        (Symbol::Underscore, Symbol::Dash),
        (Symbol::Underscore, Symbol::Underscore),
    ];

    /// Which of [`SignatureCells::PAIRS`] stand somewhere in it: a bit for each, in their order.
    pub fn pairs(self) -> u8 {
        const DASHES: u128 = 0x5555_5555_5555_5555_5555_5555_5555_5555;
        // What stands at an offset, and what stands at the next one.
        let (dashes, underscores) = (self.0 & DASHES, self.0 >> 1 & DASHES);
        let (next_dashes, next_underscores) = (dashes >> 2, underscores >> 2);
        u8::from(dashes & next_dashes != 0)
            | u8::from(dashes & next_underscores != 0) << 1
            | u8::from(underscores & next_dashes != 0) << 2
            | u8::from(underscores & next_underscores != 0) << 3
    }

    /// True if no cell is in both.
    pub fn is_disjoint(self, other: Self) -> bool {
        self.0 & other.0 == 0
    }

    /// The cells in order of offset.
    pub fn iter(self) -> impl Iterator<Item = (u16, Symbol)> {
        (0..Self::OFFSETS * 2)
            .filter(move |bit| self.0 >> bit & 1 == 1)
            .map(|bit| (bit / 2, if bit % 2 == 1 { Symbol::Underscore } else { Symbol::Dash }))
    }
}

impl FromIterator<(u16, Symbol)> for SignatureCells {
    fn from_iter<I: IntoIterator<Item = (u16, Symbol)>>(cells: I) -> Self {
        let mut found = Self::NONE;
        cells.into_iter().for_each(|(offset, symbol)| found.insert(offset, symbol));
        found
    }
}

/// What a token's text looks like, without the text.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct TokenShape {
    /// Cells of the signature.
    pub signature: SignatureCells,
    /// Cells of the payload, by offset; at most 64, a longer list is cut.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payload: Vec<(u16, Symbol)>,
    /// Lengths of header, payload and signature in characters.
    pub lengths: [u16; 3],
}

impl TokenShape {
    /// Most payload cells that are kept.
    pub const PAYLOAD_CELLS_MAX: usize = 64;

    /// True if `symbol` stands in the payload at an offset with this residue mod 4.
    pub fn payload_has(&self, symbol: Symbol, residue: u16) -> bool {
        self.payload.iter().any(|(offset, s)| *s == symbol && offset % 4 == residue)
    }

    /// True if the two texts have no cell of signature or payload in common.
    pub fn shares_no_cell_with(&self, other: &Self) -> bool {
        self.signature.is_disjoint(other.signature) && self.payload.iter().all(|cell| !other.payload.contains(cell))
    }
}
