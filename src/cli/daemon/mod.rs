//! `wharf daemon`.

mod install;
mod ledger;
mod log;
mod repository;
mod service;
mod web;

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use self::repository::Repository;
use super::error::{Error, Exit};
use super::follow::{self, Following};
use super::imports::Access;
use super::{Context, output};
use crate::apply::lock::{self};
use crate::apply::{Options, PARALLELISM};
use crate::daemon::fetching::Listeners;
use crate::daemon::{self, Settings, Told, Trigger, api};

/// Follow a configuration repository and keep what it declares
///
/// Applies the newest commit of the repository at DIR, which may be bare, or at URL (https, ssh, file), and each one after it;
/// repairs what changes on the machine without a commit. A commit that is not valid changes nothing: the one before it stays
/// in force. It never removes data and never removes more workspaces than the Site allows without an approval. SIGTERM and
/// Ctrl-C let it finish the steps under way, SIGHUP lets it look at once.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    following: follow::Args,
    /// Compare after that many seconds even where nothing has happened
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    resync: u64,
    /// How many changes are under way at a time
    #[arg(long, value_name = "N", default_value_t = PARALLELISM, value_parser = super::apply::parallelism)]
    parallelism: usize,
    /// The form of the log on standard error
    #[arg(long, value_enum, value_name = "FORM", default_value_t = output::LogForm::Human)]
    log: output::LogForm,
    #[command(flatten)]
    web: web::Listening,
    /// Write a systemd unit that does this, and do nothing else
    #[arg(long)]
    install: bool,
    #[command(flatten)]
    access: Access,
}

impl Args {
    /// Begins the log.
    pub(super) fn log(&self, verbose: u8) {
        output::log(self.log, verbose);
    }
}

/// How many triggers wait; more say nothing that these don't.
const TRIGGERS: usize = 64;

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    if args.install {
        return install::install(context);
    }
    let following = Following::open(context, &args.following)?;
    let (triggers, mut received) = mpsc::channel(TRIGGERS);
    let stopping = tokio::spawn(signals(triggers.clone())?);
    let told = Told::default();
    let asked = api::Daemon {
        status: told.status.subscribe(),
        journal: told.journal.clone(),
        metrics: told.metrics.clone(),
        triggers: triggers.clone(),
        uses: told.uses.clone(),
    };
    let web = args.web.open(asked.clone()).await?;
    let service = tokio::spawn(service::tell(told.status.subscribe()));
    let listeners = Listeners {
        triggers: triggers.clone(),
        metrics: told.metrics.clone(),
    };
    let Some(noticing) = following.begin(&listeners, &mut received).await? else {
        return Ok(Exit::Success);
    };
    let serving = tokio::spawn(async move {
        let stop = asked.triggers.clone();
        let served = tokio::select! {
            served = serve(asked) => served,
            served = web.serve() => served,
        };
        // A daemon that nobody can ask anything is no use.
        let _ = stop.send(Trigger::Stop).await;
        served
    });
    let options = Options {
        parallelism: args.parallelism,
    };
    let mut site = Repository::new(following, (args.access, options), triggers, told.journal.clone());
    let settings = Settings {
        resync: Duration::from_secs(args.resync),
        state: crate::audit::place::state(),
    };
    daemon::run(&mut site, received, settings, told).await;
    tracing::info!("stopped");
    service.abort();
    noticing.abort();
    // Whatever it has started ends with it.
    let _ = noticing.await;
    stopping.abort();
    serving.abort();
    match (site.refused.take(), serving.await) {
        (Some(error), _) | (None, Ok(Err(error))) => Err(error),
        (None, Ok(Ok(())) | Err(_)) => Ok(Exit::Success),
    }
}

/// Serves the socket of the site, once it is known which one it is.
async fn serve(daemon: api::Daemon) -> Result<(), Error> {
    let mut status = daemon.status.clone();
    let known = status.wait_for(|status| status.site.is_some()).await;
    let site = known.ok().and_then(|status| status.site.clone()?.parse().ok());
    let Some(site) = site else { return Ok(()) };
    let path = api::socket(&lock::directory(), &site);
    let served = match api::listen(&path) {
        Ok(listener) => {
            tracing::info!(socket = %path.display(), "answering");
            api::serve(listener, daemon).await
        }
        Err(error) => Err(error),
    };
    served.map_err(|e| Error::new(format!("nobody can ask this daemon: {}: {e}", path.display())))
}

/// What signals ask for.
fn signals(triggers: mpsc::Sender<Trigger>) -> Result<impl Future<Output = ()>, Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        loop {
            let trigger = tokio::select! {
                _ = terminate.recv() => Trigger::Stop,
                _ = interrupt.recv() => Trigger::Stop,
                _ = hang_up.recv() => Trigger::Sync,
            };
            if triggers.send(trigger).await.is_err() {
                return;
            }
        }
    })
}
