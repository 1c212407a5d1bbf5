//! `wharf start`.

use super::Context;
use super::error::{Error, Exit};
use super::power::{self, Switch};
use crate::model::Power;

/// Start a workspace
///
/// Starts what does not run, and makes what is missing. A workspace that is declared with power: off is refused.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    power: power::Switched,
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let mut switch = Switch::open(context, &args.power, "start").await?;
    switch.must_not_be(Power::Off, "start")?;
    switch.switch(true).await
}
