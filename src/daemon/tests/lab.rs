//! A daemon on a simulated engine, with commits in memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::super::*;
use crate::apply::{self, ApplyReport, Cancellation, Observer, Options};
use crate::audit::Approved;
use crate::devfile::Imports;
use crate::document::Files;
use crate::engine::Engine as _;
use crate::engine::simulated::{Fault, Meddling, Mishap, Moment, Simulated};
use crate::health::{self, Facts};
use crate::lock::Lock;
use crate::manifest;
use crate::model::{DesiredState, EngineId, Kind, ObjectId, ObservedState, OnRemove, Seconds};
use crate::plan::{self, Approval, Plan, Request, Revision, Selection};

const SITE: &str = "apiVersion: wharf/v1\nkind: Site\nmetadata: {name: lab}\nspec:\n  defaults: {class: small, power: on}\n  policy: {maxDeletions: 1}\n---\n\
    apiVersion: wharf/v1\nkind: Class\nmetadata: {name: small}\nspec: {cpu: '1', memory: 1Gi}\n---\n\
    apiVersion: wharf/v1\nkind: User\nmetadata: {name: alice}\nspec: {}\n";

/// A commit that declares workspaces of one container each.
pub(super) fn commit(workspaces: &[&str]) -> String {
    let one = |name: &&str| {
        format!(
            "---\napiVersion: wharf/v1\nkind: Workspace\nmetadata: {{name: {name}}}\nspec:\n  owner: alice\n  devfile:\n    inline: \
             {{schemaVersion: 2.2.2, components: [{{name: tools, container: {{image: 'localhost/a:1'}}}}]}}\n"
        )
    };
    SITE.to_owned() + &workspaces.iter().map(one).collect::<String>()
}

/// What a commit declares, where it is valid.
pub(super) fn desired(text: &str) -> Option<DesiredState> {
    let files = Files::of([("wharf.yaml", text)]);
    let loaded = manifest::load(&files);
    let (workspaces, mut found) = crate::resolve::read(&loaded, &Imports::none());
    found.extend(loaded.diagnostics.clone());
    let workspaces = workspaces.filter(|_| !found.has_errors())?;
    Some(workspaces.resolve(&files, &Lock::default()).0)
}

/// The repository: what each commit says, and whether it can be read.
#[derive(Clone, Default)]
pub(super) struct Commits(Arc<Mutex<(Vec<String>, bool)>>);

impl Commits {
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut (Vec<String>, bool)) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(super) struct Lab {
    commits: Commits,
    engine: Simulated,
    declared: Option<(String, DesiredState)>,
    seen: BTreeMap<crate::model::WorkspaceId, OnRemove>,
    request: Request,
    planned: Option<(Plan, ObservedState)>,
    began: Instant,
    recorded: Recorded,
}

/// What became of approvals.
pub(super) type Recorded = Arc<Mutex<Vec<(super::super::Given, Approved)>>>;

/// Monday, 23 November 2026, 00:00 in UTC: when each lab begins.
const MONDAY: i64 = 1_795_392_000;

impl Lab {
    async fn again(&mut self) -> Result<Plan, Refused> {
        let Some((commit, desired)) = &self.declared else {
            panic!("nothing is declared")
        };
        let observed = self.engine.observe(&desired.site).await;
        let observed = observed.map_err(|error| Refused {
            by: Obstacle::Engine,
            message: error.to_string(),
        })?;
        self.request.revision = Revision {
            commit: Some(commit.clone()),
            dirty: false,
        };
        self.request.removed.clone_from(&self.seen);
        self.request.moment = Some(MONDAY + i64::try_from(self.began.elapsed().as_secs()).unwrap());
        let plan = plan::plan(desired, &observed, &self.request).unwrap();
        self.planned = Some((plan.clone(), observed));
        Ok(plan)
    }
}

#[async_trait]
impl Site for Lab {
    fn head(&self) -> Result<String, String> {
        self.commits.with(|(commits, gone)| match (commits.len(), *gone) {
            (0, _) | (_, true) => Err("the branch is gone".to_owned()),
            (number, false) => Ok((number - 1).to_string()),
        })
    }

