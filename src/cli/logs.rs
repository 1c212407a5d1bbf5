//! `wharf logs`.

use futures_util::StreamExt as _;

use super::error::{Error, Exit};
use super::workspace;
use super::{Context, exec};
use crate::engine::{ExecRequest, LogOptions, Output};
use crate::model::{ExecCommand, Name};

/// Show what a workspace's container wrote
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    workspace: workspace::Selector,
    /// Go on as more is written, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// Only the last N lines
    #[arg(long, value_name = "N")]
    tail: Option<u32>,
    /// What a command of postStart wrote when it ran last, instead of the container's own output
    #[arg(long, value_name = "ID", conflicts_with_all = ["follow", "tail"])]
    command: Option<Name>,
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let found = workspace::find(context, &args.workspace).await?;
    if let Some(id) = &args.command {
        return kept(context, &found, id).await;
    }
    let options = LogOptions {
        follow: args.follow,
        tail: args.tail,
    };
    let mut output = found.site.engine.logs(&found.container.id, &options).await?;
    while let Some(piece) = output.next().await {
        match piece? {
            Output::Stdout(bytes) => context.out.bytes(&bytes)?,
            Output::Stderr(bytes) => context.out.error_bytes(&bytes)?,
        }
    }
    Ok(Exit::Success)
}

/// Shows the file in which a command's output was kept.
async fn kept(context: &Context, found: &workspace::Found, id: &Name) -> Result<Exit, Error> {
    let log = ExecCommand::log_of(id.as_str());
    let container = found.running()?;
    let request = ExecRequest {
        argv: ["/bin/sh", "-c", "test -r \"$0\" && exec cat \"$0\"", &log]
            .map(str::to_owned)
            .to_vec(),
        ..ExecRequest::default()
    };
    let session = found.site.engine.exec(&container.id, &request).await?;
    match exec::listen(context, session).await? {
        0 => Ok(Exit::Success),
        _ => Err(Error::new(format!(
            "no command {id} of postStart has run in {} of {}",
            found.component, found.workspace
        ))
        .hint("--component names another container; wharf run lists the devfile's commands.")),
    }
}
