//! The manifests' JSON Schemas, for editors and for `wharf schema`.
//!
//! In: a kind. Out: its schema. The types under [`forms`] mirror what the decoders of this module's parent take; they
//! are apart from the decoded types because a manifest's text has another shape than its value (defaults filled in,
//! maps in order, places), and because their comments are written for those who write manifests. That both agree, key
//! by key and fixture by fixture, is what `tests/schema.rs` proves.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use super::Kind;

mod forms;
mod running;

/// The schema of a kind's manifests; of all kinds' where none is given.
#[must_use]
pub fn json_schema(kind: Option<Kind>) -> Value {
    match kind {
        Some(Kind::Site) => one::<forms::Site>(),
        Some(Kind::User) => one::<forms::User>(),
        Some(Kind::Class) => one::<forms::Class>(),
        Some(Kind::Workspace) => one::<forms::Workspace>(),
        None => {
            let mut all = Kind::ALL.map(|kind| json_schema(Some(kind)));
            let mut dialect = Value::Null;
            for schema in &mut all {
                if let Some(found) = schema.as_object_mut().and_then(|s| s.remove("$schema")) {
                    dialect = found;
                }
            }
            json!({
                "$schema": dialect,
                "title": "wharf",
                "description": "One manifest of a wharf configuration repository.",
                "oneOf": all,
            })
        }
    }
}

/// The schema as the text of a file.
#[must_use]
pub fn text(kind: Option<Kind>) -> String {
    format!("{:#}\n", json_schema(kind))
}

fn one<T: JsonSchema>() -> Value {
    // Draft 7 without references is what every editor's YAML support understands.
    let settings = SchemaSettings::draft07()
        .with(|s| s.inline_subschemas = true)
        .with_transform(RecursiveTransform(without_null));
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// An optional key may be absent; where it is there, it has a value.
fn without_null(schema: &mut Schema) {
    schema.remove("format"); // Rust's names of integers, which no validator knows
    let is_null = |schema: &Value| schema.get("type").is_some_and(|t| t == "null");
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|t| t != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(alternatives)) = schema.get_mut("anyOf") {
        alternatives.retain(|a| !is_null(a));
        if let [Value::Object(only)] = alternatives.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            for (key, value) in only {
                // What the field says comes before what its type says.
                if schema.get(&key).is_none() {
                    schema.insert(key, value);
                }
            }
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|v| !v.is_null());
    }
}
