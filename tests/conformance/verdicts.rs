//! The reference's verdict on each file of the corpus.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use wharf::devfile::{self, Imports, Read, Shelf};
use wharf::document::{self, Diagnostic, Diagnostics, Severity};

use super::Outcome;
use super::corpus::{Disk, Row, rows};

/// Reads the devfile at `path` below `root`.
pub(crate) fn read(root: &Path, path: &str) -> (Option<Read>, Diagnostics) {
    let bytes = fs::read(root.join(path)).unwrap();
    read_bytes(path, &bytes, &Disk(root.to_owned()))
}

pub(crate) fn read_bytes(path: &str, bytes: &[u8], shelf: &dyn Shelf) -> (Option<Read>, Diagnostics) {
    let (documents, mut diagnostics) = document::parse(path, bytes);
    let Some(document) = documents.into_iter().next().map(Arc::new) else {
        return (None, diagnostics);
    };
    let imports = Imports::gather([(&*document, &document.root)], None, shelf);
    let read = devfile::read(&document, &document.root, &BTreeMap::new(), &imports);
    diagnostics.extend(read.diagnostics.clone());
    (Some(read), diagnostics)
}

/// Whether the corpus has all that a devfile imports by path.
pub(crate) fn is_whole(corpus: &Path, path: &str) -> bool {
    let (_, diagnostics) = read(corpus, path);
    !diagnostics
        .0
        .iter()
        .any(|d| d.message.starts_with("there is no file "))
}

/// Why wharf differs on purpose, where it does.
fn meant(corpus: &Path, row: &Row, diagnostics: &Diagnostics) -> Option<&'static str> {
    let errors = || diagnostics.0.iter().filter(|d| d.severity == Severity::Error);
    if errors().any(|d| d.code == "yaml/duplicate-key") {
        return Some("of two equal keys the reference keeps one");
    }
    let missing = |d: &Diagnostic| {
        let file = d.message.strip_prefix("there is no file ");
        d.code == "devfile/import" && file.is_some_and(|file| !corpus.join(file).exists())
    };
    if row.expected == "VALID" && errors().all(missing) {
        return Some("its parent is not in the corpus");
    }
    let project = |d: &Diagnostic| matches!(d.code, "devfile/clone-path" | "devfile/duplicate-project");
    if row.expected == "VALID" && errors().all(project) {
        return Some("its projects lie at one place, or at none that the specification allows");
    }
    None
}

pub(crate) fn verdicts(root: &Path) -> Outcome {
    let mut outcome = Outcome::default();
    let corpus = root.join("corpus");
    for row in rows(root) {
        let (_, diagnostics) = read(&corpus, &row.path);
        let errors = diagnostics.0.iter().filter(|d| d.severity == Severity::Error);
        let valid = !diagnostics.has_errors();
        let as_expected = match row.expected.as_str() {
            "VALID" | "WARN-ONLY" => valid,
            "INVALID" => !valid,
            // The reference had no network, and neither has this: nothing else may be wrong.
            "UNRESOLVED" => !valid && errors.clone().all(|d| d.code == "devfile/import"),
            other => panic!("verdict {other:?}"),
        };
        match meant(&corpus, &row, &diagnostics) {
            Some(why) if !as_expected => outcome.meant.push(format!("{}: {why}", row.path)),
            Some(_) | None => outcome.compare(as_expected, || {
                let messages: Vec<String> = errors.map(|d| format!("{}: {}", d.code, d.message)).collect();
                let (path, expected, reason) = (&row.path, &row.expected, &row.reason);
                format!(
                    "{path}: expected {expected} ({reason}), found {}",
                    messages.join("; ")
                )
            }),
        }
    }
    outcome
}
