//! The codes of problems: each one that the sources use is explained, and nothing else is.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // a test that reads files

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use wharf::document::Rule;
use wharf::{devfile, document, lock, manifest, resolve};

fn rules() -> Vec<Rule> {
    let listed = document::rule::RULES
        .iter()
        .chain(devfile::RULES)
        .chain(lock::RULES)
        .chain(resolve::RULES);
    listed.copied().chain(manifest::rules()).collect()
}

/// Every string of the sources, tests left out, that has a code's form.
fn used(folder: &Path, codes: &mut BTreeSet<String>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            used(&path, codes);
        } else if !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            codes.extend(text.split('"').filter(|part| is_code(part)).map(str::to_owned));
        }
    }
}

fn is_code(text: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let stages = ["yaml", "manifest", "devfile", "lock", "resolve"];
    text.split_once('/')
        .is_some_and(|(stage, name)| stages.contains(&stage) && !name.is_empty() && name.chars().all(word))
}

#[test]
fn every_code_is_explained_and_no_other() {
    let mut codes = BTreeSet::new();
    used(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut codes);
    let explained: BTreeSet<String> = rules().iter().map(|rule| rule.code.to_owned()).collect();
    assert!(codes.len() > 80);
    assert_eq!(codes, explained);
    assert_eq!(rules().len(), explained.len(), "one of them twice");
}

#[test]
fn an_explanation_says_why_shows_what_is_wrong_and_what_is_right() {
    for rule in rules() {
        assert!(rule.why.ends_with('.') && rule.why.len() > 20, "{}", rule.code);
        for text in [rule.example, rule.fixed] {
            assert!(text.ends_with('\n'), "{}: {text:?}", rule.code);
        }
        assert_ne!(rule.example, rule.fixed, "{}", rule.code);
    }
}
