//! Targets: a plan for some workspaces only, which says what it leaves out.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::diff::Draft;
use crate::model::{Name, WorkspaceId};

/// Which workspaces a plan is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    #[default]
    All,
    /// Those that any of the targets names.
    Only(Vec<Target>),
    /// All but these, which are left alone for now.
    Except(BTreeSet<WorkspaceId>),
}

/// One target, written `workspace/OWNER/NAME`, `workspace/NAME` or `user/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One workspace.
    Workspace(WorkspaceId),
    /// The workspaces of that name, whoever owns them.
    WorkspaceName(Name),
    /// The workspaces of a user.
    User(Name),
}

/// A text that names no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no target; write workspace/OWNER/NAME, workspace/NAME or user/NAME")]
pub struct TargetError(pub String);

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let error = || TargetError(text.to_owned());
        let (kind, rest) = text.split_once('/').ok_or_else(error)?;
        match kind.to_ascii_lowercase().as_str() {
            "workspace" if rest.contains('/') => rest.parse().map(Self::Workspace).map_err(|_| error()),
            "workspace" => rest.parse().map(Self::WorkspaceName).map_err(|_| error()),
            "user" => rest.parse().map(Self::User).map_err(|_| error()),
            _ => Err(error()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workspace(id) => write!(f, "workspace/{id}"),
            Self::WorkspaceName(name) => write!(f, "workspace/{name}"),
            Self::User(name) => write!(f, "user/{name}"),
        }
    }
}

impl Target {
    /// Whether the workspace is among those that it names.
    #[must_use]
    pub fn names(&self, id: &WorkspaceId) -> bool {
        match self {
            Self::Workspace(workspace) => workspace == id,
            Self::WorkspaceName(name) => *name == id.name,
            Self::User(name) => *name == id.owner,
        }
    }
}

/// The drafts that the selection names, and what is said of the others.
#[must_use]
pub fn select(drafts: Vec<Draft>, selection: &Selection) -> (Vec<Draft>, Vec<String>) {
    let is_selected = |id: &WorkspaceId| match selection {
        Selection::All => true,
        Selection::Only(targets) => targets.iter().any(|target| target.names(id)),
        Selection::Except(ids) => !ids.contains(id),
    };
    let (selected, left): (Vec<Draft>, Vec<Draft>) = drafts
        .into_iter()
        .partition(|draft| is_selected(&draft.workspace));
    let changed: Vec<String> = left
        .iter()
        .filter(|d| !d.steps.is_empty())
        .map(|d| d.workspace.to_string())
        .collect();
    let mut notes = Vec::new();
    if !changed.is_empty() {
        let why = match selection {
            Selection::Except(_) => "left alone for now are changes of",
            Selection::All | Selection::Only(_) => "--target leaves out changes of",
        };
        notes.push(format!("{why} {}", changed.join(", ")));
    }
    (selected, notes)
}
