//! Diagnostics as text: for people, for programs, for code hosts.
//!
//! In: the paths that were checked and what is wrong. Out: a string; printing it, and the exit code, belong to the
//! command. Every form names each place by path, line and column from 1, columns in characters.

use crate::document::{Diagnostic, Diagnostics, Severity};

mod github;
mod human;
mod json;
mod sarif;
mod snippet;

pub use github::github;
pub use human::{human, summary};
pub use json::json;
pub use sarif::{SarifRule, sarif};

/// Line and column of the end of a diagnostic's text, from 1.
fn end(diagnostic: &Diagnostic) -> Option<(usize, usize)> {
    Some(diagnostic.source.as_ref()?.position(diagnostic.span?.end))
}

/// How many errors and warnings.
fn count(diagnostics: &Diagnostics) -> (usize, usize) {
    let errors = diagnostics.0.iter().filter(|d| d.severity == Severity::Error);
    let errors = errors.count();
    (errors, diagnostics.0.len() - errors)
}

#[cfg(test)]
mod tests;
