//! Changes: what differs, object by object, in the words that people and pipelines read.

use serde::{Deserialize, Serialize};

use crate::model::{ObjectId, WorkspaceId};

/// The reason of what is created because it is not there: the one reason that says no more than the action.
pub const MISSING: &str = "it is missing";

/// One object's difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The object.
    pub object: ObjectId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// What is done about it.
    pub action: ChangeAction,
    /// What its workspace feels of it.
    pub impact: Impact,
    /// The fields that differ.
    pub fields: Vec<FieldChange>,
    /// Why, in one sentence.
    pub reason: String,
    /// Whether it is drift, which no commit explains; nothing where that is not known.
    #[serde(default)]
    pub drift: Option<bool>,
}

/// What is done about a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeAction {
    /// It is missing and is created.
    Create,
    /// It is changed where it is.
    Update,
    /// It is removed and created again.
    Replace,
    /// It is there and is started.
    Start,
    /// It is stopped.
    Stop,
    /// It is removed.
    Delete,
    /// It belongs to nothing that is declared and stays.
    Retain,
}

impl ChangeAction {
    /// The word of the JSON form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Delete => "delete",
            Self::Retain => "retain",
        }
    }
}

/// What a workspace feels of a change, from nothing to the worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Impact {
    /// Nothing.
    #[default]
    None,
    /// Limits change while it runs.
    Resize,
    /// Processes end and start again.
    Restart,
    /// What was written in a container, outside its volumes, is lost.
    Recreate,
    /// Data in a volume is lost.
    DataLoss,
}

impl Impact {
    /// The word of the JSON form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Resize => "resize",
            Self::Restart => "restart",
            Self::Recreate => "recreate",
            Self::DataLoss => "data-loss",
        }
    }
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// Its path within the specification, such as `env.EDITOR`.
    pub path: String,
    /// What it is; null where there is nothing.
    pub before: serde_json::Value,
    /// What it becomes; null where it goes.
    pub after: serde_json::Value,
    /// Whether it can't be changed where it is.
    pub forces_replace: bool,
}

/// What holds a change back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hold {
    /// Something is in its way, and only a person can clear it.
    #[default]
    Conflict,
    /// It loses data or removes many workspaces, which needs an approval.
    Approval,
    /// Its workspace or the Site is declared with `suspend: true`.
    Suspended,
    /// It is drift, which the Site only reports.
    Drift,
    /// It would interrupt somebody's work, and waits for a maintenance window.
    Window,
    /// The machine has no room for it until something else is stopped.
    Room,
}

impl Hold {
    /// The word of the JSON form.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Approval => "approval",
            Self::Suspended => "suspended",
            Self::Drift => "drift",
            Self::Window => "window",
            Self::Room => "room",
        }
    }

    /// Whether the commit that is in force says that it waits: such a commit is carried out while it does.
    #[must_use]
    pub fn is_declared(self) -> bool {
        match self {
            Self::Suspended | Self::Drift => true,
            Self::Conflict | Self::Approval | Self::Window | Self::Room => false,
        }
    }
}

/// A change that waits, or can't be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// The object; for a workspace as a whole its pod.
    pub object: ObjectId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Why.
    pub reason: String,
    /// The digest that approves it; null where no approval helps.
    pub approve: Option<String>,
    /// What holds it back.
    #[serde(default)]
    pub hold: Hold,
    /// Until when it waits, in seconds since 1970; null where no moment ends it.
    #[serde(default)]
    pub until: Option<i64>,
}
