//! Room: what workspaces are promised is what the machine has. A workspace that would be promised more than is left waits,
//! and nothing that runs is ever stopped for it.
//!
//! Memory alone is counted: processors are shared out by the kernel, and who gets less of them is slower, but memory that
//! two were promised ends one of them.

use std::collections::BTreeSet;

use super::Request;
use super::change::{Blocked, Hold};
use super::diff::Draft;
use super::step::Action;
use crate::model::observed::Reading;
use crate::model::{DesiredState, Kind, ObservedObject, ObservedState, Role, WorkspaceId};

/// What every reason begins with.
pub const WAITS: &str = "waits for room";

/// Whether somebody may have to wait, so that it matters who came first.
#[must_use]
pub fn is_short(desired: &DesiredState, observed: &ObservedState) -> bool {
    let declared = desired.workspaces.keys().map(|id| needs(desired, id));
    let promised = declared.fold(held_by_others(desired, observed), u64::saturating_add);
    limit(desired, observed).is_some_and(|limit| promised > limit)
}

/// Holds back the drafts that start what there is no room for: first come, first served. Who can never have enough holds up
/// nobody else.
pub(super) fn hold_back(
    drafts: &mut [Draft],
    desired: &DesiredState,
    observed: &ObservedState,
    request: &Request,
) {
    let Some(limit) = limit(desired, observed) else {
        return;
    };
    let up = up(desired, observed);
    let running = up.iter().map(|id| needs(desired, id));
    let mut promised = running.fold(held_by_others(desired, observed), u64::saturating_add);
    let mut starting: Vec<&mut Draft> = drafts
        .iter_mut()
        .filter(|draft| !up.contains(&draft.workspace) && starts(draft))
        .collect();
    // Who is in no commit yet came last.
    starting.sort_by_key(|draft| {
        let age = request.ages.get(&draft.workspace).copied().unwrap_or_default();
        (std::cmp::Reverse(age), draft.workspace.clone())
    });
    let mut somebody_waits = false;
    for draft in starting {
        let wanted = needs(desired, &draft.workspace);
        if !somebody_waits && promised.saturating_add(wanted) <= limit {
            promised = promised.saturating_add(wanted);
            continue;
        }
        let reason = if wanted > limit {
            format!(
                "{WAITS}: it needs {} of memory, and {} may be promised here altogether",
                size(wanted),
                size(limit)
            )
        } else {
            somebody_waits = true;
            format!(
                "{WAITS}: {} of {} of memory are promised, and it needs {}",
                size(promised),
                size(limit),
                size(wanted)
            )
        };
        draft.conflicts.push(Blocked {
            object: Role::Pod.object_id(&desired.site, &draft.workspace),
            workspace: draft.workspace.clone(),
            reason,
            approve: None,
            hold: Hold::Room,
            until: None,
        });
    }
}

/// How much may be promised.
fn limit(desired: &DesiredState, observed: &ObservedState) -> Option<u64> {
    let memory = observed.facts.memory?;
    let most = u128::from(memory) * u128::from(desired.promised_memory) / 100;
    Some(u64::try_from(most).unwrap_or(u64::MAX))
}

fn starts(draft: &Draft) -> bool {
    draft
        .steps
        .iter()
        .any(|step| matches!(step.action, Action::Start { .. }))
}

/// What a declared workspace is promised.
fn needs(desired: &DesiredState, id: &WorkspaceId) -> u64 {
    let containers = desired.workspaces.get(id).into_iter().flat_map(|w| &w.containers);
    let limits = containers.filter_map(|c| c.limits.memory);
    limits.map(|memory| memory.0).fold(0, u64::saturating_add)
}

/// The declared workspaces of which anything runs, under their name or the one that they had before.
fn up(desired: &DesiredState, observed: &ObservedState) -> BTreeSet<WorkspaceId> {
    let up: BTreeSet<&WorkspaceId> = observed
        .objects
        .values()
        .filter(|o| runs(o))
        .map(|o| &o.owner.workspace)
        .collect();
    let is_up = |id: &WorkspaceId| up.contains(id);
    let declared = desired.workspaces.values();
    declared
        .filter(|w| is_up(&w.id) || w.moved_from.as_ref().is_some_and(|m| is_up(&m.id)))
        .map(|w| w.id.clone())
        .collect()
}

/// The memory of what runs and is not declared any more.
fn held_by_others(desired: &DesiredState, observed: &ObservedState) -> u64 {
    let declared: BTreeSet<&WorkspaceId> = desired
        .workspaces
        .values()
        .flat_map(|w| [Some(&w.id), w.moved_from.as_ref().map(|m| &m.id)])
        .flatten()
        .collect();
    observed
        .objects
        .values()
        .filter(|o| runs(o) && !declared.contains(&o.owner.workspace))
        .filter_map(|o| match o.enforced?.memory {
            Reading::Value(bytes) => Some(bytes),
            Reading::Unlimited | Reading::Unknown => None,
        })
        .fold(0, u64::saturating_add)
}

fn runs(object: &ObservedObject) -> bool {
    matches!(object.object.kind, Kind::Pod | Kind::Container) && object.run.is_up()
}

/// In tenths of a unit: nobody wants to read a machine's memory to the byte.
fn size(bytes: u64) -> String {
    let (shift, unit) = if bytes >= 1 << 30 { (30, "Gi") } else { (20, "Mi") };
    let tenths = (u128::from(bytes) * 10) >> shift;
    match tenths % 10 {
        0 => format!("{}{unit}", tenths / 10),
        rest => format!("{}.{rest}{unit}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_short() {
        let gib = 1_u64 << 30;
        for (bytes, text) in [
            (4 * gib, "4Gi"),
            (gib + gib / 2, "1.5Gi"),
            (25_165_152_256, "23.4Gi"),
            (gib / 2, "512Mi"),
            (100 << 20, "100Mi"),
            ((100 << 20) + (1 << 19), "100.5Mi"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
