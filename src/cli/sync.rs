//! What a person asks of the daemon: `wharf sync`, `pause`, `resume` and `approve`.

use std::time::Duration;

use super::daemon_client::Client;
use super::error::{Error, Exit};
use super::{Context, site};
use crate::daemon::{Phase, Status, api};
use crate::health::State;
use crate::model::Name;
use crate::plan::Hold;

/// Let the daemon look at the repository now
///
/// Failed workspaces are tried again at once. --wait returns once the newest commit is applied; it fails where the commit is
/// not valid, a workspace fails or a change waits for an approval.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The site; by default the repository's, else the only one here
    #[arg(long)]
    site: Option<Name>,
    /// Wait until it is through
    #[arg(long)]
    wait: bool,
    /// Don't wait for maintenance windows
    #[arg(long)]
    now: bool,
}

/// Let the daemon look on and change nothing, until wharf resume
#[derive(Debug, clap::Args)]
pub(super) struct Pause {
    /// The site; by default the repository's, else the only one here
    #[arg(long)]
    site: Option<Name>,
}

/// Let the daemon act again
#[derive(Debug, clap::Args)]
pub(super) struct Resume {
    /// The site; by default the repository's, else the only one here
    #[arg(long)]
    site: Option<Name>,
}

/// Approve of what the daemon's plan asks for, or of a commit that rewrites history
///
/// DIGEST is what wharf status and the plan show: it stands for exactly those changes, removals and losses of data among
/// them. A commit that does not follow the one in force is approved of by its full id. The daemon keeps both until they are
/// used, also over a restart, and drops what has been of no use for a week; the audit log says who gave them.
#[derive(Debug, clap::Args)]
pub(super) struct Approve {
    /// The plan's digest, or the commit's id
    #[arg(value_name = "DIGEST|COMMIT")]
    digest: String,
    /// The site; by default the repository's, else the only one here
    #[arg(long)]
    site: Option<Name>,
}

/// How often a daemon is asked whether it is through.
const ASK: Duration = Duration::from_millis(100);

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let site = site::name(context, args.site.as_ref()).await?;
    let client = Client::required(&site)?;
    // A round that is under way may have begun before what this one is to see.
    let next = client.status().await?.map_or(1, |status| {
        let under_way = status.phase != Phase::Idle;
        status.rounds + 1 + u64::from(under_way)
    });
    let what = if args.now { "sync/now" } else { "sync" };
    client.post(&site, what, &()).await?;
    if !args.wait {
        return Ok(Exit::Success);
    }
    loop {
        tokio::time::sleep(ASK).await;
        let Some(status) = client.status().await? else {
            return Err(Error::new(format!("the daemon of site {site} has ended")));
        };
        if status.rounds >= next && status.phase == Phase::Idle && !status.fetching {
            return through(&status);
        }
    }
}

/// What has become of a round.
fn through(status: &Status) -> Result<Exit, Error> {
    let mut problems = status.problems.iter();
    if let Some((_, problem)) = problems.find(|(obstacle, _)| obstacle.is_in_the_way()) {
        return Err(Error::new(problem.message.clone()));
    }
    if let Some((workspace, failing)) = status.failing.iter().next() {
        return Err(Error::new(format!("{workspace}: {}", failing.cause)));
    }
    let stuck = status
        .workspaces
        .iter()
        .find(|(_, health)| health.state == State::Error);
    if let Some((workspace, health)) = stuck {
        let reason = health.reason.as_deref().unwrap_or_default();
        return Err(Error::new(format!("{workspace}: {reason}")));
    }
    match (&status.digest, status.converged) {
        (_, true) => Ok(Exit::Success),
        (Some(digest), false) => Err(Error::new("changes wait for an approval")
            .hint(format!("wharf plan shows them; wharf approve {digest}"))),
        (None, false) if !status.blocked.is_empty() => {
            let blocked = &status.blocked[0];
            Err(Error::new(format!("{}: {}", blocked.object, blocked.reason)))
        }
        (None, false) if status.paused => Err(Error::new("the daemon is paused").hint("wharf resume")),
        (None, false) if status.blocked.iter().any(|b| b.hold == Hold::Window) => {
            Err(Error::new("changes wait for a maintenance window")
                .hint("wharf status says until when; wharf sync --now does not wait"))
        }
        // What the commit itself declares to wait is no failure of it.
        (None, false) if status.applied == status.declared => Ok(Exit::Success),
        (None, false) => Err(Error::new(
            "not everything is as declared; wharf plan shows what is left",
        )),
    }
}

pub(super) async fn pause(context: &Context, args: &Pause) -> Result<Exit, Error> {
    ask(context, args.site.as_ref(), "pause", &()).await
}

pub(super) async fn resume(context: &Context, args: &Resume) -> Result<Exit, Error> {
    ask(context, args.site.as_ref(), "resume", &()).await
}

pub(super) async fn approve(context: &Context, args: &Approve) -> Result<Exit, Error> {
    let body = api::Approve {
        digest: args.digest.clone(),
    };
    ask(context, args.site.as_ref(), "approve", &body).await
}

async fn ask(
    context: &Context,
    asked: Option<&Name>,
    what: &str,
    body: &(impl serde::Serialize + Sync),
) -> Result<Exit, Error> {
    let site = site::name(context, asked).await?;
    Client::required(&site)?.post(&site, what, body).await?;
    Ok(Exit::Success)
}
