//! Room on the machine: who has to wait for it, in which order, and how the order is read off a repository.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test with files

#[path = "support/repository.rs"]
mod repository;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use repository::{desired, engine, workspace};
use wharf::apply::{Options, Unobserved, apply, cancellation};
use wharf::engine::Engine as _;
use wharf::engine::simulated::{Meddling, Simulated};
use wharf::model::{DesiredState, Kind, ObjectId, WorkspaceId};
use wharf::plan::{Plan, Request, plan, room};
use wharf::source;

const MIB: u64 = 1 << 20;

/// An engine on a machine with that much memory. The workspaces here are promised 256 MiB, those of the full devfile 384.
fn machine(mebibytes: u64) -> Simulated {
    let engine = engine();
    engine.edit(|state| state.memory = Some(mebibytes * MIB)).unwrap();
    engine
}

fn declared(names: &[&str]) -> DesiredState {
    let one = |name: &&str| workspace(&format!("alice/{name}"), "small", "");
    desired(&names.iter().map(one).collect::<Vec<_>>())
}

fn id(name: &str) -> WorkspaceId {
    format!("alice/{name}").parse().unwrap()
}

async fn planned(engine: &Simulated, desired: &DesiredState, ages: &[(&str, usize)]) -> Plan {
    let observed = engine.observe(&desired.site).await.unwrap();
    let request = Request {
        ages: ages.iter().map(|(name, age)| (id(name), *age)).collect(),
        ..Request::default()
    };
    plan(desired, &observed, &request).unwrap()
}

async fn applied(engine: &Simulated, desired: &DesiredState, ages: &[(&str, usize)]) -> Plan {
    let plan = planned(engine, desired, ages).await;
    let (_canceller, cancelled) = cancellation();
    let report = apply(engine, &plan, &Options::default(), &Unobserved, cancelled).await;
    assert_eq!(report.counts().failed, 0, "{report:?}");
    plan
}

/// Who waits, with the reasons.
fn waiting(plan: &Plan) -> BTreeMap<String, String> {
    let one = |b: &wharf::plan::Blocked| {
        assert!(b.approve.is_none() && b.reason.starts_with(room::WAITS));
        assert!(plan.steps.iter().all(|step| step.workspace != b.workspace));
        (b.workspace.name.to_string(), b.reason.clone())
    };
    plan.blocked.iter().map(one).collect()
}

fn names(plan: &Plan) -> Vec<String> {
    waiting(plan).into_keys().collect()
}

#[tokio::test]
async fn what_fits_runs_and_the_rest_waits_in_the_order_of_its_commits() {
    let engine = machine(550);
    let all = declared(&["a", "b", "c", "d"]);
    let ages = [("a", 1), ("b", 4), ("c", 9), ("d", 2)];
    let first = applied(&engine, &all, &ages).await;
    assert_eq!(names(&first), ["a", "d"], "the oldest two run");
    assert_eq!(
        waiting(&first)["a"],
        "waits for room: 512Mi of 550Mi of memory are promised, and it needs 256Mi"
    );
    let again = planned(&engine, &all, &[("a", 99), ("d", 99)]).await;
    assert_eq!(
        names(&again),
        ["a", "d"],
        "nothing that runs is stopped for anybody"
    );
    assert!(again.steps.is_empty());
    let fewer = declared(&["a", "b", "d"]);
    let freeing = applied(&engine, &fewer, &ages).await;
    assert_eq!(names(&freeing), ["a", "d"], "the room is not free before it is");
    let next = applied(&engine, &fewer, &ages).await;
    assert_eq!(names(&next), ["a"]);
}

#[tokio::test]
async fn who_needs_more_than_there_is_holds_up_nobody() {
    let engine = machine(300);
    let desired = desired(&[
        workspace("alice/big", "full", ""),
        workspace("alice/little", "small", ""),
    ]);
    let plan = applied(&engine, &desired, &[("big", 9), ("little", 1)]).await;
    assert_eq!(
        waiting(&plan).into_iter().collect::<Vec<_>>(),
        [(
            "big".to_owned(),
            "waits for room: it needs 384Mi of memory, and 300Mi may be promised here altogether".to_owned()
        )]
    );
}

