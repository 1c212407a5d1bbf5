//! A devfile and its imports, put one after the other: parent, plugins, and what the devfile says itself.

use super::assemble::Unit;
use super::patch::overridden;
use crate::devfile::findings::Findings;
use crate::devfile::rules::import_conflict;
use crate::document::{Key, Node, Value};

/// The tree of `unit` and all that it imports, without `parent` and without plugins.
pub(super) fn merge(unit: Unit, found: &mut Findings<'_>) -> Node {
    let Unit {
        node,
        parent,
        plugins,
        ..
    } = unit;
    if parent.is_none() && plugins.is_empty() {
        return own(node);
    }
    let mut devfiles: Vec<Node> = Vec::new();
    if let (Some(parent), Some(overrides)) = (parent, node.get("parent")) {
        let parent = merge(*parent, found);
        devfiles.push(overridden(parent, overrides, found));
    }
    let components = node.get("components").and_then(Node::as_list).unwrap_or_default();
    for (at, plugin) in plugins {
        let overrides = components.get(at).and_then(|component| component.get("plugin"));
        let plugin = merge(plugin, found);
        devfiles.push(match overrides {
            Some(overrides) => overridden(plugin, overrides, found),
            None => plugin,
        });
    }
    devfiles.push(own(node));
    together(&devfiles, found)
}

/// What a devfile says itself.
fn own(mut devfile: Node) -> Node {
    if let Value::Map(entries) = &mut devfile.value {
        entries.retain(|(key, _)| key.text != "parent");
        for (_, value) in entries.iter_mut().filter(|(key, _)| key.text == "components") {
            if let Value::List(items) = &mut value.value {
                items.retain(|item| item.get("plugin").is_none());
            }
        }
    }
    devfile
}

/// One devfile of several; what is one devfile's own business (its name, its version) is the last one's.
fn together(devfiles: &[Node], found: &mut Findings<'_>) -> Node {
    let mut whole: Vec<(Key, Node)> = Vec::new();
    let last = devfiles.len() - 1;
    for (at, devfile) in devfiles.iter().enumerate() {
        for (key, value) in devfile.as_map().unwrap_or_default() {
            let Some(merged) = merging(&key.text) else {
                if at == last {
                    whole.push((key.clone(), value.clone()));
                }
                continue;
            };
            match whole.iter_mut().find(|(k, _)| k.text == key.text) {
                Some((_, there)) => join(there, value, merged, found),
                None => whole.push((key.clone(), value.clone())),
            }
        }
    }
    Node {
        value: Value::Map(whole),
        span: devfiles[last].span,
    }
}

/// How the values of one key become one.
#[derive(Clone, Copy)]
enum Merging {
    /// Lists, one after the other; that names differ is checked later.
    Lists,
    /// Lists of ids under the same keys, each id once.
    Events,
    /// Maps, each of whose keys only one of them may have.
    Maps(&'static str),
}

fn merging(key: &str) -> Option<Merging> {
    match key {
        "components" | "commands" | "projects" | "starterProjects" | "dependentProjects" => {
            Some(Merging::Lists)
        }
        "events" => Some(Merging::Events),
        "variables" => Some(Merging::Maps("variable")),
        "attributes" => Some(Merging::Maps("attribute")),
        _ => None,
    }
}

fn join(there: &mut Node, more: &Node, merging: Merging, found: &mut Findings<'_>) {
    match (merging, &mut there.value, &more.value) {
        (Merging::Lists, Value::List(there), Value::List(more)) => there.extend(more.iter().cloned()),
        (Merging::Events, Value::Map(there), Value::Map(more)) => {
            for (key, ids) in more {
                match there.iter_mut().find(|(k, _)| k.text == key.text) {
                    Some((_, node)) => unite(node, ids),
                    None => there.push((key.clone(), ids.clone())),
                }
            }
        }
        (Merging::Maps(kind), Value::Map(there), Value::Map(more)) => {
            for (key, value) in more {
                match there.iter().find(|(k, _)| k.text == key.text) {
                    Some((first, _)) => import_conflict::report(kind, key, first, found),
                    None => there.push((key.clone(), value.clone())),
                }
            }
        }
        _ => {} // one of them is not what it should be, which the shape has reported
    }
}

fn unite(there: &mut Node, more: &Node) {
    if let (Value::List(there), Value::List(more)) = (&mut there.value, &more.value) {
        for id in more {
            if !there.iter().any(|known| known.value == id.value) {
                there.push(id.clone());
            }
        }
    }
}
