//! `wharf events`.

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use jiff::Timestamp;

use super::daemon_client::Client;
use super::error::{Error, Exit};
use super::{Context, site};
use crate::daemon::{Event, EventKind};
use crate::model::{Name, WorkspaceId};

/// Show what the daemon has done and met
///
/// The newest 2,000 events since the daemon's start, the oldest first.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Go on with what happens from now on, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// Only what happened to this workspace
    #[arg(value_name = "OWNER/NAME")]
    workspace: Option<WorkspaceId>,
    /// The form
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t = Form::Human)]
    output: Form,
    /// The site; by default the repository's, else the only one here
    #[arg(long)]
    site: Option<Name>,
}

/// The forms of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Human,
    /// An object a line, as the daemon gives it
    Json,
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let site = site::name(context, args.site.as_ref()).await?;
    let client = Client::required(&site)?;
    let mut lines = client
        .lines(&site, &format!("events?follow={}", args.follow))
        .await?;
    while let Some(line) = lines.next().await? {
        let event: Event = client.decoded(&line)?;
        let asked_for = |workspace| event.workspace.as_ref() == Some(workspace);
        if !args.workspace.as_ref().is_none_or(asked_for) {
            continue;
        }
        let text = match args.output {
            Form::Human => human(&event),
            Form::Json => format!("{}\n", String::from_utf8_lossy(&line)),
        };
        context.out.data(&text)?;
    }
    if args.follow {
        return Err(Error::new(format!("the daemon of site {site} has ended")));
    }
    Ok(Exit::Success)
}

/// `2026-11-22T09:41:07Z  done      alice/api  create container/lab.alice.api.tools`.
fn human(event: &Event) -> String {
    let word = match event.kind {
        EventKind::Declared => "declared",
        EventKind::Applied => "applied",
        EventKind::Problem => "problem",
        EventKind::Over => "over",
        EventKind::Step => "done",
        EventKind::Failed => "failed",
        EventKind::Asked => "asked",
    };
    let style = match event.kind {
        EventKind::Problem | EventKind::Failed => AnsiColor::Red.on_default(),
        EventKind::Applied => AnsiColor::Green.on_default(),
        EventKind::Declared | EventKind::Over | EventKind::Step | EventKind::Asked => Style::new(),
    };
    let about = match (&event.workspace, &event.commit) {
        (Some(workspace), _) => workspace.to_string(),
        (None, Some(commit)) => commit.chars().take(10).collect(),
        (None, None) => "-".to_owned(),
    };
    let time = i64::try_from(event.time)
        .ok()
        .and_then(|s| Timestamp::from_second(s).ok());
    let time = time.map_or_else(|| event.time.to_string(), |time| time.to_string());
    // Escapes go where colours are wanted, and nowhere else.
    format!("{time}  {style}{word:<8}{style:#}  {about}  {}\n", event.message)
}
