//! `{{name}}` and what stands for it.
//!
//! One pass over the text as it is written: a value that holds `{{…}}` itself is not looked at again, so there is no
//! recursion and no cycle. `$VAR` is the shell's business and never touched.

use std::collections::BTreeMap;

use super::map;
use crate::devfile::findings::Findings;
use crate::devfile::rules::{undefined_variable, variable_size};
use crate::devfile::version::SchemaVersion;
use crate::document::{Node, Span};

/// A devfile's variables, with a Workspace's on top.
pub(super) struct Variables {
    /// `None` where this version of the schema has none.
    values: Option<BTreeMap<String, String>>,
    added: usize,
}

impl Variables {
    pub(super) fn of(root: &Node, version: SchemaVersion, workspace: &BTreeMap<String, String>) -> Self {
        let own = map(root.get("variables"));
        let own = own.filter_map(|(key, node)| Some((key.value, node.as_str()?.to_owned())));
        let values = version.has_variables().then(|| {
            let mut values: BTreeMap<String, String> = own.collect();
            values.extend(workspace.clone());
            values
        });
        Self { values, added: 0 }
    }

    /// `text`, which stands at `span`, with its variables replaced.
    pub(super) fn replace(&mut self, text: &str, span: Span, found: &mut Findings<'_>) -> String {
        let Some(values) = &self.values else {
            return text.to_owned();
        };
        let mut replaced = String::new();
        let mut done = 0;
        for token in Tokens::of(text) {
            let Some(value) = values.get(token.name) else {
                let defined = values.keys().map(String::as_str);
                undefined_variable::report((token.text, token.name), span, defined, found);
                continue;
            };
            self.added += value.len();
            if self.added > variable_size::MAX_ADDED {
                variable_size::report(span, found);
                return text.to_owned();
            }
            replaced.push_str(&text[done..token.start]);
            replaced.push_str(value);
            done = token.start + token.text.len();
        }
        replaced.push_str(&text[done..]);
        replaced
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
