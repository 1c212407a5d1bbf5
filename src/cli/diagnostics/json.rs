//! Diagnostics for programs: the contract of `wharf validate --format json`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::document::{Diagnostic, Diagnostics, Severity};

#[derive(Serialize)]
struct Report<'a> {
    valid: bool,
    files: Vec<File<'a>>,
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    valid: bool,
    diagnostics: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    severity: &'static str,
    code: &'static str,
    message: &'a str,
    path: &'a str,
    line: Option<usize>,
    column: Option<usize>,
    pointer: Option<&'a str>,
    help: Option<&'a str>,
}

/// One object: whether all is valid, and every checked file with its diagnostics, valid files too.
#[must_use]
pub fn json(checked: &[String], diagnostics: &Diagnostics) -> String {
    let mut files: BTreeMap<&str, Vec<Entry<'_>>> =
        checked.iter().map(|path| (path.as_str(), Vec::new())).collect();
    for diagnostic in &diagnostics.0 {
        files.entry(&diagnostic.path).or_default().push(entry(diagnostic));
    }
    let report = Report {
        valid: !diagnostics.has_errors(),
        files: files
            .into_iter()
            .map(|(path, diagnostics)| File {
                path,
                valid: diagnostics.iter().all(|d| d.severity != Severity::Error.as_str()),
                diagnostics,
            })
            .collect(),
    };
    // Invariant: strings, numbers, lists and structs serialise.
    serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
}

fn entry(diagnostic: &Diagnostic) -> Entry<'_> {
    let position = diagnostic.position();
    Entry {
        severity: diagnostic.severity.as_str(),
        code: diagnostic.code,
        message: &diagnostic.message,
        path: &diagnostic.path,
        line: position.map(|(line, _)| line),
        column: position.map(|(_, column)| column),
        pointer: diagnostic.pointer.as_deref(),
        help: diagnostic.help.as_deref(),
    }
}
