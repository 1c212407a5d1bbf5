//! What the daemon looks after, and what it listens to.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;

use super::Obstacle;
use crate::apply::{ApplyReport, Cancellation};
use crate::model::WorkspaceId;
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

    /// The site's name, once something is declared.
    fn name(&self) -> Option<String>;

    /// Observes, and plans what would make the difference go, leaving some workspaces alone.
    async fn plan(&mut self, without: &BTreeSet<WorkspaceId>, approved: &[String]) -> Result<Plan, Refused>;

    /// Carries the last plan out.
    async fn apply(&self, cancelled: Cancellation) -> Result<ApplyReport, Refused>;

    /// Observes what the last plan touched, and plans again.
    async fn plan_after(&mut self, report: &ApplyReport) -> Result<Plan, Refused>;
}

/// Why a commit was not taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// It is not valid, and never will be.
    Invalid(String),
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
    /// Something happened on the engine.
    Engine,
    /// A person asks for a look now, and for failed workspaces to be tried again.
    Sync,
    /// A person asks to change nothing, or no longer so.
    Pause(bool),
    /// A person approves of what the plan of that digest asks for.
    Approve(String),
    /// It is to end.
    Stop,
}

/// How it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A round begins after that long in any case.
    pub resync: Duration,
}
