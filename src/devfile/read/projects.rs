//! Projects.

use super::{attributes, full_text, list, map, spanned, text};
use crate::devfile::project::{CheckoutFrom, Git, Project, Source, StarterProject};
use crate::document::Node;

pub(super) fn projects(root: &Node, key: &str) -> Vec<Project> {
    list(root.get(key)).iter().filter_map(project).collect()
}

fn project(node: &Node) -> Option<Project> {
    Some(Project {
        name: text(node, "name")?,
        git: git(node.get("git")?)?,
        clone_path: full_text(node, "clonePath"),
        attributes: attributes(node),
    })
}

pub(super) fn starter_projects(root: &Node) -> Vec<StarterProject> {
    let items = list(root.get("starterProjects")).iter();
    items.filter_map(starter_project).collect()
}

fn starter_project(node: &Node) -> Option<StarterProject> {
    let source = match (node.get("git"), node.get("zip")) {
        (Some(node), None) => Source::Git(git(node)?),
        (None, Some(zip)) => Source::Zip(text(zip, "location")),
        (Some(_), Some(_)) | (None, None) => return None,
    };
    Some(StarterProject {
        name: text(node, "name")?,
        source,
        description: text(node, "description"),
        sub_dir: text(node, "subDir"),
        attributes: attributes(node),
    })
}

fn git(node: &Node) -> Option<Git> {
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
