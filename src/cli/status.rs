//! `wharf status`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::daemon_client::Client;
use super::error::{Error, Exit};
use super::state::{self, Overview, WorkspaceState, run_word};
use super::table::table;
use super::{Context, site};
use crate::daemon::{Obstacle, Status};
use crate::health::Health;
use crate::model::{Limits, Name, Power, WorkspaceId};
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
    /// Show it again whenever it changes, until Ctrl-C
    #[arg(short, long)]
    watch: bool,
}

/// How often it is looked at where no daemon says that something has changed.
const LOOK: Duration = Duration::from_secs(2);
/// What changes within that time is shown at once.
const SETTLE: Duration = Duration::from_millis(300);

/// The forms of what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people
    Human,
    /// JSON
    Json,
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    if args.watch {
        return tokio::select! {
            ended = watch(context, args) => ended,
            interrupted = tokio::signal::ctrl_c() => Ok(interrupted.map(|()| Exit::Success)?),
        };
    }
    let (_, text, engine) = look(context, args).await?;
    context.out.data(&text)?;
    engine.map(|()| Exit::Success)
}

/// The site, what is to be shown of it, and why that is not all. The daemon knows something where the engine is gone.
async fn look(context: &Context, args: &Args) -> Result<(Name, String, Result<(), Error>), Error> {
    let (name, overview) = match state::overview(context, args.site.as_ref()).await {
        Ok(overview) => (overview.site.name.clone(), Ok(overview)),
        Err(error) => match site::name(context, args.site.as_ref()).await {
            Ok(name) => (name, Err(error)),
            Err(_) => return Err(error),
        },
    };
    let daemon = match Client::of(&name)? {
        Some(client) => client.status().await?,
        None => None,
    };
    let overview = match (overview, &daemon) {
        (Ok(overview), _) => Ok(overview),
        (Err(error), Some(_)) => Err(error),
        (Err(error), None) => return Err(error),
    };
    if let (Ok(overview), false) = (&overview, args.watch) {
        site::warn(context, &overview.observed.facts);
    }
    let text = match args.output {
        Form::Human => {
            let seen = overview
                .as_ref()
                .map_or_else(|_| String::new(), |o| human(context, o, daemon.as_ref()));
            seen + &daemon.as_ref().map_or_else(String::new, of_daemon)
        }
        Form::Json => {
            let mut form = match &overview {
                Ok(overview) => form(overview, daemon.as_ref()),
                Err(_) => json!({"formatVersion": FORMAT_VERSION, "site": name, "engine": null}),
            };
            form["daemon"] = json!(daemon);
            match args.watch {
                true => format!("{form}\n"),
                false => pretty(&form),
            }
        }
    };
    Ok((name, text, overview.map(drop)))
}

/// Shows it again whenever it has changed.
async fn watch(context: &Context, args: &Args) -> Result<Exit, Error> {
    let mut last = String::new();
    loop {
        let (site, text, _) = look(context, args).await?;
        if text != last {
            context.out.page(&text, args.output == Form::Human)?;
            last = text;
        }
        let changed = match Client::of(&site)? {
            Some(client) => until_changed(&client, &site).await,
            None => Err(Error::new("no daemon runs")),
        };
        if changed.is_err() {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Returns once something has changed for the daemon, or after a while in any case: not everything is its business.
async fn until_changed(client: &Client, site: &Name) -> Result<(), Error> {
    let mut lines = client.lines(site, "status?watch=true").await?;
    lines.next().await?; // what is so now
    match tokio::time::timeout(LOOK, lines.next()).await {
        Ok(line) => {
            line?.ok_or_else(|| Error::new("the daemon has ended"))?;
            tokio::time::sleep(SETTLE).await;
            Ok(())
        }
        Err(_) => Ok(()),
    }
}

/// JSON with a line break at its end.
pub(super) fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn human(context: &Context, overview: &Overview, daemon: Option<&Status>) -> String {
    let facts = &overview.observed.facts;
    let mut text = format!("Site {} on {}.\n\n", overview.site.name, facts.version);
    let mut all = overview.workspaces();
    for workspace in &mut all {
        workspace.health = daemon.and_then(|status| status.workspaces.get(&workspace.id).cloned());
    }
    text.push_str(&workspaces(context, &all));
    text
}

/// Why workspaces are not what somebody may expect.
fn reasons(status: &Status, now: u64) -> String {
    let line = |(id, health): (&WorkspaceId, &Health)| {
        let reason = health.reason.as_deref()?;
        let (state, seconds) = (health.state.as_str(), now.saturating_sub(health.since));
        Some(format!("  {id} is {state} for {seconds} s: {reason}\n"))
    };
    status.workspaces.iter().filter_map(line).collect()
}

/// What the daemon is at, and what it waits for.
fn of_daemon(status: &Status) -> String {
    let commit = |commit: &Option<String>| commit.as_deref().map_or_else(|| "no commit".to_owned(), short);
    let blind = status.problems.contains_key(&Obstacle::Engine);
    let phase = match (status.paused, status.converged) {
        (true, _) => "paused",
        (false, true) if blind => "everything was as declared at the last look",
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
    text.push_str(&reasons(status, now));
    for (workspace, failing) in &status.failing {
        text.push_str(&format!(
            "  {workspace} failed {} times, tried again in {} s: {}\n",
            failing.times,
            failing.retry_at.saturating_sub(now),
            failing.cause
        ));
    }
    for blocked in &status.blocked {
        text.push_str(&format!("  {}: {}\n", blocked.object, blocked.reason));
    }
    for approval in &status.approvals {
        text.push_str(&format!(
            "  {} has been approved for {} s by {}, and was not used yet\n",
            approval.digest,
            now.saturating_sub(approval.given),
            approval.user.shown()
        ));
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
            w.health
                .as_ref()
                .map_or(w.state.as_str(), |h| h.state.as_str())
                .to_owned(),
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

fn form(overview: &Overview, daemon: Option<&Status>) -> Value {
    let with_health = |workspace: &WorkspaceState| {
        let mut form = workspace_form(workspace);
        form["health"] = json!(daemon.and_then(|status| status.workspaces.get(&workspace.id)));
        form
    };
    let workspaces: Vec<Value> = overview.workspaces().iter().map(with_health).collect();
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
