//! A token's text as an input to the partner's parser: the text itself (a secret), what it looks
//! like (not a secret), and the names that we put into it. Knows no vendor.

mod anatomy;
mod cover;
mod cover_period;
mod feature;
mod name;
mod name_features;
mod reach;
mod shape;
mod space;
mod text;

pub use anatomy::{PartAnatomy, parts_of};
pub use cover::{CANDIDATES, Cover, CoverAges, CoverSet, CoverWish, PlaceAge};
pub use cover_period::CoverPeriod;
pub use feature::Feature;
pub use name::{NAME_CHARACTERS_MAX, NAMES, OwnNames};
pub use name_features::{CharacterClass, NameFeatures};
pub use reach::{Form, Reach};
pub use shape::shape_of;
pub use space::{FeatureSet, FeatureSpace};
pub use text::{TOKEN_TEXT_MAX, TokenText, TokenTextError};
