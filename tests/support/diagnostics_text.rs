//! Diagnostics as plain text, for goldens.

use std::fmt::Write as _;

use wharf::document::Diagnostics;

/// Diagnostics as plain text, one a line: place, severity, code, message, and what to do in brackets.
#[must_use]
pub(crate) fn plain(diagnostics: &Diagnostics) -> String {
    let mut text = String::new();
    for d in &diagnostics.0 {
        let place = match d.position() {
            Some((line, column)) => format!("{}:{line}:{column}", d.path),
            None => d.path.clone(),
        };
        let help = d.help.as_ref().map_or(String::new(), |h| format!(" [{h}]"));
        let label = d.label.as_ref().map_or(String::new(), |l| format!(" ({l})"));
        let _ = writeln!(
            text,
            "{place} {} {} {}{label}{help}",
            d.severity.as_str(),
            d.code,
            d.message
        );
    }
    text
}
