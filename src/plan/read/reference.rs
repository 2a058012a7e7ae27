//! The reference of all keys as Markdown: a part of `docs/configuration.md`, from the same tables
//! that reading follows.

use std::fmt::Write as _;

use super::shape::{Key, Kind, Need, Shape};

/// The keys of files of this shape, one table for each TOML table, outermost first.
pub fn markdown(shape: &Shape) -> String {
    let mut text = String::new();
    section(&mut text, "", shape);
    text
}

fn section(text: &mut String, path: &str, shape: &Shape) {
    if !path.is_empty() {
        let kind = shape.name.split_once(" (").map_or("", |(_, kind)| kind.trim_end_matches(')'));
        let kind = if kind.is_empty() { String::new() } else { format!(" kind = \"{kind}\"") };
        let _ = writeln!(text, "\n#### `{path}`{kind}\n");
    }
    let _ = writeln!(text, "{}\n", shape.doc);
    text.push_str("| key | value | default | example | meaning |\n|---|---|---|---|---|\n");
    for key in shape.keys {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | `{}` | {} |",
            key.name,
            cell(&value(&key.kind)),
            default(key),
            cell(&example(key)),
            cell(key.doc)
        );
    }
    for key in shape.keys {
        inner(text, path, key.name, &key.kind, false);
    }
}

/// The sections of the tables that a key holds.
fn inner(text: &mut String, path: &str, name: &str, kind: &Kind, many: bool) {
    let dotted = match path.trim_matches(['[', ']']) {
        "" => name.to_owned(),
        outer => format!("{outer}.{name}"),
    };
    let path = if many { format!("[[{dotted}]]") } else { format!("[{dotted}]") };
    match kind {
        Kind::Table(shape) => section(text, &path, shape),
        Kind::ByKind(shapes) => shapes.iter().for_each(|(_, shape)| section(text, &path, shape)),
        Kind::List(of, ..) | Kind::OneOrMore(of) => inner(text, &path_outside(&dotted, name), name, of, true),
        _ => {}
    }
}

/// The path around a key, so that a list does not name itself twice.
fn path_outside(dotted: &str, name: &str) -> String {
    dotted.strip_suffix(name).unwrap_or(dotted).trim_end_matches('.').to_owned()
}

fn value(kind: &Kind) -> String {
    match kind {
        Kind::Table(_) | Kind::ByKind(_) => "a table, below".to_owned(),
        Kind::List(Kind::Table(_) | Kind::ByKind(_), min, max) => format!("{min} to {max} tables, below"),
        Kind::OneOrMore(Kind::Table(_)) => "a table, below, or a list of them".to_owned(),
        other => other.describe(),
    }
}

fn default(key: &Key) -> String {
    match key.need {
        Need::Required => "**required**".to_owned(),
        Need::Optional => "none".to_owned(),
        Need::Default("{}") if matches!(key.kind, Kind::Table(_)) => "its defaults".to_owned(),
        Need::Default("{}") => "none".to_owned(),
        Need::Default(text) => format!("`{}`", cell(text)),
    }
}

fn example(key: &Key) -> String {
    match (key.example, &key.kind) {
        // A table or a list of tables stands under its own heading.
        (Some(example), _) if example.starts_with("[[") => example.to_owned(),
        (Some(example), _) => format!("{} = {example}", key.name),
        (None, Kind::Table(_) | Kind::ByKind(_)) => format!("[{}]", key.name),
        (None, Kind::List(Kind::Table(_) | Kind::ByKind(_), ..)) => format!("[[{}]]", key.name),
        (None, kind) => format!("{} = {}", key.name, of_kind(kind)),
    }
}

