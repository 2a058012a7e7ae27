//! A table that users wrote, against its shape. Every getter gives the value, or nothing after
//! having noted the problem: so reading goes on and finds the other mistakes too.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::model::Share;
use crate::plan::{Schedule, SecretRef};

use super::nearest::hint_for;
use super::scalar::{self, Fault, Scalar, shown, wrong_type};
use super::shape::{Key, Kind, Need, Shape};
use super::{Place, Problems, SourceText};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub place: Place,
}

/// What a plan refers to outside of itself: to be looked for before it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A secret.
    Secret(SecretRef),
    /// A file with certificates.
    CaFile(PathBuf),
}

/// One file while it is read.
pub struct Page<'t> {
    source: &'t SourceText,
    root: &'static Shape,
    base: &'t Path,
    /// False where syntax errors may have swallowed keys: then nothing is called missing.
    whole: bool,
    problems: RefCell<Problems>,
    references: RefCell<Vec<Placed<Reference>>>,
}

impl<'t> Page<'t> {
    /// A file whose whole is of this shape.
    pub fn new(source: &'t SourceText, root: &'static Shape, base: &'t Path, whole: bool) -> Self {
        let (problems, references) = (RefCell::default(), RefCell::default());
        Self { source, root, base, whole, problems, references }
    }

    /// The file's table.
    pub fn table<'r>(&'r self, document: &'r Spanned<DeTable<'t>>) -> Table<'r> {
        Table::open(self, self.root, Some(document.get_ref()), 0)
    }

    /// What was noted.
    pub fn close(self) -> (Problems, Vec<Placed<Reference>>) {
        (self.problems.into_inner(), self.references.into_inner())
    }

    fn place(&self, byte: usize) -> Place {
        Place::of(&self.source.path, &self.source.text, byte)
    }

    fn note(&self, byte: usize, fault: Fault) {
        self.problems.borrow_mut().push(self.place(byte), fault.what, fault.hint);
    }
}

/// A table.
pub struct Table<'r> {
    page: &'r Page<'r>,
    shape: &'static Shape,
    /// `None` where it was left out and its defaults hold.
    entries: Option<&'r DeTable<'r>>,
    byte: usize,
}

/// A value in the text, or its default.
enum Found<'r> {
    Written(&'r Spanned<DeValue<'r>>),
    Default(Spanned<DeValue<'static>>),
}

impl Found<'_> {
    fn value(&self) -> &DeValue<'_> {
        match self {
            Self::Written(value) => value.get_ref(),
            Self::Default(value) => value.get_ref(),
        }
    }
}

impl<'r> Table<'r> {
    fn open(page: &'r Page<'r>, shape: &'static Shape, entries: Option<&'r DeTable<'r>>, byte: usize) -> Self {
        let table = Self { page, shape, entries, byte };
        table.note_unknown_keys();
        if page.whole {
            for key in shape.keys.iter().filter(|key| matches!(key.need, Need::Required)) {
                if table.written(key.name).is_none() {
                    let hint = format!("add it: {}", key.kind.describe());
                    page.note(byte, Fault::new(format!("{} is missing", key.name), hint));
                }
            }
        }
        table
    }

    fn note_unknown_keys(&self) {
        let known: Vec<&str> = self.shape.keys.iter().map(|key| key.name).collect();
        for (key, _) in self.entries.into_iter().flatten() {
            let written = key.get_ref().as_ref();
            if self.shape.key(written).is_none() {
                let hint = home_of(self.page.root, written)
                    .map(|home| format!("it belongs in [{home}]"))
                    .or_else(|| hint_for(written, &known));
                let what = format!("unknown key \"{}\" in {}", shown(written), self.shape.name);
                self.page.note(key.span().start, Fault { what, hint });
            }
        }
    }

    fn written(&self, name: &str) -> Option<&'r Spanned<DeValue<'r>>> {
        self.entries?.get(name)
    }

