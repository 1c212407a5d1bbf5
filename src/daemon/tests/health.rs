//! The workspaces' states while the daemon goes on.

use std::time::Duration;

use super::super::*;
use super::lab::{Running, commit, engine, start, started};
use crate::engine::simulated::{Meddling, Script};
use crate::health::{Health, State};
use crate::model::{Kind, ObjectId};

fn id(name: &str) -> WorkspaceId {
    format!("alice/{name}").parse().unwrap()
}

fn health<'s>(status: &'s Status, name: &str) -> Option<&'s Health> {
    status.workspaces.get(&id(name))
}

fn is(status: &Status, name: &str, state: State) -> bool {
    health(status, name).is_some_and(|health| health.state == state)
}

fn reason(status: &Status, name: &str) -> String {
    health(status, name)
        .and_then(|health| health.reason.clone())
        .unwrap_or_default()
}

/// Whether it is left alone. It is in error before that, while it waits for longer than a start may take.
fn is_given_up(status: &Status, name: &str) -> bool {
    is(status, name, State::Error) && reason(status, name).contains("it is left alone")
}

/// Lets a workspace end whenever it runs, until it is left alone; how often it ended.
async fn crash(daemon: &mut Running, name: &str) -> (u32, Status) {
    for times in 0.. {
        let engine = daemon.engine.clone();
        let container = format!("lab.alice.{name}.tools");
        let runs = move || engine.state().unwrap().containers[&container].run.is_running();
        let status = daemon
            .until(|s| s.phase == Phase::Idle && (is_given_up(s, name) || runs()))
            .await;
        if is_given_up(&status, name) {
            return (times, status);
        }
        daemon.kill(name);
        daemon.send(Trigger::Engine).await;
    }
    unreachable!("until waits an hour at most")
}

