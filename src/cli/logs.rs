//! `wharf logs`.

use futures_util::StreamExt as _;

use super::Context;
use super::error::{Error, Exit};
use super::workspace;
use crate::engine::{LogOptions, Output};

/// Show what a workspace's container wrote
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    workspace: workspace::Args,
    /// Go on as more is written, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// Only the last N lines
    #[arg(long, value_name = "N")]
    tail: Option<u32>,
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let found = workspace::find(context, &args.workspace).await?;
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
