//! A file's text and places in it.

use std::sync::{Arc, OnceLock};

/// One file: its path relative to the repository, or as the user gave it, and its text.
#[derive(Debug)]
pub struct Source {
    /// The path.
    pub path: String,
    /// The text.
    pub text: String,
    /// Where each line begins; made when the first position is asked for, so that many positions in one file cost no
    /// more than one reading of it.
    lines: OnceLock<Vec<usize>>,
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.text == other.text
    }
}

impl Eq for Source {}

impl Source {
    /// A file of that path and text.
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            path: path.into(),
            text: text.into(),
            lines: OnceLock::new(),
        })
    }

    /// Where each line begins, in bytes; never empty.
    #[must_use]
    pub fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let after = |(at, _): (usize, &str)| at + 1;
            std::iter::once(0)
                .chain(self.text.match_indices('\n').map(after))
                .collect()
        })
    }

    /// Line and column of a byte offset; both count from 1, columns in characters.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let line = self.lines().partition_point(|start| *start <= end);
        let start = self.lines().get(line - 1).copied().unwrap_or(0);
        let column = self.text[start..end].chars().count() + 1;
        (line, column)
    }
}

/// A range of bytes of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The bytes from `start` to before `end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }

    /// How many bytes.
    #[must_use]
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let source = Source::new("x", "aé\nbü: c");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(3), (1, 3));
        assert_eq!(source.position(4), (2, 1));
        assert_eq!(source.position(7), (2, 3));
        assert_eq!(source.position(6), (2, 2));
        assert_eq!(source.position(999), (2, 6));
    }
}
