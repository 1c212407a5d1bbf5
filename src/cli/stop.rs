//! `wharf stop`.

use super::Context;
use super::error::{Error, Exit};
use super::power::{self, Switch};
use crate::model::Power;

/// Stop a workspace
///
/// Stops all its containers; its data and what its containers hold stay. A workspace that is declared with power: on is
/// refused: declare what you want.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    power: power::Switched,
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let mut switch = Switch::open(context, &args.power, "stop").await?;
    switch.must_not_be(Power::On, "stop")?;
    switch.switch(false).await
}
