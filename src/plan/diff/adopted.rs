//! Adopting: a workspace takes over the data of a volume that is not wharf's.
//!
//! The data is copied once into the workspace's own volume of that role, and a mark records that; what was copied is only
//! read, and stays. Nothing runs with the new volume before the mark is there, so a crash anywhere leaves a state from which
//! the same rules go on. Whether data is already in a volume that no container has is found out where it is copied.

use std::collections::BTreeSet;

use super::builder::target;
use super::workspace::Walk;
use super::{Key, Present, Verb, marks, moved};
use crate::model::{
    DesiredState, ForeignVolume, Kind, MarkSpec, ObjectId, ObservedObject, ObservedState, Role, Spec,
    UidRange, WorkspaceId,
};
use crate::plan::step::Action;

/// The mark that a volume's data is adopted.
pub(super) fn mark_role(volume: &Role) -> Role {
    Role::Mark(format!("adopted-{}", moved::part(volume)))
}

/// The marks that come before anything may run with a volume.
pub(super) fn filled_marks(volume: &Role) -> impl Iterator<Item = Role> + use<> {
    [moved::mark_role(volume), mark_role(volume)].into_iter()
}

/// The volumes that are still to be adopted: before that, it must be known who uses them.
#[must_use]
pub fn pending(desired: &DesiredState, observed: &ObservedState) -> BTreeSet<String> {
    let is_done = |workspace: &WorkspaceId, role: &Role| {
        let there = |role: &Role| observed.objects.get(&role.object_id(&desired.site, workspace));
        let incarnation = there(role).and_then(ObservedObject::incarnation);
        incarnation.is_some() && there(&mark_role(role)).and_then(|m| m.owner.subject.clone()) == incarnation
    };
    let all = desired.workspaces.values();
    all.flat_map(|w| w.adopt.iter().map(|(role, volume)| (&w.id, role, volume)))
        .filter(|(id, role, volume)| observed.volumes.contains_key(*volume) && !is_done(id, role))
        .map(|(_, _, volume)| volume.clone())
        .collect()
}

/// The ids in a volume of somebody else's: those that its containers have without a range of their own.
fn ids_there(here: UidRange) -> UidRange {
    UidRange { first: 0, ..here }
}

/// Adds what copies the data of the volumes that are to be adopted into the workspace's own.
pub(super) fn take_over(walk: &mut Walk<'_, '_>, former: Option<&Present<'_>>) {
    for (role, volume) in &walk.desired.adopt {
        let mark = mark_role(role);
        if moved::arrived(walk, role, &mark) && recorded(walk, &mark).as_ref() == Some(volume) {
            // A workspace that does not run counts all of its marks.
            walk.builder.draft.noop += usize::from(walk.run);
            continue;
        }
        let own = walk.builder.object(role);
        if let Some(reason) = obstacle(walk, role, former) {
            walk.builder.conflict(own, reason);
            continue;
        }
        match adoptable(walk.builder.context.observed, volume) {
            Ok(foreign) if foreign.used_by.is_empty() => copy(walk, role, volume, foreign),
            Ok(foreign) => {
                let users = foreign.used_by.join(", ");
                let reason = format!(
                    "volume {volume} is used by {users}, which runs: its data would change while it is copied; stop what uses it first"
                );
                walk.builder.conflict(foreign_object(volume), reason);
            }
            Err(reason) => walk.builder.conflict(foreign_object(volume), reason),
        }
    }
}

/// A volume whose data can be adopted.
///
/// # Errors
/// Why it can't, and what to do.
pub fn adoptable<'a>(observed: &'a ObservedState, volume: &str) -> Result<&'a ForeignVolume, String> {
    if let Some(own) = observed.objects.get(&foreign_object(volume)) {
        let id = &own.owner.workspace;
        return Err(format!(
            "volume {volume} is that of the workspace {id}; movedFrom takes over the data of a workspace"
        ));
    }
    let Some(foreign) = observed.volumes.get(volume) else {
        return Err(format!(
            "there is no volume {volume} whose data could be adopted; correct its name, or remove it from adopt"
        ));
    };
    match (&foreign.site, &foreign.elsewhere) {
        (Some(site), _) => Err(format!(
            "volume {volume} belongs to the site {site}, whose data is never touched; copy it to a volume without that site's labels"
        )),
        (None, Some(why)) => Err(format!(
            "the data of volume {volume} is not in the engine's own storage: {why}; copy it to a volume that is"
        )),
        (None, None) => Ok(foreign),
    }
}

fn foreign_object(volume: &str) -> ObjectId {
    ObjectId::new(Kind::Volume, volume)
}

/// The volume whose data a mark says has been adopted.
fn recorded(walk: &Walk<'_, '_>, mark: &Role) -> Option<String> {
    let spec = &walk.present.get(mark)?.owner.identity.spec;
    match serde_json::from_str(spec) {
        Ok(Spec::Mark(MarkSpec { done })) => Some(done),
        Ok(Spec::Network(_) | Spec::Volume(_) | Spec::Pod(_) | Spec::Container(_)) | Err(_) => None,
    }
}

/// What in the workspace itself stands in the way.
fn obstacle(walk: &Walk<'_, '_>, role: &Role, former: Option<&Present<'_>>) -> Option<String> {
    let (id, mark) = (&walk.desired.id, mark_role(role));
    let word = role.volume_word().unwrap_or_default();
    if moved::arrived(walk, role, &mark) {
        let before = recorded(walk, &mark).unwrap_or_default();
        return Some(format!(
            "{id} has adopted the data of volume {before} as {word}; a second volume would be mixed with it. Remove it from adopt"
        ));
    }
    let moves = former.is_some_and(|former| former.contains_key(role));
    if moves || moved::arrived(walk, role, &moved::mark_role(role)) {
        return Some(format!(
            "movedFrom brings the data of {word} already; remove {word} from adopt, or movedFrom"
        ));
    }
    let user = user(walk, role)?;
    Some(format!(
        "{id} has data of its own in {word}, with which {user} was made; adopting a volume there would mix them. Remove it from adopt, and copy by hand what is needed"
    ))
}

/// A container that mounts the volume of that role, as it is.
fn user(walk: &Walk<'_, '_>, role: &Role) -> Option<String> {
    let own = walk.fates.get(role).kept()?;
    let mounts = |object: &&&ObservedObject| match serde_json::from_str(&object.owner.identity.spec) {
        Ok(Spec::Container(spec)) => spec.mounts.iter().any(|m| m.volume == own.object.name),
        Ok(Spec::Network(_) | Spec::Volume(_) | Spec::Pod(_) | Spec::Mark(_)) | Err(_) => false,
    };
    let found = walk.present.values().find(mounts);
    found.map(|container| container.object.to_string())
}

fn copy(walk: &mut Walk<'_, '_>, role: &Role, volume: &str, foreign: &ForeignVolume) {
    let object = walk.builder.object(role);
    let kept = walk.fates.get(role).kept().map(|o| o.id.clone());
    let here = walk.desired.uid_range;
    let key = Key(object.clone(), Verb::Copy);
    let action = Action::CopyData {
        from: target(&foreign_object(volume), Some(foreign.id.clone())),
        to: target(&object, kept),
        reown: (ids_there(here), here),
    };
    walk.builder
        .step(key.clone(), action, vec![Key(object.clone(), Verb::Create)]);
    let spec = MarkSpec {
        done: volume.to_owned(),
    };
    let reason = format!(
        "the data of volume {volume} is copied here; the volume is left as it is, and podman volume rm {volume} removes it"
    );
    marks::mark(walk, &mark_role(role), spec, vec![object], vec![key], &reason);
}
