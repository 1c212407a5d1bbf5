//! Typed values from a tree: every error of a document in one pass, unknown keys with a suggestion.

use std::ops::RangeInclusive;

use crate::model::{Bytes, MilliCpu, Name};

use super::diagnostic::{Code, Diagnostic, Diagnostics, MAX_PER_FILE};
use super::text::Span;
use super::tree::{Document, Key, Node, Value};

/// Reads one document and collects what is wrong with it.
pub struct Reader<'d> {
    /// The document.
    pub document: &'d Document,
    /// What was found wrong so far.
    pub diagnostics: Diagnostics,
}

/// A value of a known form. `None` means that an error was reported.
pub trait Decode: Sized {
    /// Reads it from `node`.
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self>;
}

/// A value and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<'d> Reader<'d> {
    /// A reader of `document` that has found nothing wrong.
    #[must_use]
    pub fn new(document: &'d Document) -> Self {
        Self {
            document,
            diagnostics: Diagnostics::default(),
        }
    }

    /// An error at `span`; it is reported once given to [`Reader::report`].
    #[must_use]
    pub fn error(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        self.document.error(code, span, message)
    }

    /// Reports a diagnostic.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reports that `node` is not what was expected, such as `a string`.
    pub fn wrong_type<T>(&mut self, node: &Node, expected: &str) -> Option<T> {
        let message = format!("expected {expected}, found {}", node.describe());
        let mut diagnostic = self
            .error("yaml/type", node.span, message)
            .label(format!("expected {expected}"));
        let scalar = matches!(node.value, Value::Integer(_) | Value::Float(_) | Value::Bool(_));
        let text = self.document.text_at(node.span);
        // What stands at an alias is not the value.
        if expected == A_STRING && scalar && !text.starts_with('*') {
            diagnostic = diagnostic.help(format!("write it in quotes: \"{text}\""));
        }
        self.report(diagnostic);
        None
    }
}

const A_STRING: &str = "a string";

/// A map's keys, taken one by one; [`Fields::finish`] reports those that nobody took.
pub struct Fields<'n> {
    span: Span,
    entries: &'n [(Key, Node)],
    known: Vec<&'static str>,
    refused: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The fields of `node`, which must be a map.
    pub fn of(node: &'n Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(entries) = node.as_map() else {
            return reader.wrong_type(node, "a map");
        };
        Some(Self {
            span: node.span,
            entries,
            known: Vec::new(),
            refused: Vec::new(),
        })
    }

    /// The node of `key`, whatever it is.
    pub fn node(&mut self, key: &'static str) -> Option<&'n Node> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.entries
            .iter()
            .find(|(k, _)| k.text == key)
            .map(|(_, node)| node)
    }

    /// The key itself, for its place.
    #[must_use]
    pub fn key(&self, key: &str) -> Option<&'n Key> {
        self.entries.iter().map(|(k, _)| k).find(|k| k.text == key)
    }

    /// Where the map stands.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// The value of `key`, if it is there and right.
    pub fn optional<T: Decode>(&mut self, key: &'static str, reader: &mut Reader<'_>) -> Option<T> {
        let node = self.node(key)?;
        if node.value == Value::Null {
            let at = self.key(key).map_or(node.span, |k| k.span);
            let message = format!("{key:?} has no value");
            let diagnostic = reader
                .error("yaml/no-value", at, message)
                .help("give it a value, or remove the key");
            reader.report(diagnostic);
            return None;
        }
        T::decode(node, reader)
    }

    /// The value of `key`, which must be there.
    pub fn required<T: Decode>(&mut self, key: &'static str, reader: &mut Reader<'_>) -> Option<T> {
        if self.key(key).is_none() {
            self.known.push(key);
            let message = format!("the key {key:?} is missing");
            let mut diagnostic = reader.error("yaml/missing-key", first_line(reader, self.span), message);
            diagnostic.pointer = reader.document.pointer(self.span);
            reader.report(diagnostic);
            return None;
        }
        self.optional(key, reader)
    }

    /// A list under `key`; empty where it is absent.
    pub fn list<T: Decode>(&mut self, key: &'static str, reader: &mut Reader<'_>) -> Vec<T> {
        self.optional(key, reader).unwrap_or_default()
    }

    /// Reports `key`, where it is there, as a feature that is not built yet. Such a key is neither unknown nor
    /// suggested.
    pub fn not_yet(&mut self, key: &'static str, code: Code, reader: &mut Reader<'_>) {
        self.refused.push(key);
        if let Some(found) = self.key(key) {
            let diagnostic = reader.error(code, found.span, format!("{key:?} is not supported yet"));
            reader.report(diagnostic.help("remove the key"));
        }
    }

    /// Reports every key that was not asked for.
    pub fn finish(self, reader: &mut Reader<'_>) {
        let taken = |key: &&Key| {
            let text = key.text.as_str();
            self.known.contains(&text) || self.refused.contains(&text)
        };
        let unknown = self.entries.iter().map(|(key, _)| key).filter(|key| !taken(key));
        // More than are kept need not be made.
        for key in unknown.take(MAX_PER_FILE + 1) {
            let message = format!("unknown key {:?}", key.text);
            let diagnostic = reader
                .error("yaml/unknown-key", key.span, message)
                .help(format!("known keys here: {}", self.known.join(", ")))
                .suggest(&key.text, self.known.iter().copied());
            reader.report(diagnostic);
        }
    }
}

