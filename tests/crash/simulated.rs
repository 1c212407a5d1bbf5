//! At every call of the simulated engine, which keeps its objects in a file that outlives the process.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use tempfile::TempDir;
use wharf::engine::simulated::{Fault, Mishap, Moment, Simulated, State, Volume};

use crate::repository::{files, shape, supply, workspace};
use crate::{apply, output, recover, was_killed, words, write};

/// A site that is as declared, and a repository that declares something else.
struct Transition {
    name: &'static str,
    directory: TempDir,
    before: State,
    /// What the engine holds when the change is made without a kill.
    after: Vec<String>,
    calls: u64,
}

impl Transition {
    fn new(name: &'static str, before: &[String], after: &[String]) -> Self {
        Self::beside(name, |_| {}, before, after)
    }

    /// On an engine that holds something else beforehand.
    fn beside(
        name: &'static str,
        others: impl FnOnce(&mut State),
        before: &[String],
        after: &[String],
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut transition = Self {
            name,
            directory,
            before: State::default(),
            after: Vec::new(),
            calls: 0,
        };
        supply(&mut transition.before);
        others(&mut transition.before);
        if !before.is_empty() {
            write(&transition.repository(), &files(before));
            transition.before = transition.run("before", |_| {}).state().unwrap();
        }
        write(&transition.repository(), &files(after));
        let changed = transition.run("after", |_| {}).state().unwrap();
        transition.calls = (changed.calls.len() - transition.before.calls.len()) as u64;
        transition.after = shape(&changed);
        transition
    }

    fn repository(&self) -> PathBuf {
        self.directory.path().join("repository")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.json"))
    }

    /// An engine of its own that holds what was there before.
    fn engine(&self, name: &str, change: impl FnOnce(&mut State)) -> Simulated {
        let engine = Simulated::open(&self.file(name)).unwrap();
        engine
            .edit(|state| {
                *state = self.before.clone();
                change(state);
            })
            .unwrap();
        engine
    }

    /// An apply that nobody kills.
    fn run(&self, name: &str, change: impl FnOnce(&mut State)) -> Simulated {
        let engine = self.engine(name, change);
        let done = output(apply(Some(&self.file(name)), &self.repository()));
        assert!(done.status.success(), "{}: {}", self.name, words(&done));
        engine
    }

    fn kill_at(&self, at: u64, when: Moment) {
        let place = format!("{}, killed {when:?} call {at}", self.name);
        let name = format!("{at}-{when:?}");
        let engine = self.engine(&name, |state| {
            state.faults.push(Fault::at(at, when, Mishap::Kill))
        });
        let killed = output(apply(Some(&self.file(&name)), &self.repository()));
        assert!(was_killed(&killed), "{place}: {}", words(&killed));
        recover(Some(&self.file(&name)), &self.repository(), &place);
        let state = engine.state().unwrap();
        assert_eq!(shape(&state), self.after, "{place}");
        assert_eq!(state.misuse, [""; 0], "{place}");
        std::fs::remove_file(self.file(&name)).unwrap();
    }

    /// Kills at every call, at each of its moments.
    fn kill_everywhere(&self) {
        assert!(self.calls > 0, "{} changes something", self.name);
        let next = AtomicU64::new(1);
        let worker = || loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at > self.calls {
                return;
            }
            for when in [Moment::Before, Moment::Halfway, Moment::After] {
                self.kill_at(at, when);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(worker);
            }
        });
    }
}

fn api(spec: &str) -> String {
    workspace("alice/api", "full", spec)
}

fn web(spec: &str) -> String {
    workspace("bob/web", "small", spec)
}

#[test]
fn a_first_apply_survives_a_kill_at_any_call() {
    Transition::new("first apply", &[], &[api(""), web("")]).kill_everywhere();
}

#[test]
fn a_replacement_and_a_resize_survive_a_kill_at_any_call() {
    let after = [api("env: {EDITOR: vi}"), web("class: big")];
    Transition::new("replacement", &[api(""), web("")], &after).kill_everywhere();
}

#[test]
fn a_removal_survives_a_kill_at_any_call() {
    Transition::new("removal", &[api(""), web("")], &[web("")]).kill_everywhere();
}

#[test]
fn a_move_survives_a_kill_at_any_call() {
    let moved = workspace("bob/own", "full", "movedFrom: alice/api");
    Transition::new("move", &[api(""), web("")], &[moved, web("")]).kill_everywhere();
}

#[test]
fn an_adoption_survives_a_kill_at_any_call() {
    let others = |state: &mut State| {
        for name in ["old_home", "old_data"] {
            let volume: Volume =
                serde_json::from_value(json!({"id": name, "files": {"kept": name}})).unwrap();
            state.volumes.insert(name.to_owned(), volume);
        }
    };
    let adopts = "adopt: [{volume: old_home, as: home}, {volume: old_data, as: data/data}]";
    let after = [api(adopts), web("")];
    Transition::beside("adoption", others, &[web("")], &after).kill_everywhere();
}

#[test]
fn turning_off_and_on_survives_a_kill_at_any_call() {
    Transition::new("off", &[api(""), web("")], &[api("power: off"), web("")]).kill_everywhere();
    Transition::new("on", &[api("power: off"), web("")], &[api(""), web("")]).kill_everywhere();
}
