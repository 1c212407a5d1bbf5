//! A plan for pipelines. The form is a contract: `docs/cli.md` describes it, and only a new format version may change
//! what is there.

use serde::Serialize;

use super::super::{Blocked, Change, FORMAT_VERSION, FieldChange, Plan, Summary};
use crate::model::{Name, WorkspaceId};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanForm<'a> {
    format_version: &'static str,
    site: &'a Name,
    commit: Option<&'a str>,
    digest: &'a str,
    changes: Vec<ChangeForm<'a>>,
    blocked: Vec<BlockedForm<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct ChangeForm<'a> {
    object: String,
    workspace: &'a WorkspaceId,
    action: &'static str,
    impact: &'static str,
    fields: &'a [FieldChange],
    reason: &'a str,
    drift: Option<bool>,
}

#[derive(Serialize)]
struct BlockedForm<'a> {
    object: String,
    workspace: &'a WorkspaceId,
    reason: &'a str,
    approve: Option<&'a str>,
    hold: &'static str,
    until: Option<i64>,
}

impl<'a> ChangeForm<'a> {
    fn of(change: &'a Change) -> Self {
        Self {
            object: change.object.to_string(),
            workspace: &change.workspace,
            action: change.action.as_str(),
            impact: change.impact.as_str(),
            fields: &change.fields,
            reason: &change.reason,
            drift: change.drift,
        }
    }
}

impl<'a> BlockedForm<'a> {
    fn of(blocked: &'a Blocked) -> Self {
        Self {
            object: blocked.object.to_string(),
            workspace: &blocked.workspace,
            reason: &blocked.reason,
            approve: blocked.approve.as_deref(),
            hold: blocked.hold.as_str(),
            until: blocked.until,
        }
    }
}

/// The plan as one JSON object, indented, with a line break at its end.
#[must_use]
pub fn json(plan: &Plan) -> String {
    let form = PlanForm {
        format_version: FORMAT_VERSION,
        site: &plan.site,
        commit: plan.revision.commit.as_deref(),
        digest: &plan.digest,
        changes: plan.changes.iter().map(ChangeForm::of).collect(),
        blocked: plan.blocked.iter().map(BlockedForm::of).collect(),
        summary: plan.summary(),
    };
    // Invariant: the form is made of strings, numbers, lists and JSON values, which serialise.
    serde_json::to_string_pretty(&form).unwrap_or_default() + "\n"
}
