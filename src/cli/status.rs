//! `wharf status`.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::daemon_client::Client;
use super::error::{Error, Exit};
use super::state::{self, Overview, WorkspaceState, run_word};
use super::table::table;
use super::{Context, site};
use crate::daemon::Status;
use crate::model::{Limits, Name, Power};
use crate::plan::FORMAT_VERSION;

/// Show what each workspace does
///
/// In a valid configuration repository it also says which workspaces differ from what is declared.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The form
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t = Form::Human)]
    output: Form,
    /// The site, where there are several and no repository here
    #[arg(long, value_name = "NAME")]
    site: Option<Name>,
}

/// The forms of what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people
    Human,
    /// JSON
    Json,
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let overview = state::overview(context, args.site.as_ref()).await?;
    site::warn(context, &overview.observed.facts);
    let daemon = match Client::of(&overview.site.name)? {
        Some(client) => client.status().await?,
        None => None,
    };
    let text = match args.output {
        Form::Human => human(context, &overview) + &daemon.as_ref().map_or_else(String::new, of_daemon),
        Form::Json => {
            let mut form = form(&overview);
            form["daemon"] = json!(daemon);
            pretty(&form)
        }
    };
    context.out.data(&text)?;
    Ok(Exit::Success)
}

/// JSON with a line break at its end.
pub(super) fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn human(context: &Context, overview: &Overview) -> String {
    let facts = &overview.observed.facts;
    let mut text = format!("Site {} on {}.\n\n", overview.site.name, facts.version);
    text.push_str(&workspaces(context, &overview.workspaces()));
    text
}

/// What the daemon is at, and what it waits for.
fn of_daemon(status: &Status) -> String {
    let commit = |commit: &Option<String>| commit.as_deref().map_or_else(|| "no commit".to_owned(), short);
    let phase = match (status.paused, status.converged) {
        (true, _) => "paused",
        (false, true) => "everything is as declared",
        (false, false) => "not everything is as declared",
    };
    let mut text = format!("\nDaemon: {phase}; applied {}", commit(&status.applied));
    if status.declared != status.applied {
        text.push_str(&format!(", declared {}", commit(&status.declared)));
    }
    text.push_str(".\n");
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    for problem in status.problems.values() {
        text.push_str(&format!("  {}\n", problem.message));
    }
    for (workspace, failing) in &status.failing {
        text.push_str(&format!(
            "  {workspace} failed {} times, tried again in {} s: {}\n",
            failing.times,
            failing.retry_at.saturating_sub(now),
            failing.cause
        ));
    }
    for blocked in &status.blocked {
        text.push_str(&format!("  {} waits: {}\n", blocked.object, blocked.reason));
    }
    if let Some(digest) = &status.digest {
        text.push_str(&format!("  wharf approve {digest} approves of that.\n"));
    }
    text
}

/// Workspaces in columns.
pub(super) fn workspaces(context: &Context, all: &[WorkspaceState]) -> String {
    if all.is_empty() {
        return "No workspaces.\n".to_owned();
    }
    let rows = all.iter().map(|w| {
        vec![
            w.id.to_string(),
            w.state.as_str().to_owned(),
            w.main.clone().unwrap_or_else(dash),
            limits(&w.limits),
            w.commit.as_deref().map_or_else(dash, short),
            drift(w).to_owned(),
        ]
    });
    let head = ["workspace", "state", "main", "limits", "commit", "drift"];
    table(&context.out, &head, rows.collect())
}

fn dash() -> String {
    "-".to_owned()
}

fn short(commit: &str) -> String {
    commit.chars().take(10).collect()
}

fn drift(workspace: &WorkspaceState) -> &'static str {
    match workspace.drift {
        Some(true) => "yes",
        Some(false) => "no",
        None => "-",
    }
}

/// `2 cpu, 4Gi`.
pub(super) fn limits(limits: &Limits) -> String {
    let parts: Vec<String> = [
        limits.cpu.map(|cpu| format!("{cpu} cpu")),
        limits.memory.map(|memory| memory.to_string()),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() {
        dash()
    } else {
        parts.join(", ")
    }
}

fn form(overview: &Overview) -> Value {
    let workspaces: Vec<Value> = overview.workspaces().iter().map(workspace_form).collect();
    let revision = overview.declared.as_ref().map(|d| &d.configuration.revision);
    json!({
        "formatVersion": FORMAT_VERSION,
        "site": overview.site.name,
        "engine": {
            "address": overview.site.engine.address(),
            "version": overview.observed.facts.version,
            "rootless": overview.observed.facts.rootless,
            "enforcesLimits": overview.observed.facts.enforces_limits,
        },
        "commit": revision.and_then(|r| r.commit.clone()),
        "dirty": revision.map(|r| r.dirty),
        "workspaces": workspaces,
    })
}

/// One workspace as JSON.
pub(super) fn workspace_form(workspace: &WorkspaceState) -> Value {
    let power = workspace.power.map(|power| match power {
        Power::On => "on",
        Power::Off => "off",
        Power::Auto => "auto",
    });
    let containers: Vec<Value> = workspace
        .containers
        .iter()
        .map(|(component, run)| json!({"component": component, "state": run_word(*run)}))
        .collect();
    json!({
        "workspace": workspace.id,
        "state": workspace.state.as_str(),
        "power": power,
        "main": workspace.main,
        "limits": {
            "cpu": workspace.limits.cpu.map(|c| c.to_string()),
            "memory": workspace.limits.memory.map(|m| m.to_string()),
            "pids": workspace.limits.pids,
        },
        "commit": workspace.commit,
        "drift": workspace.drift,
        "containers": containers,
    })
}
