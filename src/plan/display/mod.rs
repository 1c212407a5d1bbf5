//! A plan as its readers want it: text for people, JSON for pipelines, Markdown for merge requests, Graphviz for the
//! curious. In: a plan. Out: text. What is in a plan is decided elsewhere; nothing here leaves a change out of the JSON.

pub mod dot;
pub mod human;
pub mod json;
pub mod markdown;
pub mod wrap;

pub use dot::dot;
pub use human::{Look, human};
pub use json::json;
pub use markdown::markdown;

use super::{Blocked, ChangeAction, Impact, Plan, Summary};

/// How much of a commit's id is enough to recognise it.
const SHORT_COMMIT: usize = 10;

/// A number of bytes as people say it.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (bytes, 0);
    while value >= 10_000 && unit + 1 < UNITS.len() {
        value /= 1000;
        unit += 1;
    }
    format!("{value} {}", UNITS[unit])
}

/// The option of `wharf apply` that carries out what is blocked, with its digest; nothing where no approval helps.
#[must_use]
pub fn approval(plan: &Plan, blocked: &Blocked) -> Option<String> {
    let digest = blocked.approve.as_deref()?;
    let loses = |c: &super::Change| c.object == blocked.object && c.impact == Impact::DataLoss;
    let option = if plan.changes.iter().any(loses) {
        "--allow-data-loss"
    } else {
        "--allow-deletions"
    };
    Some(format!("{option} {digest}"))
}

/// Why a change is made; where it is known to be drift, that as well.
#[must_use]
pub fn why(change: &super::Change) -> String {
    match change.drift {
        Some(true) => format!("drift: {}", change.reason),
        Some(false) | None => change.reason.clone(),
    }
}

/// What an impact means to who works in the workspace.
#[must_use]
pub fn meaning(impact: Impact) -> &'static str {
    match impact {
        Impact::None => "no interruption",
        Impact::Resize => "limits change while it runs",
        Impact::Restart => "processes end and start again",
        Impact::Recreate => "what containers hold outside their volumes is lost",
        Impact::DataLoss => "data in volumes is lost",
    }
}

/// `commit 1a2b3c4d5e`, and whether the working tree differs from it.
fn revision(plan: &Plan) -> String {
    let commit = plan.revision.commit.as_deref();
    match (commit, plan.revision.dirty) {
        (Some(commit), false) => format!("commit {}", short(commit)),
        (Some(commit), true) => format!("commit {} with uncommitted changes", short(commit)),
        (None, _) => "no git commit".to_owned(),
    }
}

fn short(commit: &str) -> &str {
    commit.get(..SHORT_COMMIT).unwrap_or(commit)
}

/// `5 to create, 1 to replace, 12 unchanged`: what is not zero, and always what is unchanged.
fn counts(summary: Summary) -> String {
    let counted = [
        (summary.create, "to create"),
        (summary.update, "to update"),
        (summary.replace, "to replace"),
        (summary.delete, "to delete"),
        (summary.retain, "retained"),
    ];
    let mut words: Vec<String> = counted
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    words.push(format!("{} unchanged", summary.noop));
    words.join(", ")
}

/// The sign before a change.
fn sign(action: ChangeAction) -> &'static str {
    match action {
        ChangeAction::Create => "+",
        ChangeAction::Update => "~",
        ChangeAction::Replace => "-/+",
        ChangeAction::Start => ">",
        ChangeAction::Stop => "|",
        ChangeAction::Delete => "-",
        ChangeAction::Retain => "=",
    }
}

#[cfg(test)]
mod examples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_two_digits_at_least() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(9_999), "9999 B");
        assert_eq!(size(1_234_567), "1234 kB");
        assert_eq!(size(45_000_000_000), "45 GB");
    }
}
