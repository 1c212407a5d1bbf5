//! Diagnostics as GitHub workflow commands, which a code host shows beside the lines of a change.
//!
//! Form: <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>.

use std::fmt::Write as _;

use crate::document::Diagnostics;

use super::end;

/// One annotation a line.
#[must_use]
pub fn github(diagnostics: &Diagnostics) -> String {
    let mut text = String::new();
    for diagnostic in &diagnostics.0 {
        let mut properties = format!("file={}", property(&diagnostic.path));
        if let (Some((line, column)), Some((end_line, end_column))) = (diagnostic.position(), end(diagnostic))
        {
            // Writing to a string can't fail.
            let _ = write!(properties, ",line={line},endLine={end_line},col={column}");
            if end_line == line {
                let _ = write!(properties, ",endColumn={end_column}");
            }
        }
        let help = diagnostic.help.as_ref().map(|help| format!("\n{help}"));
        let message = format!("{}{}", diagnostic.message, help.unwrap_or_default());
        let (severity, code) = (diagnostic.severity.as_str(), property(diagnostic.code));
        let _ = writeln!(text, "::{severity} {properties},title={code}::{}", data(&message));
    }
    text
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
