//! What is wrong with one devfile, gathered while it is read.

use crate::document::{Code, Diagnostic, Diagnostics, Document, Node, Reader, Span};

/// The most problems that are shown of one devfile. More help nobody, and finding the place of each takes time.
const MAX_FINDINGS: usize = 100;

/// The most names that a slip is compared with.
const MAX_CANDIDATES: usize = 500;

/// Gathers diagnostics of one document.
pub(super) struct Findings<'d> {
    reader: Reader<'d>,
    dropped: usize,
}

impl<'d> Findings<'d> {
    pub(super) fn new(document: &'d Document) -> Self {
        Self {
            reader: Reader::new(document),
            dropped: 0,
        }
    }

    /// An error at `span`; it counts once given to [`Findings::report`].
    pub(super) fn error(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        if self.is_full() {
            // It will be dropped: no need to look for its place.
            return Diagnostic::of_file(code, "", message);
        }
        self.reader.error(code, span, message)
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        if self.is_full() {
            self.dropped += 1;
        } else {
            self.reader.report(diagnostic);
        }
    }

    /// Reports what `build` makes, which is not asked where nothing more is shown.
    pub(super) fn add(&mut self, build: impl FnOnce(&Self) -> Diagnostic) {
        if self.is_full() {
            self.dropped += 1;
        } else {
            let diagnostic = build(self);
            self.reader.report(diagnostic);
        }
    }

    /// Reports that `node` is not what was expected, such as `a string`.
    pub(super) fn wrong_type(&mut self, node: &Node, expected: &str) {
        if self.is_full() {
            self.dropped += 1;
        } else {
            let _: Option<()> = self.reader.wrong_type(node, expected);
        }
    }

    /// The text that stands at `span`.
    pub(super) fn text_at(&self, span: Span) -> &'d str {
        let text = &self.reader.document.source.text;
        text.get(span.start..span.end).unwrap_or("")
    }

    /// The first line of a value that may span many: enough to show where something is missing.
    pub(super) fn first_line(&self, span: Span) -> Span {
        let length = self.text_at(span).lines().next().map_or(0, str::len);
        Span::new(span.start, span.start + length)
    }

    /// The line of a place, from 1.
    pub(super) fn line(&self, span: Span) -> usize {
        if self.is_full() {
            return 0; // what it is for will be dropped
        }
        self.reader.document.source.position(span.start).0
    }

    /// `diagnostic` with "did you mean …?" where one of `candidates` is near `text`.
    pub(super) fn suggest<'a>(
        &self,
        diagnostic: Diagnostic,
        text: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Diagnostic {
        // Distances are not worth their time where the diagnostic will be dropped, nor among very many.
        if self.is_full() {
            return diagnostic;
        }
        diagnostic.suggest(text, candidates.into_iter().take(MAX_CANDIDATES))
    }

    fn is_full(&self) -> bool {
        self.reader.diagnostics.0.len() >= MAX_FINDINGS
    }

    /// All of them, in the order of the text. `root` is the devfile's root node.
    pub(super) fn finish(mut self, root: &Node) -> Diagnostics {
        if self.dropped > 0 {
            let message = format!("{} more problems are not shown", self.dropped);
            let last = self
                .reader
                .error("devfile/too-many", self.first_line(root.span), message);
            self.reader
                .report(last.help("correct those above and check again"));
        }
        self.reader.diagnostics.sorted()
    }
}
