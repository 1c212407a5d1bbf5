//! Diagnostics for people: the text underlined, what was expected, what to do.

use std::fmt;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode, ThemeStyles};

use crate::document::{Diagnostic, Diagnostics, Severity};

use super::super::output::plural;
use super::count;
use super::snippet::{Snippet, printable};

/// Every diagnostic with the lines around its place, at most `width` columns wide where words allow it.
#[must_use]
pub fn human(diagnostics: &Diagnostics, width: usize, colour: bool) -> String {
    let mut theme = GraphicalTheme::unicode();
    theme.styles = if colour {
        ThemeStyles::ansi()
    } else {
        ThemeStyles::none()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(width)
        .with_links(false)
        .tab_width(4);
    let mut text = String::new();
    for diagnostic in &diagnostics.0 {
        // Invariant: writing to a string fails only where the snippet can't be read, and it always can.
        if handler.render_report(&mut text, &Report::of(diagnostic)).is_err() {
            text.push_str(&diagnostic.message);
        }
        text.push('\n');
    }
    text
}

/// One line: how many errors and warnings in how many files.
#[must_use]
pub fn summary(checked: &[String], diagnostics: &Diagnostics) -> String {
    let files = plural(checked.len(), "file");
    match count(diagnostics) {
        (0, 0) => format!("{files} checked, no problems"),
        (0, warnings) => format!("{files} checked, valid, {}", plural(warnings, "warning")),
        (errors, 0) => format!("{files} checked, {}", plural(errors, "error")),
        (errors, warnings) => {
            let (errors, warnings) = (plural(errors, "error"), plural(warnings, "warning"));
            format!("{files} checked, {errors}, {warnings}")
        }
    }
}

/// A diagnostic as miette wants it.
#[derive(Debug)]
struct Report {
    severity: Severity,
    code: &'static str,
    message: String,
    label: Option<String>,
    help: Option<String>,
    snippet: Option<Snippet>,
}

impl Report {
    fn of(diagnostic: &Diagnostic) -> Self {
        let place = diagnostic.source.as_ref().zip(diagnostic.span);
        let snippet = place.and_then(|(source, span)| Snippet::of(source, span));
        let message = printable(&diagnostic.message);
        Self {
            severity: diagnostic.severity,
            code: diagnostic.code,
            message: match snippet {
                Some(_) => message,
                // No lines to show, so the path goes with the message.
                None => format!("{}: {message}", printable(&diagnostic.path)),
            },
            label: diagnostic.label.as_deref().map(printable),
            help: diagnostic.help.as_deref().map(printable),
            snippet,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.snippet.as_ref().map(|snippet| snippet as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let mark = self.snippet.as_ref()?.mark;
        let label = LabeledSpan::new_primary_with_span(self.label.clone(), (mark.start, mark.len()));
        Some(Box::new(std::iter::once(label)))
    }
}
