//! The loop on a simulated engine, with commits in memory. Time is paused: it passes when everybody waits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::*;
use crate::apply::{self, Cancellation, Options, Unobserved};
use crate::devfile::Imports;
use crate::document::Files;
use crate::engine::Engine as _;
use crate::engine::simulated::{Fault, Meddling, Mishap, Moment, Simulated};
use crate::lock::Lock;
use crate::manifest;
use crate::model::{DesiredState, EngineId, Kind, ObjectId, OnRemove};
use crate::plan::{self, Approval, Request, Revision, Selection};

const SITE: &str = "apiVersion: wharf/v1\nkind: Site\nmetadata: {name: lab}\nspec:\n  defaults: {class: small, power: on}\n  policy: {maxDeletions: 1}\n---\n\
    apiVersion: wharf/v1\nkind: Class\nmetadata: {name: small}\nspec: {cpu: '1', memory: 1Gi}\n---\n\
    apiVersion: wharf/v1\nkind: User\nmetadata: {name: alice}\nspec: {}\n";

/// A commit that declares workspaces of one container each.
fn commit(workspaces: &[&str]) -> String {
    let one = |name: &&str| {
        format!(
            "---\napiVersion: wharf/v1\nkind: Workspace\nmetadata: {{name: {name}}}\nspec:\n  owner: alice\n  devfile:\n    inline: \
             {{schemaVersion: 2.2.2, components: [{{name: tools, container: {{image: 'localhost/a:1'}}}}]}}\n"
        )
    };
    SITE.to_owned() + &workspaces.iter().map(one).collect::<String>()
}

/// The repository: what each commit says, and whether it can be read.
#[derive(Clone, Default)]
struct Commits(Arc<Mutex<(Vec<String>, bool)>>);

