//! `wharf daemon`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch as channel};
use tokio::task::JoinHandle;

use super::configuration;
use super::error::{Error, Exit};
use super::imports::Access;
use super::pipeline::{Pipeline, Planned};
use super::{Context, diagnostics, output, site};
use crate::apply::lock::{self, Lock, LockError};
use crate::apply::{self, ApplyReport, Cancellation, Event, Observer, Options, Outcome, PARALLELISM};
use crate::daemon::{self, Obstacle, Refused, Rejected, Settings, Site, Status, Trigger, api, watch};
use crate::document::{Diagnostics, Severity};
use crate::model::{Name, WorkspaceId};
use crate::plan::{Approval, Plan, Request, Selection};
use crate::source::{self, Source};

/// Follow a configuration repository and keep what it declares
///
/// Applies the newest commit of the repository at DIR, which may be bare, and each one after it; repairs what changes on the
/// machine without a commit. A commit that is not valid changes nothing: the one before it stays in force. It never removes
/// data and never removes more workspaces than the Site allows without an approval. SIGTERM and Ctrl-C let it finish the
/// steps under way, SIGHUP lets it look at once.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration repository
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The branch, tag or other name of what to follow
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    rev: String,
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
/// How many commits are looked at for the newest valid one.
const ANCESTORS: usize = 100;

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let dir = context.directory(args.dir.as_ref());
    let places = source::refs(&dir)?;
    let (triggers, received) = mpsc::channel(TRIGGERS);
    let stopping = tokio::spawn(signals(triggers.clone())?);
    let (status, watched_status) = channel::channel(Status::default());
    let stop = triggers.clone();
    let serving = tokio::spawn(async move {
        let served = serve(watched_status, stop.clone()).await;
        // A daemon that nobody can ask anything is no use.
        let _ = stop.send(Trigger::Stop).await;
        served
    });
    let mut site = Repository {
        dir: dir.clone(),
        rev: args.rev.clone(),
        access: args.access,
        options: Options {
            parallelism: args.parallelism,
        },
        triggers: triggers.clone(),
        current: None,
        events: None,
        told: None,
        held: None,
        refused: None,
    };
    let (watched, rev) = (dir.clone(), args.rev.clone());
    let head = move || source::commit(&watched, &rev).ok();
    let refs = tokio::spawn(watch::repository(places, head, triggers));
    let settings = Settings {
        resync: Duration::from_secs(args.resync),
    };
    tracing::info!(dir = %dir.display(), rev = %args.rev, "following");
    daemon::run(&mut site, received, settings, status).await;
    tracing::info!("stopped");
    refs.abort();
    stopping.abort();
    serving.abort();
    match (site.refused.take(), serving.await) {
        (Some(error), _) | (None, Ok(Err(error))) => Err(error),
        (None, Ok(Ok(())) | Err(_)) => Ok(Exit::Success),
    }
}

