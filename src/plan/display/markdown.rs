//! A plan for a merge request: what it means for each workspace first, the worst on top, every change below.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::super::{Change, ChangeAction, Impact, Plan, Summary};
use super::{approval, counts, meaning, revision, why};
use crate::model::WorkspaceId;

/// The plan in GitHub's and GitLab's Markdown.
#[must_use]
pub fn markdown(plan: &Plan) -> String {
    let mut text = format!("### wharf: site `{}`, {}\n\n", plan.site, revision(plan));
    if plan.is_converged() {
        text.push_str(&format!("**No changes.** {}.\n", counts(plan.summary())));
        return text;
    }
    text.push_str(&impacts(plan));
    text.push_str(&blocked(plan));
    text.push_str(&details(plan));
    for note in &plan.notes {
        text.push_str(&format!("Note: {}.\n\n", cell(note)));
    }
    text.push_str(&format!(
        "**Plan:** {}. Digest `{}`.\n",
        counts(plan.summary()),
        plan.digest
    ));
    text
}

fn by_impact(plan: &Plan) -> Vec<(&WorkspaceId, Impact)> {
    let mut impacts: Vec<_> = plan.impacts().into_iter().collect();
    impacts.sort_by_key(|(workspace, impact)| (Reverse(*impact), (*workspace).clone()));
    impacts
}

fn changes_of<'a>(plan: &'a Plan, workspace: &WorkspaceId) -> Vec<&'a Change> {
    plan.changes
        .iter()
        .filter(|c| c.workspace == *workspace)
        .collect()
}

fn impacts(plan: &Plan) -> String {
    let mut text = "| workspace | impact | changes |\n| --- | --- | --- |\n".to_owned();
    for (workspace, impact) in by_impact(plan) {
        let word = match impact {
            Impact::DataLoss => format!("**data-loss**: {}", meaning(impact)),
            Impact::None | Impact::Resize | Impact::Restart | Impact::Recreate => {
                format!("{}: {}", impact.as_str(), meaning(impact))
            }
        };
        let mut numbers: BTreeMap<ChangeAction, usize> = BTreeMap::new();
        for change in changes_of(plan, workspace) {
            *numbers.entry(change.action).or_default() += 1;
        }
        let numbers: Vec<String> = numbers
            .iter()
            .map(|(a, n)| format!("{n} {}", a.as_str()))
            .collect();
        text.push_str(&format!("| {workspace} | {word} | {} |\n", numbers.join(", ")));
    }
    text + "\n"
}

fn blocked(plan: &Plan) -> String {
    if plan.blocked.is_empty() {
        return String::new();
    }
    let mut text = "**Blocked**\n\n".to_owned();
    for blocked in &plan.blocked {
        let how = match approval(plan, blocked) {
            Some(option) => format!("; to approve it: `wharf apply {option}`"),
            None => String::new(),
        };
        text.push_str(&format!(
            "- {}, `{}`: {}{how}\n",
            blocked.workspace,
            blocked.object,
            cell(&blocked.reason)
        ));
    }
    text + "\n"
}

fn details(plan: &Plan) -> String {
    let mut text = String::new();
    for (workspace, _) in by_impact(plan) {
        text.push_str(&format!(
            "<details><summary>{workspace}</summary>\n\n| action | object | why |\n| --- | --- | --- |\n"
        ));
        for change in changes_of(plan, workspace) {
            let fields: String = change
                .fields
                .iter()
                .map(|f| format!("<br>`{}`: {} → {}", f.path, code(&f.before), code(&f.after)))
                .collect();
            text.push_str(&format!(
                "| {} | `{}` | {}{fields} |\n",
                change.action.as_str(),
                change.object,
                cell(&why(change))
            ));
        }
        text.push_str("\n</details>\n\n");
    }
    let retained: Summary = plan.summary();
    if retained.retain > 0 {
        text.push_str(&format!("Volumes retained: {}.\n\n", retained.retain));
    }
    text
}

/// Text that neither ends its cell nor becomes markup.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' => {
                safe.push('\\');
                safe.push(c);
            }
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

fn code(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "none".to_owned(),
        other => format!("<code>{}</code>", cell(&other.to_string())),
    }
}