#[tokio::test]
async fn nobody_overtakes_who_waits() {
    let engine = machine(800);
    let all = |names: &[(&str, &str)]| {
        let one = |(name, devfile): &(&str, &str)| workspace(&format!("alice/{name}"), devfile, "");
        desired(&names.iter().map(one).collect::<Vec<_>>())
    };
    let both = [("a", "small"), ("b", "small")];
    assert_eq!(names(&applied(&engine, &all(&both), &[]).await), [""; 0]);
    let more = all(&[both[0], both[1], ("big", "full"), ("late", "small")]);
    let plan = planned(&engine, &more, &[("big", 2), ("late", 1)]).await;
    assert_eq!(names(&plan), ["big", "late"]);
}

#[tokio::test]
async fn a_site_may_promise_more_than_there_is() {
    let engine = machine(300);
    let mut all = declared(&["a", "b", "c"]);
    all.promised_memory = 200;
    assert_eq!(names(&applied(&engine, &all, &[]).await), ["c"]);
}

#[tokio::test]
async fn a_machine_that_does_not_say_how_much_it_has_turns_nobody_away() {
    let engine = engine();
    let all = declared(&["a", "b", "c"]);
    assert_eq!(names(&applied(&engine, &all, &[]).await), [""; 0]);
}

#[tokio::test]
async fn what_runs_is_repaired_and_after_a_reboot_all_comes_back() {
    let engine = machine(550);
    let all = declared(&["a", "b", "c"]);
    assert_eq!(names(&applied(&engine, &all, &[]).await), ["c"]);
    let container = ObjectId::new(Kind::Container, "lab.alice.b.tools");
    engine.meddle(&Meddling::Remove(container)).unwrap();
    let repair = applied(&engine, &all, &[("c", 9)]).await;
    assert_eq!(names(&repair), ["c"], "its pod is up, and it keeps its room");
    assert!(!repair.steps.is_empty());
    engine.meddle(&Meddling::Reboot).unwrap();
    let back = applied(&engine, &all, &[]).await;
    assert_eq!(names(&back), ["c"]);
}

fn git(dir: &Path, args: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
    let status = Command::new("git")
        .args(identity)
        .args(args)
        .current_dir(dir)
        .status()
        .unwrap();
    assert!(status.success(), "git {args:?}");
}

fn commit(dir: &Path, path: &str, text: &str) {
    std::fs::write(dir.join(path), text).unwrap();
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-q", "-m", path]);
}

#[test]
fn a_workspace_is_as_old_as_its_place_in_the_file_that_declares_it() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    git(dir, &["init", "-q"]);
    let one = |name: &str, more: &str| {
        format!("kind: Workspace\nmetadata: {{name: {name}}}\nspec: {{owner: alice{more}}}\n---\n")
    };
    commit(dir, "a.yaml", &one("first", ""));
    commit(dir, "b.yaml", &one("third", ""));
    commit(dir, "a.yaml", &(one("first", "") + &one("second", "")));
    commit(
        dir,
        "a.yaml",
        &(one("first", ", class: big") + &one("second", "")),
    );
    std::fs::write(dir.join("c.yaml"), one("new", "")).unwrap();
    let places = [
        ("first", "a.yaml"),
        ("second", "a.yaml"),
        ("third", "b.yaml"),
        ("new", "c.yaml"),
    ];
    let places = places.map(|(name, path)| (id(name), path)).into();
    let ages = source::ages(dir, "HEAD", &places);
    let expected = [("first", 4), ("second", 2), ("third", 3)];
    assert_eq!(ages, expected.map(|(name, age)| (id(name), age)).into());
    assert!(source::ages(&dir.join("nowhere"), "HEAD", &places).is_empty());
}
