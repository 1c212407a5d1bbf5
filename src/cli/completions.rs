//! `wharf completions`.

use clap_complete::Shell;

use super::Context;
use super::error::{Error, Exit};

/// Print a shell's completions
///
/// For bash: wharf completions bash > ~/.local/share/bash-completion/completions/wharf
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "wharf", &mut script);
    context.out.bytes(&script)?;
    Ok(Exit::Success)
}
