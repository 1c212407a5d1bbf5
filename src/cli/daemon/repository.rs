//! A configuration repository as the daemon looks after it: read, planned and applied as the command line does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::super::configuration;
use super::super::error::Error;
use super::super::follow::{Following, Verdicts};
use super::super::imports::Access;
use super::super::pipeline::{Pipeline, Planned};
use super::super::trail::By;
use super::super::{diagnostics, site};
use super::ledger::Ledger;
use super::log::Log;
use crate::apply::lock::{self, Lock, LockError};
use crate::apply::{self, ApplyReport, Cancellation, Observer, Options};
use crate::audit::Approved;
use crate::daemon::{
    Fetched, Given, Journal, Obstacle, Refused, Rejected, Site, Trigger, only, services, suspended, watch,
};
use crate::document::{Diagnostics, Severity};
use crate::health::{self, Facts};
use crate::model::{Name, Seconds, WorkspaceId};
use crate::plan::{Approval, Plan, Request, Selection};
use crate::source::{self, Source};

/// How many commits are looked at for the newest valid one.
const ANCESTORS: usize = 100;

/// What is said of things from elsewhere that can't be had.
const FROM_ELSEWHERE: [&str; 2] = ["devfile/import", "resolve/build-fetch"];

/// A repository with the engine that its Site names.
pub(super) struct Repository {
    following: Following,
    verdicts: Verdicts,
    access: Access,
    options: Options,
    triggers: mpsc::Sender<Trigger>,
    journal: Journal,
    current: Option<Current>,
    events: Option<JoinHandle<()>>,
    /// The commit whose problems are in the log already.
    told: Option<String>,
    held: Option<Held>,
    ledger: Ledger,
    /// Why this daemon has to end.
    pub(super) refused: Option<Error>,
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
    /// Nothing of it has been read yet.
    pub(super) fn new(
        following: Following,
        (access, options): (Access, Options),
        triggers: mpsc::Sender<Trigger>,
        journal: Journal,
    ) -> Self {
        Self {
            following,
            verdicts: Verdicts::default(),
            access,
            options,
            triggers,
            journal,
            current: None,
            events: None,
            told: None,
            held: None,
            ledger: Ledger::default(),
            refused: None,
        }
    }

    /// Takes a commit over, whatever was found of it before.
    async fn examine(&mut self, commit: &str) -> Result<(), Rejected> {
        tokio::task::block_in_place(|| self.following.admit(commit))?;
        let pipeline = self.read(commit).await?;
        let site = pipeline.configuration.desired.site.clone();
        self.hold(&site).map_err(Rejected::Unreadable)?;
        self.put(pipeline);
        self.following.took(commit);
        Ok(())
    }

