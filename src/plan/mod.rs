//! The plan: what differs between the desired and the observed state, what must wait for an approval, and the graph of
//! steps that removes the difference.
//!
//! In: the two states, as values. Out: a [`Plan`], the same for the same input, byte for byte. Reading anything,
//! executing anything and looking at the clock don't belong here.

pub mod adopt;
pub mod change;
pub mod clone;
pub mod diff;
pub mod display;
pub mod garbage;
pub mod guard;
mod hold;
pub mod order;
pub mod room;
pub mod step;
pub mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{
    DesiredState, EngineId, Name, ObjectId, ObservedState, OnRemove, RunState, Seconds, WorkspaceId,
    content_hash,
};
pub use adopt::{Adopt, Adoption, adopt};
pub use change::{Blocked, Change, ChangeAction, FieldChange, Hold, Impact};
pub use diff::{adoptable, pending as pending_adoptions};
pub use garbage::{Candidate, Garbage, Kept, Look, garbage};
pub use guard::Approval;
pub use order::OrderError;
pub use step::{Action, Creation, Step, StepId, Target, ToolsContainer};
pub use target::{Selection, TargetError};

/// The version of the plan's JSON form and of plan files.
pub const FORMAT_VERSION: &str = "1";

/// Where the desired state was read from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The commit; none where the directory is no git repository or has no commit.
    pub commit: Option<String>,
    /// Whether the working tree differs from it.
    pub dirty: bool,
}

/// What [`plan`] needs beside the two states.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Where the desired state was read from.
    pub revision: Revision,
    /// Which workspaces.
    pub selection: Selection,
    /// What was approved.
    pub approval: Approval,
    /// What becomes of the volumes of workspaces that are no longer declared, as their manifests said while they were;
    /// what is not listed is retained.
    pub removed: BTreeMap<WorkspaceId, OnRemove>,
    /// How many commits ago each workspace was declared: where room is short, the oldest comes first.
    pub ages: BTreeMap<WorkspaceId, usize>,
    /// Workspaces that are to run or to be stopped, whatever their declaration leaves open.
    pub power: BTreeMap<WorkspaceId, Asked>,
    /// A state that the caller has seen applied: a difference where nothing else is declared now is drift.
    pub before: Option<Arc<DesiredState>>,
    /// The present moment, in seconds since 1970; where it is not said, nothing waits for a maintenance window.
    pub moment: Option<i64>,
    /// Whether a person asks not to wait for maintenance windows.
    pub now: bool,
    /// Whether a person asks to repair drift, whatever the Site says.
    pub repair: bool,
}

/// What is asked of a workspace's power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A person asks for it to run.
    Run,
    /// A person asks for it to be stopped.
    Stop,
    /// Nobody has used it for that long: it is to be stopped.
    Suspend(Seconds),
}

impl Asked {
    /// Whether it is to run.
    #[must_use]
    pub fn runs(self) -> bool {
        self == Self::Run
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run | Self::Stop => f.write_str("asked for"),
            Self::Suspend(time) => write!(f, "nobody has used it for {time}"),
        }
    }
}

/// A plan. Its digest names its changes, whatever the commit.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The site.
    pub site: Name,
    /// Where the desired state was read from.
    pub revision: Revision,
    /// Over the changes, blocked ones included.
    pub digest: String,
    /// Every object that is not as it should be, sorted by workspace and object.
    pub changes: Vec<Change>,
    /// How many objects are as they should be.
    pub noop: usize,
    /// What waits or is refused; no step of the plan touches it.
    pub blocked: Vec<Blocked>,
    /// What the plan leaves out or what its reader should know.
    pub notes: Vec<String>,
    /// The steps; each stands after those that it waits for.
    pub steps: Vec<Step>,
    /// What was seen of every object that the steps touch.
    pub seen: BTreeMap<String, Seen>,
    /// The moment that it was made for, in seconds since 1970, where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moment: Option<i64>,
    /// When the first of the maintenance windows closes that steps need, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<i64>,
}

/// What a plan saw of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Which incarnation; none where it was not there.
    pub id: Option<EngineId>,
    /// What it did.
    pub run: RunState,
}

/// How many objects of each action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Created.
    pub create: usize,
    /// Changed where they are, started or stopped.
    pub update: usize,
    /// Removed and created again.
    pub replace: usize,
    /// Removed.
    pub delete: usize,
    /// Kept, though nothing declares them.
    pub retain: usize,
    /// As they should be.
    pub noop: usize,
}

