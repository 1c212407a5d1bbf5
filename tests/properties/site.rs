//! A site on a simulated engine: planned and applied as the command line does it.

use std::collections::{BTreeMap, BTreeSet};

use wharf::apply::{ApplyReport, Cancellation, Options, Unobserved, apply};
use wharf::engine::Engine;
use wharf::engine::simulated::{Fault, Meddling, Mishap, Moment, Simulated, State};
use wharf::model::{
    DesiredState, EngineId, Kind, Labels, ObjectId, ObservedState, OnRemove, WorkspaceId, labels,
};
use wharf::plan::{Approval, Plan, Request, plan};

use crate::repository::{IMAGES, adoptable};

pub(crate) struct Site {
    pub(crate) engine: Simulated,
    runtime: tokio::runtime::Runtime,
}

/// What a plan is asked for beside the desired state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) removed: BTreeMap<WorkspaceId, OnRemove>,
    /// Whether a person approves of whatever the plan asks for.
    pub(crate) approves: bool,
    /// Whether a person asks for drift to be repaired.
    pub(crate) repair: bool,
    /// When it is.
    pub(crate) moment: Option<i64>,
}

impl Site {
    pub(crate) fn new() -> Self {
        let engine = Simulated::in_memory();
        let images = IMAGES.map(|name| (name.to_owned(), EngineId(format!("id of {name}"))));
        engine.edit(|state| state.images.extend(images)).unwrap();
        for volume in adoptable() {
            let volume = ObjectId::new(Kind::Volume, volume);
            engine.meddle(&Meddling::AddForeign(volume)).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.unwrap();
        Self { engine, runtime }
    }

    pub(crate) fn observe(&self, desired: &DesiredState) -> ObservedState {
        self.runtime.block_on(self.engine.observe(&desired.site)).unwrap()
    }

    /// The plan, made again with its own digest where a person approves.
    pub(crate) fn plan(&self, desired: &DesiredState, asked: &Asked) -> Plan {
        let observed = self.observe(desired);
        let mut request = Request {
            removed: asked.removed.clone(),
            repair: asked.repair,
            moment: asked.moment,
            ..Request::default()
        };
        let first = plan(desired, &observed, &request).unwrap();
        if !asked.approves {
            return first;
        }
        request.approval = Approval {
            deletions: Some(first.digest.clone()),
            data_loss: Some(first.digest.clone()),
        };
        let approved = plan(desired, &observed, &request).unwrap();
        assert_eq!(approved.digest, first.digest, "an approval changes no change");
        approved
    }

    pub(crate) fn apply(&self, plan: &Plan, parallelism: usize) -> ApplyReport {
        let options = Options { parallelism };
        let applied = apply(&self.engine, plan, &options, &Unobserved, Cancellation::never());
        let report = self.runtime.block_on(applied);
        assert_eq!(self.state().misuse, Vec::<String>::new());
        report
    }

    /// Plans and applies; the next plan has nothing to do.
    #[track_caller]
    pub(crate) fn converge(&self, desired: &DesiredState, asked: &Asked, parallelism: usize) {
        let plan = self.plan(desired, asked);
        let report = self.apply(&plan, parallelism);
        let failures: Vec<_> = report.failures().collect();
        assert!(failures.is_empty(), "{failures:#?}\n{}", brief(&plan));
        self.assert_converged(desired, asked);
    }

    #[track_caller]
    pub(crate) fn assert_converged(&self, desired: &DesiredState, asked: &Asked) {
        let next = self.plan(desired, asked);
        assert!(next.steps.is_empty(), "{}", brief(&next));
        assert!(!asked.approves || next.is_converged(), "{:#?}", next.blocked);
    }

    /// Lets everything fail from the call of this number on, as a killed process would leave it.
    pub(crate) fn crash_at(&self, number: u64, when: Moment) {
        let crash = Fault::at(number, when, Mishap::Unreachable);
        let mut gone = Fault::at(number + 1, Moment::Before, Mishap::Unreachable);
        gone.repeats = true;
        self.engine
            .edit(|state| state.faults = vec![crash, gone])
            .unwrap();
    }

    /// Ends the crash.
    pub(crate) fn recover(&self) {
        self.engine.edit(|state| state.faults.clear()).unwrap();
    }

    pub(crate) fn state(&self) -> State {
        self.engine.state().unwrap()
    }

    /// Writes a file into every volume that outlives its containers; returns what was written.
    pub(crate) fn write_data(&self) -> BTreeSet<String> {
        let write = |state: &mut State| {
            let data = state
                .volumes
                .iter_mut()
                .filter(|(name, v)| !v.spec.ephemeral && !name.ends_with(".mark"));
            data.map(|(name, volume)| {
                volume.files.insert("precious".to_owned(), name.clone());
                name.clone()
            })
            .collect()
        };
        self.engine.edit(write).unwrap()
    }

    /// The data that is in some volume.
    pub(crate) fn data(&self) -> BTreeSet<String> {
        let state = self.state();
        state
            .volumes
            .values()
            .filter_map(|v| v.files.get("precious").cloned())
            .collect()
    }
}

/// A plan in few lines, for messages.
pub(crate) fn brief(plan: &Plan) -> String {
    let changes = plan
        .changes
        .iter()
        .map(|c| format!("{:?} {}: {}", c.action, c.object, c.reason));
    let steps = plan.steps.iter().enumerate();
    let steps = steps.map(|(i, s)| format!("{i} {} {} after {:?}", s.action.verb(), s.object, s.after));
    changes.chain(steps).collect::<Vec<_>>().join("\n")
}

/// What matters of a state: neither ids nor times, nor what is recorded but never compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Essence {
    pub(crate) volumes: BTreeMap<String, (Labels, BTreeMap<String, String>)>,
    /// Networks, pods and containers, with whether they run and what is enforced.
    pub(crate) others: BTreeMap<ObjectId, (Labels, bool, String)>,
}

impl Essence {
    pub(crate) fn of(state: &State) -> Self {
        let volumes = state
            .volumes
            .iter()
            .map(|(n, v)| (n.clone(), (compared(&v.labels), v.files.clone())));
        let mut others = BTreeMap::new();
        for (name, network) in &state.networks {
            let what = (compared(&network.labels), false, String::new());
            others.insert(ObjectId::new(Kind::Network, name), what);
        }
        for (name, pod) in &state.pods {
            let what = (compared(&pod.labels), pod.infra.is_running(), String::new());
            others.insert(ObjectId::new(Kind::Pod, name), what);
        }
        for (name, container) in &state.containers {
            let what = (
                compared(&container.labels),
                container.run.is_running(),
                format!("{:?}", container.enforced),
            );
            others.insert(ObjectId::new(Kind::Container, name), what);
        }
        Self {
            volumes: volumes.collect(),
            others,
        }
    }
}

fn compared(labels: &Labels) -> Labels {
    let recorded = [labels::COMMIT, labels::SUBJECT, labels::STOP_HOOKS];
    let mut labels = labels.clone();
    labels.retain(|key, _| !recorded.contains(&key.as_str()));
    labels
}
