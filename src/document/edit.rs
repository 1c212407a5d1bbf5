//! Changes of a document's text that leave everything else as its author wrote it: comments, quotes, line ends, order.

use super::text::Span;
use super::tree::{Document, Node, Value};

/// A change of one file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The file's path.
    pub path: String,
    /// What is replaced; empty where something is only added.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
}

/// Why a text can't be changed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The value stands elsewhere.
    #[error("it is written as an alias, and its anchor may mean more than this")]
    Alias,
    /// It is no single value in one line.
    #[error("it is not written as a value in one line")]
    Form,
}

/// Writes `value` in the place of a scalar, quoted as that was. A value that YAML would not read as a string gets
/// quotes where `node` is a string.
///
/// # Errors
/// See [`EditError`].
pub fn replace(document: &Document, node: &Node, value: &str) -> Result<Edit, EditError> {
    let (written, span) = document.written(node.span);
    let old = document.text_at(node.span);
    let text = match (old.chars().next(), &node.value) {
        (Some('*'), _) => return Err(EditError::Alias),
        (None, _) | (_, Value::List(_) | Value::Map(_) | Value::Null) => {
            return Err(EditError::Form);
        }
        (Some(quote @ ('"' | '\'')), _) => format!("{quote}{value}{quote}"),
        (Some(_), Value::String(_)) if is_number(value) => format!("\"{value}\""),
        (Some(_), Value::String(_) | Value::Bool(_) | Value::Integer(_) | Value::Float(_)) => {
            value.to_owned()
        }
    };
    if old.contains('\n') || is_block(&written.source.text, span) {
        return Err(EditError::Form);
    }
    let path = written.source.path.clone();
    Ok(Edit { path, span, text })
}

/// Adds an entry to a map that has some, in the form that the map has. `value` is written as it is.
///
/// # Errors
/// See [`EditError`].
pub fn insert(document: &Document, map: &Node, key: &str, value: &str) -> Result<Edit, EditError> {
    let (written, span) = document.written(map.span);
    let (entries, source) = (map.as_map().unwrap_or_default(), &written.source);
    let (Some((first, _)), Some((_, last))) = (entries.first(), entries.last()) else {
        return Err(EditError::Form);
    };
    let at = |start: usize, text: String| Edit {
        path: source.path.clone(),
        span: Span::new(start, start),
        text,
    };
    match source.text.get(span.start..).and_then(|text| text.chars().next()) {
        Some('*') => Err(EditError::Alias),
        Some('{') => {
            let end = written_end(document, last);
            Ok(at(end, format!(", {key}: {value}")))
        }
        Some(_) | None => {
            let first = document.written(first.span).1;
            let line = source.text[..first.start].rfind('\n').map_or(0, |at| at + 1);
            let indent = source.text[line..first.start].chars().count();
            // Behind a value that ends with its line, whatever comment stands behind it.
            let single = entries.iter().find(|(_, value)| is_single(document, value));
            let (_, value_before) = single.ok_or(EditError::Form)?;
            let end = written_end(document, value_before);
            let (end, newline) = end_of_line(&source.text, end);
            Ok(at(end, format!("{newline}{:indent$}{key}: {value}", "")))
        }
    }
}

/// Adds an entry at the end of a list, in the form that the list has. `value` is written as it is, in one line.
///
/// # Errors
/// See [`EditError`].
pub fn append(document: &Document, list: &Node, value: &str) -> Result<Edit, EditError> {
    let (written, span) = document.written(list.span);
    let (items, source) = (list.as_list().unwrap_or_default(), &written.source);
    let at = |start: usize, text: String| Edit {
        path: source.path.clone(),
        span: Span::new(start, start),
        text,
    };
    let opening = source.text.get(span.start..).and_then(|text| text.chars().next());
    match (opening, items.first().zip(items.last())) {
        (Some('*'), _) => Err(EditError::Alias),
        (Some('['), None) => Ok(at(span.start + 1, value.to_owned())),
        (Some('['), Some((_, last))) => Ok(at(written_end(document, last), format!(", {value}"))),
        (_, None) => Err(EditError::Form),
        (_, Some((first, last))) => {
            let first = document.written(first.span).1;
            let line = source.text[..first.start].rfind('\n').map_or(0, |at| at + 1);
            let before = &source.text[line..first.start];
            let indent = before.chars().take_while(|c| *c == ' ').count();
            let end = end_of_last_line(document, last).ok_or(EditError::Form)?;
            let (end, newline) = end_of_line(&source.text, end);
            Ok(at(end, format!("{newline}{:indent$}- {value}", "")))
        }
    }
}

/// Where a list's entry ends that ends with a value in one line.
fn end_of_last_line(document: &Document, entry: &Node) -> Option<usize> {
    let is_flow = document.text_at(entry.span).starts_with(['{', '[']);
    match entry.as_map().and_then(<[_]>::last) {
        _ if is_flow => Some(written_end(document, entry)),
        Some((_, last)) => end_of_last_line(document, last),
        None => is_single(document, entry).then(|| written_end(document, entry)),
    }
}

/// The end of the line of a place, and how lines end there.
fn end_of_line(text: &str, place: usize) -> (usize, &'static str) {
    let rest = &text[place..];
    let length = rest.find('\n').unwrap_or(rest.len());
    match rest[..length].ends_with('\r') {
        true => (place + length - 1, "\r\n"),
        false => (place + length, "\n"),
    }
}

