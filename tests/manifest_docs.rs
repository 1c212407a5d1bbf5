//! `docs/manifests.md` is right: its examples are a valid repository, and it names every key, rule and kind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)] // a test may panic and reach out

use std::collections::BTreeMap;

use serde_json::Value;
use wharf::cli::diagnostics::human;
use wharf::document::Files;
use wharf::manifest::checks::RULES;
use wharf::manifest::schema::json_schema;
use wharf::manifest::{self, Kind};

const PAGE: &str = include_str!("../docs/manifests.md");

/// The page's YAML, by the path in each block's first line.
fn examples() -> BTreeMap<String, String> {
    let blocks = PAGE
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    blocks
        .map(|block| {
            let path = block
                .lines()
                .next()
                .unwrap()
                .strip_prefix("# ")
                .expect("a path in the first line");
            (path.to_owned(), block.to_owned())
        })
        .collect()
}

#[test]
fn the_examples_are_a_valid_repository() {
    let examples = examples();
    let files = Files::of(examples.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let loaded = manifest::load(&files);
    let codes: Vec<_> = loaded.diagnostics.0.iter().map(|d| d.code).collect();
    assert_eq!(
        codes,
        ["manifest/storage-not-enforced"],
        "{}",
        human(&loaded.diagnostics, 100, false)
    );
    let manifests = loaded.manifests.unwrap();
    assert_eq!(
        (
            manifests.users.len(),
            manifests.classes.len(),
            manifests.workspaces.len()
        ),
        (1, 1, 2)
    );
}

#[test]
fn the_page_names_every_key_rule_and_kind() {
    for rule in &RULES {
        let row = format!("| `{}` | {} |", rule.code, rule.why);
        assert!(PAGE.contains(&row), "missing: {row}");
    }
    for kind in Kind::ALL {
        let section = PAGE
            .split(&format!("\n## {}\n", kind.as_str()))
            .nth(1)
            .expect("a section");
        let section = section.split("\n## ").next().unwrap();
        let spec = &json_schema(Some(kind))["properties"]["spec"];
        named(spec, "", section, kind.as_str());
    }
}

/// Whether `section` names each key of `schema` by its path; keys of a list's items by themselves.
fn named(schema: &Value, path: &str, section: &str, kind: &str) {
    for (key, below) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        if below["properties"].is_object() {
            named(below, &path, section, kind);
        } else {
            assert!(
                section.contains(&format!("`{path}`")),
                "{kind}: {path} is not described"
            );
            named(&below["items"], "", section, kind);
        }
    }
}
