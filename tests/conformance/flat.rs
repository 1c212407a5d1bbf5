//! What becomes of a devfile once its parents are merged and its variables replaced.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::{Outcome, verdicts};

/// The keys that the reference's answers hold.
const KEYS: [&str; 7] = [
    "components",
    "commands",
    "events",
    "projects",
    "starterProjects",
    "dependentProjects",
    "attributes",
];

pub(crate) fn flattened(root: &Path) -> Outcome {
    let mut outcome = Outcome::default();
    let text = fs::read_to_string(root.join("expected-flat.jsonl")).unwrap();
    for line in text.lines() {
        let expected: Value = serde_json::from_str(line).unwrap();
        if expected["ok"] != true {
            continue; // a verdict, compared elsewhere
        }
        let path = expected["path"].as_str().unwrap();
        if !verdicts::is_whole(&root.join("corpus"), path) {
            outcome
                .meant
                .push(format!("{path}: its parent is not in the corpus"));
            continue;
        }
        let (read, _) = verdicts::read(&root.join("corpus"), path);
        let flat = read.and_then(|read| read.flat).map(|node| node.to_json());
        let found = flat.map(|flat| normal(&flat));
        let expected = normal(&expected);
        outcome.compare(found.as_ref() == Some(&expected), || {
            format!(
                "{path}:\n  expected {expected}\n  found    {}",
                found.unwrap_or_default()
            )
        });
    }
    outcome
}

/// What both mean, whatever they leave out: no empty values, no defaults, no notes of where something came from.
pub(crate) fn normal(devfile: &Value) -> Value {
    let of = |key: &str| {
        Some((
            key.to_owned(),
            devfile.get(key).and_then(|value| reduced(value, key))?,
        ))
    };
    Value::Object(KEYS.into_iter().filter_map(of).collect())
}

fn reduced(value: &Value, key: &str) -> Option<Value> {
    let reduced = match value {
        Value::Null | Value::Bool(false) => return None,
        Value::String(text) if text.is_empty() && key != "value" => return None,
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().filter_map(|item| reduced(item, key)).collect();
            if items.is_empty() {
                return None;
            }
            Value::Array(items)
        }
        // The reference reads what stands at the address; wharf skips clusters' objects.
        Value::Object(_) if key == "kubernetes" || key == "openshift" => {
            let endpoints = value.get("endpoints").and_then(|v| reduced(v, "endpoints"));
            Value::Object(
                endpoints
                    .into_iter()
                    .map(|v| ("endpoints".to_owned(), v))
                    .collect(),
            )
        }
        // A plugin that the reference's test data leaves as it is.
        Value::Object(entries) if entries.contains_key("plugin") => return None,
        Value::Object(entries) => {
            let entries = entries
                .iter()
                .filter(|(key, _)| !key.starts_with("api.devfile.io/"));
            let entries: Map<String, Value> = entries
                .filter_map(|(key, value)| Some((key.clone(), reduced(value, key)?)))
                .collect();
            // `volume: {}` says what a component is.
            if entries.is_empty() && !["volume", "container", "image", "composite"].contains(&key) {
                return None;
            }
            Value::Object(entries)
        }
        Value::Bool(true) | Value::Number(_) | Value::String(_) => value.clone(),
    };
    Some(reduced)
}
