//! A diagnostic: what is wrong, where, and what to do.

use std::sync::Arc;

use super::password::without_passwords;
use super::text::{Source, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is applied.
    Error,
    /// Worth a look.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A rule's stable name, such as `yaml/duplicate-key` or `manifest/unknown-owner`.
pub type Code = &'static str;

/// One problem in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The rule.
    pub code: Code,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// The file's path.
    pub path: String,
    /// The file's text, where there is one to show.
    pub source: Option<Arc<Source>>,
    /// The text that is wrong.
    pub span: Option<Span>,
    /// What was expected there, shown under the text.
    pub label: Option<String>,
    /// The JSON pointer of the node (RFC 6901).
    pub pointer: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error about a file as a whole, such as one that can't be read.
    #[must_use]
    pub fn of_file(code: Code, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: fit(&message.into()),
            path: path.into(),
            source: None,
            span: None,
            label: None,
            pointer: None,
            help: None,
        }
    }

    /// An error at a place of a file.
    #[must_use]
    pub fn at(code: Code, source: &Arc<Source>, span: Span, message: impl Into<String>) -> Self {
        Self {
            source: Some(Arc::clone(source)),
            span: Some(span),
            ..Self::of_file(code, source.path.clone(), message)
        }
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// With what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(fit(&help.into()));
        self
    }

    /// With what was expected, shown under the text.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(fit(&label.into()));
        self
    }

    /// With "did you mean …?" where one of `candidates` is near `found`.
    #[must_use]
    pub fn suggest<'a>(self, found: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(found, candidates) {
            Some(near) => self.help(format!("did you mean {near:?}?")),
            None => self,
        }
    }

    /// Line and column, from 1.
    #[must_use]
    pub fn position(&self) -> Option<(usize, usize)> {
        Some(self.source.as_ref()?.position(self.span?.start))
    }
}

/// What is longer than this is no slip of the finger, and comparing it would cost its length squared.
const MAX_SUGGESTED: usize = 256;
/// The most slips in one word or path.
const MAX_SLIPS: usize = 5;
/// The longest message; a hostile value of megabytes is not repeated in full.
const MAX_MESSAGE: usize = 600;

/// A text that anybody may read, and wants to.
fn fit(text: &str) -> String {
    let text = without_passwords(text);
    match text.char_indices().nth(MAX_MESSAGE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.into_owned(),
    }
}

/// The candidate that a slip of the finger away from `found` names, if one does.
#[must_use]
pub fn nearest<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if found.len() > MAX_SUGGESTED {
        return None;
    }
    let lower = found.to_lowercase();
    let length = found.chars().count();
    let limit = |c: &str| (c.chars().count().max(length) / 3).max(1);
    candidates
        .into_iter()
        // The distance is at least the difference in length: that spares the work for what can't be near.
        .filter(|c| c.chars().count().abs_diff(length) <= limit(c).min(MAX_SLIPS))
        .map(|c| (strsim::damerau_levenshtein(&lower, &c.to_lowercase()), c))
        .filter(|(distance, c)| *distance <= limit(c).min(MAX_SLIPS))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

/// The most diagnostics of one file that are kept: more than a person reads, and a bound to what a hostile file costs.
pub const MAX_PER_FILE: usize = 100;

const TOO_MANY: Code = "yaml/too-many-problems";

/// The diagnostics of one run, in the order of files and places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one. Of a file that has [`MAX_PER_FILE`] in a row, what follows is summed up in one more, which is an
    /// error if any of them is.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let full = self
            .0
            .len()
            .checked_sub(MAX_PER_FILE)
            .and_then(|at| self.0.get(at))
            .is_some_and(|earlier| earlier.path == diagnostic.path);
        if !full {
            self.0.push(diagnostic);
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.code == TOO_MANY => last.severity = last.severity.min(diagnostic.severity),
            Some(_) | None => {
                let message =
                    format!("the file has more than {MAX_PER_FILE} problems; the others are not shown");
                let mut sum = Diagnostic::of_file(TOO_MANY, diagnostic.path, message);
                sum.severity = diagnostic.severity;
                self.0.push(sum);
            }
        }
    }

    /// Adds all of another list.
    pub fn extend(&mut self, other: Self) {
        for diagnostic in other.0 {
            self.push(diagnostic);
        }
    }

    /// Whether any of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// Sorted by file, place, code and message; equal ones once.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        let key = |d: &Diagnostic| (d.path.clone(), d.span, d.code, d.message.clone());
        self.0.sort_by_key(key);
        self.0.dedup();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_word_is_suggested() {
        assert_eq!(nearest("memroy", ["memory", "cpu"]), Some("memory"));
        assert_eq!(nearest("Owner", ["owner"]), Some("owner"));
        assert_eq!(nearest("pdis", ["pids", "cpu"]), Some("pids"));
        assert_eq!(nearest("colour", ["memory", "cpu"]), None);
    }

    #[test]
    fn the_problems_of_one_file_are_bounded_and_its_errors_never_lost() {
        let mut diagnostics = Diagnostics::default();
        for _ in 0..1_000 {
            diagnostics.push(Diagnostic::of_file("x", "a.yaml", "m").warning());
        }
        assert_eq!(diagnostics.0.len(), MAX_PER_FILE + 1);
        assert!(!diagnostics.has_errors());
        diagnostics.push(Diagnostic::of_file("x", "a.yaml", "m"));
        assert!(diagnostics.has_errors());
        diagnostics.push(Diagnostic::of_file("x", "b.yaml", "m"));
        assert_eq!(diagnostics.0.len(), MAX_PER_FILE + 2);
    }

    #[test]
    fn no_part_of_a_diagnostic_repeats_a_password() {
        let text = "https://bob:s3cret@x.org";
        let diagnostic = Diagnostic::of_file("x", "a.yaml", text).help(text).label(text);
        assert!(!format!("{diagnostic:?}").contains("s3cret"));
    }

    #[test]
    fn diagnostics_are_sorted_by_place_and_equal_ones_shown_once() {
        let source = super::super::text::Source::new("a.yaml", "abc");
        let at = |start| Diagnostic::at("x", &source, Span::new(start, start + 1), "m");
        let list = Diagnostics(vec![at(2), at(0), at(2), Diagnostic::of_file("x", "a.yaml", "m")]);
        let places: Vec<_> = list.sorted().0.iter().map(Diagnostic::position).collect();
        assert_eq!(places, [None, Some((1, 1)), Some((1, 3))]);
    }
}
