//! Guards: which drafts may be carried out. Losing data and removing many workspaces at once need an approval that is
//! bound to the plan; a conflict is never carried out; what is declared to wait waits ([`super::hold`]).

use std::collections::BTreeSet;

use super::change::{Blocked, Change, ChangeAction, Hold, Impact};
use super::diff::{Draft, DraftStep, Verb};
use super::{Request, hold};
use crate::model::{DesiredState, Kind, ObjectId, ObservedState, Role, WorkspaceId};

/// The digests that were approved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approval {
    /// More removals than the site allows.
    pub deletions: Option<String>,
    /// Losing data.
    pub data_loss: Option<String>,
}

/// What is left to do.
#[derive(Clone, Debug, Default)]
pub struct Guarded {
    /// All changes, blocked ones included.
    pub changes: Vec<Change>,
    /// The steps that may run, by workspace.
    pub steps: Vec<(WorkspaceId, Vec<DraftStep>)>,
    /// What waits.
    pub blocked: Vec<Blocked>,
    /// How many objects are as declared.
    pub noop: usize,
    /// What the reader should know.
    pub notes: Vec<String>,
    /// When the first of the maintenance windows closes that the steps need, in seconds since 1970.
    pub closes: Option<i64>,
}

/// Holds back what is to wait, and what needs an approval that was not given.
#[must_use]
pub fn guard(
    drafts: Vec<Draft>,
    (desired, observed): (&DesiredState, &ObservedState),
    digest: &str,
    request: &Request,
) -> Guarded {
    let approval = &request.approval;
    let removals = drafts.iter().filter(|d| d.removal).count();
    let deletions_approved = approval.deletions.as_deref() == Some(digest);
    let data_loss_approved = approval.data_loss.as_deref() == Some(digest);
    let refusal = removal_refusal(removals, desired).filter(|_| !deletions_approved);
    let mut guarded = Guarded::default();
    for mut draft in drafts {
        guarded.noop += draft.noop;
        guarded.changes.append(&mut draft.changes.clone());
        if !draft.conflicts.is_empty() {
            guarded.blocked.append(&mut draft.conflicts);
        } else if let Some(blocked) = hold::suspended(&draft, desired) {
            guarded.blocked.push(blocked);
        } else if let (true, Some(reason)) = (draft.removal, &refusal) {
            let object = Role::Pod.object_id(&desired.site, &draft.workspace);
            guarded.blocked.push(Blocked {
                object,
                workspace: draft.workspace.clone(),
                reason: reason.clone(),
                approve: Some(digest.to_owned()),
                hold: Hold::Approval,
                until: None,
            });
        } else {
            let states = (desired, observed);
            let closes = hold::hold(&mut draft, states, request, &mut guarded.blocked);
            guarded.closes = [guarded.closes, closes].into_iter().flatten().min();
            let workspace = draft.workspace.clone();
            let steps = if data_loss_approved {
                draft.steps
            } else {
                without_data_loss(draft, digest, &mut guarded)
            };
            guarded.steps.push((workspace, steps));
        }
    }
    guarded.steps.retain(|(_, steps)| !steps.is_empty());
    guarded
}

/// Why this many removals may not be carried out just like that.
fn removal_refusal(removals: usize, desired: &DesiredState) -> Option<String> {
    let limit = desired.max_deletions;
    if removals > 0 && desired.workspaces.is_empty() {
        Some(format!(
            "the repository declares no workspace at all, and this would remove all {removals}"
        ))
    } else if removals > limit as usize {
        Some(format!(
            "the plan removes {removals} workspaces and policy.maxDeletions is {limit}"
        ))
    } else {
        None
    }
}

/// A draft's steps without those that lose data, and without those that wait for them.
fn without_data_loss(draft: Draft, digest: &str, guarded: &mut Guarded) -> Vec<DraftStep> {
    let lost: BTreeSet<&ObjectId> = draft
        .changes
        .iter()
        .filter(|c| c.impact == Impact::DataLoss)
        .map(|c| &c.object)
        .collect();
    if lost.is_empty() {
        return draft.steps;
    }
    for change in draft.changes.iter().filter(|c| c.impact == Impact::DataLoss) {
        guarded.blocked.push(Blocked {
            object: change.object.clone(),
            workspace: change.workspace.clone(),
            reason: format!("its data would be lost: {}", change.reason),
            approve: Some(digest.to_owned()),
            hold: Hold::Approval,
            until: None,
        });
    }
    let replaces = draft
        .changes
        .iter()
        .any(|c| c.impact == Impact::DataLoss && c.action == ChangeAction::Replace);
    if replaces {
        // Its containers can't do without the volume: the workspace stays as it is until somebody approves.
        return Vec::new();
    }
    let drops =
        |s: &DraftStep| s.key.1 == Verb::Remove && s.key.0.kind == Kind::Volume && lost.contains(&s.key.0);
    draft.steps.iter().filter(|s| !drops(s)).cloned().collect()
}
