//! The record that a person has stopped a workspace whose power leaves that open (`power: auto`). Without it such a workspace
//! runs: after a reboot nothing does, and what was on has to come back.
//!
//! It is made before the stop and removed before the start, so that what breaks off in between is carried on with.

use super::workspace::Walk;
use super::{Key, Present, Verb, marks};
use crate::model::{DesiredWorkspace, Power, Role};

/// Whether a person has stopped the workspace.
pub(super) fn is_recorded(present: &Present<'_>) -> bool {
    present.contains_key(&DesiredWorkspace::stopped_mark().0)
}

/// Records that a person asks for the stop just now.
pub(super) fn record(walk: &mut Walk<'_, '_>) {
    let asked = walk.builder.context.request.power.get(&walk.desired.id) == Some(&false);
    if !asked || walk.desired.power != Power::Auto || is_recorded(walk.present) {
        return;
    }
    let (role, spec) = DesiredWorkspace::stopped_mark();
    marks::mark(walk, &role, spec, Vec::new(), Vec::new(), "asked for");
}

/// What a stop comes after.
pub(super) fn key(walk: &Walk<'_, '_>) -> Key {
    walk.builder.key(&DesiredWorkspace::stopped_mark().0, Verb::Mark)
}

/// What a start comes after.
pub(super) fn removal(walk: &Walk<'_, '_>) -> Key {
    walk.builder
        .key(&DesiredWorkspace::stopped_mark().0, Verb::Remove)
}

/// Why the record goes, where `role` is its role.
pub(super) fn reason(role: &Role) -> Option<&'static str> {
    (*role == DesiredWorkspace::stopped_mark().0).then_some("the workspace is to run again")
}
