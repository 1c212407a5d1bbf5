//! Whatever has happened, in whatever order: once the repository, the engine and the daemon are well, what is declared is
//! there, nothing else is, and no data is lost. `PROPTEST_CASES` sets how many histories are tried.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::super::*;
use super::lab::{Commits, Running, commit, engine, start};
use crate::audit::User;
use crate::engine::simulated::{Fault, Meddling, Mishap, Moment};
use crate::model::{Kind, ObjectId};

const NAMES: [&str; 4] = ["api", "db", "docs", "web"];
/// The engine calls that faults happen at.
const CALLS: [&str; 6] = [
    "observe",
    "create_container",
    "create_pod",
    "create_volume",
    "start",
    "remove",
];

/// Something that happens.
#[derive(Clone, Debug)]
enum Move {
    Commit(Vec<&'static str>),
    BrokenCommit,
    UnreadableCommit,
    RepositoryGone(bool),
    Removed(Kind, &'static str),
    Stopped(&'static str),
    Reboot,
    Fault {
        call: &'static str,
        at: u64,
        what: Mishap,
    },
    Event,
    Asked(Trigger),
    Passes(u64),
    Restarted,
    Killed,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let name = || prop::sample::select(&NAMES[..]);
    let kinds = vec![Kind::Container, Kind::Pod, Kind::Network];
    let mishaps = vec![Mishap::Fail, Mishap::Hang, Mishap::Unreachable];
    let asked = vec![Trigger::Sync, Trigger::Pause(true), Trigger::Pause(false)];
    let one = prop_oneof![
        5 => subsequence(NAMES.to_vec(), 1..=4).prop_map(Move::Commit),
        1 => Just(Move::BrokenCommit),
        1 => Just(Move::UnreadableCommit),
        1 => any::<bool>().prop_map(Move::RepositoryGone),
        3 => (prop::sample::select(kinds), name()).prop_map(|(kind, name)| Move::Removed(kind, name)),
        3 => name().prop_map(Move::Stopped),
        1 => Just(Move::Reboot),
        3 => (prop::sample::select(&CALLS[..]), 1..4_u64, prop::sample::select(mishaps))
            .prop_map(|(call, at, what)| Move::Fault { call, at, what }),
        3 => Just(Move::Event),
        2 => prop::sample::select(asked).prop_map(Move::Asked),
        3 => (0..400_u64).prop_map(Move::Passes),
        1 => Just(Move::Restarted),
        1 => Just(Move::Killed),
    ];
    prop::collection::vec(one, 0..25)
}

/// The object of a workspace, where it is there.
fn object(daemon: &Running, kind: Kind, name: &str) -> Option<ObjectId> {
    let state = daemon.engine.state().unwrap();
    let stem = format!("lab.alice.{name}");
    let names: Vec<&String> = match kind {
        Kind::Container => state.containers.keys().collect(),
        Kind::Pod => state.pods.keys().collect(),
        Kind::Network => state.networks.keys().collect(),
        Kind::Volume | Kind::Image => Vec::new(),
    };
    let found = names.into_iter().find(|found| found.starts_with(&stem));
    found.map(|found| ObjectId::new(kind, found.clone()))
}

async fn happen(daemon: &mut Running, what: Move) {
    match what {
        Move::Commit(names) => daemon.push(commit(&names)).await,
        Move::BrokenCommit => daemon.push("kind: [".to_owned()).await,
        Move::UnreadableCommit => daemon.push("kind: [fetched".to_owned()).await,
        Move::RepositoryGone(is) => {
            daemon.commits.with(|(_, gone)| *gone = is);
            daemon.send(Trigger::Commit).await;
        }
        Move::Removed(kind, name) => {
            if let Some(object) = object(daemon, kind, name) {
                daemon.engine.meddle(&Meddling::Remove(object)).unwrap();
            }
        }
        Move::Stopped(name) => {
            if let Some(object) = object(daemon, Kind::Container, name) {
                daemon.engine.meddle(&Meddling::Stop(object)).unwrap();
            }
        }
        Move::Reboot => daemon.engine.meddle(&Meddling::Reboot).unwrap(),
        Move::Fault { call, at, what } => {
            let fault = Fault {
                at,
                ..Fault::new(call, Moment::Before, what)
            };
            daemon.engine.edit(|state| state.faults.push(fault)).unwrap();
        }
        Move::Event => daemon.send(Trigger::Engine).await,
        Move::Asked(trigger) => daemon.send(trigger).await,
        Move::Passes(seconds) => tokio::time::advance(Duration::from_secs(seconds)).await,
        Move::Restarted => {
            daemon.send(Trigger::Stop).await;
            let next = start(daemon.commits.clone(), daemon.engine.clone());
            let before = std::mem::replace(daemon, next);
            before.ended.await.unwrap();
        }
        Move::Killed => {
            daemon.ended.abort();
            *daemon = start(daemon.commits.clone(), daemon.engine.clone());
        }
    }
    // So that what happens next may find it anywhere in its work.
    tokio::task::yield_now().await;
}

/// Everything is well again, and one more commit comes.
async fn end(mut daemon: Running) {
    daemon.engine.edit(|state| state.faults.clear()).unwrap();
    daemon.commits.with(|(_, gone)| *gone = false);
    daemon.send(Trigger::Pause(false)).await;
    daemon.push(commit(&["api", "web"])).await;
    let last = daemon.commits.with(|(all, _)| all.len() - 1).to_string();
    loop {
        let status = daemon
            .until(|s| s.declared.as_ref() == Some(&last) && (s.converged || s.digest.is_some()))
            .await;
        match status.digest {
            None => break,
            // Whoever removes so many workspaces is asked.
            Some(digest) => {
                let approve = Trigger::Approve(digest.clone(), User::default());
                daemon.send(approve).await;
                daemon.until(|s| s.digest.as_ref() != Some(&digest)).await;
            }
        }
    }
    daemon.applied(&last).await;
    assert_eq!(
        daemon.containers(),
        ["lab.alice.api.tools", "lab.alice.web.tools"]
    );
    assert!(daemon.runs("api") && daemon.runs("web"));
    let state = daemon.engine.state().unwrap();
    assert_eq!(
        (state.pods.len(), state.networks.len()),
        (2, 2),
        "nothing is left over"
    );
    let with_data: BTreeSet<&str> = state
        .volumes
        .keys()
        .filter_map(|name| name.split('.').nth(2))
        .collect();
    let ever: BTreeSet<&str> = daemon.commits.with(|(all, _)| {
        let declares = |name: &&str| all.iter().any(|text| text.contains(&format!("{{name: {name}}}")));
        NAMES.into_iter().filter(declares).collect()
    });
    assert!(with_data.is_subset(&ever));
    assert!(with_data.is_superset(&BTreeSet::from(["api", "web"])));
    daemon.send(Trigger::Stop).await;
    daemon.ended.await.unwrap();
}

/// The volumes that there are: once made, none ever goes.
fn volumes(daemon: &Running) -> BTreeSet<String> {
    let state = daemon.engine.state().unwrap();
    let is_data = |name: &&String| !name.ends_with(".mark");
    state.volumes.keys().filter(is_data).cloned().collect()
}

proptest! {
    #[test]
    fn every_history_ends_as_declared(moves in moves()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let commits = Commits::default();
            commits.with(|(all, _)| all.push(commit(&["api"])));
            let mut daemon = start(commits, engine());
            let mut known = BTreeSet::new();
            for what in moves {
                happen(&mut daemon, what).await;
                let now = volumes(&daemon);
                assert!(now.is_superset(&known), "{known:?} became {now:?}");
                known = now;
            }
            end(daemon).await;
        });
    }
}
