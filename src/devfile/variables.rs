//! `{{name}}` and what stands for it: a devfile's tree to the same tree with its variables replaced, in the places that
//! the tables of [`super::shape`] name.
//!
//! One pass over each text as it is written: a value that holds `{{…}}` itself is not looked at again, so there is no
//! recursion and no cycle. `$VAR` is the shell's business and never touched.

use std::collections::BTreeMap;

use super::findings::Findings;
use super::rules::{undefined_variable, unused_variables, variable_size};
use super::shape::{DEVFILE, Object, Shape};
use super::version::SchemaVersion;
use crate::document::{Node, Span, Value};

/// Replaces in `root` the variables that the devfile defines itself, or that `workspace` gives, which win.
pub(super) fn replace(
    root: &mut Node,
    version: SchemaVersion,
    workspace: &BTreeMap<String, String>,
    found: &mut Findings<'_>,
) {
    if !version.has_variables() {
        if let (false, Some(place)) = (workspace.is_empty(), root.get("schemaVersion")) {
            unused_variables::report(version, place.span, found);
        }
        return;
    }
    let own = root.get("variables").and_then(Node::as_map).unwrap_or_default();
    let own = own
        .iter()
        .filter_map(|(key, node)| Some((key.text.clone(), node.as_str()?.to_owned())));
    let mut values: BTreeMap<String, String> = own.collect();
    values.extend(workspace.clone());
    let mut replacement = Replacement {
        values,
        added: 0,
        found,
    };
    replacement.object(root, &DEVFILE);
}

struct Replacement<'f, 'd> {
    values: BTreeMap<String, String>,
    /// How many bytes the values have added so far.
    added: usize,
    found: &'f mut Findings<'d>,
}

impl Replacement<'_, '_> {
    fn object(&mut self, node: &mut Node, object: &Object) {
        let Value::Map(entries) = &mut node.value else {
            return;
        };
        for (key, value) in entries {
            match object.field(&key.text) {
                Some(field) if field.replaced => self.all(value),
                Some(field) => self.within(value, field.shape),
                None => {}
            }
        }
    }

    /// A value that holds places where variables are replaced, if any.
    fn within(&mut self, node: &mut Node, shape: Shape) {
        match (shape, &mut node.value) {
            (Shape::Object(object), _) => self.object(node, object),
            (Shape::List(item), Value::List(items)) => {
                items.iter_mut().for_each(|node| self.within(node, *item));
            }
            (
                Shape::List(_)
                | Shape::Text
                | Shape::Name
                | Shape::EndpointName
                | Shape::SemanticVersion
                | Shape::Flag
                | Shape::Integer
                | Shape::Choice(_)
                | Shape::Texts
                | Shape::Open
                | Shape::Overrides(_),
                _,
            ) => {}
        }
    }

    /// Every string of a value, keys included.
    fn all(&mut self, node: &mut Node) {
        let span = node.span;
        match &mut node.value {
            Value::String(text) => self.text(text, span),
            Value::List(items) => items.iter_mut().for_each(|item| self.all(item)),
            Value::Map(entries) => {
                for (key, value) in entries {
                    self.text(&mut key.text, key.span);
                    self.all(value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => {}
        }
    }

    /// Replaces in `text`, which stands at `span`.
    fn text(&mut self, text: &mut String, span: Span) {
        let mut replaced = String::new();
        let mut done = 0;
        for token in Tokens::of(text) {
            let Some(value) = self.values.get(token.name) else {
                let defined = self.values.keys().map(String::as_str);
                undefined_variable::report((token.text, token.name), span, defined, self.found);
                continue;
            };
            self.added += value.len();
            if self.added > variable_size::MAX_ADDED {
                variable_size::report(span, self.found);
                return;
            }
            replaced.push_str(&text[done..token.start]);
            replaced.push_str(value);
            done = token.start + token.text.len();
        }
        if done > 0 {
            replaced.push_str(&text[done..]);
            *text = replaced;
        }
    }
}

/// One `{{name}}` of a text.
#[derive(Debug, PartialEq, Eq)]
struct Token<'t> {
    start: usize,
    text: &'t str,
    name: &'t str,
}

/// The tokens of a text, from left to right: two braces, a name without a line break, two braces, white space around
/// the name. Each byte is looked at a few times at most, whatever the text.
struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Tokens<'t> {
    fn of(text: &'t str) -> Self {
        Self { text, at: 0 }
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        loop {
            let start = self.at + self.text[self.at..].find("{{")?;
            let inner = start + 2;
            let end = inner + self.text[inner..].find("}}")?;
            let name = self.text[inner..end].trim();
            let Some(line) = name.rfind('\n') else {
                self.at = end + 2;
                return Some(Token {
                    start,
                    text: &self.text[start..end + 2],
                    name,
                });
            };
            // No token spans this line break, except one that has only white space before it.
            let name_start = end - self.text[inner..end].trim_start().len();
            let before = self.text[inner..name_start + line].trim_end().len();
            let opened = self.text[..inner + before].ends_with("{{") && before >= 2;
            self.at = if opened {
                inner + before - 2
            } else {
                name_start + line + 1
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        Tokens::of(text).map(|t| t.name).collect()
    }

    #[test]
    fn tokens_are_found_as_the_reference_finds_them() {
        assert_eq!(names("a {{x}} b {{ y z }}{{}}"), ["x", "y z", ""]);
        assert_eq!(names("{{{x}}}"), ["{x"]);
        assert_eq!(names("{{ {{x}}"), ["{{x"]);
        assert_eq!(names("{{\n x\n}}"), ["x"]);
        assert_eq!(names("{{a\nb}} {{c}}"), ["c"]);
        assert_eq!(names("{{a\n{{b}}"), ["b"]);
        assert_eq!(names("{{a {{\n b}}"), ["b"]);
        assert_eq!(names("{{é}} ${HOME} {x} {{"), ["é"]);
    }

    #[test]
    fn many_braces_take_no_long() {
        let text = "{{".repeat(200_000);
        assert_eq!(names(&text).len(), 0);
        let text = format!("{}\nx}}}}", "{{".repeat(200_000));
        assert_eq!(names(&text), ["x"]);
        let text = format!("{}}}}}", "{{\nx".repeat(200_000));
        assert_eq!(names(&text).len(), 1);
    }
}
