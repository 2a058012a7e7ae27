//! TOML as such: a document with the place of every key and value, and every syntax error in it.

use toml::Spanned;
use toml::de::DeTable;

use super::{Place, Problems, SourceText};

/// Parses one file. What could be read comes back even when some of it is damaged, so that the
/// other mistakes in the file are found in the same go.
pub fn parse<'t>(source: &'t SourceText, problems: &mut Problems) -> Spanned<DeTable<'t>> {
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    for error in errors {
        let byte = error.span().map_or(0, |span| span.start);
        // Only the parser's words: its full text shows the line, and a secret may stand there.
        let what = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        problems.push(Place::of(&source.path, &source.text, byte), what, None);
    }
    document
}
