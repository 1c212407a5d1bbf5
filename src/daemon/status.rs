//! What the daemon is at, for whoever looks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Given;
use crate::health::Health;
use crate::model::WorkspaceId;
use crate::plan::Blocked;

/// With the same version, keys are only ever added.
pub const FORMAT_VERSION: &str = "1";

/// What the daemon does just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Its first round has not ended.
    #[default]
    Starting,
    /// It waits for something to happen.
    Idle,
    /// It compares, or acts.
    Working,
    /// It was asked to end and waits for the steps under way.
    Stopping,
}

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Obstacle {
    /// The repository can't be read.
    Repository,
    /// The newest commit is not valid; the one before it stays in force.
    Commit,
    /// The engine does not answer.
    Engine,
    /// Somebody else applies.
    Lock,
    /// What is done can't be recorded, or the record is not what was written. It stops nothing.
    Audit,
}

impl Obstacle {
    /// Each of them.
    pub const ALL: [Self; 5] = [
        Self::Repository,
        Self::Commit,
        Self::Engine,
        Self::Lock,
        Self::Audit,
    ];

    /// Whether what is declared may be left undone for it.
    #[must_use]
    pub fn is_in_the_way(self) -> bool {
        match self {
            Self::Repository | Self::Commit | Self::Engine | Self::Lock => true,
            Self::Audit => false,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Commit => "commit",
            Self::Engine => "engine",
            Self::Lock => "lock",
            Self::Audit => "audit",
        }
    }
}

/// Something that stands in the way, since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// What happened and why.
    pub message: String,
    /// Since when, in seconds since 1970.
    pub since: u64,
}

/// A workspace that could not be brought to what is declared, and is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failing {
    /// How often in a row.
    pub times: u32,
    /// What failed, and why.
    pub cause: String,
    /// When it is tried again, in seconds since 1970.
    pub retry_at: u64,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Of this form.
    pub format_version: String,
    /// The site, once a commit was valid.
    pub site: Option<String>,
    /// What it does just now.
    pub phase: Phase,
    /// Whether a person has asked it to change nothing.
    pub paused: bool,
    /// The commit that the repository is at.
    pub commit: Option<String>,
    /// The commit that is in force: the newest one that is valid.
    pub declared: Option<String>,
    /// The last commit after which nothing was left to do but what it declares to wait.
    pub applied: Option<String>,
    /// When that was, in seconds since 1970.
    pub applied_at: Option<u64>,
    /// Whether the last look found everything as declared.
    pub converged: bool,
    /// Differences that are left, by workspace: how many changes.
    pub left: BTreeMap<String, usize>,
    /// What waits, or can't be done.
    #[schema(value_type = Vec<BlockedForm>)]
    pub blocked: Vec<Blocked>,
    /// The digest that approves of it.
    pub digest: Option<String>,
    /// Approvals that were given and not used yet, the oldest first.
    #[serde(default)]
    pub approvals: Vec<Given>,
    /// What stands in the way.
    #[schema(value_type = BTreeMap<String, Problem>)]
    pub problems: BTreeMap<Obstacle, Problem>,
    /// When the repository was last fetched, in seconds since 1970, where it has to be fetched.
    #[serde(default)]
    pub fetched_at: Option<u64>,
    /// Whether a fetch was asked for whose result no round has seen yet.
    #[serde(default)]
    pub fetching: bool,
    /// Workspaces that failed.
    #[schema(value_type = BTreeMap<String, Failing>)]
    pub failing: BTreeMap<WorkspaceId, Failing>,
    /// What each workspace is at.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Health>)]
    pub workspaces: BTreeMap<WorkspaceId, Health>,
    /// How many rounds there were.
    pub rounds: u64,
    /// How many steps were done, and how many failed.
    pub steps: Steps,
}

/// How many steps ended in each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Steps {
    /// Well.
    pub done: u64,
    /// Not.
    pub failed: u64,
}

/// The form of what waits, as in `wharf plan`.
#[derive(ToSchema)]
#[schema(as = Blocked)]
#[allow(dead_code)] // only its shape is used
struct BlockedForm {
    /// The object; for a workspace as a whole its pod.
    object: String,
    /// Whose it is.
    workspace: String,
    /// Why it waits.
    reason: String,
    /// The digest that approves of it; null where no approval helps.
    approve: Option<String>,
    /// What it waits for: `approval`, `conflict`, `suspended`, `drift`, `window` or `room`.
    hold: String,
    /// Until when, in seconds since 1970; null where that is not known.
    until: Option<i64>,
}
