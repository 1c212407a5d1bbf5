//! The tree that a YAML document is read into.

use std::sync::Arc;

use super::diagnostic::{Code, Diagnostic};
use super::text::{Source, Span};

/// One document of a file (a file may hold several), or one that was put together from several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The file.
    pub source: Arc<Source>,
    /// The document's root.
    pub root: Node,
    /// What the tree was put together from, by offset; empty where it was read from one file.
    pub parts: Vec<Part>,
}

/// A document that another one was put together from. A place of it is, in the other one, that many bytes further on:
/// so a place alone tells which file it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// How many bytes.
    pub offset: usize,
    /// The document.
    pub document: Arc<Document>,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
}

/// A value of the YAML 1.2 core schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer that fits.
    Integer(i64),
    /// Any other number, as it was written.
    Float(String),
    /// A string.
    String(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the text; keys are strings and unique.
    Map(Vec<(Key, Node)>),
}

/// A map's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

impl Node {
    /// What kind of value it is, in the words of an error message.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a number",
            Value::String(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// The value of a map's key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, node)| node)
    }

    /// The key and value of a map.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&(Key, Self)> {
        self.as_map()?.iter().find(|(k, _)| k.text == key)
    }

    /// The entries, where it is a map.
    #[must_use]
    pub fn as_map(&self) -> Option<&[(Key, Self)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::String(_)
            | Value::List(_) => None,
        }
    }

    /// The items, where it is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(items) => Some(items),
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::String(_)
            | Value::Map(_) => None,
        }
    }

    /// The value, where it is a boolean.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(value) => Some(*value),
            Value::Null
            | Value::Integer(_)
            | Value::Float(_)
            | Value::String(_)
            | Value::List(_)
            | Value::Map(_) => None,
        }
    }

    /// The value, where it is an integer.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match &self.value {
            Value::Integer(value) => Some(*value),
            Value::Null
            | Value::Bool(_)
            | Value::Float(_)
            | Value::String(_)
            | Value::List(_)
            | Value::Map(_) => None,
        }
    }

    /// The text, where it is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::List(_)
            | Value::Map(_) => None,
        }
    }

    /// The value as JSON; a number that JSON can't hold becomes a string.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(b) => (*b).into(),
            Value::Integer(i) => (*i).into(),
            Value::Float(text) => text
                .parse::<f64>()
                .map_or_else(|_| text.clone().into(), Into::into),
            Value::String(text) => text.clone().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => serde_json::Value::Object(
                entries
                    .iter()
                    .map(|(k, n)| (k.text.clone(), n.to_json()))
                    .collect(),
            ),
        }
    }
}

impl Document {
    /// The document in whose file `span` is, and its place there.
    #[must_use]
    pub fn written(&self, span: Span) -> (&Self, Span) {
        let after = self.parts.partition_point(|part| part.offset <= span.start);
        match after.checked_sub(1).and_then(|at| self.parts.get(at)) {
            Some(part) => {
                let start = span.start - part.offset;
                (&part.document, Span::new(start, start + span.len()))
            }
            None => (self, span),
        }
    }

    /// The text that stands at `span`.
    #[must_use]
    pub fn text_at(&self, span: Span) -> &str {
        let (document, span) = self.written(span);
        document.source.text.get(span.start..span.end).unwrap_or("")
    }

    /// An error at `span`.
    #[must_use]
    pub fn error(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        let (document, span) = self.written(span);
        let mut diagnostic = Diagnostic::at(code, &document.source, span, message);
        diagnostic.pointer = document.pointer(span);
        diagnostic
    }

    /// The JSON pointer (RFC 6901) of the node or key that stands at `span`; nothing where none does. Pointers lead
    /// into a file, so this is for documents that were read from one.
    ///
    /// What stands within an anchored value is found where it was written, not where an alias repeats it.
    #[must_use]
    pub fn pointer(&self, span: Span) -> Option<String> {
        let mut path = String::new();
        let mut node = &self.root;
        loop {
            if node.span == span && matches!(node.value, Value::Map(_) | Value::List(_)) {
                return Some(path);
            }
            // Children stand in the order of the text, so the one that holds the place is the last one to begin
            // before it: a large file with many errors is searched in no time.
            let (part, key, child) = match &node.value {
                Value::Map(entries) => {
                    let after = entries.partition_point(|(key, _)| key.span.start <= span.start);
                    let (key, child) = entries.get(after.checked_sub(1)?)?;
                    (
                        key.text.replace('~', "~0").replace('/', "~1"),
                        Some(key.span),
                        child,
                    )
                }
                Value::List(items) => {
                    let after = items.partition_point(|item| item.span.start <= span.start);
                    let at = after.checked_sub(1)?;
                    (at.to_string(), None, items.get(at)?)
                }
                Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::String(_) => {
                    return (node.span == span).then_some(path);
                }
            };
            path.push('/');
            path.push_str(&part);
            if key == Some(span) {
                return Some(path);
            }
            node = child;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse;

    #[test]
    fn a_pointer_leads_to_the_node_or_key_at_a_place() {
        let text = "a:\n  - x: 1\n    y/z: [p, {q~: r}]\n  - \n  - &v {w: 2}\n  - *v\n";
        let (documents, _) = parse("x.yaml", text.as_bytes());
        let pointer = |part: &str| {
            let start = text.find(part).unwrap();
            documents[0].pointer(Span::new(start, start + part.len()))
        };
        assert_eq!(pointer("a").as_deref(), Some("/a"));
        assert_eq!(pointer("x").as_deref(), Some("/a/0/x"));
        assert_eq!(pointer("1").as_deref(), Some("/a/0/x"));
        assert_eq!(pointer("y/z").as_deref(), Some("/a/0/y~1z"));
        assert_eq!(pointer("[p, {q~: r}]").as_deref(), Some("/a/0/y~1z"));
        assert_eq!(pointer("r").as_deref(), Some("/a/0/y~1z/1/q~0"));
        assert_eq!(pointer("2").as_deref(), Some("/a/2/w"));
        assert_eq!(pointer("*v").as_deref(), Some("/a/3"));
        assert_eq!(pointer("p, {"), None);
    }

    #[test]
    fn a_place_of_a_document_put_together_leads_to_its_file() {
        let read = |path: &str, text: &str| Arc::new(parse(path, text.as_bytes()).0.remove(0));
        let (own, taken) = (read("a.yaml", "x: 1\n"), read("b.yaml", "yy: 22\n"));
        let mut whole = (*own).clone();
        whole.parts = [(0, &own), (100, &taken)]
            .map(|(offset, document)| Part {
                offset,
                document: Arc::clone(document),
            })
            .to_vec();
        let error = |start, end| {
            let error = whole.error("code", Span::new(start, end), "message");
            (error.path, error.pointer, error.span)
        };
        let pointer = |text: &str| Some(text.to_owned());
        assert_eq!(
            error(3, 4),
            ("a.yaml".into(), pointer("/x"), Some(Span::new(3, 4)))
        );
        assert_eq!(
            error(104, 106),
            ("b.yaml".into(), pointer("/yy"), Some(Span::new(4, 6)))
        );
        assert_eq!(whole.text_at(Span::new(104, 106)), "22");
    }
}