    async fn take(&mut self, commit: &str) -> Result<(), Rejected> {
        let number: usize = commit.parse().unwrap();
        let text = self.commits.with(|(commits, _)| commits[number].clone());
        match desired(&text) {
            Some(desired) => {
                let known = desired.workspaces.iter().map(|(id, w)| (id.clone(), w.on_remove));
                self.seen.extend(known);
                self.declared = Some((commit.to_owned(), desired));
                Ok(())
            }
            // Its text says so, as nothing here is fetched.
            None if text.contains("fetched") => {
                Err(Rejected::Unreadable("what it imports can't be had".to_owned()))
            }
            None => Err(Rejected::Invalid("it is not valid".to_owned())),
        }
    }

    async fn take_before(&mut self, commit: &str) -> Option<String> {
        let number: usize = commit.parse().unwrap();
        for before in (0..number).rev().map(|n| n.to_string()) {
            if self.take(&before).await.is_ok() {
                return Some(before);
            }
        }
        None
    }

    async fn record(&mut self, approval: &super::super::Given, state: Approved) {
        self.recorded.lock().unwrap().push((approval.clone(), state));
    }

    fn name(&self) -> Option<String> {
        self.declared
            .as_ref()
            .map(|(_, desired)| desired.site.to_string())
    }

    async fn plan(
        &mut self,
        without: &BTreeSet<WorkspaceId>,
        approved: &[String],
        now: bool,
    ) -> Result<Plan, Refused> {
        self.request.now = now;
        self.request.selection = Selection::Except(without.clone());
        self.request.approval = Approval::default();
        let plan = self.again().await?;
        if !approved.contains(&plan.digest) {
            return Ok(plan);
        }
        self.request.approval.deletions = Some(plan.digest);
        self.again().await
    }

    async fn apply(&self, cancelled: Cancellation, observer: &dyn Observer) -> Result<ApplyReport, Refused> {
        let (plan, _) = self.planned.as_ref().unwrap();
        Ok(apply::apply(&self.engine, plan, &Options::default(), observer, cancelled).await)
    }

    async fn plan_after(&mut self, _report: &ApplyReport) -> Result<Plan, Refused> {
        self.again().await
    }

    fn facts(&self) -> BTreeMap<WorkspaceId, Facts> {
        let (Some((_, desired)), Some((plan, observed))) = (&self.declared, &self.planned) else {
            return BTreeMap::new();
        };
        health::facts(desired, observed, plan)
    }

    async fn plan_suspension(&mut self, idle: &BTreeMap<WorkspaceId, Seconds>) -> Result<Plan, Refused> {
        self.request.selection = only(idle);
        self.request.power = suspended(idle);
        let plan = self.again().await;
        self.request.power.clear();
        plan
    }

    async fn processor_times(&self) -> BTreeMap<WorkspaceId, Duration> {
        let Some((_, desired)) = &self.declared else {
            return BTreeMap::new();
        };
        self.engine
            .processor_times(&desired.site)
            .await
            .unwrap_or_default()
    }

    async fn silent(&self) -> BTreeMap<WorkspaceId, Vec<String>> {
        let (Some((_, desired)), Some((_, observed))) = (&self.declared, &self.planned) else {
            return BTreeMap::new();
        };
        services::silent(&self.engine, desired, observed).await
    }
}

/// A daemon that runs, and what it looks after.
pub(super) struct Running {
    pub(super) commits: Commits,
    pub(super) engine: Simulated,
    pub(super) triggers: mpsc::Sender<Trigger>,
    pub(super) status: channel::Receiver<Status>,
    pub(super) recorded: Recorded,
    pub(super) uses: Uses,
    pub(super) ended: tokio::task::JoinHandle<()>,
}

pub(super) fn engine() -> Simulated {
    let engine = Simulated::in_memory();
    let image = ("localhost/a:1".to_owned(), EngineId("a".to_owned()));
    engine.edit(|state| state.images.extend([image])).unwrap();
    engine
}

