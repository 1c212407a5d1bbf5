//! Differences: for each workspace, what is not as declared, and the steps that would make it so.
//!
//! In: the two states. Out: one [`Draft`] a workspace, which no other workspace's draft depends on. Whether a draft may
//! be carried out is decided in [`crate::plan::guard`], in which order in [`crate::plan::order`].

mod adopted;
mod builder;
mod containers;
mod drift;
mod events;
mod fate;
mod fields;
mod limits;
mod marks;
mod moved;
mod ready;
mod removed;
mod stop;
mod stopped;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};

use super::Request;
use super::change::{Blocked, Change};
use super::step::Action;
use crate::model::{DesiredState, ObjectId, ObservedState, Reaction, Role, WorkspaceId};

pub use adopted::{adoptable, pending};
pub(in crate::plan) use drift::is_record;
pub use fields::spec_fields;
pub(super) use limits::differences as limit_differences;
pub use marks::join as join_incarnations;
pub(in crate::plan) use workspace::is_up;

/// What one workspace needs.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// What differs.
    pub changes: Vec<Change>,
    /// The steps, in no order.
    pub steps: Vec<DraftStep>,
    /// What stands in the way; then none of the steps may run.
    pub conflicts: Vec<Blocked>,
    /// How many objects are as declared.
    pub noop: usize,
    /// Whether the workspace goes because nothing declares it any more.
    pub removal: bool,
    /// Whether its power is asked for: then it waits for nothing that is declared.
    pub asked: bool,
}

/// A step that is not yet in its order.
#[derive(Clone, Debug)]
pub struct DraftStep {
    /// What other steps call it.
    pub key: Key,
    /// What it does.
    pub action: Action,
    /// Which steps come before, where they exist.
    pub after: Vec<Key>,
}

/// What a step is called: its object and the verb.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub ObjectId, pub Verb);

/// The kinds of step that one object can have in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Have the image.
    Fetch,
    /// Run commands before a stop.
    PreStop,
    /// Stop.
    Stop,
    /// Run a container to its end after a stop.
    PostStop,
    /// Remove.
    Remove,
    /// Create.
    Create,
    /// Move data in.
    Move,
    /// Copy data in.
    Copy,
    /// Run a container to its end before a start.
    PreStart,
    /// Start.
    Start,
    /// Wait until it is ready.
    Ready,
    /// Set limits.
    Resize,
    /// Clone a project.
    Clone,
    /// Run commands after a start.
    PostStart,
    /// Record.
    Mark,
}

/// Everything that differs, in the order of workspaces; workspaces without any difference have a draft as well, for
/// its count.
#[must_use]
pub fn drafts(desired: &DesiredState, observed: &ObservedState, request: &Request) -> Vec<Draft> {
    let mut present: BTreeMap<&WorkspaceId, Present<'_>> = BTreeMap::new();
    for object in observed.objects.values() {
        let owner = &object.owner;
        // An object whose name is not the one that its labels call for was made by somebody's copy of labels.
        if owner.role.object_id(&desired.site, &owner.workspace) == object.object {
            present
                .entry(&owner.workspace)
                .or_default()
                .insert(owner.role.clone(), object);
        }
    }
    let empty = Present::new();
    let records = desired.drift.any(Reaction::Report) || desired.drift.any(Reaction::Off);
    let moved: BTreeSet<&WorkspaceId> = desired
        .workspaces
        .values()
        .filter_map(|w| w.moved_from.as_ref())
        .map(|m| &m.id)
        .collect();
    let mut drafts: Vec<Draft> = desired
        .workspaces
        .values()
        .map(|workspace| {
            let own = present.get(&workspace.id).unwrap_or(&empty);
            let former = workspace.moved_from.as_ref().and_then(|m| present.get(&m.id));
            let context = builder::Context {
                site: &desired.site,
                observed,
                request,
                records,
                suspended: desired.suspend,
            };
            workspace::draft(context, workspace, own, former)
        })
        .collect();
    for (id, objects) in &present {
        if !desired.workspaces.contains_key(*id) && !moved.contains(id) {
            let context = builder::Context {
                site: &desired.site,
                observed,
                request,
                records,
                suspended: desired.suspend,
            };
            drafts.push(removed::draft(context, id, objects));
        }
    }
    drafts.sort_by(|a, b| a.workspace.cmp(&b.workspace));
    drafts
}

/// A workspace's objects that are there, by role.
type Present<'a> = BTreeMap<Role, &'a crate::model::ObservedObject>;