    async fn read(&mut self, commit: &str) -> Result<Pipeline, Rejected> {
        let source = Source::Revision(commit.to_owned());
        let dir = self.following.dir().to_owned();
        let reading = configuration::read(&dir, &source, self.access).await;
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
            // What is from elsewhere may be had another time.
            if !errors.any(|error| FROM_ELSEWHERE.contains(&error.code)) {
                return Err(Rejected::Invalid(why));
            }
            self.verdicts.put_off_until_later(commit, &why);
            return Err(Rejected::Unreadable(why));
        };
        self.following.agree(&configuration.manifests.site.spec)?;
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
            dir,
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
            Some(current) => {
                pipeline.engine = Arc::clone(&current.pipeline.engine);
                pipeline
                    .request
                    .before
                    .clone_from(&current.pipeline.request.before);
            }
            None => {
                let events = watch::engine(Arc::clone(&pipeline.engine), site, self.triggers.clone());
                if let Some(before) = self.events.replace(tokio::spawn(events)) {
                    before.abort();
                }
            }
        }
        self.ledger.of(&pipeline.configuration.desired.site);
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
        self.following.head()
    }

    async fn take(&mut self, commit: &str) -> Result<(), Rejected> {
        if let Some(why) = self.verdicts.of(commit, self.following.trust()) {
            return Err(why);
        }
        if let Some(why) = self.verdicts.put_off(commit) {
            return Err(why);
        }
        let taken = self.examine(commit).await;
        if let Err(why) = &taken {
            self.verdicts.learn(commit, why);
        }
        taken
    }

    async fn take_before(&mut self, commit: &str) -> Option<String> {
        for ancestor in source::ancestors(self.following.dir(), commit, ANCESTORS) {
            if self.take(&ancestor).await.is_ok() {
                return Some(ancestor);
            }
        }
        None
    }

    async fn take_last(&mut self) -> Option<String> {
        let last = self.following.last()?;
        self.take(&last).await.is_ok().then_some(last)
    }

    fn accept(&mut self, approved: &[String]) {
        self.following.accept(approved);
    }

    async fn record(&mut self, approval: &Given, state: Approved) {
        self.ledger.approval(approval, state).await;
    }

    fn fetch(&self) {
        self.verdicts.ask_again();
        self.following.fetch();
    }

    fn fetched(&self) -> Option<Fetched> {
        self.following.fetched()
    }

    fn name(&self) -> Option<String> {
        let current = self.current.as_ref()?;
        Some(current.pipeline.configuration.desired.site.to_string())
    }

    async fn plan(
        &mut self,
        without: &BTreeSet<WorkspaceId>,
        approved: &[String],
        now: bool,
    ) -> Result<Plan, Refused> {
        let current = self.current.as_mut().ok_or_else(nothing)?;
        current.pipeline.request.now = now;
        let plan = current.plan(without, approved).await;
        plan.map_err(refused(Obstacle::Engine))
    }

    async fn plan_suspension(&mut self, idle: &BTreeMap<WorkspaceId, Seconds>) -> Result<Plan, Refused> {
        let current = self.current.as_mut().ok_or_else(nothing)?;
        let request = &mut current.pipeline.request;
        request.selection = only(idle);
        request.power = suspended(idle);
        request.approval = Approval::default();
        let planned = current.pipeline.plan().await;
        current.pipeline.request.power.clear();
        let planned = planned.map_err(refused(Obstacle::Engine))?;
        Ok(current.keep(planned))
    }

    async fn apply(&self, cancelled: Cancellation, observer: &dyn Observer) -> Result<ApplyReport, Refused> {
        let Current { pipeline, planned } = self.current.as_ref().ok_or_else(nothing)?;
        let plan = &planned.as_ref().ok_or_else(nothing)?.plan;
        let held = lock::take(&lock::directory(), &plan.site, &pipeline.engine.address());
        let _lock = held.map_err(|e| refused(Obstacle::Lock)(e.into()))?;
        let log = Log {
            commit: plan.revision.commit.clone().unwrap_or_default(),
            journal: self.journal.clone(),
            also: observer,
        };
        let by = By {
            command: "daemon",
            dir: &pipeline.dir,
        };
        let trail = by.carries_out_in(self.ledger.log(), plan);
        let engine = pipeline.engine.as_ref();
        let report = apply::apply(engine, plan, &self.options, &trail.observer(&log), cancelled).await;
        self.ledger.wrote(trail.end(Some(&report)).await);
        Ok(report)
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

    fn facts(&self) -> BTreeMap<WorkspaceId, Facts> {
        let current = self.current.as_ref().and_then(|c| Some((c, c.planned.as_ref()?)));
        current.map_or_else(BTreeMap::new, |(current, planned)| {
            let desired = &current.pipeline.configuration.desired;
            health::facts(desired, &planned.observed, &planned.plan)
        })
    }

    async fn processor_times(&self) -> BTreeMap<WorkspaceId, Duration> {
        let Some(Current { pipeline, .. }) = &self.current else {
            return BTreeMap::new();
        };
        let site = &pipeline.configuration.desired.site;
        match pipeline.engine.processor_times(site).await {
            Ok(times) => times,
            Err(error) => {
                tracing::debug!("who is used can't be told: {error}");
                BTreeMap::new()
            }
        }
    }

    async fn silent(&self) -> BTreeMap<WorkspaceId, Vec<String>> {
        let current = self.current.as_ref().and_then(|c| Some((c, c.planned.as_ref()?)));
        let Some((current, planned)) = current else {
            return BTreeMap::new();
        };
        let Pipeline {
            configuration,
            engine,
            ..
        } = &current.pipeline;
        services::silent(engine.as_ref(), &configuration.desired, &planned.observed).await
    }

    async fn audited(&mut self) -> Option<String> {
        self.ledger.trouble().await
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
        self.pipeline.saw(&plan);
        plan
    }
}
