//! Projects.

use super::{Reading, attributes, list, map, plain};
use crate::devfile::project::{CheckoutFrom, Git, Project, Source, StarterProject};
use crate::document::{Node, Spanned};

impl Reading<'_> {
    pub(super) fn projects(&mut self, root: &Node, key: &str) -> Vec<Project> {
        let items = list(root.get(key)).iter();
        items.filter_map(|item| self.project(item)).collect()
    }

    fn project(&mut self, node: &Node) -> Option<Project> {
        Some(Project {
            name: plain(node, "name")?,
            git: self.git(node.get("git")?)?,
            clone_path: self.text(node, "clonePath").filter(|p| !p.value.is_empty()),
            attributes: attributes(node),
        })
    }

    pub(super) fn starter_projects(&mut self, root: &Node) -> Vec<StarterProject> {
        let items = list(root.get("starterProjects")).iter();
        items.filter_map(|item| self.starter_project(item)).collect()
    }

    fn starter_project(&mut self, node: &Node) -> Option<StarterProject> {
        let source = match (node.get("git"), node.get("zip")) {
            (Some(git), None) => Source::Git(self.git(git)?),
            (None, Some(zip)) => Source::Zip(self.text(zip, "location")),
            (Some(_), Some(_)) | (None, None) => return None,
        };
        Some(StarterProject {
            name: plain(node, "name")?,
            source,
            description: self.text(node, "description"),
            sub_dir: self.text(node, "subDir"),
            attributes: attributes(node),
        })
    }

    fn git(&mut self, node: &Node) -> Option<Git> {
        let remotes = map(Some(node.get("remotes")?)).filter_map(|(name, address)| {
            let value = self.variables.replace(&name.value, name.span, &mut self.found);
            let name = Spanned {
                value,
                span: name.span,
            };
            Some((name, self.replaced(address)?))
        });
        let remotes = remotes.collect();
        let checkout_from = node.get("checkoutFrom").map(|from| CheckoutFrom {
            remote: self.text(from, "remote").filter(|t| !t.value.is_empty()),
            revision: self.text(from, "revision").filter(|t| !t.value.is_empty()),
        });
        Some(Git {
            remotes,
            checkout_from,
        })
    }
}
