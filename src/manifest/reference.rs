//! What a manifest names: its owner, its class, its devfile. Read beside the typed manifest, so that a wrong name is
//! reported together with whatever else is wrong with the manifest that names it.

use std::sync::Arc;

use crate::document::{Code, Diagnostic, Document, Node, Span, Spanned};
use crate::model::Name;

use super::{Kind, workspace};

/// What is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Referent {
    /// A workspace's user.
    Owner,
    /// A workspace's class, or the Site's default.
    Class,
    /// A workspace's devfile: a path from the repository's root.
    Devfile,
}

/// One name, and where it stands.
pub(super) struct Reference {
    /// What it names.
    pub(super) referent: Referent,
    /// The name or path; it has the form that its referent asks for.
    pub(super) name: Spanned<String>,
    document: Arc<Document>,
}

impl Reference {
    /// An error at the name.
    pub(super) fn error(&self, code: Code, message: impl Into<String>) -> Diagnostic {
        self.document.error(code, self.name.span, message)
    }
}

/// What a manifest of that kind names.
pub(super) fn references(kind: Kind, document: &Arc<Document>) -> Vec<Reference> {
    let places: &[(Referent, &[&str])] = match kind {
        Kind::Site => &[(Referent::Class, &["spec", "defaults", "class"])],
        Kind::Workspace => &[
            (Referent::Owner, &["spec", "owner"]),
            (Referent::Class, &["spec", "class"]),
            (Referent::Devfile, &["spec", "devfile", "path"]),
        ],
        Kind::User | Kind::Class => &[],
    };
    let found = places.iter().filter_map(|(referent, keys)| {
        let node = keys.iter().try_fold(&document.root, |node, key| node.get(key))?;
        if *referent == Referent::Devfile && elsewhere(&document.root) {
            return None;
        }
        Some(Reference {
            referent: *referent,
            name: name(*referent, node)?,
            document: Arc::clone(document),
        })
    });
    found.collect()
}

/// Whether the devfile is to come from somewhere else, so that a path beside it is none of this repository.
fn elsewhere(root: &Node) -> bool {
    let devfile = root.get("spec").and_then(|spec| spec.get("devfile"));
    let has = |key| devfile.is_some_and(|devfile| devfile.get(key).is_some());
    has("git") || has("template")
}

/// The name at `node`; nothing where it has not the form, which decoding the manifest reports.
fn name(referent: Referent, node: &Node) -> Option<Spanned<String>> {
    let text = node.as_str()?;
    let spanned = |value: String, span: Span| Spanned { value, span };
    match referent {
        Referent::Owner | Referent::Class => {
            let name: Name = text.parse().ok()?;
            Some(spanned(name.to_string(), node.span))
        }
        Referent::Devfile => Some(workspace::within_repository(spanned(text.to_owned(), node.span))),
    }
}
