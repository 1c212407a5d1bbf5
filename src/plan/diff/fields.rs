//! Names the fields in which two specifications differ. Whether they differ is decided by their hashes alone; this only
//! explains it, from the canonical forms.

use serde_json::{Map, Value};

use crate::model::{Identity, Spec};
use crate::plan::change::FieldChange;

/// The fields in which what an object was created as (its label) differs from what is declared.
#[must_use]
pub fn spec_fields(before: &str, after: &Spec) -> Vec<FieldChange> {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    let (before, after) = (named(read(before)), named(read(&Identity::of(after).spec)));
    let mut fields = Vec::new();
    compare("", &before, &after, &mut fields);
    fields
}

/// Lists of pairs and of mounts as maps, so that a path names what a reader knows.
fn named(value: Value) -> Value {
    let Value::Object(mut object) = value else {
        return value;
    };
    for (key, name, rest) in [("env", 0, 1)] {
        if let Some(Value::Array(pairs)) = object.get(key) {
            let map: Map<String, Value> = pairs
                .iter()
                .filter_map(|p| Some((p.get(name)?.as_str()?.to_owned(), p.get(rest)?.clone())))
                .collect();
            object.insert(key.to_owned(), Value::Object(map));
        }
    }
    if let Some(Value::Array(mounts)) = object.get("mounts") {
        let map: Map<String, Value> = mounts
            .iter()
            .filter_map(|m| Some((m.get("path")?.as_str()?.to_owned(), m.get("volume")?.clone())))
            .collect();
        object.insert("mounts".to_owned(), Value::Object(map));
    }
    Value::Object(object)
}

fn compare(path: &str, before: &Value, after: &Value, fields: &mut Vec<FieldChange>) {
    if before == after {
        return;
    }
    if let (Value::Object(b), Value::Object(a)) = (before, after) {
        let mut keys: Vec<&String> = b.keys().chain(a.keys()).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            compare(
                &path,
                b.get(key).unwrap_or(&Value::Null),
                a.get(key).unwrap_or(&Value::Null),
                fields,
            );
        }
        return;
    }
    // A map that appears or goes is named by its entries.
    let empty = Value::Object(Map::new());
    match (before, after) {
        (Value::Object(_), Value::Null) if !path.is_empty() => compare(path, before, &empty, fields),
        (Value::Null, Value::Object(_)) if !path.is_empty() => compare(path, &empty, after, fields),
        _ => fields.push(FieldChange {
            path: path.to_owned(),
            before: before.clone(),
            after: after.clone(),
            forces_replace: true,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContainerSpec, Mount};

    #[test]
    fn fields_are_named_as_their_reader_knows_them() {
        let mount = |path: &str| Mount {
            volume: "v".into(),
            path: path.into(),
        };
        let spec = |image: &str, env: &[(&str, &str)], mounts: Vec<Mount>| {
            let env = env
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect();
            Spec::Container(ContainerSpec {
                image: image.into(),
                env,
                mounts,
                ..ContainerSpec::default()
            })
        };
        let before = spec("a", &[("X", "1"), ("Y", "2")], vec![mount("/a")]);
        let after = spec("b", &[("Y", "3")], vec![]);
        let fields = spec_fields(&Identity::of(&before).spec, &after);
        let text: Vec<String> = fields
            .iter()
            .map(|f| format!("{}: {} -> {}", f.path, f.before, f.after))
            .collect();
        assert_eq!(
            text,
            [
                "env.X: \"1\" -> null",
                "env.Y: \"2\" -> \"3\"",
                "image: \"a\" -> \"b\"",
                "mounts./a: \"v\" -> null"
            ]
        );
    }
}
