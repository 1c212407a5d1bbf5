//! The process that fetches for the daemon. Not for people, hence hidden.

use super::error::{Error, Exit};
use crate::source::remote;

/// The subcommand's name.
pub(super) const NAME: &str = remote::HELPER_COMMAND;

/// Fetch a repository into its mirror, as standard input says
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args) -> Result<Exit, Error> {
    remote::serve()?;
    Ok(Exit::Success)
}
