//! Commands: those that run around a workspace's start and stop, and all of them for whoever asks to run one.

use super::projects;
use super::workspace::Input;
use crate::devfile::{Command, CommandKind, ComponentKind, Container, EnvVar, Exec, Leaf};
use crate::model::{CommandAction, DesiredCommand, ExecCommand};

/// The exec commands of an event, in order.
pub(super) fn commands(input: &Input<'_>, leaves: &[Leaf<'_>]) -> Vec<ExecCommand> {
    let of = |leaf: &Leaf<'_>| match &leaf.command.kind {
        CommandKind::Exec(exec) => Some(ExecCommand {
            parallel_group: leaf.group,
            ..exec_command(input, leaf.command, exec)
        }),
        CommandKind::Apply(_) | CommandKind::Composite(_) => None,
    };
    leaves.iter().filter_map(of).collect()
}

/// Every command of the devfile.
pub(super) fn all(input: &Input<'_>) -> Vec<DesiredCommand> {
    let of = |command: &Command| DesiredCommand {
        id: command.id.value.clone(),
        group: command
            .group
            .map(|group| (group.kind.value.as_str().to_owned(), group.is_default)),
        label: command.label.as_ref().map(|label| label.value.clone()),
        action: match &command.kind {
            CommandKind::Exec(exec) => CommandAction::Exec(exec_command(input, command, exec)),
            CommandKind::Apply(apply) => CommandAction::Apply(apply.component.value.clone()),
            CommandKind::Composite(composite) => CommandAction::Composite {
                commands: composite.commands.iter().map(|id| id.value.clone()).collect(),
                parallel: composite.parallel,
            },
        },
    };
    input.devfile.commands.iter().map(of).collect()
}

fn exec_command(input: &Input<'_>, command: &Command, exec: &Exec) -> ExecCommand {
    let stated = exec.working_dir.as_ref().map(|d| d.value.clone());
    ExecCommand {
        id: command.id.value.clone(),
        component: exec.component.value.clone(),
        command_line: exec.command_line.value.clone(),
        working_dir: stated.or_else(|| default_dir(input, &exec.component.value)),
        env: exec.env.iter().map(pair).collect(),
        parallel_group: None,
    }
}

/// The devfile's default working directory is the first project's, where there is one.
fn default_dir(input: &Input<'_>, component: &str) -> Option<String> {
    let has_sources = match &input.devfile.component(component)?.kind {
        ComponentKind::Container(container) => container.mount_sources,
        ComponentKind::Volume(_) | ComponentKind::Image(_) | ComponentKind::Cluster(_) => false,
    };
    (has_sources && projects::own(input).is_some()).then(|| "${PROJECT_SOURCE}".to_owned())
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
