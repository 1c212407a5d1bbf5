//! Text to trees. Everything that a hostile file can try is bounded here: its size, its depth, what its aliases
//! expand to.

use std::collections::BTreeMap;
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Tag};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::scalar;
use super::text::{Source, Span};
use super::tree::{Document, Key, Node, Value};

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 4 << 20;
/// The deepest nesting.
pub const MAX_DEPTH: usize = 100;
/// The most values of a file, those that its aliases repeat included.
pub const MAX_NODES: usize = 250_000;

/// Reads a file: every document in it, and what is wrong with its YAML.
///
/// Bytes that are no UTF-8, or more than [`MAX_BYTES`], yield a diagnostic and no document; a document with an error
/// is left out, later ones can't be found.
#[must_use]
pub fn parse(path: &str, bytes: &[u8]) -> (Vec<Document>, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    if bytes.len() > MAX_BYTES {
        let message = format!("the file has {} bytes, the most is {MAX_BYTES}", bytes.len());
        let start = Source::new(path, "");
        diagnostics.push(Diagnostic::at("yaml/too-large", &start, Span::default(), message));
        return (Vec::new(), diagnostics);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let valid = error.valid_up_to();
            let source = Source::new(path, String::from_utf8_lossy(bytes));
            let span = Span::new(valid, valid + '\u{fffd}'.len_utf8());
            let message = format!("byte {valid} is not UTF-8");
            let help = "save the file as UTF-8";
            diagnostics.push(Diagnostic::at("yaml/not-utf8", &source, span, message).help(help));
            return (Vec::new(), diagnostics);
        }
    };
    let mut builder = Builder {
        source: Source::new(path, text),
        diagnostics,
        documents: Vec::new(),
        open: Vec::new(),
        anchors: BTreeMap::new(),
        nodes: 0,
    };
    builder.read(text);
    (builder.documents, builder.diagnostics)
}

/// A list or map that is still open.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<Key>,
    seen: BTreeMap<String, Span>,
}

