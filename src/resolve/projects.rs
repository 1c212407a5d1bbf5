//! Projects: what is cloned, where, and by which container.

use super::workspace::Input;
use crate::devfile::{Component, Container};
use crate::document::Diagnostic;
use crate::model::CloneProject;

/// The clones, in the devfile's order: projects, then those that they depend on.
pub(super) fn of(
    input: &Input<'_>,
    containers: &[(&Component, &Container)],
    report: &mut dyn FnMut(Diagnostic),
) -> Vec<CloneProject> {
    let mut projects = input
        .devfile
        .projects
        .iter()
        .chain(&input.devfile.dependent_projects)
        .peekable();
    let Some((component, container)) = containers.iter().find(|(_, c)| c.mount_sources) else {
        if let Some(project) = projects.peek() {
            let message = "no container mounts the sources, so that projects are not cloned";
            let warning = input
                .devfile_error("resolve/no-sources", project.name.span, message)
                .warning();
            report(warning.help("set mountSources: true on the container that works on them"));
        }
        return Vec::new();
    };
    projects
        .filter_map(|project| {
            let pairs =
                |(name, url): &(crate::document::Spanned<String>, crate::document::Spanned<String>)| {
                    (name.value.clone(), url.value.clone())
                };
            Some(CloneProject {
                name: project.name.value.clone(),
                component: component.name.value.clone(),
                root: super::container::sources(container),
                path: project.path(),
                remotes: project.git.remotes.iter().map(pairs).collect(),
                checkout_remote: project.git.checkout_remote()?.to_owned(),
                revision: project.git.revision().map(str::to_owned),
                folders: project
                    .folders
                    .iter()
                    .map(|folder| folder.value.clone())
                    .collect(),
            })
        })
        .collect()
}