fn of_kind(kind: &Kind) -> String {
    match kind {
        Kind::Text => "\"Calling status\"".to_owned(),
        Kind::Name => "\"monitor-owner\"".to_owned(),
        Kind::Url | Kind::UrlOrSecret => "\"https://ringcheck.example.com\"".to_owned(),
        Kind::Signalling => "\"wss://127.0.0.1:8443/signal\"".to_owned(),
        Kind::ControlTarget => "\"tcp://9.9.9.9:53\"".to_owned(),
        Kind::Listen => "\"127.0.0.1:9870\"".to_owned(),
        Kind::Host => "\"smtp.example.com\"".to_owned(),
        Kind::Mailbox => "\"Ringcheck <ringcheck@example.com>\"".to_owned(),
        Kind::Path => "\"ca.pem\"".to_owned(),
        Kind::Sid(prefix) => format!("\"{prefix}0123456789abcdef0123456789abcdef\""),
        Kind::Share(..) => "\"5%\"".to_owned(),
        Kind::Duration(min, _) if *min < 1000 => "\"2500ms\"".to_owned(),
        Kind::Duration(..) => "\"10m\"".to_owned(),
        Kind::Bytes(_) => "\"2GiB\"".to_owned(),
        Kind::PerYear(_) => "\"0.2 per year\"".to_owned(),
        Kind::Integer(min, _) => min.to_string(),
        Kind::Flag => "true".to_owned(),
        Kind::Choice(words) => format!("\"{}\"", words.last().copied().unwrap_or_default()),
        Kind::Secret => "{ env = \"NAME\" }".to_owned(),
        Kind::SecretsByName => "{ X-Api-Key = { env = \"NAME\" } }".to_owned(),
        Kind::Schedule => "\"0 * * * * *\"".to_owned(),
        Kind::IceUrl => "\"stun:stun.example.com:3478\"".to_owned(),
        Kind::PhoneNumber => "\"+14155550123\"".to_owned(),
        Kind::OpinionScore => "3.6".to_owned(),
        Kind::Pointer => "\"/token\"".to_owned(),
        Kind::List(of, ..) => format!("[{}]", of_kind(of)),
        Kind::OneOrMore(of) => of_kind(of),
        Kind::Table(_) | Kind::ByKind(_) => "{}".to_owned(),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use toml::de::DeValue;

    use super::super::{scalar, shapes};
    use super::*;

    /// What can be said of one value without what stands around it.
    fn check(kind: &Kind, value: &DeValue<'_>) -> Result<(), String> {
        match (kind, value) {
            (Kind::List(of, min, max), DeValue::Array(list)) => {
                assert!((*min..=*max).contains(&list.len()), "{list:?}");
                list.iter().try_for_each(|item| check(of, item.get_ref()))
            }
            (Kind::OneOrMore(of), value) => check(of, value),
            (Kind::Table(shape), DeValue::Table(table)) => table.iter().try_for_each(|(key, value)| {
                let key = shape.key(key.get_ref()).ok_or_else(|| format!("{} is unknown", key.get_ref()))?;
                // A SID with an ellipsis reads better than 32 digits.
                if matches!(key.kind, Kind::Sid(_)) { Ok(()) } else { check(&key.kind, value.get_ref()) }
            }),
            (Kind::SecretsByName, DeValue::Table(table)) => {
                table.iter().try_for_each(|(_, value)| check(&Kind::Secret, value.get_ref()))
            }
            (kind, value) => scalar::read(kind, value, Path::new("")).map(drop).map_err(|fault| fault.what),
        }
    }

    fn check_shape(shape: &Shape) {
        for key in shape.keys {
            let example = example(key);
            if let Some((_, text)) = example.split_once(" = ").filter(|_| !example.starts_with('[')) {
                let value = DeValue::parse(text).unwrap_or_else(|error| panic!("{example}: {error}"));
                assert_eq!(check(&key.kind, value.get_ref()), Ok(()), "{example}");
            }
            if let Need::Default(text) = key.need {
                let value = DeValue::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
                if !matches!(key.kind, Kind::Table(_)) {
                    assert_eq!(check(&key.kind, value.get_ref()), Ok(()), "{} = {text}", key.name);
                }
            }
            let inner = match &key.kind {
                Kind::List(of, ..) | Kind::OneOrMore(of) => of,
                kind => kind,
            };
            match inner {
                Kind::Table(shape) => check_shape(shape),
                Kind::ByKind(shapes) => shapes.iter().for_each(|(_, shape)| check_shape(shape)),
                _ => {}
            }
        }
    }

    #[test]
    fn defaults_and_examples_are_right_themselves() {
        [&shapes::RINGCHECK, &shapes::POD, &shapes::PROBE].into_iter().for_each(check_shape);
    }

    #[test]
    fn the_documentation_holds_every_key() {
        let documentation = include_str!("../../../docs/configuration.md");
        for shape in [&shapes::RINGCHECK, &shapes::POD, &shapes::PROBE] {
            assert!(
                documentation.contains(&markdown(shape)),
                "docs/configuration.md is out of date: replace its part by `ringcheck schema {} --format markdown`",
                shape.name
            );
        }
    }
}