struct Builder {
    source: Arc<Source>,
    diagnostics: Diagnostics,
    documents: Vec<Document>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

/// Reading can't go on; the diagnostic has been pushed.
struct Stop;

impl Builder {
    fn read(&mut self, text: &str) {
        let options = granit_parser::options! {
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        for event in Parser::new_from_str_with_options(text, options) {
            let stopped = match event {
                Ok((event, span)) => {
                    let span = byte_span(text, &span);
                    self.event(event, span).is_err()
                }
                Err(error) => {
                    let at = offset(text, error.marker());
                    let span = Span::new(at, next_boundary(text, at));
                    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
                        self.error("yaml/too-deep", span, too_deep());
                    } else {
                        self.error("yaml/syntax", span, sentence(&error.info()));
                    }
                    true
                }
            };
            if stopped {
                return;
            }
        }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        match event {
            Event::DocumentStart(..) => {
                self.anchors.clear();
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.known_tag(tag.as_deref(), span)?;
                let value = match (style, tag) {
                    (ScalarStyle::Plain, None) => scalar::resolve(&text),
                    (_, tag) => match tag.as_ref().and_then(|t| t.core_suffix()) {
                        Some("int" | "float" | "bool" | "null") => scalar::resolve(&text),
                        Some(_) | None => Value::String(text.into_owned()),
                    },
                };
                self.node(Node { value, span }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.known_tag(tag.as_deref(), span)?;
                self.start(Value::List(Vec::new()), span, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.known_tag(tag.as_deref(), span)?;
                self.start(Value::Map(Vec::new()), span, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(mut open) = self.open.pop() else {
                    return Ok(());
                };
                let end = trimmed_end(&self.source.text, span.end.max(open.node.span.start));
                open.node.span.end = end.max(open.node.span.start);
                self.node(open.node, open.anchor)
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => Ok(()), // stream and document ends: nothing to build (the enum is non-exhaustive)
        }
    }

    /// A tag of the core schema, or none: `!include x` and its like mean something to other programs, and reading
    /// their values as they stand would be a guess.
    fn known_tag(&mut self, tag: Option<&Tag>, span: Span) -> Result<(), Stop> {
        match tag.filter(|t| t.core_suffix().is_none() && t.original() != "!") {
            None => Ok(()),
            Some(tag) => {
                let message = format!("the tag {} has no meaning here", tag.original());
                self.error("yaml/tag", span, message);
                Err(Stop)
            }
        }
    }

    fn start(&mut self, value: Value, span: Span, anchor: usize) -> Result<(), Stop> {
        if self.open.len() >= MAX_DEPTH {
            self.error(
                "yaml/too-deep",
                span,
                format!("nesting goes deeper than {MAX_DEPTH} levels"),
            );
            return Err(Stop);
        }
        let node = Node { value, span };
        self.open.push(Open {
            node,
            anchor,
            key: None,
            seen: BTreeMap::new(),
        });
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        let Some(target) = self.anchors.get(&anchor) else {
            self.error(
                "yaml/alias",
                span,
                "an alias can't stand within the value that it names",
            );
            return Err(Stop);
        };
        let repeated = count(target);
        if self.nodes + repeated > MAX_NODES {
            let message = format!("with what its aliases repeat, the file has more than {MAX_NODES} values");
            self.error("yaml/alias-bomb", span, message);
            return Err(Stop);
        }
        self.nodes += repeated;
        // The alias's own place is what an error about the value should show.
        let node = Node {
            value: target.value.clone(),
            span,
        };
        self.node(node, 0)
    }

    /// A finished value: a key, an entry, an item, or a document.
    fn node(&mut self, node: Node, anchor: usize) -> Result<(), Stop> {
        self.nodes += 1;
        if anchor != 0 {
            // The copy counts too: anchors nest, and each would copy all that is below it.
            self.nodes += count(&node);
        }
        if self.nodes > MAX_NODES {
            let message = format!("the file has more than {MAX_NODES} values");
            self.error("yaml/too-many-values", node.span, message);
            return Err(Stop);
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(Document {
                source: Arc::clone(&self.source),
                root: node,
                parts: Vec::new(),
            });
            return Ok(());
        };
        match &mut open.node.value {
            Value::List(items) => {
                items.push(node);
                Ok(())
            }
            Value::Map(entries) => match open.key.take() {
                Some(key) => {
                    entries.push((key, node));
                    Ok(())
                }
                None => self.key(node),
            },
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::String(_) => Ok(()),
        }
    }

    fn key(&mut self, node: Node) -> Result<(), Stop> {
        let text = match node.value {
            Value::String(text) | Value::Float(text) => text,
            Value::Integer(_) | Value::Bool(_) => self.source.text[node.span.start..node.span.end].to_owned(),
            Value::Null | Value::List(_) | Value::Map(_) => {
                self.error("yaml/key", node.span, "a key must be a string");
                return Err(Stop);
            }
        };
        let Some(open) = self.open.last_mut() else {
            return Ok(());
        };
        let first = open.seen.get(&text).copied();
        open.seen.entry(text.clone()).or_insert(node.span);
        open.key = Some(Key {
            text: text.clone(),
            span: node.span,
        });
        if let Some(first) = first {
            let (line, _) = self.source.position(first.start);
            let diagnostic = Diagnostic::at(
                "yaml/duplicate-key",
                &self.source,
                node.span,
                format!("the key {text:?} stands twice in one map"),
            );
            self.diagnostics
                .push(diagnostic.help(format!("it stands first on line {line}; remove one of them")));
        }
        Ok(())
    }

    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.diagnostics
            .push(Diagnostic::at(code, &self.source, span, message));
    }
}

fn too_deep() -> String {
    format!("nesting goes deeper than {MAX_DEPTH} levels")
}

fn count(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(_, n)| 1 + count(n)).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::String(_) => 1,
    }
}

fn offset(text: &str, marker: &granit_parser::Marker) -> usize {
    marker.byte_offset().unwrap_or_else(|| {
        text.char_indices()
            .nth(marker.index())
            .map_or(text.len(), |(at, _)| at)
    })
}

fn byte_span(text: &str, span: &granit_parser::Span) -> Span {
    let start = offset(text, &span.start);
    let end = offset(text, &span.end).max(start);
    Span::new(start, trimmed_end(text, end).max(start))
}

/// Block values end where the next token begins; what is shown ends with the last visible character.
fn trimmed_end(text: &str, end: usize) -> usize {
    text.get(..end).map_or(end, |t| t.trim_end().len())
}

fn next_boundary(text: &str, at: usize) -> usize {
    text[at.min(text.len())..]
        .chars()
        .next()
        .map_or(at, |c| at + c.len_utf8())
}

/// The parser's message as one of ours: no trailing full stop.
fn sentence(message: &str) -> String {
    message.trim().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<(&'static str, Option<(usize, usize)>)> {
        parse("x.yaml", text.as_bytes())
            .1
            .0
            .iter()
            .map(|d| (d.code, d.position()))
            .collect()
    }

    #[test]
    fn several_documents_are_read_with_their_places() {
        let (documents, diagnostics) = parse("x.yaml", b"a: 1\nb: [x, {c: d}]\n---\ne: |\n  text\n");
        assert_eq!(diagnostics, Diagnostics::default());
        assert_eq!(documents.len(), 2);
        let list = documents[0].root.get("b").unwrap();
        let text = &documents[0].source.text;
        assert_eq!(&text[list.span.start..list.span.end], "[x, {c: d}]");
        let inner = list.to_json()[1]["c"].clone();
        assert_eq!(inner, "d");
        assert_eq!(documents[1].root.get("e").unwrap().as_str(), Some("text\n"));
    }

    #[test]
    fn every_hostile_form_is_an_error_with_a_place() {
        assert_eq!(codes("a: 1\na: 2\n"), [("yaml/duplicate-key", Some((2, 1)))]);
        assert_eq!(codes("a: [1, 2\n")[0].0, "yaml/syntax");
        assert_eq!(codes("a: *nobody\n")[0].0, "yaml/syntax");
        let deep = "[".repeat(10_000);
        assert_eq!(codes(&deep)[0].0, "yaml/too-deep");
        let deep: String = (0..1_000).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
        assert_eq!(codes(&deep)[0].0, "yaml/too-deep");
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..10 {
            let items = vec![format!("*a{}", i - 1); 10].join(", ");
            bomb.push_str(&format!("a{i}: &a{i} [{items}]\n"));
        }
        assert_eq!(codes(&bomb)[0].0, "yaml/alias-bomb");
        assert_eq!(codes("&a [*a]\n")[0].0, "yaml/alias");
        assert_eq!(codes("a: !include x\n"), [("yaml/tag", Some((1, 13)))]);
        assert_eq!(codes("a: !x {b: c}\n")[0].0, "yaml/tag");
        let (documents, diagnostics) = parse("x.yaml", b"a: \xff\n");
        assert!(documents.is_empty());
        assert_eq!(
            (diagnostics.0[0].code, diagnostics.0[0].position()),
            ("yaml/not-utf8", Some((1, 4)))
        );
        let large = vec![b'a'; MAX_BYTES + 1];
        assert_eq!(parse("x.yaml", &large).1.0[0].code, "yaml/too-large");
    }

    #[test]
    fn an_error_leaves_the_documents_before_it() {
        let (documents, diagnostics) = parse("x.yaml", b"a: 1\n---\nb: [\n---\nc: 1\n");
        assert_eq!(documents.len(), 1);
        assert_eq!(diagnostics.0.len(), 1);
    }

    #[test]
    fn a_byte_order_mark_and_windows_line_ends_move_no_place() {
        let (documents, diagnostics) = parse("x.yaml", "\u{feff}a: 1\r\nb:\r\n  c: é\r\n".as_bytes());
        assert_eq!(diagnostics, Diagnostics::default());
        let b = documents[0].root.get("b").unwrap();
        let c = b.get("c").unwrap();
        assert_eq!(documents[0].source.position(c.span.start), (3, 6));
        assert_eq!(c.as_str(), Some("é"));
    }

    #[test]
    fn only_plain_scalars_are_other_than_strings() {
        let (documents, _) = parse(
            "x.yaml",
            b"[1, '1', \"1\", !!str 1, ! 1, !!int '1', true, 'true', null, ~]\n",
        );
        let expected = serde_json::json!([1, "1", "1", "1", "1", 1, true, "true", null, null]);
        assert_eq!(documents[0].root.to_json(), expected);
    }

    #[test]
    fn comments_and_separators_alone_are_no_values() {
        assert!(parse("x.yaml", b"").0.is_empty());
        assert!(parse("x.yaml", b"# nothing\n").0.is_empty());
        let (documents, _) = parse("x.yaml", b"---\n---\n");
        assert!(documents.iter().all(|d| d.root.value == Value::Null));
    }

    #[test]
    fn an_alias_repeats_a_value_of_its_own_document_only() {
        let (documents, diagnostics) = parse("x.yaml", b"a: &x {b: 1}\nc: *x\n");
        assert_eq!(diagnostics, Diagnostics::default());
        assert_eq!(
            documents[0].root.get("a").unwrap().value,
            documents[0].root.get("c").unwrap().value
        );
        assert_eq!(codes("a: &x 1\n---\nb: *x\n"), [("yaml/syntax", Some((3, 4)))]);
    }

    #[test]
    fn anchors_within_anchors_are_not_copied_without_bound() {
        let anchors: String = (0..90).map(|i| format!("&a{i} [")).collect();
        let text = format!("{anchors}{}{}", "x,".repeat(5_000), "]".repeat(90));
        assert_eq!(codes(&text)[0].0, "yaml/too-many-values");
        let flat = format!("[{}]", "x,".repeat(MAX_NODES));
        assert_eq!(codes(&flat)[0].0, "yaml/too-many-values");
    }
}
