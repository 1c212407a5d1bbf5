//! A diagnostic: what is wrong, where, and what to do.

use std::sync::Arc;

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
            message: message.into(),
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
        self.help = Some(help.into());
        self
    }

    /// With what was expected, shown under the text.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
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

/// The candidate that a slip of the finger away from `found` names, if one does.
#[must_use]
pub fn nearest<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = found.to_lowercase();
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&lower, &c.to_lowercase()), c))
        .filter(|(distance, c)| *distance <= (c.chars().count().max(found.chars().count()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

/// The diagnostics of one run, in the order of files and places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all of another list.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
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
}
