//! `wharf restart`.

use super::Context;
use super::error::{Error, Exit};
use super::power::{self, Switch};
use crate::model::Power;

/// Stop a workspace and start it again
///
/// Nothing that its containers hold is lost; the commands for its start run again.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    power: power::Switched,
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let mut switch = Switch::open(context, &args.power, "restart").await?;
    switch.must_not_be(Power::Off, "start")?;
    match switch.switch(false).await? {
        Exit::Success => switch.switch(true).await,
        other @ (Exit::NotWell | Exit::Changes | Exit::Command(_)) => Ok(other),
    }
}
