//! The lines of a file around a place, fit to be shown: no control characters, no endless lines. A file may hold
//! megabytes in one line and escape sequences for the reader's terminal.

use std::borrow::Cow;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::document::password::without_passwords;
use crate::document::{Source, Span};

/// The most characters of a line that are shown.
const MAX_LINE: usize = 160;
/// How many characters before a far place are shown.
const LEAD: usize = 60;
/// How many lines before and after the place are shown.
const CONTEXT: usize = 1;

/// Lines of a file with one of their places marked.
#[derive(Debug)]
pub(super) struct Snippet {
    path: String,
    text: String,
    /// Where the first line stands in the file, from 0.
    first_line: usize,
    /// The place within `text`.
    pub(super) mark: Span,
    /// The place within the file, from 0.
    position: (usize, usize),
}

impl Snippet {
    /// The lines around `span`; nothing where the file has no text to show.
    pub(super) fn of(source: &Source, span: Span) -> Option<Self> {
        if source.text.trim().is_empty() {
            return None;
        }
        let (line, column) = source.position(span.start);
        let (line, column) = (line - 1, column - 1);
        let first_line = line.saturating_sub(CONTEXT);
        let mut text = String::new();
        let mut mark = Span::default();
        for at in first_line..=(line + CONTEXT).min(source.lines().len() - 1) {
            let full = &*line_text(source, at);
            if at != line {
                if full.is_empty() && at + 1 == source.lines().len() {
                    break; // what follows the last line's end is no line
                }
                text.push_str(&shown(full, 0, MAX_LINE));
            } else {
                let skip = if column + LEAD > MAX_LINE {
                    column.saturating_sub(LEAD)
                } else {
                    0
                };
                // What spans several lines is marked on its first one.
                let start = source.lines()[at];
                let length = full
                    .get(span.start.saturating_sub(start)..span.end.saturating_sub(start).min(full.len()));
                let length = length.map_or(0, |marked| marked.trim_end().chars().count());
                let end = (column + length).min(skip + MAX_LINE);
                let before = shown(full, skip, column - skip);
                let marked = shown(full, column, end.saturating_sub(column));
                let start = text.len() + before.len();
                mark = Span::new(start, start + marked.len());
                text.push_str(&before);
                text.push_str(&marked);
                let used = end.max(column);
                text.push_str(&shown(full, used, (skip + MAX_LINE).saturating_sub(used)));
            }
            text.push('\n');
        }
        Some(Self {
            path: printable(&source.path),
            text,
            first_line,
            mark,
            position: (line, column),
        })
    }
}

/// A line without its end, and without passwords.
fn line_text(source: &Source, line: usize) -> Cow<'_, str> {
    let start = source.lines()[line];
    let end = source
        .lines()
        .get(line + 1)
        .map_or(source.text.len(), |next| next - 1);
    without_passwords(source.text[start..end].trim_end_matches('\r'))
}

/// So many characters of a line after the first `skip`.
fn shown(line: &str, skip: usize, length: usize) -> String {
    line.chars().skip(skip).take(length).map(visible).collect()
}

fn visible(c: char) -> char {
    if c.is_control() && c != '\t' {
        '\u{fffd}'
    } else {
        c
    }
}

/// A text of which no character steers a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(visible).collect()
}

impl SourceCode for Snippet {
    fn read_span<'a>(
        &'a self,
        _span: &SourceSpan,
        context_before: usize,
        _context_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        // Without context, miette asks for the place itself; with it, for the lines to show.
        let (line, column) = if context_before == 0 {
            self.position
        } else {
            (self.first_line, 0)
        };
        let whole = SourceSpan::from((0, self.text.len()));
        let contents = MietteSpanContents::new_named(
            self.path.clone(),
            self.text.as_bytes(),
            whole,
            line,
            column,
            self.text.lines().count(),
        );
        Ok(Box::new(contents))
    }
}