impl Commits {
    fn with<T>(&self, work: impl FnOnce(&mut (Vec<String>, bool)) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Lab {
    commits: Commits,
    engine: Simulated,
    declared: Option<(String, DesiredState)>,
    seen: BTreeMap<crate::model::WorkspaceId, OnRemove>,
    request: Request,
    planned: Option<Plan>,
}

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
        let plan = plan::plan(desired, &observed, &self.request).unwrap();
        self.planned = Some(plan.clone());
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
        let files = Files::of([("wharf.yaml", text.as_str())]);
        let loaded = manifest::load(&files);
        let (workspaces, mut found) = crate::resolve::read(&loaded, &Imports::none());
        found.extend(loaded.diagnostics.clone());
        match workspaces {
            Some(workspaces) if !found.has_errors() => {
                let (desired, _) = workspaces.resolve(&files, &Lock::default());
                let known = desired.workspaces.iter().map(|(id, w)| (id.clone(), w.on_remove));
                self.seen.extend(known);
                self.declared = Some((commit.to_owned(), desired));
                Ok(())
            }
            // Its text says so, as nothing here is fetched.
            _ if text.contains("fetched") => {
                Err(Rejected::Unreadable("what it imports can't be had".to_owned()))
            }
            _ => Err(Rejected::Invalid("it is not valid".to_owned())),
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

    fn name(&self) -> Option<String> {
        self.declared
            .as_ref()
            .map(|(_, desired)| desired.site.to_string())
    }

    async fn plan(&mut self, without: &BTreeSet<WorkspaceId>, approved: &[String]) -> Result<Plan, Refused> {
        self.request.selection = Selection::Except(without.clone());
        self.request.approval = Approval::default();
        let plan = self.again().await?;
        if !approved.contains(&plan.digest) {
            return Ok(plan);
        }
        self.request.approval.deletions = Some(plan.digest);
        self.again().await
    }

    async fn apply(&self, cancelled: Cancellation) -> Result<ApplyReport, Refused> {
        let plan = self.planned.as_ref().unwrap();
        Ok(apply::apply(&self.engine, plan, &Options::default(), &Unobserved, cancelled).await)
    }

    async fn plan_after(&mut self, _report: &ApplyReport) -> Result<Plan, Refused> {
        self.again().await
    }
}

/// A daemon that runs, and what it looks after.
struct Running {
    commits: Commits,
    engine: Simulated,
    triggers: mpsc::Sender<Trigger>,
    status: channel::Receiver<Status>,
    ended: tokio::task::JoinHandle<()>,
}

fn engine() -> Simulated {
    let engine = Simulated::in_memory();
    let image = ("localhost/a:1".to_owned(), EngineId("a".to_owned()));
    engine.edit(|state| state.images.extend([image])).unwrap();
    engine
}

fn start(commits: Commits, engine: Simulated) -> Running {
    let (triggers, received) = mpsc::channel(8);
    let (sender, status) = channel::channel(Status::default());
    let mut lab = Lab {
        commits: commits.clone(),
        engine: engine.clone(),
        declared: None,
        seen: BTreeMap::new(),
        request: Request::default(),
        planned: None,
    };
    let settings = Settings {
        resync: Duration::from_secs(60),
    };
    let ended = tokio::spawn(async move { run(&mut lab, received, settings, sender).await });
    Running {
        commits,
        engine,
        triggers,
        status,
        ended,
    }
}

fn started(workspaces: &[&str]) -> Running {
    let commits = Commits::default();
    commits.with(|(all, _)| all.push(commit(workspaces)));
    start(commits, engine())
}

impl Running {
    /// Commits, and says so.
    async fn push(&self, text: String) {
        self.commits.with(|(all, _)| all.push(text));
        self.send(Trigger::Commit).await;
    }

    async fn send(&self, trigger: Trigger) {
        self.triggers.send(trigger).await.unwrap();
    }

    /// The status, once it is as expected; an hour later it never will be.
    async fn until(&mut self, expected: impl Fn(&Status) -> bool) -> Status {
        let hour = Duration::from_secs(3600);
        let mut last = self.status.clone();
        let waited = tokio::time::timeout(hour, self.status.wait_for(|s| expected(s))).await;
        match waited {
            Ok(status) => status.unwrap().clone(),
            Err(_) => panic!("{:#?}", last.borrow_and_update()),
        }
    }

    async fn applied(&mut self, commit: &str) -> Status {
        self.until(|s| s.applied.as_deref() == Some(commit) && s.converged && s.phase == Phase::Idle)
            .await
    }

    fn containers(&self) -> Vec<String> {
        self.engine.state().unwrap().containers.into_keys().collect()
    }

    fn kill(&self, name: &str) {
        let object = ObjectId::new(Kind::Container, format!("lab.alice.{name}.tools"));
        self.engine.meddle(&Meddling::Stop(object)).unwrap();
    }

    fn runs(&self, name: &str) -> bool {
        let state = self.engine.state().unwrap();
        state.containers[&format!("lab.alice.{name}.tools")]
            .run
            .is_running()
    }
}

fn fails(name: &str, times: u64) -> Vec<Fault> {
    let fault = |at| Fault {
        object: format!("lab.alice.{name}.tools"),
        at,
        ..Fault::new("create_container", Moment::Before, Mishap::Fail)
    };
    (1..=times).map(fault).collect()
}

#[tokio::test(start_paused = true)]
async fn each_commit_becomes_what_it_declares() {
    let mut daemon = started(&["api"]);
    daemon.applied("0").await;
    assert_eq!(daemon.containers(), ["lab.alice.api.tools"]);
    daemon.push(commit(&["api", "web"])).await;
    let status = daemon.applied("1").await;
    assert_eq!(daemon.containers().len(), 2);
    assert_eq!((status.site.as_deref(), status.problems.len()), (Some("lab"), 0));
    daemon.send(Trigger::Stop).await;
    daemon.ended.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_is_not_valid_changes_nothing_and_the_next_one_applies() {
    let mut daemon = started(&["api"]);
    daemon.applied("0").await;
    let calls = daemon.engine.calls().unwrap();
    daemon.push("kind: [".to_owned()).await;
    let status = daemon.until(|s| s.problems.contains_key(&Obstacle::Commit)).await;
    assert_eq!(
        (status.commit.as_deref(), status.declared.as_deref()),
        (Some("1"), Some("0"))
    );
    daemon.kill("api");
    daemon.send(Trigger::Engine).await;
    daemon
        .until(|s| s.steps.done > status.steps.done && s.converged)
        .await;
    assert!(daemon.runs("api"), "the commit before it stays in force");
    assert!(daemon.engine.calls().unwrap().len() == calls.len() + 1);
    daemon.push(commit(&["web"])).await;
    let status = daemon.applied("2").await;
    assert!(status.problems.is_empty());
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_the_newest_valid_commit_is_in_force() {
    let commits = Commits::default();
    commits.with(|(all, _)| all.extend([commit(&["api"]), "kind: [".to_owned(), "kind: {".to_owned()]));
    let mut daemon = start(commits, engine());
    let status = daemon.applied("0").await;
    assert!(status.problems[&Obstacle::Commit].message.contains("commit 2"));
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_a_commit_that_can_not_be_read_is_not_undone() {
    let commits = Commits::default();
    commits.with(|(all, _)| all.extend([commit(&["api"]), "kind: [fetched".to_owned()]));
    let mut daemon = start(commits, engine());
    let status = daemon
        .until(|s| s.rounds > 2 && s.problems.contains_key(&Obstacle::Commit))
        .await;
    assert!(
        status.declared.is_none() && daemon.containers().is_empty(),
        "{status:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_is_gone_removes_nothing() {
    let mut daemon = started(&["api"]);
    daemon.applied("0").await;
    daemon.commits.with(|(_, gone)| *gone = true);
    daemon.send(Trigger::Commit).await;
    daemon
        .until(|s| s.problems.contains_key(&Obstacle::Repository))
        .await;
    assert_eq!(daemon.containers(), ["lab.alice.api.tools"]);
    daemon.commits.with(|(_, gone)| *gone = false);
    daemon.send(Trigger::Commit).await;
    daemon.until(|s| s.problems.is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn drift_is_repaired_when_it_is_heard_of_and_when_it_is_not() {
    let mut daemon = started(&["api"]);
    daemon.applied("0").await;
    for heard in [true, false] {
        let before = daemon.until(|s| s.phase == Phase::Idle).await;
        daemon.kill("api");
        let since = Instant::now();
        if heard {
            daemon.send(Trigger::Engine).await;
        }
        daemon
            .until(|s| s.steps.done > before.steps.done && s.converged)
            .await;
        assert!(daemon.runs("api"));
        assert_eq!(since.elapsed() < Duration::from_secs(1), heard);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_workspace_is_tried_again_later_and_holds_nobody_up() {
    let daemon = started(&["api", "web"]);
    daemon
        .engine
        .edit(|state| state.faults = fails("api", 2))
        .unwrap();
    let mut daemon = daemon;
    let since = Instant::now();
    let status = daemon
        .until(|s| s.failing.len() == 1 && s.phase == Phase::Idle)
        .await;
    assert!(daemon.runs("web"), "{status:#?}");
    let failing = status.failing.values().next().unwrap();
    assert!(
        failing.times == 1 && failing.cause.contains("lab.alice.api.tools"),
        "{failing:?}"
    );
    let status = daemon.applied("0").await;
    assert!(status.failing.is_empty());
    let waited = since.elapsed().as_secs();
    assert!(
        (12..=18).contains(&waited),
        "5 and 10 seconds, more or less a fifth: {waited}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_newer_commit_does_not_wait_for_a_retry() {
    let mut daemon = started(&["api"]);
    daemon
        .engine
        .edit(|state| state.faults = fails("api", 1))
        .unwrap();
    daemon
        .until(|s| s.failing.len() == 1 && s.phase == Phase::Idle)
        .await;
    let since = Instant::now();
    daemon.push(commit(&["api", "web"])).await;
    daemon.applied("1").await;
    assert!(since.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_gone_is_said_and_waited_for() {
    let mut daemon = started(&["api"]);
    daemon.applied("0").await;
    let gone = |at| Fault {
        at,
        ..Fault::new("observe", Moment::Before, Mishap::Unreachable)
    };
    daemon
        .engine
        .edit(|state| state.faults = (1..=3).map(gone).collect())
        .unwrap();
    daemon.kill("api");
    daemon.send(Trigger::Engine).await;
    let status = daemon.until(|s| s.problems.contains_key(&Obstacle::Engine)).await;
    assert_eq!(status.applied.as_deref(), Some("0"));
    let status = daemon
        .until(|s| s.problems.is_empty() && s.converged && s.phase == Phase::Idle)
        .await;
    assert!(daemon.runs("api"), "{status:#?}");
}

#[tokio::test(start_paused = true)]
async fn while_it_is_paused_it_looks_and_changes_nothing() {
    let mut daemon = started(&["api"]);
    daemon.applied("0").await;
    daemon.send(Trigger::Pause(true)).await;
    daemon.kill("api");
    let status = daemon.until(|s| s.paused && !s.left.is_empty()).await;
    assert!(!status.converged && !daemon.runs("api"));
    daemon.send(Trigger::Pause(false)).await;
    daemon.until(|s| s.converged).await;
    assert!(daemon.runs("api"));
}

#[tokio::test(start_paused = true)]
async fn what_needs_an_approval_waits_for_it() {
    let mut daemon = started(&["api", "db", "web"]);
    daemon.applied("0").await;
    daemon.push(commit(&["web"])).await;
    let status = daemon
        .until(|s| !s.blocked.is_empty() && s.phase == Phase::Idle)
        .await;
    assert_eq!(daemon.containers().len(), 3);
    daemon
        .send(Trigger::Approve("v1-of-something-else".to_owned()))
        .await;
    daemon.send(Trigger::Approve(status.digest.unwrap())).await;
    let status = daemon.applied("1").await;
    assert_eq!(daemon.containers(), ["lab.alice.web.tools"]);
    assert!(status.blocked.is_empty());
}

#[tokio::test(start_paused = true)]
async fn asked_to_stop_it_finishes_the_steps_under_way() {
    let commits = Commits::default();
    commits.with(|(all, _)| all.push(commit(&["api", "db", "web"])));
    let engine = engine();
    engine.edit(|state| state.latency_millis = 500).unwrap();
    let mut daemon = start(commits, engine);
    daemon.until(|s| s.phase == Phase::Working).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    daemon.send(Trigger::Stop).await;
    daemon.ended.await.unwrap();
    let state = daemon.engine.state().unwrap();
    assert!(state.misuse.is_empty() && state.containers.is_empty() && !state.networks.is_empty());
}
