//! Renames and hand-overs: a workspace takes over the data of another that is no longer declared.
//!
//! The former workspace is torn down, each of its data volumes is emptied into the new workspace's volume of the same
//! role, and a mark records that; the emptied volume goes last. A crash anywhere leaves a state from which the same
//! rules go on.

use super::builder::seen;
use super::builder::target;
use super::workspace::{Walk, image_key, is_ephemeral};
use super::{Key, Present, Verb, marks, removed};
use crate::model::{Kind, MarkSpec, ObservedObject, Role};
use crate::plan::change::{ChangeAction, Impact};
use crate::plan::step::Action;

/// The mark that a volume's data has arrived.
pub(super) fn mark_role(volume: &Role) -> Role {
    Role::Mark(format!("moved-{}", part(volume)))
}

/// A volume's part in the name of a mark about it.
pub(super) fn part(volume: &Role) -> String {
    match volume {
        Role::Projects => "projects".to_owned(),
        Role::Home => "home".to_owned(),
        Role::Data(name) => format!("data-{name}"),
        Role::Network
        | Role::Pod
        | Role::DedicatedPod(_)
        | Role::Component(_)
        | Role::Event(_)
        | Role::Mark(_) => volume.to_string(),
    }
}

/// Adds what moves the data of `former` into this workspace.
pub(super) fn take_over<'a>(walk: &mut Walk<'a, '_>, former: &Present<'a>) {
    let Some(moved) = walk.desired.moved_from.clone() else {
        return;
    };
    let started = walk
        .present
        .values()
        .any(|o| matches!(o.object.kind, Kind::Pod | Kind::Container));
    let torn_down = {
        // Nothing is torn down before it is known that the new workspace's images can be had.
        let fetched: Vec<Key> = walk.desired.images.iter().map(image_key).collect();
        let reason = format!("its workspace is moved to {}", walk.desired.id);
        removed::tear_down(&mut walk.builder, &moved.id, former, &fetched, &reason)
    };
    for (role, old) in former
        .iter()
        .filter(|(role, o)| role.is_data() && !is_ephemeral(o))
    {
        if !walk.desired.volumes.contains_key(role) {
            let reason = format!("{} declares no such volume; it is kept", walk.desired.id);
            let object = old.object.clone();
            let (action, impact) = (ChangeAction::Retain, Impact::None);
            walk.builder
                .change_of(object, moved.id.clone(), action, impact, reason, Vec::new());
            continue;
        }
        let mark = mark_role(role);
        if arrived(walk, role, &mark) {
            empty(walk, old, &moved.id, Vec::new());
        } else if started && walk.fates.get(role).kept().is_some() {
            let reason = format!(
                "{} has data of its own in its {role}; moving that of {} there would mix them. Remove movedFrom, or \
                 move the data by hand",
                walk.desired.id, moved.id
            );
            let object = walk.builder.object(role);
            walk.builder.conflict(object, reason);
        } else {
            move_volume(walk, role, old, &torn_down);
        }
    }
}

/// Whether the mark says that the data has arrived in the volume that is there now.
pub(super) fn arrived(walk: &Walk<'_, '_>, role: &Role, mark: &Role) -> bool {
    let volume = walk.fates.get(role).kept().and_then(ObservedObject::incarnation);
    let marked = walk.present.get(mark).and_then(|m| m.owner.subject.clone());
    volume.is_some() && volume == marked
}

fn move_volume<'a>(walk: &mut Walk<'a, '_>, role: &Role, old: &'a ObservedObject, torn_down: &[Key]) {
    let Some(moved) = walk.desired.moved_from.clone() else {
        return;
    };
    let object = walk.builder.object(role);
    let kept = walk.fates.get(role).kept().map(|o| o.id.clone());
    let (from, to) = (moved.uid_range, walk.desired.uid_range);
    let reown = (from != to).then_some((from, to));
    let mut after = vec![Key(object.clone(), Verb::Create)];
    after.extend_from_slice(torn_down);
    let key = Key(object.clone(), Verb::Move);
    let action = Action::MoveData {
        from: seen(old),
        to: target(&object, kept),
        reown,
    };
    walk.builder.step(key.clone(), action, after);
    let mark = mark_role(role);
    let spec = MarkSpec {
        done: moved.id.to_string(),
    };
    let reason = format!("the data of {} is moved here", moved.id);
    marks::mark(walk, &mark, spec, vec![object], vec![key], &reason);
    let marked = walk.builder.key(&mark, Verb::Mark);
    empty(walk, old, &moved.id, vec![marked]);
}

/// Removes a volume whose data is elsewhere.
fn empty(walk: &mut Walk<'_, '_>, old: &ObservedObject, owner: &crate::model::WorkspaceId, after: Vec<Key>) {
    let reason = format!("its data is moved to {}", walk.desired.id);
    let (action, impact) = (ChangeAction::Delete, Impact::None);
    walk.builder.change_of(
        old.object.clone(),
        owner.clone(),
        action,
        impact,
        reason,
        Vec::new(),
    );
    walk.builder.remove(old, after);
}
