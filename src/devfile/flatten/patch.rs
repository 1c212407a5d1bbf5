//! What stands below a parent or in a plugin component, laid over what that imports: a strategic merge patch. Items of
//! lists are told by their name or id and patched one by one, lists of strings are replaced, maps are merged key by key,
//! the value of an attribute is replaced as a whole, and of keys of which one excludes the others the patch's stays.

use crate::devfile::findings::Findings;
use crate::devfile::rules::override_target;
use crate::devfile::shape::{DEVFILE, Object, Shape};
use crate::document::{Key, Node, Value};

/// `devfile` with `overrides` laid over it. Only what the devfile has can be overridden.
pub(super) fn overridden(mut devfile: Node, overrides: &Node, found: &mut Findings<'_>) -> Node {
    for (key, patch) in overrides.as_map().unwrap_or_default() {
        let Some(field) = DEVFILE.field(&key.text) else {
            continue; // where the devfile comes from
        };
        match (field.shape, kind(&key.text)) {
            (Shape::List(Shape::Object(object)), Some(kind)) => {
                let mut none = Vec::new();
                let items = match value_of(&mut devfile, &key.text).map(|node| &mut node.value) {
                    Some(Value::List(items)) => items,
                    _ => &mut none, // none, or reported by the shape
                };
                override_items(items, patch, (kind, object), found);
            }
            (_, Some(kind)) => override_entries(&mut devfile, (&key.text, kind), patch, found),
            (_, None) => {}
        }
    }
    devfile
}

/// What the values under a key of a devfile are called in messages, where they can be overridden.
fn kind(key: &str) -> Option<&'static str> {
    match key {
        "components" => Some("component"),
        "commands" => Some("command"),
        "projects" => Some("project"),
        "starterProjects" => Some("starter project"),
        "dependentProjects" => Some("dependent project"),
        "variables" => Some("variable"),
        "attributes" => Some("attribute"),
        _ => None,
    }
}

fn value_of<'n>(map: &'n mut Node, key: &str) -> Option<&'n mut Node> {
    let Value::Map(entries) = &mut map.value else {
        return None;
    };
    entries
        .iter_mut()
        .find(|(k, _)| k.text == key)
        .map(|(_, node)| node)
}

/// Lays items over those of the same name or id; only what is there can be overridden.
fn override_items(
    items: &mut Vec<Node>,
    patch: &Node,
    (kind, object): (&str, &'static Object),
    found: &mut Findings<'_>,
) {
    let known = |item: &Node| {
        let (id, _) = self::id(item, object)?;
        items
            .iter()
            .any(|i| self::id(i, object).is_some_and(|(other, _)| other == id))
            .then_some(())
    };
    let (there, not): (Vec<Node>, Vec<Node>) = patch
        .as_list()
        .unwrap_or_default()
        .iter()
        .cloned()
        .partition(|item| known(item).is_some());
    for (id, node) in not.iter().filter_map(|item| self::id(item, object)) {
        let candidates = items.iter().filter_map(|item| Some(self::id(item, object)?.0));
        override_target::report(kind, (id, node.span), candidates, found);
    }
    *items = patched_items(items, &there, object);
}

fn override_entries(devfile: &mut Node, (key, kind): (&str, &str), patch: &Node, found: &mut Findings<'_>) {
    let mut none = Vec::new();
    let entries = match value_of(devfile, key).map(|node| &mut node.value) {
        Some(Value::Map(entries)) => entries,
        _ => &mut none,
    };
    for (key, value) in patch.as_map().unwrap_or_default() {
        match entries.iter_mut().find(|(k, _)| k.text == key.text) {
            Some(entry) => *entry = (key.clone(), value.clone()),
            None => {
                let candidates = entries.iter().map(|(k, _)| k.text.as_str());
                override_target::report(kind, (&key.text, key.span), candidates, found);
            }
        }
    }
}

/// What tells an item of a list from the others.
fn id<'n>(item: &'n Node, object: &Object) -> Option<(&'n str, &'n Node)> {
    let node = item.get(object.id?)?;
    Some((node.as_str()?, node))
}

/// `base` with `patch` laid over it, both of that shape.
fn patched(base: &Node, patch: &Node, shape: Shape) -> Node {
    let value = match (shape, &base.value, &patch.value) {
        (Shape::Object(object), Value::Map(base), Value::Map(patch)) => patched_object(base, patch, object),
        (Shape::List(Shape::Object(object)), Value::List(base), Value::List(patch))
            if object.id.is_some() =>
        {
            Value::List(patched_items(base, patch, object))
        }
        (Shape::Texts | Shape::Open, Value::Map(base), Value::Map(patch)) => {
            Value::Map(patched_entries(base, patch, |_, _, patch| patch.clone()))
        }
        _ => return patch.clone(), // a scalar, a list of strings, or what the shape has reported
    };
    let span = base.span;
    Node { value, span }
}

fn patched_object(base: &[(Key, Node)], patch: &[(Key, Node)], object: &'static Object) -> Value {
    let arm = |key: &Key| object.arms().any(|arm| arm == key.text);
    let excluded = |key: &Key| {
        let other = patch.iter().any(|(k, _)| arm(k) && k.text != key.text);
        arm(key) && other && !patch.iter().any(|(k, _)| k.text == key.text)
    };
    let stays: Vec<(Key, Node)> = base.iter().filter(|(key, _)| !excluded(key)).cloned().collect();
    Value::Map(patched_entries(&stays, patch, |key, base, patch| {
        match object.field(&key.text) {
            Some(field) => patched(base, patch, field.shape),
            None => patch.clone(),
        }
    }))
}

fn patched_entries(
    base: &[(Key, Node)],
    patch: &[(Key, Node)],
    both: impl Fn(&Key, &Node, &Node) -> Node,
) -> Vec<(Key, Node)> {
    let mut entries: Vec<(Key, Node)> = base.to_vec();
    for (key, value) in patch {
        match entries.iter_mut().find(|(k, _)| k.text == key.text) {
            Some((_, node)) => *node = both(key, node, value),
            None => entries.push((key.clone(), value.clone())),
        }
    }
    entries
}

/// The items of `base` that `patch` leaves alone, in their order, and those of `patch`, laid over what they change, in
/// theirs. Where both orders leave a choice, what is new comes first.
fn patched_items(base: &[Node], patch: &[Node], object: &'static Object) -> Vec<Node> {
    let name = |item: &Node| id(item, object).map(|(id, _)| id.to_owned());
    let place = |item: &Node| base.iter().position(|other| name(other) == name(item));
    let mut left = base
        .iter()
        .filter(|item| !patch.iter().any(|other| name(other) == name(item)))
        .peekable();
    let mut items = Vec::new();
    for patch in patch {
        let at = place(patch);
        while let Some(item) = left.next_if(|item| at.is_some_and(|at| place(item) < Some(at))) {
            items.push(item.clone());
        }
        items.push(match at.and_then(|at| base.get(at)) {
            Some(item) => patched(item, patch, Shape::Object(object)),
            None => patch.clone(),
        });
    }
    items.extend(left.cloned());
    items
}
