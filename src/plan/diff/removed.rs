//! The draft of a workspace that nothing declares any more: its containers, pods and network go, its data stays unless
//! its manifest said otherwise while it was there.

use super::builder::{Builder, Context};
use super::workspace::{is_ephemeral, is_up};
use super::{Draft, Key, Present, Verb};
use crate::model::{DesiredContainer, Kind, ObservedObject, OnRemove, Role, StopHooks, WorkspaceId};
use crate::plan::change::{ChangeAction, Impact};

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
    let hooks = stop_hooks(present);
    let mut before_stop = first.to_vec();
    before_stop.extend(builder.run_pre_stop(hooks.pre_stop.iter(), present, first));
    // A workspace that goes on under another name has not ended.
    if builder.draft.workspace == *id {
        before_stop = post_stop(builder, present, &hooks.post_stop, before_stop);
    }
    for (_, pod) in of(Kind::Pod).filter(|(_, pod)| is_up(pod)) {
        builder.stop(pod, before_stop.clone());
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

/// What runs around the stop, as the pod's label has kept it; nothing where it can't be read.
fn stop_hooks(present: &Present<'_>) -> StopHooks {
    let kept = present
        .get(&Role::Pod)
        .and_then(|pod| pod.owner.stop_hooks.as_deref());
    kept.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

/// Stops the containers and runs the post-stop containers to their ends, while the pod still has its network.
fn post_stop(
    builder: &mut Builder<'_>,
    present: &Present<'_>,
    chain: &[DesiredContainer],
    before: Vec<Key>,
) -> Vec<Key> {
    let pod_runs = present.get(&Role::Pod).is_some_and(|pod| is_up(pod));
    if chain.is_empty() || !pod_runs {
        return before;
    }
    let mut after = before.clone();
    let up = |o: &&&ObservedObject| o.object.kind == Kind::Container && is_up(o);
    for container in present.values().filter(up) {
        builder.stop(container, before.clone());
        after.push(Key(container.object.clone(), Verb::Stop));
    }
    for container in chain {
        after = vec![builder.run_to_end(container, Verb::PostStop, after)];
    }
    after
}
