//! Projects.

use super::{attributes, full_text, list, map, spanned, text, text_list};
use crate::devfile::project::{CheckoutFrom, Git, Project, Source, StarterProject};
use crate::devfile::root::Attributes;
use crate::document::{Node, Spanned};

/// The attribute that says which folders of a project are checked out; schemaVersion 2.0.0 has a key for it.
const SPARSE_CHECKOUT: &str = "sparseCheckout";

pub(super) fn projects(root: &Node, key: &str) -> Vec<Project> {
    list(root.get(key)).iter().filter_map(project).collect()
}

fn project(node: &Node) -> Option<Project> {
    let attributes = attributes(node);
    let mut folders = text_list(node, "sparseCheckoutDirs");
    folders.extend(sparse_checkout(&attributes));
    Some(Project {
        name: text(node, "name")?,
        source: source(node)?,
        clone_path: full_text(node, "clonePath"),
        folders,
        attributes,
    })
}

/// Folders, in one string with blanks between them or in a list of strings.
fn sparse_checkout(attributes: &Attributes) -> Vec<Spanned<String>> {
    let Some(node) = attributes.get(SPARSE_CHECKOUT) else {
        return Vec::new();
    };
    let words = |text: &str| -> Vec<Spanned<String>> {
        let word = |word: &str| Spanned {
            value: word.to_owned(),
            span: node.span,
        };
        text.split_whitespace().map(word).collect()
    };
    match node.as_str() {
        Some(text) => words(text),
        None => node
            .as_list()
            .unwrap_or_default()
            .iter()
            .filter_map(spanned)
            .collect(),
    }
}

pub(super) fn starter_projects(root: &Node) -> Vec<StarterProject> {
    let items = list(root.get("starterProjects")).iter();
    items.filter_map(starter_project).collect()
}

fn starter_project(node: &Node) -> Option<StarterProject> {
    Some(StarterProject {
        name: text(node, "name")?,
        source: source(node)?,
        description: text(node, "description"),
        sub_dir: text(node, "subDir"),
        attributes: attributes(node),
    })
}

fn source(node: &Node) -> Option<Source> {
    match (node.get("git").or(node.get("github")), node.get("zip")) {
        (Some(node), None) => Some(Source::Git(git(node)?)),
        (None, Some(zip)) => Some(Source::Zip(full_text(zip, "location"))),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

pub(super) fn git(node: &Node) -> Option<Git> {
    let remotes = map(Some(node.get("remotes")?));
    let remotes = remotes.filter_map(|(name, address)| Some((name, spanned(address)?)));
    Some(Git {
        remotes: remotes.collect(),
        checkout_from: node.get("checkoutFrom").map(|from| CheckoutFrom {
            remote: full_text(from, "remote"),
            revision: full_text(from, "revision"),
        }),
    })
}
