//! What waits because the repository says so.

use std::time::Duration;

use super::super::*;
use super::lab::{Commits, Running, commit, engine, fails, start, started};
use crate::plan::Hold;

/// The lab begins on a Monday at 00:00, and somebody may be interrupted from half past on.
const WINDOW: &str = "maintenance: {windows: [{days: [mon], from: 00:30, to: 00:31}]}";

/// A commit whose Site says that as well.
fn site(says: &str, workspaces: &[&str]) -> String {
    let text = commit(workspaces);
    text.replacen("spec:\n  defaults", &format!("spec:\n  {says}\n  defaults"), 1)
}

/// The same with other containers.
fn changed(text: &str) -> String {
    text.replace(
        "image: 'localhost/a:1'",
        "image: 'localhost/a:1', env: [{name: A, value: b}]",
    )
}

fn held(status: &Status) -> Vec<(String, Hold)> {
    let held = status.blocked.iter().map(|b| (b.workspace.to_string(), b.hold));
    held.collect()
}

fn first(text: String) -> Running {
    let commits = Commits::default();
    commits.with(|(all, _)| all.push(text));
    start(commits, engine())
}

/// Looks once more; what it finds then.
async fn looked(daemon: &mut Running) -> Status {
    let before = daemon.until(|s| s.phase == Phase::Idle).await.rounds;
    daemon.send(Trigger::Sync).await;
    daemon
        .until(|s| s.rounds > before && s.phase == Phase::Idle)
        .await
}

#[tokio::test(start_paused = true)]
async fn what_is_suspended_is_reported_and_left_as_it_is() {
    let mut daemon = started(&["api"]);
    daemon.applied("0").await;
    daemon.push(site("suspend: true", &["api", "web"])).await;
    daemon.kill("api");
    let status = daemon.until(|s| s.applied.as_deref() == Some("1")).await;
    assert!(!status.converged && status.digest.is_none(), "{status:#?}");
    let expected = ["alice/api", "alice/web"].map(|id| (id.to_owned(), Hold::Suspended));
    assert_eq!(held(&status), expected);
    assert!(!daemon.runs("api") && daemon.containers().len() == 1);
    daemon.push(site("suspend: false", &["api", "web"])).await;
    daemon.applied("2").await;
    assert!(daemon.runs("api") && daemon.runs("web"));
}

#[tokio::test(start_paused = true)]
async fn drift_that_is_only_reported_stays_and_holds_no_commit_up() {
    let mut daemon = first(site("drift: report", &["api"]));
    daemon.applied("0").await;
    daemon.kill("api");
    let status = looked(&mut daemon).await;
    assert_eq!(held(&status), [("alice/api".to_owned(), Hold::Drift)]);
    assert!(!daemon.runs("api") && !status.converged);
    daemon.push(site("drift: report", &["api", "web"])).await;
    let status = daemon.until(|s| s.applied.as_deref() == Some("1")).await;
    assert!(daemon.runs("web") && !daemon.runs("api"), "{status:#?}");
    daemon.push(changed(&site("drift: report", &["api"]))).await;
    daemon.applied("2").await;
    assert!(
        daemon.runs("api"),
        "a commit's change of the same container is made"
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_drift_is_still_known() {
    let mut before = first(site("drift: report", &["api"]));
    before.applied("0").await;
    before.send(Trigger::Stop).await;
    let (commits, engine) = (before.commits.clone(), before.engine.clone());
    before.ended.await.unwrap();
    let mut daemon = start(commits, engine);
    daemon.kill("api");
    let status = looked(&mut daemon).await;
    assert_eq!(held(&status), [("alice/api".to_owned(), Hold::Drift)]);
    assert!(!daemon.runs("api"));
}

#[tokio::test(start_paused = true)]
async fn an_apply_that_failed_is_tried_again_although_drift_is_only_reported() {
    let engine = engine();
    engine.edit(|state| state.faults = fails("api", 2)).unwrap();
    let commits = Commits::default();
    commits.with(|(all, _)| all.push(site("drift: report", &["api"])));
    let mut daemon = start(commits, engine);
    daemon.applied("0").await;
    assert!(daemon.runs("api"));
}

#[tokio::test(start_paused = true)]
async fn what_interrupts_somebody_waits_for_its_window_and_a_repair_does_not() {
    let mut daemon = first(site(WINDOW, &["api", "web"]));
    daemon.applied("0").await;
    let since = Instant::now();
    daemon.push(changed(&site(WINDOW, &["api"])) + &web()).await;
    let status = daemon
        .until(|s| !s.blocked.is_empty() && s.phase == Phase::Idle)
        .await;
    assert_eq!(held(&status), [("alice/api".to_owned(), Hold::Window)]);
    let until = status.blocked[0].until.unwrap();
    assert_eq!(until % 86_400, 30 * 60);
    assert_eq!(status.applied.as_deref(), Some("0"), "it is not applied yet");
    daemon.kill("web");
    daemon.send(Trigger::Engine).await;
    daemon
        .until(|s| s.steps.done > status.steps.done && s.phase == Phase::Idle)
        .await;
    assert!(daemon.runs("web") && since.elapsed() < Duration::from_secs(5));
    daemon.applied("1").await;
    let waited = since.elapsed().as_secs();
    assert!((30 * 60 - 2..30 * 60 + 2).contains(&waited), "{waited}");
}

/// The manifest of the workspace `web`.
fn web() -> String {
    let all = commit(&["web"]);
    let place = all.rfind("---\n").unwrap();
    all[place..].to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_person_can_ask_not_to_wait() {
    let mut daemon = first(site(WINDOW, &["api"]));
    daemon.applied("0").await;
    let since = Instant::now();
    daemon.push(changed(&site(WINDOW, &["api"]))).await;
    daemon
        .until(|s| !s.blocked.is_empty() && s.phase == Phase::Idle)
        .await;
    daemon.send(Trigger::Sync).await;
    let status = looked(&mut daemon).await;
    assert!(!status.blocked.is_empty(), "a look alone changes nothing");
    daemon.send(Trigger::Now).await;
    daemon.applied("1").await;
    assert!(since.elapsed() < Duration::from_secs(5));
    daemon.push(site(WINDOW, &["api"])).await;
    let status = daemon
        .until(|s| s.declared.as_deref() == Some("2") && s.phase == Phase::Idle)
        .await;
    assert_eq!(
        held(&status),
        [("alice/api".to_owned(), Hold::Window)],
        "asked once, not for good"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_window_is_too_short_for_is_finished_after_it_and_nothing_more_is_begun() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut daemon = first(site(WINDOW, &names));
    daemon.applied("0").await;
    daemon.engine.edit(|state| state.latency_millis = 25_000).unwrap();
    daemon.push(changed(&site(WINDOW, &names))).await;
    let opens = daemon.until(|s| s.blocked.len() == names.len()).await.blocked[0].until;
    let status = daemon
        .until(|s| {
            s.steps.done > 0
                && s.steps.failed == 0
                && s.phase == Phase::Idle
                && s.blocked.first().is_some_and(|b| b.until > opens)
                && s.left.len() == s.blocked.len()
        })
        .await;
    assert!((1..names.len()).contains(&status.blocked.len()), "{status:#?}");
    assert!(
        names.iter().all(|name| daemon.runs(name)),
        "none is left half done"
    );
}
