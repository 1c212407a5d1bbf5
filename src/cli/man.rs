//! `wharf man`.

use super::Context;
use super::error::{Error, Exit};
use crate::document::diagnostic::nearest;

/// Print a manual page
///
/// To read it: wharf man | man -l -
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The command that the page is for; wharf itself where none is named
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let mut all = super::command();
    all.build();
    let page = match &args.command {
        None => all,
        Some(name) => {
            let names: Vec<&str> = all.get_subcommands().map(clap::Command::get_name).collect();
            let hint = nearest(name, names).map(|near| format!("Did you mean {near}?"));
            let found = all.find_subcommand(name).cloned();
            found
                .ok_or_else(|| Error::usage(format!("there is no command {name}")).hint_opt(hint))?
                .name(format!("wharf-{name}"))
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    context.out.bytes(&text)?;
    Ok(Exit::Success)
}
