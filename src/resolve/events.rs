//! Events: the commands that run around a workspace's start and stop.

use super::workspace::Input;
use crate::devfile::{CommandKind, ComponentKind, Container, EnvVar, Leaf};
use crate::model::ExecCommand;

/// The exec commands of an event, in order.
pub(super) fn commands(input: &Input<'_>, leaves: &[Leaf<'_>]) -> Vec<ExecCommand> {
    leaves
        .iter()
        .filter_map(|leaf| {
            let exec = match &leaf.command.kind {
                CommandKind::Exec(exec) => exec,
                CommandKind::Apply(_) | CommandKind::Composite(_) => return None,
            };
            let stated = exec.working_dir.as_ref().map(|d| d.value.clone());
            Some(ExecCommand {
                id: leaf.command.id.value.clone(),
                component: exec.component.value.clone(),
                command_line: exec.command_line.value.clone(),
                working_dir: stated.or_else(|| default_dir(input, leaf)),
                env: exec.env.iter().map(pair).collect(),
                parallel_group: leaf.group,
            })
        })
        .collect()
}

/// The devfile's default working directory is the first project's, where there is one.
fn default_dir(input: &Input<'_>, leaf: &Leaf<'_>) -> Option<String> {
    let has_sources = match &leaf.component.kind {
        ComponentKind::Container(container) => container.mount_sources,
        ComponentKind::Volume(_) | ComponentKind::Image(_) | ComponentKind::Cluster(_) => false,
    };
    (has_sources && !input.devfile.projects.is_empty()).then(|| "${PROJECT_SOURCE}".to_owned())
}

/// The containers that an event applies, with the command's id.
pub(super) fn applied<'a>(leaves: &[Leaf<'a>]) -> Vec<(&'a str, &'a Container)> {
    leaves
        .iter()
        .filter_map(|leaf| match &leaf.component.kind {
            ComponentKind::Container(container) => Some((leaf.command.id.value.as_str(), container)),
            // Applying an image builds it, which happens anyway as soon as a container uses it.
            ComponentKind::Image(_) | ComponentKind::Volume(_) | ComponentKind::Cluster(_) => None,
        })
        .collect()
}

pub(super) fn pair(variable: &EnvVar) -> (String, String) {
    (variable.name.value.clone(), variable.value.value.clone())
}