    fn found(&self, key: &Key) -> Option<Found<'r>> {
        match (self.written(key.name), key.need) {
            (Some(value), _) => Some(Found::Written(value)),
            (None, Need::Default(text)) => DeValue::parse(text).ok().map(Found::Default),
            (None, Need::Required | Need::Optional) => None,
        }
    }

    fn key(&self, name: &str) -> &'static Key {
        self.shape.key(name).expect("only keys that the shape has are asked for")
    }

    /// Where a key's value stands; the table itself if the key was left out.
    pub fn place(&self, name: &str) -> Place {
        self.page.place(self.written(name).map_or(self.byte, |value| value.span().start))
    }

    /// True if the key was written.
    pub fn has(&self, name: &str) -> bool {
        self.written(name).is_some()
    }

    /// Notes a mistake at a key's value.
    pub fn mistake(&self, name: &str, what: impl Into<String>, hint: impl Into<String>) {
        let byte = self.written(name).map_or(self.byte, |value| value.span().start);
        self.page.note(byte, Fault::new(what, hint));
    }

    fn read(&self, kind: &Kind, value: &DeValue<'_>, byte: usize) -> Option<Scalar> {
        match scalar::read(kind, value, self.page.base) {
            Ok(value) => {
                self.refer(&value, byte);
                Some(value)
            }
            Err(fault) => {
                self.page.note(byte, fault);
                None
            }
        }
    }

    fn refer(&self, value: &Scalar, byte: usize) {
        if let Scalar::Secret(secret) = value {
            let value = Reference::Secret(secret.clone());
            self.page.references.borrow_mut().push(Placed { value, place: self.page.place(byte) });
        }
    }

    fn scalar(&self, name: &str) -> Option<Scalar> {
        let key = self.key(name);
        let found = self.found(key)?;
        let byte = match found {
            Found::Written(value) => value.span().start,
            Found::Default(_) => self.byte,
        };
        self.read(&key.kind, found.value(), byte)
    }

    /// The values of a list (or the one that stands for a list), each with its place.
    fn scalars(&self, name: &str) -> Vec<Placed<Scalar>> {
        let key = self.key(name);
        let Some(found) = self.found(key) else { return Vec::new() };
        let written = matches!(found, Found::Written(_));
        let byte_of = |value: &Spanned<DeValue<'_>>| if written { value.span().start } else { self.byte };
        let mut values = Vec::new();
        let mut take = |kind: &Kind, value: &DeValue<'_>, byte: usize| {
            if let Some(value) = self.read(kind, value, byte) {
                values.push(Placed { value, place: self.page.place(byte) });
            }
        };
        match (&key.kind, found.value()) {
            (Kind::List(of, ..) | Kind::OneOrMore(of), DeValue::Array(list)) => {
                self.check_length(key, list.len());
                for item in list.iter().take(LIST_READ_MAX) {
                    take(of, item.get_ref(), byte_of(item));
                }
            }
            (Kind::OneOrMore(of), value) => take(of, value, self.byte_of(name)),
            (_, other) => self.page.note(self.byte_of(name), wrong_type(&key.kind, other)),
        }
        values
    }

    fn byte_of(&self, name: &str) -> usize {
        self.written(name).map_or(self.byte, |value| value.span().start)
    }

    fn check_length(&self, key: &Key, length: usize) {
        let (min, max) = match key.kind {
            Kind::List(_, min, max) => (min, max),
            _ => (1, ONE_OR_MORE_MAX),
        };
        if !(min..=max).contains(&length) {
            let what = format!("{} has {length} entries", key.name);
            self.page.note(self.byte_of(key.name), Fault::new(what, format!("write {min} to {max}")));
        }
    }

    /// A table in this one; its defaults if it was left out and may be.
    pub fn table(&self, name: &str) -> Option<Table<'r>> {
        let key = self.key(name);
        match (self.written(name), key.need) {
            (Some(value), _) => self.open_value(&key.kind, value),
            (None, Need::Default(_)) => match key.kind {
                Kind::Table(shape) => Some(Table::open(self.page, shape, None, self.byte)),
                _ => None,
            },
            (None, _) => None,
        }
    }

    /// The tables of a list (or the one that stands for a list).
    pub fn tables(&self, name: &str) -> Vec<Table<'r>> {
        let key = self.key(name);
        let Some(value) = self.written(name) else { return Vec::new() };
        match (&key.kind, value.get_ref()) {
            (Kind::List(of, ..) | Kind::OneOrMore(of), DeValue::Array(list)) => {
                self.check_length(key, list.len());
                list.iter().take(LIST_READ_MAX).filter_map(|item| self.open_value(of, item)).collect()
            }
            (Kind::OneOrMore(of), _) => self.open_value(of, value).into_iter().collect(),
            (kind, other) => {
                self.page.note(value.span().start, wrong_type(kind, other));
                Vec::new()
            }
        }
    }

    fn open_value(&self, kind: &Kind, value: &'r Spanned<DeValue<'r>>) -> Option<Table<'r>> {
        let byte = value.span().start;
        let DeValue::Table(entries) = value.get_ref() else {
            self.page.note(byte, wrong_type(kind, value.get_ref()));
            return None;
        };
        let shape = match kind {
            Kind::Table(shape) => shape,
            Kind::ByKind(shapes) => self.shape_by_kind(shapes, entries, byte)?,
            _ => return None,
        };
        Some(Table::open(self.page, shape, Some(entries), byte))
    }

    fn shape_by_kind(
        &self,
        shapes: &'static [(&'static str, &'static Shape)],
        entries: &DeTable<'_>,
        byte: usize,
    ) -> Option<&'static Shape> {
        let words: Vec<&str> = shapes.iter().map(|(word, _)| *word).collect();
        let Some(kind) = entries.get("kind") else {
            self.page.note(byte, Fault::new("kind is missing", format!("write kind = one of {}", words.join(", "))));
            return None;
        };
        let word = kind.get_ref().as_str().unwrap_or_default();
        let shape = shapes.iter().find(|(name, _)| *name == word).map(|(_, shape)| *shape);
        if shape.is_none() {
            let what = format!("kind \"{}\" is not known here", shown(word));
            self.page.note(kind.span().start, Fault { what, hint: hint_for(word, &words) });
        }
        shape
    }

    /// Text, a name, a URL or a word.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.scalar(name)? {
            Scalar::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The same with its place.
    pub fn placed_text(&self, name: &str) -> Option<Placed<String>> {
        Some(Placed { value: self.text(name)?, place: self.place(name) })
    }

    /// A list of texts.
    pub fn texts(&self, name: &str) -> Vec<Placed<String>> {
        let text = |placed: Placed<Scalar>| match placed.value {
            Scalar::Text(value) => Some(Placed { value, place: placed.place }),
            _ => None,
        };
        self.scalars(name).into_iter().filter_map(text).collect()
    }

    /// A length of time.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        match self.scalar(name)? {
            Scalar::Duration(length) => Some(length),
            _ => None,
        }
    }

    /// A share.
    pub fn share(&self, name: &str) -> Option<Share> {
        match self.scalar(name)? {
            Scalar::Share(share) => Some(share),
            _ => None,
        }
    }

    /// A number per year.
    pub fn per_year(&self, name: &str) -> Option<f64> {
        match self.scalar(name)? {
            Scalar::PerYear(rate) => Some(rate),
            _ => None,
        }
    }

    /// A size in bytes.
    pub fn bytes(&self, name: &str) -> Option<u64> {
        match self.scalar(name)? {
            Scalar::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A whole number; its range is the shape's, which fits the type that is asked for.
    pub fn integer<N: TryFrom<i64>>(&self, name: &str) -> Option<N> {
        match self.scalar(name)? {
            Scalar::Integer(number) => N::try_from(number).ok(),
            _ => None,
        }
    }

    /// An opinion score, times a hundred.
    pub fn score(&self, name: &str) -> Option<u16> {
        match self.scalar(name)? {
            Scalar::Score(score) => Some(score),
            _ => None,
        }
    }

    /// A list of lengths of time.
    pub fn durations(&self, name: &str) -> Vec<Duration> {
        let length = |placed: Placed<Scalar>| match placed.value {
            Scalar::Duration(length) => Some(length),
            _ => None,
        };
        self.scalars(name).into_iter().filter_map(length).collect()
    }

    /// A list of whole numbers.
    pub fn integers<N: TryFrom<i64>>(&self, name: &str) -> Vec<N> {
        let number = |placed: Placed<Scalar>| match placed.value {
            Scalar::Integer(number) => N::try_from(number).ok(),
            _ => None,
        };
        self.scalars(name).into_iter().filter_map(number).collect()
    }

    /// Yes or no.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.scalar(name)? {
            Scalar::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    /// An address to listen on.
    pub fn listen(&self, name: &str) -> Option<SocketAddr> {
        match self.scalar(name)? {
            Scalar::Listen(address) => Some(address),
            _ => None,
        }
    }

    /// A path.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        match self.scalar(name)? {
            Scalar::Path(path) => Some(path),
            _ => None,
        }
    }

    /// A file with certificates, to be looked for.
    pub fn ca_file(&self, name: &str) -> Option<PathBuf> {
        let path = self.path(name)?;
        let value = Reference::CaFile(path.clone());
        self.page.references.borrow_mut().push(Placed { value, place: self.place(name) });
        Some(path)
    }

    /// A schedule.
    pub fn schedule(&self, name: &str) -> Option<Schedule> {
        match self.scalar(name)? {
            Scalar::Schedule(schedule) => Some(schedule),
            _ => None,
        }
    }

    /// A secret.
    pub fn secret(&self, name: &str) -> Option<SecretRef> {
        match self.scalar(name)? {
            Scalar::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    /// One or more secrets.
    pub fn secrets(&self, name: &str) -> Vec<SecretRef> {
        let secret = |placed: Placed<Scalar>| match placed.value {
            Scalar::Secret(secret) => Some(secret),
            _ => None,
        };
        self.scalars(name).into_iter().filter_map(secret).collect()
    }

    /// A URL, or a secret that holds one.
    pub fn url_or_secret(&self, name: &str) -> Option<crate::plan::SecretOrText> {
        match self.scalar(name)? {
            Scalar::Secret(secret) => Some(crate::plan::SecretOrText::Secret(secret)),
            Scalar::Text(text) => Some(crate::plan::SecretOrText::Text(text)),
            _ => None,
        }
    }

    /// Secrets by free names.
    pub fn secrets_by_name(&self, name: &str) -> Vec<(String, SecretRef)> {
        let Some(value) = self.written(name) else { return Vec::new() };
        let DeValue::Table(entries) = value.get_ref() else {
            self.page.note(value.span().start, wrong_type(&self.key(name).kind, value.get_ref()));
            return Vec::new();
        };
        let read = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| match self.read(
            &Kind::Secret,
            value.get_ref(),
            value.span().start,
        )? {
            Scalar::Secret(secret) => Some((key.get_ref().clone().into_owned(), secret)),
            _ => None,
        };
        entries.iter().take(LIST_READ_MAX).filter_map(read).collect()
    }
}

/// Most entries of a list that are looked at; more were reported already.
const LIST_READ_MAX: usize = 2000;
/// Most entries where one or more may stand.
const ONE_OR_MORE_MAX: usize = 8;

/// The table in which a key is known, if there is exactly one below the file's own.
fn home_of(root: &'static Shape, name: &str) -> Option<String> {
    let tables = root.keys.iter().filter_map(|key| match key.kind {
        Kind::Table(shape) => Some((key.name, shape)),
        _ => None,
    });
    let mut homes = tables.filter(|(_, shape)| shape.key(name).is_some()).map(|(home, _)| home.to_owned());
    match (homes.next(), homes.next()) {
        (Some(home), None) => Some(home),
        _ => None,
    }
}
