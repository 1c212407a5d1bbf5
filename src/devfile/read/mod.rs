//! The tree to types, its variables replaced first. The shape has been checked, so what can't be read here has been reported there: an element that
//! lacks something it needs is left out without another word, and remembered in [`Unread`].

mod commands;
mod components;
mod projects;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::component::EnvVar;
use super::findings::Findings;
use super::flatten::flatten;
use super::import::Imports;
use super::root::{Attributes, Devfile, Events, Index};
use super::rules::{self, Subject};
use super::variables;
use super::version::SchemaVersion;
use crate::document::{Diagnostics, Document, Node, Spanned, Value};

/// What a devfile is once it has been read.
#[derive(Clone, Debug)]
pub struct Read {
    /// The devfile; nothing where there are errors.
    pub devfile: Option<Devfile>,
    /// The tree that it was read from: what it imports merged into it and its variables replaced; nothing where it
    /// has no readable version.
    pub flat: Option<Node>,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// Reads the devfile at `node` of `document` (its root, or the place of an inline one), what it imports from `imports`,
/// with a Workspace's `variables`, which win over the devfile's own.
#[must_use]
pub fn read(
    document: &Arc<Document>,
    node: &Node,
    variables: &BTreeMap<String, String>,
    imports: &Imports,
) -> Read {
    let (whole, mut diagnostics) = flatten(document, node, imports);
    let Some(whole) = whole else {
        return Read {
            devfile: None,
            flat: None,
            diagnostics,
        };
    };
    let mut found = Findings::new(&whole.document);
    let mut root = whole.root;
    variables::replace(&mut root, whole.version, variables, &mut found);
    let mut reading = Reading {
        found,
        unread: Unread::of(&root, whole.incomplete),
    };
    let devfile = reading.devfile(&whole.document, &root, whole.version);
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
    diagnostics.extend(found.finish());
    Read {
        devfile: (!diagnostics.has_errors()).then_some(devfile),
        flat: Some(root),
        diagnostics: diagnostics.sorted(),
    }
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
    fn of(root: &Node, incomplete: bool) -> Self {
        let mut unread = Self::default();
        let unlike_a_list = |key| root.get(key).is_some_and(|n| !matches!(n.value, Value::List(_)));
        unread.components.any = incomplete || unlike_a_list("components");
        unread.commands.any = incomplete || unlike_a_list("commands");
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
        let mut components = self.components(root);
        let attributes = attributes(root);
        self.override_containers(&mut components, &attributes);
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
            attributes,
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