impl Plan {
    /// The counts that people look at first.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary {
            noop: self.noop,
            ..Summary::default()
        };
        for change in &self.changes {
            match change.action {
                ChangeAction::Create => summary.create += 1,
                ChangeAction::Update | ChangeAction::Start | ChangeAction::Stop => summary.update += 1,
                ChangeAction::Replace => summary.replace += 1,
                ChangeAction::Delete => summary.delete += 1,
                ChangeAction::Retain => summary.retain += 1,
            }
        }
        summary
    }

    /// Whether there is nothing to do and nothing waits.
    #[must_use]
    pub fn is_converged(&self) -> bool {
        self.steps.is_empty() && self.blocked.is_empty()
    }

    /// The worst impact on each workspace that the plan changes.
    #[must_use]
    pub fn impacts(&self) -> BTreeMap<&WorkspaceId, Impact> {
        let mut impacts: BTreeMap<&WorkspaceId, Impact> = BTreeMap::new();
        for change in self.changes.iter().filter(|c| c.action != ChangeAction::Retain) {
            let worst = impacts.entry(&change.workspace).or_default();
            *worst = (*worst).max(change.impact);
        }
        impacts
    }

    /// The objects that are no longer as this plan saw them: a plan with any is stale.
    #[must_use]
    pub fn stale(&self, observed: &ObservedState) -> BTreeSet<String> {
        let now = seen(&self.steps, observed);
        self.seen
            .iter()
            .filter(|(object, seen)| now.get(*object) != Some(*seen))
            .map(|(o, _)| o.clone())
            .collect()
    }
}

/// Compares, guards and orders.
///
/// # Errors
/// A cycle among the steps, named.
pub fn plan(desired: &DesiredState, observed: &ObservedState, request: &Request) -> Result<Plan, OrderError> {
    let mut drafts = diff::drafts(desired, observed, request);
    room::hold_back(&mut drafts, desired, observed, request);
    let (mut drafts, mut notes) = target::select(drafts, &request.selection);
    for draft in &mut drafts {
        hold::ignore(draft, &desired.drift, request);
    }
    let digest = digest(&drafts);
    let guarded = guard::guard(drafts, (desired, observed), &digest, request);
    notes.extend(guarded.notes);
    let mut changes = guarded.changes;
    changes.sort_by(|a, b| (&a.workspace, &a.object).cmp(&(&b.workspace, &b.object)));
    let steps = order::order(guarded.steps)?;
    Ok(Plan {
        site: desired.site.clone(),
        revision: request.revision.clone(),
        digest,
        noop: guarded.noop,
        changes,
        blocked: guarded.blocked,
        notes,
        seen: seen(&steps, observed),
        steps,
        moment: request.moment,
        closes: guarded.closes,
    })
}

/// The digest over all changes, blocked or not, and what they create: what an approval is bound to. Reasons are left out:
/// they tell how much a container holds just now, and an approval must not end because somebody wrote a file meanwhile.
fn digest(drafts: &[diff::Draft]) -> String {
    let changes: Vec<_> = drafts
        .iter()
        .flat_map(|d| &d.changes)
        .map(|c| (&c.object, &c.workspace, c.action, c.impact, &c.fields))
        .collect();
    let steps = drafts.iter().flat_map(|d| &d.steps);
    let created: Vec<&str> = steps.filter_map(|s| s.action.hash()).collect();
    // Invariant: changes are made of strings, numbers, lists and JSON values, which serialise.
    let text = serde_json::to_string(&(changes, created)).unwrap_or_default();
    content_hash(text.as_bytes())
}

fn seen(steps: &[Step], observed: &ObservedState) -> BTreeMap<String, Seen> {
    let objects: BTreeSet<&ObjectId> = steps
        .iter()
        .filter(|s| s.object.kind != crate::model::Kind::Image)
        .map(|s| &s.object)
        .collect();
    objects
        .into_iter()
        .map(|object| {
            let seen = observed.objects.get(object).map_or(
                Seen {
                    id: None,
                    run: RunState::Inert,
                },
                |o| Seen {
                    id: Some(o.id.clone()),
                    run: o.run,
                },
            );
            (object.to_string(), seen)
        })
        .collect()
}