/// The text with all of the edits, which don't overlap.
#[must_use]
pub fn apply<'e>(text: &str, edits: impl IntoIterator<Item = &'e Edit>) -> String {
    let mut edits: Vec<&Edit> = edits.into_iter().collect();
    edits.sort_by_key(|edit| edit.span.start);
    let (mut changed, mut from) = (String::new(), 0);
    for edit in edits {
        changed.push_str(text.get(from..edit.span.start).unwrap_or_default());
        changed.push_str(&edit.text);
        from = edit.span.end;
    }
    changed.push_str(text.get(from..).unwrap_or_default());
    changed
}

fn written_end(document: &Document, node: &Node) -> usize {
    document.written(node.span).1.end
}

/// Whether a scalar is what stands below `|` or `>`.
fn is_block(text: &str, span: Span) -> bool {
    let before = text.get(..span.start).unwrap_or_default();
    let line = before.trim_end_matches([' ', '\t']).strip_suffix('\n');
    let header = line.and_then(|line| line.split_whitespace().next_back());
    header.is_some_and(|header| header.starts_with(['|', '>']))
}

/// Whether a value is a scalar in one line.
fn is_single(document: &Document, node: &Node) -> bool {
    let text = document.text_at(node.span);
    let scalar = !matches!(node.value, Value::List(_) | Value::Map(_) | Value::Null);
    let (written, span) = document.written(node.span);
    scalar && !text.is_empty() && !text.contains('\n') && !is_block(&written.source.text, span)
}

/// Whether YAML would read a plain scalar as a number.
fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse;

    fn edited(
        text: &str,
        path: &[&str],
        edit: impl Fn(&Document, &Node) -> Result<Edit, EditError>,
    ) -> String {
        let (documents, problems) = parse("x.yaml", text.as_bytes());
        assert!(!problems.has_errors(), "{problems:?}");
        let document = documents.last().unwrap();
        let node = path
            .iter()
            .fold(&document.root, |node, key| node.get(key).unwrap());
        match edit(document, node) {
            Ok(edit) => apply(text, [&edit]),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_value_is_replaced_and_all_else_stays() {
        let set = |text: &str, value: &str| edited(text, &["a", "b"], |d, n| replace(d, n, value));
        assert_eq!(set("# c\na: {b: 1Gi} # d\n", "2Gi"), "# c\na: {b: 2Gi} # d\n");
        assert_eq!(
            set("a:\r\n  b: '1' # d\r\n", "1500m"),
            "a:\r\n  b: '1500m' # d\r\n"
        );
        assert_eq!(set("a:\n  b: 500m\n", "2"), "a:\n  b: \"2\"\n");
        assert_eq!(set("a:\n  b: 512\n", "300"), "a:\n  b: 300\n");
        assert_eq!(
            set("---\nx: y\n---\na: {b: on}", "off"),
            "---\nx: y\n---\na: {b: off}"
        );
        assert_eq!(
            set("x: &v 1Gi\na: {b: *v}\n", "2Gi"),
            EditError::Alias.to_string()
        );
        assert_eq!(set("a:\n  b: |\n    1\n", "2"), EditError::Form.to_string());
    }

    #[test]
    fn an_entry_is_added_in_the_lists_own_form() {
        let add = |text: &str| edited(text, &["a", "b"], |d, n| append(d, n, "{x: 2}"));
        assert_eq!(add("a: {b: [{x: 1}]} # c\n"), "a: {b: [{x: 1}, {x: 2}]} # c\n");
        assert_eq!(add("a: {b: []}\n"), "a: {b: [{x: 2}]}\n");
        assert_eq!(
            add("a:\n  b: [\n    {x: 1},\n  ]\n"),
            "a:\n  b: [\n    {x: 1}, {x: 2},\n  ]\n"
        );
        assert_eq!(
            add("a:\n  b:\n    # one\n    - {x: 1} # c\n  d: e\n"),
            "a:\n  b:\n    # one\n    - {x: 1} # c\n    - {x: 2}\n  d: e\n"
        );
        assert_eq!(
            add("a:\r\n  b:\r\n  - x: 0\r\n  - y: 0\r\n    x: 1 # c\r\n  d: e\r\n"),
            "a:\r\n  b:\r\n  - x: 0\r\n  - y: 0\r\n    x: 1 # c\r\n  - {x: 2}\r\n  d: e\r\n"
        );
        assert_eq!(add("a:\n  b:\n    - 1"), "a:\n  b:\n    - 1\n    - {x: 2}");
        assert_eq!(add("a:\n  b:\n    - |\n      1\n"), EditError::Form.to_string());
        assert_eq!(add("c: &c [1]\na: {b: *c}\n"), EditError::Alias.to_string());
        assert_eq!(add("a:\n  b:\n"), EditError::Form.to_string());
    }

    #[test]
    fn an_entry_is_added_in_the_maps_own_form() {
        let add = |text: &str| edited(text, &["spec"], |d, n| insert(d, n, "power", "off"));
        assert_eq!(
            add("spec: {owner: a, x: [1]} # c\n"),
            "spec: {owner: a, x: [1], power: off} # c\n"
        );
        assert_eq!(
            add("spec:\n  # who\n  owner: alice # c\n  x:\n    - 1\n"),
            "spec:\n  # who\n  owner: alice # c\n  power: off\n  x:\n    - 1\n"
        );
        assert_eq!(
            add("spec:\r\n  owner: a\r\nz: 1\r\n"),
            "spec:\r\n  owner: a\r\n  power: off\r\nz: 1\r\n"
        );
        assert_eq!(add("spec:\n  owner: 'a'"), "spec:\n  owner: 'a'\n  power: off");
        assert_eq!(add("spec:\n  x: {y: 1}\n"), EditError::Form.to_string());
        assert_eq!(add("s: &s {a: b}\nspec: *s\n"), EditError::Alias.to_string());
    }
}
