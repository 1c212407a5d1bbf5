//! Everything that a simulated engine holds: its objects, what tests have scripted, and what it has recorded. The same
//! form is the engine's file, so every field has a default and scenario scripts write only what they need.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use crate::model::{
    ContainerSpec, Enforced, EngineId, Kind, Labels, Limits, NetworkSpec, ObjectId, Ownership, PodSpec, Role,
    RunState, UidRange, VolumeSpec,
};

/// The whole engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct State {
    /// What it calls itself.
    pub version: String,
    /// Whether it claims to run without root.
    pub rootless: bool,
    /// Whether limits are enforced; otherwise none can be read.
    pub enforces_limits: bool,
    /// The machine's memory in bytes, where it says so.
    pub memory: Option<u64>,
    /// How long every mutation takes, in milliseconds.
    pub latency_millis: u64,
    /// The images that are there, by name.
    pub images: BTreeMap<String, EngineId>,
    /// The labels of images that were built here, by the images' ids.
    pub image_labels: BTreeMap<EngineId, Labels>,
    /// The images that a registry would deliver.
    pub pullable: BTreeSet<String>,
    /// The networks, by name.
    pub networks: BTreeMap<String, Network>,
    /// The volumes, marks among them, by name.
    pub volumes: BTreeMap<String, Volume>,
    /// The pods, by name.
    pub pods: BTreeMap<String, Pod>,
    /// The containers without pods' infra containers, by name.
    pub containers: BTreeMap<String, Container>,
    /// Ports on which nothing listens; on every other an echo does.
    pub closed_ports: BTreeSet<u16>,
    /// What commands answer; the first that matches counts.
    pub scripts: Vec<Script>,
    /// What goes wrong, and when.
    pub faults: Vec<Fault>,
    /// Every mutation and exec so far, such as `create_volume lab.alice.api.home`, failed ones included.
    pub calls: Vec<String>,
    /// Every command so far: those of exec, and those of containers that run to completion.
    pub commands: Vec<Command>,
    /// What a correct caller never does: two mutations of one object at the same time.
    pub misuse: Vec<String>,
    /// How many ids have been given out.
    pub ids: u64,
    /// The time, in seconds since 1970; every start takes one.
    pub clock: i64,
    /// How many processes have been started.
    pub processes: u32,
}

impl Default for State {
    fn default() -> Self {
        Self {
            version: "simulated 1".to_owned(),
            rootless: false,
            enforces_limits: true,
            memory: None,
            latency_millis: 0,
            images: BTreeMap::new(),
            image_labels: BTreeMap::new(),
            pullable: BTreeSet::new(),
            networks: BTreeMap::new(),
            volumes: BTreeMap::new(),
            pods: BTreeMap::new(),
            containers: BTreeMap::new(),
            closed_ports: BTreeSet::new(),
            scripts: Vec::new(),
            faults: Vec::new(),
            calls: Vec::new(),
            commands: Vec::new(),
            misuse: Vec::new(),
            ids: 0,
            clock: 1_700_000_000,
            processes: 0,
        }
    }
}

/// A network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Network {
    /// This incarnation.
    pub id: EngineId,
    /// Its labels.
    #[serde(default)]
    pub labels: Labels,
    /// What it was created as.
    #[serde(default)]
    pub spec: NetworkSpec,
}

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Volume {
    /// This incarnation.
    pub id: EngineId,
    /// Its labels.
    #[serde(default)]
    pub labels: Labels,
    /// What it was created as.
    #[serde(default)]
    pub spec: VolumeSpec,
    /// Its content: text by path.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The ids that its files were last given to.
    #[serde(default)]
    pub owner: Option<UidRange>,
    /// The volume that its files were copied from.
    #[serde(default)]
    pub copied_from: Option<EngineId>,
}

