//! The record that a workspace whose power leaves that open (`power: auto`) was stopped, by a person or because nobody used
//! it. Without it such a workspace runs: after a reboot nothing does, and what was on has to come back.
//!
//! It is made before the stop and removed before the start, so that what breaks off in between is carried on with.

use super::workspace::Walk;
use super::{Key, Present, Verb, marks};
use crate::model::{DesiredWorkspace, Power, Role};

/// Whether the workspace was stopped.
pub(super) fn is_recorded(present: &Present<'_>) -> bool {
    present.contains_key(&DesiredWorkspace::stopped_role())
}

/// Records that the stop is asked for just now, and why.
pub(super) fn record(walk: &mut Walk<'_, '_>) {
    let asked = walk.builder.context.request.power.get(&walk.desired.id);
    let Some(asked) = asked.filter(|asked| !asked.runs()) else {
        return;
    };
    if !walk.builder.draft.asked || walk.desired.power != Power::Auto || is_recorded(walk.present) {
        return;
    }
    let why = asked.to_string();
    let (role, spec) = DesiredWorkspace::stopped_mark(&why);
    marks::mark(walk, &role, spec, Vec::new(), Vec::new(), &why);
}

/// What a stop comes after.
pub(super) fn key(walk: &Walk<'_, '_>) -> Key {
    walk.builder.key(&DesiredWorkspace::stopped_role(), Verb::Mark)
}

/// What a start comes after.
pub(super) fn removal(walk: &Walk<'_, '_>) -> Key {
    walk.builder.key(&DesiredWorkspace::stopped_role(), Verb::Remove)
}

/// Why the record goes, where `role` is its role.
pub(super) fn reason(role: &Role) -> Option<&'static str> {
    (*role == DesiredWorkspace::stopped_role()).then_some("the workspace is to run again")
}
