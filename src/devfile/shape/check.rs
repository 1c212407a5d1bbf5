//! Compares a tree with the tables. Every difference is reported with its place; nothing is read yet.

use super::{Choice, Field, Object, Shape};
use crate::devfile::findings::Findings;
use crate::devfile::rules::{key_version, name, one_of, value};
use crate::devfile::version::{SchemaVersion, is_semantic_version};
use crate::document::diagnostic::nearest;
use crate::document::{Key, Node, Span, Value};
use crate::model::name::MAX_NAME;

/// Reports where `node` differs from `shape` in `version`.
pub(in crate::devfile) fn check(
    node: &Node,
    object: &Object,
    version: SchemaVersion,
    found: &mut Findings<'_>,
) {
    let mut check = Check {
        version,
        overriding: false,
        found,
    };
    check.object(node, object);
}

struct Check<'f, 'd> {
    version: SchemaVersion,
    /// Whether what is checked says what to change in something else.
    overriding: bool,
    found: &'f mut Findings<'d>,
}

impl Check<'_, '_> {
    fn shape(&mut self, node: &Node, shape: Shape) {
        match shape {
            Shape::Text => self.kind(node, matches!(node.value, Value::String(_)), "a string"),
            Shape::Flag => self.kind(node, node.as_bool().is_some(), "true or false"),
            Shape::Integer => self.kind(node, node.as_integer().is_some(), "an integer"),
            Shape::Open => self.kind(node, node.as_map().is_some(), "a map"),
            Shape::Name => self.name(node, MAX_NAME),
            Shape::EndpointName => self.name(node, self.version.max_endpoint_name()),
            Shape::SemanticVersion => self.semantic_version(node),
            Shape::Choice(choices) => self.choice(node, choices),
            Shape::List(item) => match node.as_list() {
                Some(items) => items.iter().for_each(|i| self.shape(i, *item)),
                None => self.found.wrong_type(node, "a list"),
            },
            Shape::Texts => match node.as_map() {
                Some(entries) => {
                    for (key, value) in entries {
                        self.value(key, value, Shape::Text);
                    }
                }
                None => self.found.wrong_type(node, "a map of strings"),
            },
            Shape::Object(object) => self.object(node, object),
            Shape::Overrides(object) => {
                self.overriding = true;
                self.object(node, object);
                self.overriding = false;
            }
        }
    }

    fn kind(&mut self, node: &Node, right: bool, expected: &str) {
        if !right {
            self.found.wrong_type(node, expected);
        }
    }

    fn name(&mut self, node: &Node, max: usize) {
        match node.as_str() {
            Some(text) => name::check(text, node.span, max, self.found),
            None => self.found.wrong_type(node, "a string"),
        }
    }

    fn semantic_version(&mut self, node: &Node) {
        match node.as_str() {
            Some(text) if is_semantic_version(text) => {}
            Some(text) => {
                let message = format!("{text:?} is no version");
                let error = self.found.error(value::RULE.code, node.span, message);
                self.found
                    .report(error.help("a version has three numbers, such as 1.0.0 or 1.2.3-rc.1"));
            }
            None => self.found.wrong_type(node, "a string"),
        }
    }

    fn choice(&mut self, node: &Node, choices: &[Choice]) {
        let Some(text) = node.as_str() else {
            return self.found.wrong_type(node, "a string");
        };
        let known = || choices.iter().filter(|c| c.since <= self.version).map(|c| c.text);
        if known().any(|c| c == text) {
            return;
        }
        let (code, message) = match choices.iter().find(|c| c.text == text) {
            Some(later) => (
                key_version::RULE.code,
                key_version::too_new(text, later.since, self.version),
            ),
            None => (value::RULE.code, format!("{text:?} is not a value of this key")),
        };
        let values = known().collect::<Vec<_>>().join(", ");
        let error = self.found.error(code, node.span, message);
        let error = error.label(format!("expected one of {values}"));
        self.found.report(error.suggest(text, known()));
    }