#[tokio::test(start_paused = true)]
async fn what_ends_again_and_again_is_started_after_pauses_and_then_left_alone() {
    let mut daemon = started(&["api", "web"]);
    let status = daemon.applied("0").await;
    assert!(
        is(&status, "api", State::Running) && is(&status, "web", State::Running),
        "{status:#?}"
    );
    let since = Instant::now();
    let (ended, status) = crash(&mut daemon, "api").await;
    assert_eq!(ended, 6, "five restarts");
    let seconds = since.elapsed().as_secs();
    assert!(
        (60..=92).contains(&seconds),
        "5, 10, 20 and 40 seconds, more or less a fifth: {seconds}"
    );
    let why = reason(&status, "api");
    assert!(
        why.contains("tools has ended with exit code 143, after 5 restarts"),
        "{why}"
    );
    assert!(is(&status, "web", State::Running) && !status.converged);
    // Nothing of it is removed, and nobody starts it.
    daemon.send(Trigger::Engine).await;
    let status = daemon.until(|s| s.rounds > status.rounds + 10).await;
    assert!(is(&status, "api", State::Error) && !daemon.runs("api"));
    assert_eq!(daemon.containers().len(), 2);
    daemon.push(commit(&["api"])).await;
    let status = daemon.applied("1").await;
    assert!(
        is(&status, "api", State::Running) && daemon.runs("api"),
        "{status:#?}"
    );
    assert_eq!(health(&status, "web"), None);
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_runs_again_when_a_person_asks_for_it() {
    for by_sync in [true, false] {
        let mut daemon = started(&["api"]);
        daemon.applied("0").await;
        let (_, before) = crash(&mut daemon, "api").await;
        if by_sync {
            daemon.send(Trigger::Sync).await;
        } else {
            let container = "lab.alice.api.tools".to_owned();
            daemon.engine.meddle(&Meddling::Start(container)).unwrap();
            daemon.send(Trigger::Engine).await;
        }
        let rounds = before.rounds;
        let status = daemon
            .until(|s| s.rounds > rounds && s.converged && s.phase == Phase::Idle)
            .await;
        assert!(is(&status, "api", State::Running), "{status:#?}");
        assert_eq!(reason(&status, "api"), "");
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_run_well_for_ten_minutes_is_started_at_once() {
    let mut daemon = started(&["api"]);
    daemon.applied("0").await;
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_secs(601)).await;
        let before = daemon.until(|s| s.phase == Phase::Idle).await;
        let since = Instant::now();
        daemon.kill("api");
        daemon.send(Trigger::Engine).await;
        let done = before.steps.done;
        daemon
            .until(|s| s.steps.done > done && s.converged && s.phase == Phase::Idle)
            .await;
        assert!(since.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_fit_waits_and_runs_once_there_is_room() {
    let commits = super::lab::Commits::default();
    commits.with(|(all, _)| all.push(commit(&["api", "web"])));
    let engine = engine();
    engine.edit(|state| state.memory = Some(2 << 30)).unwrap();
    let mut daemon = start(commits, engine);
    daemon.applied("0").await;
    daemon.push(commit(&["aaa", "api", "web"])).await;
    let status = daemon
        .until(|s| s.phase == Phase::Idle && is(s, "aaa", State::Pending))
        .await;
    assert_eq!(
        reason(&status, "aaa"),
        "waits for room: 2Gi of 2Gi of memory are promised, and it needs 1Gi"
    );
    assert!(daemon.runs("api") && daemon.runs("web") && daemon.containers().len() == 2);
    assert!(status.digest.is_none(), "there is nothing to approve of");
    daemon.push(commit(&["aaa", "web"])).await;
    let status = daemon.applied("2").await;
    assert!(
        is(&status, "aaa", State::Running) && daemon.runs("aaa"),
        "{status:#?}"
    );
    assert!(status.failing.is_empty());
}

/// A commit with a workspace that has commands to run after its start, or a service beside it.
fn with(more: &str) -> String {
    commit(&["api"]).replace(
        "container: {image: 'localhost/a:1'}}]}",
        &format!("container: {{image: 'localhost/a:1'}}}}{more}}}"),
    )
}

#[tokio::test(start_paused = true)]
async fn post_start_commands_that_take_too_long_are_told() {
    let engine = engine();
    let hangs = Script {
        matches: "npm install".to_owned(),
        hangs: true,
        once: true,
        ..Script::default()
    };
    engine.edit(|state| state.scripts.push(hangs)).unwrap();
    let commits = super::lab::Commits::default();
    commits.with(|(all, _)| {
        all.push(with(
            "], commands: [{id: install, exec: {component: tools, commandLine: npm install}}], events: {postStart: [install]}",
        ));
    });
    let mut daemon = start(commits, engine);
    daemon.until(|s| is(s, "api", State::Provisioning)).await;
    daemon.until(|s| is(s, "api", State::Starting)).await;
    let since = Instant::now();
    let status = daemon.until(|s| is(s, "api", State::Error)).await;
    assert_eq!(since.elapsed().as_secs(), 30);
    let why = reason(&status, "api");
    assert!(why.starts_with("not ready after 30 s: "), "{why}");
    // The command is ended after half an hour, and the next one passes.
    let status = daemon.applied("0").await;
    assert!(is(&status, "api", State::Running), "{status:#?}");
}

const DATABASE: &str = ", {name: db, container: {image: 'localhost/a:1', endpoints: [{name: sql, targetPort: 5432, protocol: tcp}]}}]";

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_answer_is_waited_for_and_told() {
    let engine = engine();
    engine.edit(|state| state.closed_ports.insert(5432)).unwrap();
    let commits = super::lab::Commits::default();
    commits.with(|(all, _)| all.push(with(DATABASE)));
    let mut daemon = start(commits, engine.clone());
    let status = daemon
        .until(|s| s.converged && is(s, "api", State::Starting))
        .await;
    assert_eq!(reason(&status, "api"), "nothing answers at port 5432 of db (sql)");
    engine.edit(|state| state.closed_ports.clear()).unwrap();
    let since = Instant::now();
    daemon.until(|s| is(s, "api", State::Running)).await;
    assert!(since.elapsed() <= Duration::from_secs(3), "{:?}", since.elapsed());

    engine.edit(|state| state.closed_ports.insert(5432)).unwrap();
    let status = daemon.until(|s| is(s, "api", State::Error)).await;
    assert_eq!(
        reason(&status, "api"),
        "not ready after 30 s: nothing answers at port 5432 of db (sql)"
    );
    assert!(
        daemon.runs("api") && status.failing.is_empty(),
        "nothing is done about it"
    );
    engine.edit(|state| state.closed_ports.clear()).unwrap();
    daemon.until(|s| is(s, "api", State::Running)).await;
}

#[tokio::test(start_paused = true)]
async fn where_people_work_nothing_has_to_listen() {
    let engine = engine();
    engine.edit(|state| state.closed_ports.insert(8080)).unwrap();
    let text = commit(&["api"]).replace(
        "image: 'localhost/a:1'}",
        "image: 'localhost/a:1', endpoints: [{name: web, targetPort: 8080}]}",
    );
    let commits = super::lab::Commits::default();
    commits.with(|(all, _)| all.push(text));
    let mut daemon = start(commits, engine);
    let status = daemon.applied("0").await;
    assert!(is(&status, "api", State::Running), "{status:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_reboot_brings_back_what_was_on() {
    let auto = |names: &[&str]| commit(names).replace("power: on", "power: auto");
    let commits = super::lab::Commits::default();
    commits.with(|(all, _)| all.push(auto(&["api", "web"])));
    let mut daemon = start(commits, engine());
    daemon.applied("0").await;
    daemon.stop("web").await;
    daemon.send(Trigger::Engine).await;
    daemon
        .until(|s| s.converged && s.phase == Phase::Idle && is(s, "web", State::Suspended))
        .await;
    daemon.engine.meddle(&Meddling::Reboot).unwrap();
    assert!(!daemon.runs("api"));
    daemon.send(Trigger::Engine).await;
    let api = daemon.engine.clone();
    let runs = move || {
        api.state().unwrap().containers["lab.alice.api.tools"]
            .run
            .is_running()
    };
    let status = daemon
        .until(|s| runs() && s.converged && s.phase == Phase::Idle)
        .await;
    assert!(!daemon.runs("web"));
    assert!(
        is(&status, "api", State::Running) && is(&status, "web", State::Suspended),
        "{status:#?}"
    );
    // What is declared is another matter.
    daemon.push(commit(&["api", "web"])).await;
    let status = daemon.applied("1").await;
    assert!(is(&status, "web", State::Running) && daemon.runs("web"));
    daemon
        .push(commit(&["api", "web"]).replace("power: on", "power: off"))
        .await;
    let status = daemon.applied("2").await;
    assert!(is(&status, "web", State::Stopped) && is(&status, "api", State::Stopped));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_made_is_in_error_after_five_times_and_tried_on() {
    let mut daemon = started(&["api"]);
    daemon
        .engine
        .edit(|state| state.faults = super::lab::fails("api", 6))
        .unwrap();
    let status = daemon
        .until(|s| is(s, "api", State::Provisioning) && !s.failing.is_empty())
        .await;
    assert!(reason(&status, "api").contains("lab.alice.api.tools"));
    let status = daemon.until(|s| is(s, "api", State::Error)).await;
    assert_eq!(status.failing[&id("api")].times, 5);
    let status = daemon.applied("0").await;
    assert!(is(&status, "api", State::Running));
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_is_in_the_way_of_is_in_error() {
    let engine = engine();
    let pod = ObjectId::new(Kind::Pod, "lab.alice.api");
    engine.meddle(&Meddling::AddForeign(pod)).unwrap();
    let commits = super::lab::Commits::default();
    commits.with(|(all, _)| all.push(commit(&["api"])));
    let mut daemon = start(commits, engine);
    let status = daemon.until(|s| is(s, "api", State::Error)).await;
    assert!(reason(&status, "api").contains("does not own"), "{status:#?}");
}