/// Serves the socket of the site, once it is known which one it is.
async fn serve(mut status: channel::Receiver<Status>, triggers: mpsc::Sender<Trigger>) -> Result<(), Error> {
    let known = status.wait_for(|status| status.site.is_some()).await;
    let site = known.ok().and_then(|status| status.site.clone()?.parse().ok());
    let Some(site) = site else { return Ok(()) };
    let path = api::socket(&lock::directory(), &site);
    let served = match api::listen(&path) {
        Ok(listener) => api::serve(listener, status, triggers).await,
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

/// A repository with the engine that its Site names.
struct Repository {
    dir: PathBuf,
    rev: String,
    access: Access,
    options: Options,
    triggers: mpsc::Sender<Trigger>,
    current: Option<Current>,
    events: Option<JoinHandle<()>>,
    /// The commit whose problems are in the log already.
    told: Option<String>,
    held: Option<Held>,
    /// Why this daemon has to end.
    refused: Option<Error>,
}

/// The right to look after a site.
struct Held {
    site: Name,
    _lock: Lock,
}

/// What is in force.
struct Current {
    pipeline: Pipeline,
    planned: Option<Planned>,
}

impl Repository {
    async fn read(&mut self, commit: &str) -> Result<Pipeline, Rejected> {
        let source = Source::Revision(commit.to_owned());
        let reading = configuration::read(&self.dir, &source, self.access).await;
        let reading = reading.map_err(|e| Rejected::Unreadable(e.to_string()))?;
        if self.told.as_deref() != Some(commit) {
            self.told = Some(commit.to_owned());
            tell(commit, &reading.diagnostics);
        }
        let Some(configuration) = reading.configuration else {
            let summary = diagnostics::summary(&reading.checked, &reading.diagnostics);
            let why = format!("{}; wharf plan --rev {commit} shows them", summary.trim());
            let mut errors = reading
                .diagnostics
                .0
                .iter()
                .filter(|d| d.severity == Severity::Error);
            // What is imported may be had another time.
            return Err(match errors.any(|error| error.code == "devfile/import") {
                true => Rejected::Unreadable(why),
                false => Rejected::Invalid(why),
            });
        };
        let declared = &configuration.manifests.site.spec.engine;
        let engine = site::engine(declared.as_ref().map(|e| e.value.as_str()));
        let engine = engine.map_err(|e| Rejected::Unreadable(e.to_string()))?;
        let request = Request {
            revision: configuration.revision.clone(),
            ..Request::default()
        };
        Ok(Pipeline {
            configuration,
            engine,
            dir: self.dir.clone(),
            request,
        })
    }

    /// Takes the right to look after a site: one daemon each, or two would undo each other's work. It goes with the process.
    fn hold(&mut self, site: &Name) -> Result<(), String> {
        if self.held.as_ref().is_some_and(|held| held.site == *site) {
            return Ok(());
        }
        let error = match lock::take(&lock::directory(), site, "the daemon") {
            Ok(lock) => {
                self.held = Some(Held {
                    site: site.clone(),
                    _lock: lock,
                });
                return Ok(());
            }
            Err(LockError::Held { holder, .. }) => {
                Error::new(format!("a daemon of site {site} runs already: {holder}"))
            }
            Err(other) => other.into(),
        };
        let message = error.to_string();
        self.refused = Some(error);
        // Where the channel is full, the next round tries again.
        let _ = self.triggers.try_send(Trigger::Stop);
        Err(message)
    }

    /// Puts a pipeline in force. An engine that stays keeps its connections and what it has learnt.
    fn put(&mut self, mut pipeline: Pipeline) {
        let site = pipeline.configuration.desired.site.clone();
        let same = self.current.as_ref().filter(|current| {
            let before = &current.pipeline;
            before.engine.address() == pipeline.engine.address() && before.configuration.desired.site == site
        });
        match same {
            Some(current) => pipeline.engine = Arc::clone(&current.pipeline.engine),
            None => {
                let events = watch::engine(Arc::clone(&pipeline.engine), site, self.triggers.clone());
                if let Some(before) = self.events.replace(tokio::spawn(events)) {
                    before.abort();
                }
            }
        }
        self.current = Some(Current {
            pipeline,
            planned: None,
        });
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        if let Some(events) = &self.events {
            events.abort();
        }
    }
}

/// What is wrong with a commit, in the log.
fn tell(commit: &str, found: &Diagnostics) {
    for problem in &found.0 {
        let place = match problem.position() {
            Some((line, column)) => format!("{}:{line}:{column}", problem.path),
            None => problem.path.clone(),
        };
        match problem.severity {
            Severity::Error => {
                tracing::error!(commit, code = problem.code, "{place}: {}", problem.message);
            }
            Severity::Warning => {
                tracing::warn!(commit, code = problem.code, "{place}: {}", problem.message);
            }
        }
    }
}

/// What only a mistake in the order of calls can bring about.
fn nothing() -> Refused {
    Refused {
        by: Obstacle::Commit,
        message: "no commit is in force".to_owned(),
    }
}

fn refused(by: Obstacle) -> impl Fn(Error) -> Refused {
    move |error| Refused {
        by,
        message: error.to_string(),
    }
}

#[async_trait]
impl Site for Repository {
    fn head(&self) -> Result<String, String> {
        source::commit(&self.dir, &self.rev).map_err(|e| e.to_string())
    }

    async fn take(&mut self, commit: &str) -> Result<(), Rejected> {
        let pipeline = self.read(commit).await?;
        let site = pipeline.configuration.desired.site.clone();
        self.hold(&site).map_err(Rejected::Unreadable)?;
        self.put(pipeline);
        Ok(())
    }

    async fn take_before(&mut self, commit: &str) -> Option<String> {
        for ancestor in source::ancestors(&self.dir, commit, ANCESTORS) {
            if self.take(&ancestor).await.is_ok() {
                return Some(ancestor);
            }
        }
        None
    }

    fn name(&self) -> Option<String> {
        let current = self.current.as_ref()?;
        Some(current.pipeline.configuration.desired.site.to_string())
    }

    async fn plan(&mut self, without: &BTreeSet<WorkspaceId>, approved: &[String]) -> Result<Plan, Refused> {
        let current = self.current.as_mut().ok_or_else(nothing)?;
        let plan = current.plan(without, approved).await;
        plan.map_err(refused(Obstacle::Engine))
    }

    async fn apply(&self, cancelled: Cancellation) -> Result<ApplyReport, Refused> {
        let Current { pipeline, planned } = self.current.as_ref().ok_or_else(nothing)?;
        let plan = &planned.as_ref().ok_or_else(nothing)?.plan;
        let held = lock::take(&lock::directory(), &plan.site, &pipeline.engine.address());
        let _lock = held.map_err(|e| refused(Obstacle::Lock)(e.into()))?;
        let log = Log(plan.revision.commit.clone().unwrap_or_default());
        Ok(apply::apply(pipeline.engine.as_ref(), plan, &self.options, &log, cancelled).await)
    }

    async fn plan_after(&mut self, report: &ApplyReport) -> Result<Plan, Refused> {
        let current = self.current.as_mut().ok_or_else(nothing)?;
        let planned = match current.planned.take() {
            Some(before) => current.pipeline.plan_after(before, report).await,
            None => current.pipeline.plan().await,
        };
        let plan = planned.map(|planned| current.keep(planned));
        plan.map_err(refused(Obstacle::Engine))
    }
}

impl Current {
    async fn plan(&mut self, without: &BTreeSet<WorkspaceId>, approved: &[String]) -> Result<Plan, Error> {
        let request = &mut self.pipeline.request;
        request.selection = Selection::Except(without.clone());
        request.approval = Approval::default();
        let mut planned = self.pipeline.plan().await?;
        let digest = planned.plan.digest.clone();
        if !planned.plan.blocked.is_empty() && approved.contains(&digest) {
            self.pipeline.request.approval = Approval {
                deletions: Some(digest.clone()),
                data_loss: Some(digest),
            };
            planned = self.pipeline.plan().await?;
        }
        Ok(self.keep(planned))
    }

    fn keep(&mut self, planned: Planned) -> Plan {
        let plan = planned.plan.clone();
        self.planned = Some(planned);
        plan
    }
}

/// Says in the log what each step does and what became of it.
struct Log(String);

impl Observer for Log {
    fn on(&self, event: Event<'_>) {
        let commit = &self.0;
        match event {
            Event::Begun { step, .. } => {
                tracing::debug!(%commit, workspace = %step.workspace, "begun: {step}");
            }
            Event::Progress { step, line, .. } => {
                tracing::debug!(%commit, workspace = %step.workspace, "{step}: {line}");
            }
            Event::Ended { step, report, .. } => {
                let workspace = &step.workspace;
                // A number of 128 bits is a text in JSON.
                let milliseconds = u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX);
                match &report.outcome {
                    Outcome::Done(_) => tracing::info!(%commit, %workspace, milliseconds, "{step}"),
                    // Its cause is logged with the workspace that failed.
                    Outcome::Failed(_) => tracing::info!(%commit, %workspace, milliseconds, "failed: {step}"),
                    Outcome::Skipped(_) => tracing::debug!(%commit, %workspace, "skipped: {step}"),
                }
            }
        }
    }
}