/// The first line of a value that may span many: enough to show where something is missing.
fn first_line(reader: &Reader<'_>, span: Span) -> Span {
    let text = reader.document.text_at(span);
    Span::new(span.start, span.start + text.lines().next().map_or(0, str::len))
}

impl Decode for String {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = node.as_str().map(str::to_owned);
        text.or_else(|| reader.wrong_type(node, A_STRING))
    }
}

impl Decode for bool {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        node.as_bool()
            .or_else(|| reader.wrong_type(node, "true or false"))
    }
}

impl Decode for i64 {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        node.as_integer()
            .or_else(|| reader.wrong_type(node, "an integer"))
    }
}

impl Decode for u16 {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        bounded(node, reader, 0..=i64::from(Self::MAX)).and_then(|v| v.try_into().ok())
    }
}

impl Decode for u32 {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        bounded(node, reader, 0..=i64::from(Self::MAX)).and_then(|v| v.try_into().ok())
    }
}

impl Decode for u64 {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        bounded(node, reader, 0..=i64::MAX).and_then(|v| v.try_into().ok())
    }
}

/// An integer within `range`.
pub fn bounded(node: &Node, reader: &mut Reader<'_>, range: RangeInclusive<i64>) -> Option<i64> {
    let value = i64::decode(node, reader)?;
    if range.contains(&value) {
        return Some(value);
    }
    let (least, most) = (range.start(), range.end());
    let expected = if *most == i64::MAX {
        format!("{least} or more")
    } else {
        format!("{least} to {most}")
    };
    let message = format!("{value} is out of range: expected {expected}");
    let diagnostic = reader.error("yaml/range", node.span, message);
    reader.report(diagnostic.label(format!("expected {expected}")));
    None
}

/// One of a few words, and what each stands for.
pub fn choice<T: Copy>(node: &Node, reader: &mut Reader<'_>, words: &[(&'static str, T)]) -> Option<T> {
    let all = || words.iter().map(|(word, _)| *word);
    let expected = all().collect::<Vec<_>>().join(", ");
    let Some(text) = node.as_str() else {
        return reader.wrong_type(node, &format!("one of {expected}"));
    };
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Some(*value);
    }
    let diagnostic = reader
        .error(
            "yaml/choice",
            node.span,
            format!("{text:?} is not one of {expected}"),
        )
        .label(format!("expected one of {expected}"))
        .suggest(text, all());
    reader.report(diagnostic);
    None
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(items) = node.as_list() else {
            return reader.wrong_type(node, "a list");
        };
        // Every item is read, so that every item's errors are reported.
        let read: Vec<Option<T>> = items.iter().map(|item| T::decode(item, reader)).collect();
        read.into_iter().collect()
    }
}

/// A map of strings to values, in the order of the text.
impl<T: Decode> Decode for Vec<(Spanned<String>, T)> {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(entries) = node.as_map() else {
            return reader.wrong_type(node, "a map");
        };
        let mut read = Vec::new();
        for (key, value) in entries {
            let key = Spanned {
                value: key.text.clone(),
                span: key.span,
            };
            read.push(T::decode(value, reader).map(|v| (key, v)));
        }
        read.into_iter().collect()
    }
}

impl<T: Decode> Decode for Spanned<T> {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        T::decode(node, reader).map(|value| Self {
            value,
            span: node.span,
        })
    }
}

/// Reads a string that has a form of its own.
pub fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    node: &Node,
    reader: &mut Reader<'_>,
    code: Code,
) -> Option<T> {
    let text = String::decode(node, reader)?;
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            let diagnostic = reader.error(code, node.span, format!("{text:?}: {error}"));
            reader.report(diagnostic);
            None
        }
    }
}

impl Decode for Name {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        parsed(node, reader, "yaml/name")
    }
}

impl Decode for Bytes {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        parsed(node, reader, "yaml/quantity")
    }
}

impl Decode for MilliCpu {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        parsed(node, reader, "yaml/quantity")
    }
}

#[cfg(test)]
mod tests;
