//! The draft of a workspace that nothing declares any more: its containers, pods and network go, its data stays unless
//! its manifest said otherwise while it was there.

use std::collections::BTreeMap;

use super::builder::{Builder, Context, seen};
use super::workspace::is_ephemeral;
use super::{Draft, Key, Present, Verb};
use crate::model::{ExecCommand, Kind, OnRemove, Role, RunState, WorkspaceId};
use crate::plan::change::{ChangeAction, Impact};
use crate::plan::step::Action;

pub(super) fn draft<'a>(context: Context<'a>, id: &WorkspaceId, present: &Present<'a>) -> Draft {
    let mut builder = Builder::new(context, id);
    let torn_down = tear_down(
        &mut builder,
        id,
        present,
        &[],
        "nothing declares its workspace any more",
    );
    builder.draft.removal = !torn_down.is_empty();
    let on_remove = context
        .request
        .removed
        .get(id)
        .copied()
        .unwrap_or(OnRemove::Retain);
    for (role, object) in present.iter().filter(|(role, _)| role.is_data()) {
        let ephemeral = is_ephemeral(object);
        if on_remove == OnRemove::Retain && !ephemeral {
            let reason = "its workspace is no longer declared; the data is kept";
            builder.change(role, ChangeAction::Retain, Impact::None, reason);
            continue;
        }
        let (impact, reason) = if ephemeral {
            (Impact::None, "nothing declares its workspace any more")
        } else {
            (
                Impact::DataLoss,
                "its workspace was declared with onRemove: delete",
            )
        };
        builder.change(role, ChangeAction::Delete, impact, reason);
        builder.remove(object, torn_down.clone());
    }
    builder.draft
}

/// Stops and removes everything of a workspace but its data, after `first`. Returns the keys after which nothing mounts its volumes.
pub(super) fn tear_down<'a>(
    builder: &mut Builder<'a>,
    id: &WorkspaceId,
    present: &Present<'a>,
    first: &[Key],
    reason: &str,
) -> Vec<Key> {
    let of = |kind: Kind| present.iter().filter(move |(_, o)| o.object.kind == kind);
    let before_stop: Vec<Key> = first
        .iter()
        .cloned()
        .chain(pre_stop(builder, present, first))
        .collect();
    for (_, pod) in of(Kind::Pod) {
        let up = match pod.run {
            RunState::Running { .. } | RunState::Paused | RunState::Degraded | RunState::Unknown => true,
            RunState::Inert | RunState::Created | RunState::Exited { .. } => false,
        };
        if up {
            builder.stop(pod, before_stop.clone());
        }
    }
    let stops: Vec<Key> = of(Kind::Pod)
        .map(|(_, o)| Key(o.object.clone(), Verb::Stop))
        .collect();
    let mut gone: Vec<Key> = Vec::new();
    for (_, container) in of(Kind::Container) {
        gone.push(Key(container.object.clone(), Verb::Remove));
        let orphan = container.run.is_running() && of(Kind::Pod).next().is_none();
        if orphan {
            builder.stop(container, Vec::new());
        }
        builder.remove(container, stops.clone());
    }
    let containers = gone.clone();
    for (_, pod) in of(Kind::Pod) {
        gone.push(Key(pod.object.clone(), Verb::Remove));
        builder.remove(pod, containers.clone());
    }
    let pods = gone.clone();
    for (_, network) in of(Kind::Network) {
        gone.push(Key(network.object.clone(), Verb::Remove));
        builder.remove(network, pods.clone());
    }
    for (role, mark) in of(Kind::Volume) {
        if matches!(role, Role::Mark(_)) {
            builder.remove(mark, gone.clone());
        }
    }
    for (role, object) in present {
        if !role.is_data() {
            let impact = if object.object.kind == Kind::Container {
                Impact::Recreate
            } else {
                Impact::None
            };
            let action = ChangeAction::Delete;
            builder.change_of(
                object.object.clone(),
                id.clone(),
                action,
                impact,
                reason.to_owned(),
                Vec::new(),
            );
        }
    }
    gone
}

/// The pre-stop commands that the pod's label has kept.
fn pre_stop(builder: &mut Builder<'_>, present: &Present<'_>, first: &[Key]) -> Option<Key> {
    let pod = present.get(&Role::Pod)?;
    let commands: Vec<ExecCommand> = serde_json::from_str(pod.owner.stop_hooks.as_deref()?).ok()?;
    let mut containers = BTreeMap::new();
    let mut running = Vec::new();
    for command in commands {
        let role = Role::Component(command.component.clone());
        if let Some(container) = present.get(&role).filter(|c| c.run.is_running()) {
            containers.insert(command.component.clone(), seen(container));
            running.push(command);
        }
    }
    if running.is_empty() {
        return None;
    }
    let key = Key(pod.object.clone(), Verb::PreStop);
    let containers = containers.into_iter().collect();
    let action = Action::RunCommands {
        commands: running,
        containers,
        required: false,
    };
    builder.step(key.clone(), action, first.to_vec());
    Some(key)
}