pub(super) fn start(commits: Commits, engine: Simulated) -> Running {
    start_in(None, commits, engine)
}

/// With a directory for what is kept.
pub(super) fn start_in(state: Option<&Path>, commits: Commits, engine: Simulated) -> Running {
    let recorded = Recorded::default();
    let (triggers, received) = mpsc::channel(8);
    let told = Told::default();
    let status = told.status.subscribe();
    let uses = told.uses.clone();
    let mut lab = Lab {
        commits: commits.clone(),
        engine: engine.clone(),
        declared: None,
        seen: BTreeMap::new(),
        request: Request::default(),
        planned: None,
        began: Instant::now(),
        recorded: Arc::clone(&recorded),
    };
    let settings = Settings {
        resync: Duration::from_secs(60),
        state: state.map(Path::to_owned),
    };
    let ended = tokio::spawn(async move { run(&mut lab, received, settings, told).await });
    Running {
        commits,
        engine,
        triggers,
        status,
        recorded,
        uses,
        ended,
    }
}

pub(super) fn started(workspaces: &[&str]) -> Running {
    let commits = Commits::default();
    commits.with(|(all, _)| all.push(commit(workspaces)));
    start(commits, engine())
}

impl Running {
    /// Commits, and says so.
    pub(super) async fn push(&self, text: String) {
        self.commits.with(|(all, _)| all.push(text));
        self.send(Trigger::Commit).await;
    }

    pub(super) async fn send(&self, trigger: Trigger) {
        self.triggers.send(trigger).await.unwrap();
    }

    /// The status, once it is as expected; an hour later it never will be.
    pub(super) async fn until(&mut self, expected: impl Fn(&Status) -> bool) -> Status {
        let hour = Duration::from_secs(3600);
        let mut last = self.status.clone();
        let waited = tokio::time::timeout(hour, self.status.wait_for(|s| expected(s))).await;
        match waited {
            Ok(status) => status.unwrap().clone(),
            Err(_) => panic!("{:#?}", last.borrow_and_update()),
        }
    }

    pub(super) async fn applied(&mut self, commit: &str) -> Status {
        self.until(|s| s.applied.as_deref() == Some(commit) && s.converged && s.phase == Phase::Idle)
            .await
    }

    /// Stops a workspace as a person does.
    pub(super) async fn stop(&self, name: &str) {
        self.switch(name, Asked::Stop).await;
    }

    /// Starts or stops a workspace as a person does, by a plan for it alone.
    pub(super) async fn switch(&self, name: &str, asked: Asked) {
        let text = self.commits.with(|(all, _)| all.last().cloned()).unwrap();
        let desired = desired(&text).unwrap();
        let observed = self.engine.observe(&desired.site).await.unwrap();
        let id: crate::model::WorkspaceId = format!("alice/{name}").parse().unwrap();
        let request = Request {
            power: BTreeMap::from([(id, asked)]),
            ..Request::default()
        };
        let plan = plan::plan(&desired, &observed, &request).unwrap();
        let (_canceller, cancelled) = apply::cancellation();
        let options = Options::default();
        let report = apply::apply(&self.engine, &plan, &options, &apply::Unobserved, cancelled).await;
        assert!(report.converged(), "{report:?}");
    }

    pub(super) fn containers(&self) -> Vec<String> {
        self.engine.state().unwrap().containers.into_keys().collect()
    }

    pub(super) fn kill(&self, name: &str) {
        let object = ObjectId::new(Kind::Container, format!("lab.alice.{name}.tools"));
        self.engine.meddle(&Meddling::Stop(object)).unwrap();
    }

    pub(super) fn runs(&self, name: &str) -> bool {
        let state = self.engine.state().unwrap();
        state.containers[&format!("lab.alice.{name}.tools")]
            .run
            .is_running()
    }
}

pub(super) fn fails(name: &str, times: u64) -> Vec<Fault> {
    let fault = |at| Fault {
        object: format!("lab.alice.{name}.tools"),
        at,
        ..Fault::new("create_container", Moment::Before, Mishap::Fail)
    };
    (1..=times).map(fault).collect()
}
