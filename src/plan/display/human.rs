//! A plan for people: workspace by workspace, what changes and why, what waits, and a line that sums it up.

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::super::change::MISSING;
use super::super::{Blocked, Change, ChangeAction, FieldChange, Hold, Impact, Plan};
use super::wrap::wrap;
use super::{approval, counts, meaning, revision, sign, why};
use crate::model::WorkspaceId;

/// How the text is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whether it has colours, as ANSI escape sequences.
    pub colour: bool,
    /// The most characters of a line, where words can be broken.
    pub width: usize,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            colour: false,
            width: 80,
        }
    }
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

impl Look {
    fn paint(self, style: Style, text: &str) -> String {
        if self.colour {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

/// The plan as text.
#[must_use]
pub fn human(plan: &Plan, look: Look) -> String {
    let mut text = format!("Site {}, {}.\n", plan.site, revision(plan));
    let mut by_workspace: BTreeMap<&WorkspaceId, Vec<&Change>> = BTreeMap::new();
    for change in &plan.changes {
        by_workspace.entry(&change.workspace).or_default().push(change);
    }
    // What only stays retained is not news; it is counted below.
    by_workspace.retain(|_, changes| changes.iter().any(|c| c.action != ChangeAction::Retain));
    let impacts = plan.impacts();
    for (workspace, changes) in &by_workspace {
        let impact = impacts.get(workspace).copied().unwrap_or_default();
        text.push('\n');
        text.push_str(&heading(workspace, impact, look));
        for change in changes {
            text.push_str(&line(change, look));
        }
    }
    text.push_str(&blocked(plan, look));
    for note in &plan.notes {
        text.push('\n');
        text.push_str(&wrap(&format!("Note: {note}."), 0, look.width));
    }
    text.push('\n');
    text.push_str(&summary(plan, look));
    text
}

fn heading(workspace: &WorkspaceId, impact: Impact, look: Look) -> String {
    let style = match impact {
        Impact::None | Impact::Resize => DIM,
        Impact::Restart => AnsiColor::Yellow.on_default(),
        Impact::Recreate => AnsiColor::Yellow.on_default().bold(),
        Impact::DataLoss => AnsiColor::Red.on_default().bold(),
    };
    let name = look.paint(BOLD, &workspace.to_string());
    let impact = look.paint(style, &format!("{}: {}", impact.as_str(), meaning(impact)));
    format!("{name}  {impact}\n")
}

fn line(change: &Change, look: Look) -> String {
    let style = match change.action {
        ChangeAction::Create | ChangeAction::Start => AnsiColor::Green.on_default(),
        ChangeAction::Update | ChangeAction::Stop => AnsiColor::Yellow.on_default(),
        ChangeAction::Replace => AnsiColor::Magenta.on_default(),
        ChangeAction::Delete => AnsiColor::Red.on_default(),
        ChangeAction::Retain => DIM,
    };
    let action = look.paint(
        style,
        &format!("{:>3} {:7}", sign(change.action), change.action.as_str()),
    );
    let mut text = format!("  {action} {}", change.object);
    // A new workspace's objects are all missing; saying so once for each would hide what matters.
    let reason = why(change);
    if reason == MISSING {
        text.push('\n');
    } else {
        let plain = 14 + change.object.to_string().chars().count() + 2 + reason.chars().count();
        if plain <= look.width {
            text.push_str(&format!(": {reason}\n"));
        } else {
            text.push('\n');
            text.push_str(&wrap(&reason, 14, look.width));
        }
    }
    for field in &change.fields {
        text.push_str(&field_line(field, look));
    }
    text
}

fn field_line(field: &FieldChange, look: Look) -> String {
    let (before, after) = (value(&field.before), value(&field.after));
    let line = format!("{}{}: {before} -> {after}", " ".repeat(16), field.path);
    if line.chars().count() <= look.width {
        return line + "\n";
    }
    let pad = " ".repeat(18);
    let before = look.paint(AnsiColor::Red.on_default(), &format!("- {before}"));
    let after = look.paint(AnsiColor::Green.on_default(), &format!("+ {after}"));
    format!("{}{}:\n{pad}{before}\n{pad}{after}\n", " ".repeat(16), field.path)
}

/// A value without the quotes of JSON where nothing could be misread.
fn value(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text)
            if !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '"') =>
        {
            text.clone()
        }
        Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

/// What waits: each reason once, with the workspaces that it holds for.
fn blocked(plan: &Plan, look: Look) -> String {
    let mut reasons: BTreeMap<(Hold, Option<String>, &str), Vec<&Blocked>> = BTreeMap::new();
    for blocked in &plan.blocked {
        let key = (blocked.hold, approval(plan, blocked), blocked.reason.as_str());
        reasons.entry(key).or_default().push(blocked);
    }
    let mut text = String::new();
    for ((hold, approval, reason), all) in reasons {
        let (title, colour) = match hold {
            Hold::Approval => ("Waits for an approval:", AnsiColor::Red),
            Hold::Conflict => ("Can't be done:", AnsiColor::Red),
            Hold::Suspended => ("Suspended:", AnsiColor::Yellow),
            Hold::Drift => ("Not repaired:", AnsiColor::Yellow),
            Hold::Window => ("Waits for its time:", AnsiColor::Yellow),
            Hold::Room => ("Waits for room:", AnsiColor::Yellow),
        };
        let title = look.paint(colour.on_default().bold(), title);
        text.push_str(&format!("\n{title}\n{}", wrap(reason, 2, look.width)));
        for blocked in by_object(all) {
            text.push_str(&format!("    {}  {}\n", blocked.workspace, blocked.object));
        }
        if let Some(option) = approval {
            text.push_str(&format!("  To approve it: wharf apply {option}\n"));
        }
    }
    text
}

fn by_object(mut all: Vec<&Blocked>) -> Vec<&Blocked> {
    all.sort_by(|a, b| (&a.workspace, &a.object).cmp(&(&b.workspace, &b.object)));
    all
}

fn summary(plan: &Plan, look: Look) -> String {
    let summary = plan.summary();
    let retained = match summary.retain {
        0 => String::new(),
        1 => " 1 volume is retained; wharf volume list shows it.".to_owned(),
        n => format!(" {n} volumes are retained; wharf volume list shows them."),
    };
    if plan.is_converged() {
        let unchanged = match summary.noop {
            1 => "1 object is as declared.".to_owned(),
            n => format!("{n} objects are as declared."),
        };
        return sentence("No changes.", &format!("{unchanged}{retained}"), look);
    }
    let waiting = match plan.blocked.len() {
        0 => String::new(),
        n => format!(" {n} blocked."),
    };
    sentence("Plan:", &format!("{}.{waiting}", counts(summary)), look)
}

/// A line with a bold head.
fn sentence(head: &str, rest: &str, look: Look) -> String {
    let line = wrap(&format!("{head} {rest}"), 0, look.width);
    line.replacen(head, &look.paint(BOLD, head), 1)
}
