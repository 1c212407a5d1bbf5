//! Workspaces that nobody uses.

use std::time::Duration;

use super::super::*;
use super::lab::{Commits, Running, commit, engine, start};
use crate::engine::Engine as _;
use crate::health::State;
use crate::plan::Request;

const MINUTE: Duration = Duration::from_secs(60);

fn id(name: &str) -> WorkspaceId {
    format!("alice/{name}").parse().unwrap()
}

fn is(status: &Status, name: &str, state: State) -> bool {
    status.workspaces.get(&id(name)).is_some_and(|h| h.state == state)
}

/// Workspaces that are suspended after ten minutes without use.
fn idle(names: &[&str]) -> String {
    commit(names).replace("power: on}", "power: auto, idleTimeout: 10m}")
}

fn began(text: String) -> Running {
    let commits = Commits::default();
    commits.with(|(all, _)| all.push(text));
    start(commits, engine())
}

async fn suspended(daemon: &mut Running, name: &str) -> Status {
    daemon
        .until(|s| s.converged && s.phase == Phase::Idle && is(s, name, State::Suspended))
        .await
}

#[tokio::test(start_paused = true)]
async fn who_is_not_used_is_suspended_until_a_person_starts_it() {
    let mut daemon = began(idle(&["api"]));
    daemon.applied("0").await;
    let begun = Instant::now();
    let status = suspended(&mut daemon, "api").await;
    let took = begun.elapsed();
    assert!((10 * MINUTE..12 * MINUTE).contains(&took), "{took:?}");
    assert!(!daemon.runs("api"));
    let health = &status.workspaces[&id("api")];
    assert_eq!(health.reason.as_deref(), Some("nobody has used it for 10m"));

    // It stays so, and runs again for ten minutes once somebody starts it.
    tokio::time::sleep(60 * MINUTE).await;
    assert!(!daemon.runs("api"));
    daemon.switch("api", Asked::Run).await;
    daemon.send(Trigger::Engine).await;
    daemon
        .until(|s| s.phase == Phase::Idle && is(s, "api", State::Running))
        .await;
    tokio::time::sleep(9 * MINUTE).await;
    assert!(daemon.runs("api"));
    suspended(&mut daemon, "api").await;
}

#[tokio::test(start_paused = true)]
async fn who_is_used_or_works_goes_on() {
    let mut daemon = began(idle(&["api", "web"]));
    daemon.applied("0").await;
    for _ in 0..60 {
        daemon.uses.note(id("api"));
        // Six seconds of a processor each minute.
        let work = |state: &mut crate::engine::simulated::State| {
            let container = state.containers.get_mut("lab.alice.web.tools").unwrap();
            container.processor_millis += 6000;
        };
        daemon.engine.edit(work).unwrap();
        tokio::time::sleep(MINUTE).await;
    }
    assert!(daemon.runs("api") && daemon.runs("web"));
    suspended(&mut daemon, "web").await;
    suspended(&mut daemon, "api").await;
}

#[tokio::test(start_paused = true)]
async fn who_is_used_while_others_are_being_suspended_goes_on() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let mut daemon = began(idle(&names));
    daemon.applied("0").await;
    // Each call takes a minute from now on.
    daemon.engine.edit(|state| state.latency_millis = 60_000).unwrap();
    daemon.until(|s| is(s, "a", State::Stopping)).await;
    daemon.uses.note(id("f"));
    for name in &names[..5] {
        suspended(&mut daemon, name).await;
    }
    assert!(daemon.runs("f"));
}

#[tokio::test(start_paused = true)]
async fn only_what_is_declared_now_decides_and_nothing_else_is_changed_along_with_it() {
    let mut daemon = began(idle(&["api"]));
    daemon.applied("0").await;
    let plan = async |text: &str| {
        let desired = super::lab::desired(text).unwrap();
        let observed = daemon.engine.observe(&desired.site).await.unwrap();
        let asked = BTreeMap::from([(id("api"), Seconds(600))]);
        let request = Request {
            power: super::super::suspended(&asked),
            selection: super::super::only(&asked),
            ..Request::default()
        };
        let plan = crate::plan::plan(&desired, &observed, &request).unwrap();
        let verbs = plan.steps.iter().map(|step| step.action.verb());
        verbs.map(str::to_owned).collect::<Vec<_>>()
    };
    let now = idle(&["api"]);
    assert_eq!(plan(&now).await, ["record", "stop"]);
    for later in [
        now.replace("power: auto", "power: on"),
        now.replace("10m", "11m"),
        now.replace("10m", "0s"),
        now.replace("spec:\n  defaults", "spec:\n  suspend: true\n  defaults"),
        now.replace("  owner: alice", "  suspend: true\n  owner: alice"),
    ] {
        assert_eq!(plan(&later).await, [""; 0], "{later}");
    }
    // A change that waits goes on waiting.
    let changed = now.replace("localhost/a:1", "localhost/b:1");
    assert_eq!(plan(&changed).await, ["record", "stop"]);
    let removed = commit(&[]).replace("power: on}", "power: auto, idleTimeout: 10m}");
    assert_ne!(plan(&removed).await, ["record", "stop"]);
}

#[tokio::test(start_paused = true)]
async fn where_it_was_not_asked_for_nobody_is_suspended() {
    for text in [
        commit(&["api"]).replace("power: on}", "power: on, idleTimeout: 10m}"),
        commit(&["api"]).replace("power: on}", "power: auto}"),
        commit(&["api"]).replace("power: on}", "power: auto, idleTimeout: 0s}"),
    ] {
        let mut daemon = began(text.clone());
        daemon.applied("0").await;
        tokio::time::sleep(120 * MINUTE).await;
        assert!(daemon.runs("api"), "{text}");
    }
    // What is to be left alone is left alone.
    let mut daemon = began(idle(&["api"]));
    daemon.applied("0").await;
    daemon
        .push(idle(&["api"]).replace("spec:\n  defaults", "spec:\n  suspend: true\n  defaults"))
        .await;
    daemon.until(|s| s.declared.as_deref() == Some("1")).await;
    tokio::time::sleep(120 * MINUTE).await;
    assert!(daemon.runs("api"));
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_is_paused_suspends_nobody_until_it_acts_again() {
    let mut daemon = began(idle(&["api"]));
    daemon.applied("0").await;
    daemon.send(Trigger::Pause(true)).await;
    tokio::time::sleep(30 * MINUTE).await;
    let status = daemon.until(|s| s.phase == Phase::Idle).await;
    assert!(daemon.runs("api") && status.converged, "{status:#?}");
    daemon.send(Trigger::Pause(false)).await;
    suspended(&mut daemon, "api").await;
}

#[tokio::test(start_paused = true)]
async fn nobody_who_is_idle_waits_for_a_window() {
    // It opens on Sundays; the lab begins on a Monday.
    let window = "  maintenance: {windows: [{days: [sun], from: '01:00', to: '02:00'}]}\n";
    let text = idle(&["api"]).replace("  policy:", &format!("{window}  policy:"));
    let mut daemon = began(text);
    daemon.applied("0").await;
    suspended(&mut daemon, "api").await;
}
