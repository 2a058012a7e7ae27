//! The JSON Schema of a kind of file (draft 2020-12), for editors: it completes keys, shows what
//! they mean and underlines slips while they are typed. What only shows when all files are seen
//! together, `ringcheck check-config` finds.

use serde_json::{Map, Value, json};
use toml::de::DeValue;

use super::shape::{Key, Kind, Need, Shape};

/// The schema of files of this shape.
pub fn schema(shape: &Shape) -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("ringcheck: {}", shape.name),
        "$defs": { "secret": secret() },
    });
    let table = table(shape);
    if let (Some(schema), Value::Object(table)) = (schema.as_object_mut(), table) {
        schema.extend(table);
    }
    schema
}

fn table(shape: &Shape) -> Value {
    let properties: Map<String, Value> = shape.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> =
        shape.keys.iter().filter(|key| matches!(key.need, Need::Required)).map(|key| key.name).collect();
    json!({
        "type": "object",
        "description": shape.doc,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(key: &Key) -> Value {
    let mut value = of_kind(&key.kind);
    if let Value::Object(fields) = &mut value {
        fields.insert("description".to_owned(), json!(key.doc));
        if let Need::Default(text) = key.need
            && let Ok(default) = DeValue::parse(text)
        {
            fields.insert("default".to_owned(), as_json(default.get_ref()));
        }
    }
    value
}

fn of_kind(kind: &Kind) -> Value {
    let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match kind {
        Kind::Text => json!({ "type": "string", "minLength": 1, "maxLength": 200 }),
        Kind::Name => pattern("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
        Kind::Url => pattern("^https?://"),
        Kind::UrlOrSecret => json!({ "anyOf": [pattern("^https?://"), { "$ref": "#/$defs/secret" }] }),
        Kind::Signalling => pattern("^wss?://"),
        Kind::ControlTarget => pattern("^(https?|tcp)://"),
        Kind::Listen => pattern("^.+:[0-9]+$"),
        Kind::Host | Kind::Path => json!({ "type": "string", "minLength": 1 }),
        Kind::Mailbox => pattern("@"),
        Kind::Sid(prefix) => pattern(&format!("^{prefix}[0-9a-f]{{32}}$")),
        Kind::Duration(..) => pattern("^[0-9]+ ?(ms|s|m|h|d)$"),
        Kind::Share(..) => pattern("^[0-9]+(\\.[0-9]+)? ?%$"),
        Kind::Bytes(_) => pattern("^[0-9]+ ?(kB|MB|GB|KiB|MiB|GiB)$"),
        Kind::PerYear(_) => pattern("^[0-9]+(\\.[0-9]+)? ?per year$"),
        Kind::Integer(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Choice(words) => json!({ "type": "string", "enum": words }),
        Kind::Secret => json!({ "$ref": "#/$defs/secret" }),
        Kind::SecretsByName => json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/secret" } }),
        Kind::Schedule => pattern("^\\S+( +\\S+){5}$"),
        Kind::IceUrl => pattern("^(stun|turns?):"),
        Kind::PhoneNumber => pattern("^\\+[1-9][0-9]{6,14}$"),
        Kind::OpinionScore => json!({ "type": "number", "minimum": 1, "maximum": 4.5 }),
        Kind::Pointer => pattern("^/"),
        Kind::List(of, min, max) => {
            json!({ "type": "array", "items": of_kind(of), "minItems": min, "maxItems": max })
        }
        Kind::OneOrMore(of) => {
            json!({ "anyOf": [of_kind(of), { "type": "array", "items": of_kind(of), "minItems": 1 }] })
        }
        Kind::Table(shape) => table(shape),
        Kind::ByKind(shapes) => {
            let tables: Vec<Value> = shapes.iter().map(|(word, shape)| table_of_kind(word, shape)).collect();
            json!({ "type": "object", "oneOf": tables })
        }
    }
}

fn table_of_kind(word: &str, shape: &Shape) -> Value {
    let mut table = table(shape);
    table["properties"]["kind"] = json!({ "const": word });
    table
}

fn secret() -> Value {
    let one = |key: &str| {
        json!({
            "type": "object",
            "properties": { key: { "type": "string", "minLength": 1 } },
            "required": [key],
            "additionalProperties": false,
        })
    };
    json!({
        "description": "Where a secret is found; never the secret itself.",
        "oneOf": [one("env"), one("file")],
    })
}

/// TOML as JSON.
fn as_json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => json!(text.as_ref()),
        DeValue::Integer(number) => json!(i64::from_str_radix(number.as_str(), number.radix()).ok()),
        DeValue::Float(number) => json!(number.as_str().parse::<f64>().ok()),
        DeValue::Boolean(flag) => json!(flag),
        DeValue::Datetime(moment) => json!(moment.to_string()),
        DeValue::Array(list) => list.iter().map(|item| as_json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            table.iter().map(|(key, value)| (key.get_ref().to_string(), as_json(value.get_ref()))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FileKind, Problems, SourceText};
    use super::super::{shapes, syntax};
    use super::*;

    const EXAMPLES: [(&Shape, &str); 7] = [
        (&shapes::RINGCHECK, include_str!("../../../config/ringcheck.toml")),
        (&shapes::POD, include_str!("../../../config/pods/pod-14.toml")),
        (&shapes::POD, include_str!("../../../config/pods/pod-18.toml")),
        (&shapes::POD, include_str!("../../../config/pods/pod-23.toml")),
        (&shapes::PROBE, include_str!("../../../probes/connection.toml")),
        (&shapes::PROBE, include_str!("../../../probes/outbound-call.toml")),
        (&shapes::PROBE, include_str!("../../../probes/inbound-call.toml")),
    ];

    /// The part of JSON Schema that we use, without patterns: whether a value fits.
    fn fits(schema: &Value, value: &Value, defs: &Value) -> Result<(), String> {
        if let Some(reference) = schema["$ref"].as_str() {
            return fits(&defs[reference.trim_start_matches("#/$defs/")], value, defs);
        }
        if schema.get("const").is_some_and(|expected| expected != value) {
            return Err(format!("{value} is not {}", schema["const"]));
        }
        if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
            return Err(format!("{value} is not one of {}", schema["enum"]));
        }
        for choice in ["anyOf", "oneOf"] {
            let Some(choices) = schema[choice].as_array() else { continue };
            let results: Vec<_> = choices.iter().map(|one| fits(one, value, defs)).collect();
            let fitting = results.iter().filter(|result| result.is_ok()).count();
            if fitting == 0 || (choice == "oneOf" && fitting > 1) {
                return Err(format!("{value} fits {fitting} of {choice}: {results:?}"));
            }
        }
        let type_fits = match schema["type"].as_str() {
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            Some(other) => return Err(format!("type {other}?")),
            None => true,
        };
        if !type_fits {
            return Err(format!("{value} is no {}", schema["type"]));
        }
        for item in value.as_array().into_iter().flatten() {
            fits(&schema["items"], item, defs)?;
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            if value.get(name.as_str().unwrap_or_default()).is_none() {
                return Err(format!("{name} is missing"));
            }
        }
        if let (Some(entries), Some(properties)) = (value.as_object(), schema["properties"].as_object()) {
            for (name, entry) in entries {
                let property = properties.get(name).ok_or_else(|| format!("{name} is unknown"))?;
                fits(property, entry, defs).map_err(|why| format!("{name}: {why}"))?;
            }
        }
        Ok(())
    }

    #[test]
    fn the_examples_fit_the_schema() {
        for (shape, text) in EXAMPLES {
            let source = SourceText { kind: FileKind::Pod, path: String::new(), text: text.to_owned() };
            let document = syntax::parse(&source, &mut Problems::default());
            let value = as_json(&DeValue::Table(document.into_inner()));
            let schema = schema(shape);
            assert_eq!(fits(&schema, &value, &schema["$defs"]), Ok(()), "{}", shape.name);
        }
    }

    #[test]
    fn what_reading_refuses_the_schema_refuses_too() {
        let schema = schema(&shapes::PROBE);
        for wrong in [
            json!({ "kind": "connection" }),
            json!({ "kind": "call", "schedule": "0 * * * * *" }),
            json!({ "kind": "connection", "schedule": "0 * * * * *", "attempt": 3 }),
            json!({ "kind": "connection", "schedule": "0 * * * * *", "tokens": { "kinds": ["acess"] } }),
        ] {
            assert!(fits(&schema, &wrong, &schema["$defs"]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_schema_reads_like_this() {
        insta::assert_json_snapshot!(schema(&shapes::PROBE));
    }
}
