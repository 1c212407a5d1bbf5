//! The program that rootless connections into containers need: wharf runs itself within Podman's user namespace. Not
//! for people, hence hidden.

use super::error::{Error, Exit};
use crate::engine::podman;

/// The subcommand's name.
pub(super) const NAME: &str = podman::HELPER_COMMAND;

/// Serve connections into containers, on standard input
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args) -> Result<Exit, Error> {
    podman::serve_helper()?;
    Ok(Exit::Success)
}
