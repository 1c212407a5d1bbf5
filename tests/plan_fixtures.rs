//! Every folder of `fixtures/plan/` is a case: `before/` is applied to a simulated engine that holds nothing but the volumes
//! of others in `others.json`, a person stops what `stopped.json` lists, `meddling.json` is done behind wharf's back, and the
//! plan for `after/` must be `plan.txt`, at the moment that `moment.txt` says, where it is there. Where nothing is blocked,
//! applying it must leave nothing to do; in any case nothing that could be done. Adding a case is adding a folder;
//! `UPDATE_FIXTURES=1` rewrites the plans.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test may panic and reach out

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wharf::apply::{self, Options, Unobserved, cancellation};
use wharf::devfile::Imports;
use wharf::document::Diagnostics;
use wharf::engine::Engine as _;
use wharf::engine::simulated::{Meddling, Simulated};
use wharf::lock::Lock;
use wharf::model::{DesiredState, EngineId, Kind, ObjectId, OnRemove, Seconds, WorkspaceId};
use wharf::plan::{Asked, Hold, Plan, Request, Revision, display, plan};
use wharf::source::{self, Source};

#[path = "support/place.rs"]
mod place;

use place::root;

fn desired(dir: &Path) -> DesiredState {
    let mut loaded = source::load(dir, &Source::WorkingTree).unwrap();
    let manifests = wharf::manifest::load(&loaded.files);
    let mut diagnostics: Diagnostics = manifests.diagnostics.clone();
    let (workspaces, found) = wharf::resolve::read(&manifests, &Imports::none());
    diagnostics.extend(found);
    let workspaces = workspaces.unwrap_or_else(|| panic!("{}: {diagnostics:?}", dir.display()));
    source::load_contexts(
        dir,
        &Source::WorkingTree,
        &workspaces.contexts(),
        &mut loaded.files,
    )
    .unwrap();
    let (state, found) = workspaces.resolve(&loaded.files, &Lock::default());
    diagnostics.extend(found);
    assert!(!diagnostics.has_errors(), "{}: {diagnostics:?}", dir.display());
    state
}

async fn planned(
    engine: &Simulated,
    desired: &DesiredState,
    (removed, moment): (&BTreeMap<WorkspaceId, OnRemove>, Option<i64>),
    power: BTreeMap<WorkspaceId, Asked>,
) -> Plan {
    let observed = engine.observe(&desired.site).await.unwrap();
    let revision = Revision {
        commit: Some("c0ffee".repeat(6) + "cafe"),
        dirty: false,
    };
    let request = Request {
        revision,
        removed: removed.clone(),
        moment,
        power,
        ..Request::default()
    };
    plan(desired, &observed, &request).unwrap()
}

async fn applied(engine: &Simulated, plan: &Plan) {
    let (_canceller, cancellation) = cancellation();
    let report = apply::apply(engine, plan, &Options::default(), &Unobserved, cancellation).await;
    assert!(report.failures().next().is_none(), "{report:?}");
    assert_eq!(engine.state().unwrap().misuse, Vec::<String>::new());
}

async fn case(folder: &Path) -> String {
    let engine = Simulated::in_memory();
    engine
        .edit(|state| {
            state
                .images
                .insert("localhost/base:1".to_owned(), EngineId("base".to_owned()));
            state.pullable.insert("registry.example.org/tools:2".to_owned());
        })
        .unwrap();
    if let Ok(text) = std::fs::read_to_string(folder.join("others.json")) {
        let names: Vec<String> = serde_json::from_str(&text).unwrap();
        for name in names {
            let volume = ObjectId::new(Kind::Volume, name);
            engine.meddle(&Meddling::AddForeign(volume)).unwrap();
        }
    }
    let before = folder.join("before");
    let mut removed = BTreeMap::new();
    if before.is_dir() {
        let before = desired(&before);
        let first = planned(&engine, &before, (&removed, None), BTreeMap::new()).await;
        applied(&engine, &first).await;
        let second = planned(&engine, &before, (&removed, None), BTreeMap::new()).await;
        assert!(
            second.is_converged(),
            "{}: {}",
            folder.display(),
            display::human(&second, display::Look::default())
        );
        if let Ok(text) = std::fs::read_to_string(folder.join("stopped.json")) {
            let ids: Vec<WorkspaceId> = serde_json::from_str(&text).unwrap();
            let power = ids.into_iter().map(|id| (id, Asked::Stop)).collect();
            let stop = planned(&engine, &before, (&removed, None), power).await;
            applied(&engine, &stop).await;
        }
        removed = before
            .workspaces
            .iter()
            .map(|(id, w)| (id.clone(), w.on_remove))
            .collect();
    }
    if let Ok(text) = std::fs::read_to_string(folder.join("meddling.json")) {
        let meddling: Vec<Meddling> = serde_json::from_str(&text).unwrap();
        for act in meddling {
            engine.meddle(&act).unwrap();
        }
    }
    let moment = std::fs::read_to_string(folder.join("moment.txt")).ok();
    let moment = moment.map(|text| text.trim().parse::<jiff::Timestamp>().unwrap().as_second());
    let after = desired(&folder.join("after"));
    let idle = std::fs::read_to_string(folder.join("idle.json")).ok();
    let idle: Vec<WorkspaceId> = idle.map_or_else(Vec::new, |text| serde_json::from_str(&text).unwrap());
    let idle = idle.into_iter().map(|id| (id, Asked::Suspend(Seconds(1800))));
    let plan = planned(&engine, &after, (&removed, moment), idle.collect()).await;
    let text = display::human(
        &plan,
        display::Look {
            colour: false,
            width: 110,
        },
    );
    let steps: String = plan
        .steps
        .iter()
        .enumerate()
        .map(|(n, step)| format!("{n}. {step} (after {:?})\n", step.after))
        .collect();
    let only_waits = |hold| !matches!(hold, Hold::Conflict | Hold::Approval);
    if plan.blocked.iter().all(|blocked| only_waits(blocked.hold)) {
        let mutations = engine.calls().unwrap().len();
        applied(&engine, &plan).await;
        let again = planned(&engine, &after, (&removed, moment), BTreeMap::new()).await;
        assert!(
            again.steps.is_empty() && again.blocked == plan.blocked,
            "{}: {}",
            folder.display(),
            display::human(&again, display::Look::default())
        );
        assert_eq!(engine.calls().unwrap().len() == mutations, plan.steps.is_empty());
    }
    format!("{text}\n{steps}")
}

#[tokio::test]
async fn plans_are_as_their_fixtures_say() {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root().join("fixtures/plan"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(!folders.is_empty());
    let mut wrong = Vec::new();
    for folder in folders {
        let text = case(&folder).await;
        let golden = folder.join("plan.txt");
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            std::fs::write(&golden, &text).unwrap();
        }
        if std::fs::read_to_string(&golden).unwrap_or_default() != text {
            wrong.push(format!("{}:\n{text}", folder.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
