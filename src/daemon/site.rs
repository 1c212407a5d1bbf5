//! What the daemon looks after, and what it listens to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;

use super::{Fetched, Given, Obstacle};
use crate::apply::{ApplyReport, Cancellation, Observer};
use crate::audit::{Approved, User};
use crate::health::Facts;
use crate::model::{Seconds, WorkspaceId};
use crate::plan::Plan;

/// What the daemon looks after.
#[async_trait]
pub trait Site: Send + Sync {
    /// The commit that the repository is at.
    fn head(&self) -> Result<String, String>;

    /// Takes a commit over as what is declared. Where it can't be, says why, and what was declared before stays.
    async fn take(&mut self, commit: &str) -> Result<(), Rejected>;

    /// The newest valid commit before one that is not, within the nearest ones.
    async fn take_before(&mut self, commit: &str) -> Option<String>;

    /// What was in force when an earlier daemon ended, taken over again, where that is known and still there.
    async fn take_last(&mut self) -> Option<String> {
        None
    }

    /// What people have approved of, commits among it: those are accepted though they would be refused for where they come
    /// from.
    fn accept(&mut self, _approved: &[String]) {}

    /// Records what has become of an approval.
    async fn record(&mut self, _approval: &Given, _state: Approved) {}

    /// Asks for the repository to be fetched now, where it has to be; [`Trigger::Commit`] follows.
    fn fetch(&self) {}

    /// What has come of fetching, where the repository has to be fetched.
    fn fetched(&self) -> Option<Fetched> {
        None
    }

    /// What is wrong with the record of what is done, after having tried to make up for it.
    async fn audited(&mut self) -> Option<String> {
        None
    }

    /// The site's name, once something is declared.
    fn name(&self) -> Option<String>;

    /// Observes, and plans what would make the difference go, leaving some workspaces alone; `now` waits for no maintenance
    /// window.
    async fn plan(
        &mut self,
        without: &BTreeSet<WorkspaceId>,
        approved: &[String],
        now: bool,
    ) -> Result<Plan, Refused>;

    /// Observes, and plans to suspend these, and nothing else: nobody has used them for that long.
    async fn plan_suspension(&mut self, idle: &BTreeMap<WorkspaceId, Seconds>) -> Result<Plan, Refused>;

    /// Carries the last plan out; `observer` follows it.
    async fn apply(&self, cancelled: Cancellation, observer: &dyn Observer) -> Result<ApplyReport, Refused>;

    /// Observes what the last plan touched, and plans again.
    async fn plan_after(&mut self, report: &ApplyReport) -> Result<Plan, Refused>;

    /// What is known of each workspace since the last plan.
    fn facts(&self) -> BTreeMap<WorkspaceId, Facts>;

    /// How much processor time each workspace has used, as far as that is known.
    async fn processor_times(&self) -> BTreeMap<WorkspaceId, Duration>;

    /// Tries the services that have to answer: which of them don't, by workspace.
    async fn silent(&self) -> BTreeMap<WorkspaceId, Vec<String>>;
}

/// Why a commit was not taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// It is not valid, and never will be.
    Invalid(String),
    /// It may be valid, and is not taken over for where it comes from: it rewrites history, say.
    Refused(String),
    /// It could not be read, which another time it may: what it uses from elsewhere can't be had, say.
    Unreadable(String),
}

/// Why a round came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What stood in the way.
    pub by: Obstacle,
    /// What happened and why.
    pub message: String,
}

/// Something after which it is worth looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The repository may be at another commit.
    Commit,
    /// A git server says that somebody has pushed.
    Pushed,
    /// Something happened on the engine.
    Engine,
    /// A person asks for a look now, and for failed workspaces to be tried again.
    Sync,
    /// A person asks for the same, and not to wait for maintenance windows.
    Now,
    /// A person asks to change nothing, or no longer so.
    Pause(bool),
    /// That person approves of what the plan of that digest asks for, or of the commit of that id.
    Approve(String, User),
    /// It is to end.
    Stop,
}

/// How it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A round begins after that long in any case.
    pub resync: Duration,
    /// The directory of what is kept over a restart.
    pub state: Option<PathBuf>,
}