/// A pod with its infra container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pod {
    /// This incarnation.
    pub id: EngineId,
    /// Its labels.
    #[serde(default)]
    pub labels: Labels,
    /// What it was created as.
    #[serde(default)]
    pub spec: PodSpec,
    /// What its infra container does.
    #[serde(default)]
    pub infra: RunState,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    /// This incarnation.
    pub id: EngineId,
    /// Its labels.
    #[serde(default)]
    pub labels: Labels,
    /// What it was created as; somebody else's may be in no pod.
    #[serde(default)]
    pub spec: ContainerSpec,
    /// The limits that a restart brings back.
    #[serde(default)]
    pub limits: Limits,
    /// The image that it was created from.
    pub image: EngineId,
    /// What it does.
    #[serde(default)]
    pub run: RunState,
    /// What is enforced while it runs.
    #[serde(default)]
    pub enforced: Option<Enforced>,
    /// Bytes written outside its volumes.
    #[serde(default)]
    pub written: u64,
    /// The processor time that it has used, in milliseconds.
    #[serde(default)]
    pub processor_millis: u64,
    /// What it wrote to its log.
    #[serde(default)]
    pub log: String,
}

/// What a command answers. Commands that no script matches end with 0 and write back what they are fed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Script {
    /// Part of the command: of its arguments joined by spaces.
    pub matches: String,
    /// Part of the container's name.
    pub container: String,
    /// Its exit code.
    pub exit_code: i32,
    /// What it writes to standard output.
    pub stdout: String,
    /// What it writes to standard error.
    pub stderr: String,
    /// What it writes into files of mounted volumes: text by absolute path.
    pub writes: BTreeMap<String, String>,
    /// Whether it answers one command only.
    pub once: bool,
    /// Whether it goes on, once it has written, as long as anybody listens.
    pub hangs: bool,
}

/// A command that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Command {
    /// In which container.
    pub container: String,
    /// Its arguments.
    pub argv: Vec<String>,
    /// What was added to its environment.
    #[serde(default)]
    pub env: Vec<(String, String)>,
    /// Where.
    #[serde(default)]
    pub working_dir: Option<String>,
}

impl State {
    /// A new id.
    pub(super) fn new_id(&mut self, kind: Kind) -> EngineId {
        self.ids += 1;
        EngineId(format!("{kind}-{}", self.ids))
    }

    /// The run of a process that starts now.
    pub(super) fn new_run(&mut self) -> RunState {
        self.clock += 1;
        self.processes += 1;
        RunState::Running {
            since: self.clock,
            pid: 1000 + self.processes,
        }
    }

    /// Every object's identity and labels.
    pub(super) fn labels(&self) -> impl Iterator<Item = (ObjectId, &EngineId, &Labels)> {
        let networks = self
            .networks
            .iter()
            .map(|(n, o)| (Kind::Network, n, &o.id, &o.labels));
        let volumes = self
            .volumes
            .iter()
            .map(|(n, o)| (Kind::Volume, n, &o.id, &o.labels));
        let pods = self.pods.iter().map(|(n, o)| (Kind::Pod, n, &o.id, &o.labels));
        let containers = self
            .containers
            .iter()
            .map(|(n, o)| (Kind::Container, n, &o.id, &o.labels));
        (networks.chain(volumes).chain(pods).chain(containers))
            .map(|(kind, name, id, labels)| (ObjectId::new(kind, name), id, labels))
    }

    /// The name that the object of this id has; volumes have none that a call could address.
    pub(super) fn name_of(&self, kind: Kind, id: &EngineId) -> Option<String> {
        self.labels()
            .find(|(object, found, _)| object.kind == kind && *found == id)
            .map(|(object, _, _)| object.name)
    }

    /// The containers of a pod.
    pub(super) fn members(&self, pod: &str) -> impl Iterator<Item = (&String, &Container)> {
        self.containers.iter().filter(move |(_, c)| c.spec.pod == pod)
    }

    /// Whether the container runs to completion once it is started.
    pub(super) fn is_event(&self, container: &str) -> bool {
        let owner = (self.containers.get(container)).and_then(|c| Ownership::from_labels(&c.labels));
        matches!(owner.map(|o| o.role), Some(Role::Event(_)))
    }
}
