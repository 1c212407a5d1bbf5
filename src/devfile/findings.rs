//! What is wrong with one devfile, gathered while it is read.

use crate::document::diagnostic::MAX_PER_FILE;
use crate::document::{Code, Diagnostic, Diagnostics, Document, Node, Reader, Span};

/// The most names that a slip is compared with.
const MAX_CANDIDATES: usize = 500;

/// Gathers diagnostics of one document. Once it has as many as are shown, those that follow are only counted in, and
/// nothing that takes time is done for them.
pub(super) struct Findings<'d> {
    reader: Reader<'d>,
}

impl<'d> Findings<'d> {
    pub(super) fn new(document: &'d Document) -> Self {
        Self {
            reader: Reader::new(document),
        }
    }

    /// An error at `span`; it counts once given to [`Findings::report`].
    pub(super) fn error(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        if self.is_full() {
            let path = self.reader.document.source.path.clone();
            return Diagnostic::of_file(code, path, message);
        }
        self.reader.error(code, span, message)
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.reader.report(diagnostic);
    }

    /// Reports that `node` is not what was expected, such as `a string`.
    pub(super) fn wrong_type(&mut self, node: &Node, expected: &str) {
        let _: Option<()> = self.reader.wrong_type(node, expected);
    }

    /// The text that stands at `span`.
    pub(super) fn text_at(&self, span: Span) -> &'d str {
        self.reader.document.text_at(span)
    }

    /// The first line of a value that may span many: enough to show where something is missing.
    pub(super) fn first_line(&self, span: Span) -> Span {
        let length = self.text_at(span).lines().next().map_or(0, str::len);
        Span::new(span.start, span.start + length)
    }

    /// A place as people say it: its line, and its file where that is another one.
    pub(super) fn place(&self, span: Span) -> String {
        if self.is_full() {
            return String::new();
        }
        let (document, span) = self.reader.document.written(span);
        let (line, _) = document.source.position(span.start);
        if document.source == self.reader.document.source {
            format!("line {line}")
        } else {
            format!("{}:{line}", document.source.path)
        }
    }

    /// `diagnostic` with "did you mean …?" where one of `candidates` is near `text`.
    pub(super) fn suggest<'a>(
        &self,
        diagnostic: Diagnostic,
        text: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Diagnostic {
        if self.is_full() {
            return diagnostic;
        }
        diagnostic.suggest(text, candidates.into_iter().take(MAX_CANDIDATES))
    }

    /// Whether what follows is not shown.
    pub(super) fn is_full(&self) -> bool {
        self.reader.diagnostics.0.len() >= MAX_PER_FILE
    }

    /// All of them, in the order of the text.
    pub(super) fn finish(self) -> Diagnostics {
        self.reader.diagnostics.sorted()
    }
}
