//! What the daemon is at, for whoever looks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::WorkspaceId;
use crate::plan::Blocked;

/// With the same version, keys are only ever added.
pub const FORMAT_VERSION: &str = "1";

/// What the daemon does just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
}

/// Something that stands in the way, since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What happened and why.
    pub message: String,
    /// Since when, in seconds since 1970.
    pub since: u64,
}

/// A workspace that could not be brought to what is declared, and is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The last commit after which nothing was left to do.
    pub applied: Option<String>,
    /// When that was, in seconds since 1970.
    pub applied_at: Option<u64>,
    /// Whether the last look found everything as declared.
    pub converged: bool,
    /// Differences that are left, by workspace: how many changes.
    pub left: BTreeMap<String, usize>,
    /// What waits for an approval, or can't be done.
    pub blocked: Vec<Blocked>,
    /// The digest that approves of it.
    pub digest: Option<String>,
    /// What stands in the way.
    pub problems: BTreeMap<Obstacle, Problem>,
    /// Workspaces that failed.
    pub failing: BTreeMap<WorkspaceId, Failing>,
    /// How many rounds there were.
    pub rounds: u64,
    /// How many steps were done, and how many failed.
    pub steps: Steps,
}

/// How many steps ended in each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps {
    /// Well.
    pub done: u64,
    /// Not.
    pub failed: u64,
}