    fn object(&mut self, node: &Node, object: &Object) {
        let Some(entries) = node.as_map() else {
            return self.found.wrong_type(node, "a map");
        };
        let mut arms: Vec<&Key> = Vec::new();
        let mut meant: Vec<&str> = Vec::new();
        for (key, value) in entries {
            match object.field(&key.text) {
                // An open map may hold anything under a key that only other versions give a form.
                Some(field) if object.open && !field.exists_in(self.version) => {}
                Some(field) => {
                    if field.arm {
                        arms.push(key);
                    }
                    self.field(key, value, field, object);
                }
                None if object.open => {}
                None => meant.extend(self.unknown(key, object)),
            }
        }
        // A misspelled key has been reported with its suggestion; that it is missing would say the same again.
        let required: Vec<&Field> = object
            .fields
            .iter()
            .filter(|f| self.requires(object, f))
            .collect();
        for field in required {
            let there = entries.iter().any(|(k, _)| k.text == field.key);
            if !there && !meant.contains(&field.key) {
                let message = format!("the key {:?} is missing", field.key);
                let at = self.found.first_line(node.span);
                let error = self.found.error("yaml/missing-key", at, message);
                self.found.report(error.label(format!("{} has it", object.what)));
            }
        }
        let arm = |key: &&str| object.field(key).is_some_and(|f| f.arm);
        if object.fields.iter().any(|f| f.arm) && !(arms.is_empty() && meant.iter().any(arm)) {
            self.arms(node.span, &arms, entries, object);
        }
    }

    fn requires(&self, object: &Object, field: &Field) -> bool {
        let needed = !self.overriding || object.id == Some(field.key);
        field.required && needed && field.exists_in(self.version)
    }

    fn field(&mut self, key: &Key, value: &Node, field: &Field, object: &Object) {
        if !field.exists_in(self.version) {
            key_version::report(
                key,
                object.what,
                (field.since, field.until),
                self.version,
                self.found,
            );
            return;
        }
        self.value(key, value, field.shape);
    }

    /// A key's value: a key without one is told apart from a value of the wrong type.
    fn value(&mut self, key: &Key, value: &Node, shape: Shape) {
        if value.value == Value::Null {
            let message = format!("{:?} has no value", key.text);
            let error = self.found.error("yaml/no-value", key.span, message);
            self.found
                .report(error.help("give it a value, or remove the key"));
        } else {
            self.shape(value, shape);
        }
    }

    /// Reports a key that no version has, and says which one was probably meant.
    fn unknown(&mut self, key: &Key, object: &Object) -> Option<&'static str> {
        let known = object.fields.iter().filter(|f| f.exists_in(self.version));
        let known: Vec<&'static str> = known.map(|f| f.key).collect();
        let near = nearest(&key.text, known.iter().copied());
        let message = format!("unknown key {:?}", key.text);
        let error = self.found.error("yaml/unknown-key", key.span, message);
        self.found.report(error.help(match near {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("{} has these keys: {}", object.what, known.join(", ")),
        }));
        near
    }

    fn arms(&mut self, span: Span, arms: &[&Key], entries: &[(Key, Node)], object: &Object) {
        let allowed: Vec<&str> = object
            .fields
            .iter()
            .filter(|f| f.arm && f.exists_in(self.version))
            .map(|f| f.key)
            .collect();
        match arms {
            [_] => {}
            [] => {
                let keys: Vec<&str> = entries.iter().map(|(k, _)| k.text.as_str()).collect();
                one_of::none(span, object.what, &allowed, &keys, self.found);
            }
            [_, second, ..] => {
                let keys: Vec<&str> = arms.iter().map(|k| k.text.as_str()).collect();
                one_of::several(second.span, object.what, &allowed, &keys, self.found);
            }
        }
    }
}
