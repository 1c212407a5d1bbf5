//! The loop on a simulated engine, with commits in memory. Time is paused: it passes when everybody waits.

mod health;
mod histories;
mod holds;
mod idle;
mod lab;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::audit::{Approved, User};
use crate::engine::simulated::{Fault, Mishap, Moment};
use lab::{Commits, Recorded, commit, engine, fails, start, start_in, started};

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
        .send(Trigger::Approve(
            "v1-of-something-else".to_owned(),
            User::default(),
        ))
        .await;
    daemon
        .send(Trigger::Approve(status.digest.unwrap(), User::default()))
        .await;
    let status = daemon.applied("1").await;
    assert_eq!(daemon.containers(), ["lab.alice.web.tools"]);
    assert!(status.blocked.is_empty());
}

/// What is recorded of approvals, as their digests and states.
fn states(recorded: &Recorded) -> Vec<(String, Approved)> {
    let recorded = recorded.lock().unwrap();
    let states = recorded.iter().map(|(one, state)| (one.digest.clone(), *state));
    states.collect()
}

#[tokio::test(start_paused = true)]
async fn an_approval_is_kept_over_a_restart_until_it_is_used_and_each_is_recorded() {
    let state = tempfile::tempdir().unwrap();
    let bob = User {
        uid: 1001,
        name: Some("bob".to_owned()),
        login: None,
    };
    let commits = Commits::default();
    commits.with(|(all, _)| all.push(commit(&["api", "db", "web"])));
    let mut daemon = start_in(Some(state.path()), commits, engine());
    daemon.applied("0").await;
    // While it is paused, what is approved of waits.
    daemon.send(Trigger::Pause(true)).await;
    daemon.push(commit(&["web"])).await;
    let status = daemon
        .until(|s| s.digest.is_some() && s.phase == Phase::Idle)
        .await;
    let digest = status.digest.unwrap();
    daemon.send(Trigger::Approve(digest.clone(), bob.clone())).await;
    let status = daemon
        .until(|s| !s.approvals.is_empty() && s.phase == Phase::Idle)
        .await;
    let waiting = &status.approvals[0];
    assert_eq!((&waiting.digest, &waiting.user), (&digest, &bob));
    daemon.send(Trigger::Stop).await;
    let (commits, engine) = (daemon.commits.clone(), daemon.engine.clone());
    let book = Arc::clone(&daemon.recorded);
    daemon.ended.await.unwrap();
    assert_eq!(states(&book), [(digest.clone(), Approved::Given)]);

    let mut daemon = start_in(Some(state.path()), commits, engine);
    let status = daemon.applied("1").await;
    assert_eq!(daemon.containers(), ["lab.alice.web.tools"]);
    assert!(status.approvals.is_empty());
    daemon.until(|s| s.rounds > status.rounds).await;
    let recorded = daemon.recorded.lock().unwrap().clone();
    let [(used, Approved::Used)] = &recorded[..] else {
        panic!("{recorded:?}")
    };
    assert_eq!((&used.digest, &used.user), (&digest, &bob));
}

#[tokio::test(start_paused = true)]
async fn an_approval_is_kept_at_once_however_long_an_apply_takes() {
    let state = tempfile::tempdir().unwrap();
    let commits = Commits::default();
    commits.with(|(all, _)| all.push(commit(&["api"])));
    let mut daemon = start_in(Some(state.path()), commits, engine());
    daemon.applied("0").await;
    daemon.engine.edit(|state| state.latency_millis = 60_000).unwrap();
    daemon.push(commit(&["api", "web"])).await;
    let done = daemon.until(|s| s.phase == Phase::Working).await.steps.done;
    daemon
        .until(|s| {
            s.workspaces
                .values()
                .any(|h| h.state == crate::health::State::Provisioning)
        })
        .await;
    daemon
        .send(Trigger::Approve("some plan".to_owned(), User::default()))
        .await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let kept = std::fs::read_to_string(state.path().join("approvals/lab.json")).unwrap();
    assert!(kept.contains("some plan"));
    let now = daemon.status.borrow().clone();
    assert!(
        now.phase == Phase::Working && now.steps.done == done,
        "it was still applying: {now:#?}"
    );
    let status = daemon.applied("1").await;
    assert_eq!(status.approvals[0].digest, "some plan");
}

#[tokio::test(start_paused = true)]
async fn an_approval_is_kept_while_what_it_is_for_fails() {
    let mut daemon = started(&["api", "db", "web"]);
    daemon.applied("0").await;
    daemon.push(commit(&["web"])).await;
    let status = daemon
        .until(|s| s.digest.is_some() && s.phase == Phase::Idle)
        .await;
    let stuck = ["api", "db"].map(|name| Fault {
        object: format!("lab.alice.{name}"),
        ..Fault::new("stop_pod", Moment::Before, Mishap::Fail)
    });
    daemon.engine.edit(|state| state.faults.extend(stuck)).unwrap();
    let approve = Trigger::Approve(status.digest.unwrap(), User::default());
    daemon.send(approve).await;
    let status = daemon
        .until(|s| s.failing.len() == 2 && s.phase == Phase::Idle)
        .await;
    assert_eq!((status.approvals.len(), daemon.containers().len()), (1, 3));
    let status = daemon.applied("1").await;
    assert!(status.approvals.is_empty() && daemon.containers().len() == 1);
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

#[tokio::test(start_paused = true)]
async fn one_broken_workspace_among_fifty_leaves_the_others_as_declared() {
    let names: Vec<String> = (0..50).map(|number| format!("w{number:02}")).collect();
    let commits = Commits::default();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    commits.with(|(texts, _)| texts.push(commit(&all)));
    let engine = engine();
    let broken = Fault {
        repeats: true,
        ..fails("w17", 1).remove(0)
    };
    engine.edit(|state| state.faults.push(broken)).unwrap();
    let mut daemon = start(commits, engine);
    let status = daemon
        .until(|s| s.failing.len() == 1 && s.phase == Phase::Idle)
        .await;
    assert_eq!(status.left.keys().collect::<Vec<_>>(), ["alice/w17"]);
    assert_eq!(daemon.containers().len(), 49);
    assert!(
        names
            .iter()
            .filter(|name| *name != "w17")
            .all(|name| daemon.runs(name))
    );
}

#[tokio::test(start_paused = true)]
async fn while_nothing_is_declared_it_waits() {
    let commits = Commits::default();
    let mut daemon = start(commits, engine());
    daemon
        .until(|s| s.problems.contains_key(&Obstacle::Repository))
        .await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let rounds = daemon.status.borrow_and_update().rounds;
    assert!((10..=12).contains(&rounds), "one a minute, not {rounds}");
}
