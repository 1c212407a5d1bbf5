//! The tree to types, its variables replaced first. The shape has been checked, so what can't be read here has been reported there: an element that
//! lacks something it needs is left out without another word, and remembered in [`Unread`].

mod commands;
mod components;
mod projects;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::component::EnvVar;
use super::findings::Findings;
use super::root::{Attributes, Devfile, Events, Index};
use super::rules::{self, Subject, schema_version};
use super::shape::{self, DEVFILE};
use super::variables;
use super::version::SchemaVersion;
use crate::document::{Diagnostics, Document, Node, Spanned, Value};

/// Reads the devfile at `node` of `document` (its root, or the place of an inline one) with a Workspace's `variables`,
/// which win over the devfile's own.
///
/// The devfile is there unless there are errors; warnings come with it.
#[must_use]
pub fn read(
    document: &Arc<Document>,
    node: &Node,
    variables: &BTreeMap<String, String>,
) -> (Option<Devfile>, Diagnostics) {
    let mut found = Findings::new(document);
    if !matches!(node.value, Value::Map(_)) {
        found.wrong_type(node, "a map");
        return (None, found.finish());
    }
    let Some(version) = schema_version::read(node, &mut found) else {
        return (None, found.finish());
    };
    shape::check(node, &DEVFILE, version, &mut found);
    let root = variables::replace(node, version, variables, &mut found);
    let mut reading = Reading {
        found,
        unread: Unread::of(&root),
    };
    let devfile = reading.devfile(document, &root, version);
    let Reading {
        mut found, unread, ..
    } = reading;
    rules::check(
        &Subject {
            devfile: &devfile,
            unread: &unread,
        },
        &mut found,
    );
    let diagnostics = found.finish();
    let devfile = (!diagnostics.has_errors()).then_some(devfile);
    (devfile, diagnostics)
}

/// Names of elements that could not be read, or that come from where wharf does not look yet. A reference to one is
/// not reported.
#[derive(Debug, Default)]
pub(super) struct Unread {
    components: Names,
    commands: Names,
}

#[derive(Debug, Default)]
struct Names {
    /// There are some whose names are unknown: any name may be one of theirs.
    any: bool,
    names: BTreeSet<String>,
}

impl Names {
    fn add(&mut self, name: Option<&Node>) {
        match name.and_then(Node::as_str) {
            Some(name) => {
                self.names.insert(name.to_owned());
            }
            None => self.any = true,
        }
    }

    fn has(&self, name: &str) -> bool {
        self.any || self.names.contains(name)
    }
}

impl Unread {
    fn of(root: &Node) -> Self {
        let mut unread = Self::default();
        let imports = root.get("parent").is_some();
        let unlike_a_list = |key| root.get(key).is_some_and(|n| !matches!(n.value, Value::List(_)));
        unread.components.any = imports || unlike_a_list("components");
        unread.commands.any = imports || unlike_a_list("commands");
        unread
    }

    /// Whether a component of that name may exist although it was not read.
    pub(super) fn component(&self, name: &str) -> bool {
        self.components.has(name)
    }

    /// Whether a command of that id may exist although it was not read.
    pub(super) fn command(&self, id: &str) -> bool {
        self.commands.has(id)
    }
}

/// A devfile being read.
struct Reading<'d> {
    found: Findings<'d>,
    unread: Unread,
}

impl Reading<'_> {
    fn devfile(&mut self, document: &Arc<Document>, root: &Node, version: SchemaVersion) -> Devfile {
        let components = self.components(root);
        let commands = self.commands(root);
        let name = root.get("metadata").and_then(|m| m.get("name"));
        let ids = |key| root.get("events").map_or_else(Vec::new, |e| text_list(e, key));
        Devfile {
            version,
            name: name.and_then(Node::as_str).map(str::to_owned),
            index: Index::of(&components, &commands),
            components,
            commands,
            events: Events {
                pre_start: ids("preStart"),
                post_start: ids("postStart"),
                pre_stop: ids("preStop"),
                post_stop: ids("postStop"),
            },
            projects: projects::projects(root, "projects"),
            starter_projects: projects::starter_projects(root),
            dependent_projects: projects::projects(root, "dependentProjects"),
            attributes: attributes(root),
            document: Arc::clone(document),
        }
    }
}

/// A list of environment variables.
fn env(node: &Node) -> Vec<EnvVar> {
    let items = list(node.get("env")).iter();
    let read = |item: &Node| {
        Some(EnvVar {
            name: text(item, "name")?,
            value: text(item, "value")?,
        })
    };
    items.filter_map(read).collect()
}

/// The string under `key`.
fn text(node: &Node, key: &str) -> Option<Spanned<String>> {
    spanned(node.get(key)?)
}

fn spanned(node: &Node) -> Option<Spanned<String>> {
    let value = node.as_str()?.to_owned();
    let span = node.span;
    Some(Spanned { value, span })
}

/// The string under `key`; nothing where it is empty, too.
fn full_text(node: &Node, key: &str) -> Option<Spanned<String>> {
    text(node, key).filter(|t| !t.value.is_empty())
}

/// The list of strings under `key`.
fn text_list(node: &Node, key: &str) -> Vec<Spanned<String>> {
    list(node.get(key)).iter().filter_map(spanned).collect()
}

/// The list of strings under `key`, where there is one.
fn texts(node: &Node, key: &str) -> Option<Vec<String>> {
    let items = node.get(key)?.as_list()?.iter();
    Some(items.filter_map(|n| n.as_str().map(str::to_owned)).collect())
}

fn list(node: Option<&Node>) -> &[Node] {
    node.and_then(Node::as_list).unwrap_or_default()
}

fn map(node: Option<&Node>) -> impl Iterator<Item = (Spanned<String>, &Node)> {
    let entries = node.and_then(Node::as_map).unwrap_or_default();
    entries.iter().map(|(key, node)| {
        let value = key.text.clone();
        let span = key.span;
        (Spanned { value, span }, node)
    })
}

fn flag(node: &Node, key: &str) -> Option<bool> {
    node.get(key)?.as_bool()
}

fn attributes(node: &Node) -> Attributes {
    let entries = map(node.get("attributes"));
    Attributes(entries.map(|(key, value)| (key, value.clone())).collect())
}
