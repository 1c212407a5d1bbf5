//! The observed state: what an engine holds, as read in one pass.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::labels::Ownership;
use super::name::WorkspaceId;
use super::object::{Kind, ObjectId};
use super::spec::{MarkSpec, Spec};

/// What one incarnation of an object is known by: Podman's id, or a volume's time of creation. An object that was
/// removed and created again under its name has another.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EngineId(pub String);

impl fmt::Display for EngineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for EngineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kind of engine this is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineFacts {
    /// `podman 5.4.2`.
    pub version: String,
    /// Whether it runs without root: one range of ids for all, no host ports below 1024.
    pub rootless: bool,
    /// Whether limits are enforced at all (rootless on cgroup v1 ignores them).
    pub enforces_limits: bool,
    /// The machine's memory in bytes, where it is known.
    pub memory: Option<u64>,
}

/// Everything that matters on the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedState {
    /// What kind of engine it is.
    pub facts: EngineFacts,
    /// The site's own objects.
    pub objects: BTreeMap<ObjectId, ObservedObject>,
    /// Names that objects which are not the site's hold.
    pub foreign: BTreeSet<ObjectId>,
    /// Volumes that are not the site's, by name.
    pub volumes: BTreeMap<String, ForeignVolume>,
    /// Every image, by each of its names.
    pub images: BTreeMap<String, ObservedImage>,
}

/// A volume that is not the site's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignVolume {
    /// Which incarnation it is.
    pub id: EngineId,
    /// The site that its labels name; another one, or this one where the rest of its labels can't be understood.
    pub site: Option<String>,
    /// Why its data can't be read, where it lies elsewhere than in the engine's own storage.
    pub elsewhere: Option<String>,
    /// The containers that run with it, where that was asked for.
    pub used_by: Vec<String>,
}

/// An image that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedImage {
    /// Its id.
    pub id: EngineId,
}

/// One object of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedObject {
    /// What it is called.
    pub object: ObjectId,
    /// Which incarnation it is.
    pub id: EngineId,
    /// What its labels say.
    pub owner: Ownership,
    /// For pods and containers: what it does.
    pub run: RunState,
    /// For running containers: what the kernel enforces; nothing where that can't be read.
    pub enforced: Option<Enforced>,
    /// For containers: the pod it is in. For pods: its infra container.
    pub pod: Option<EngineId>,
    /// For pods: the networks it is on.
    pub networks: Vec<String>,
    /// For containers: the id of the image it was created from.
    pub image: Option<EngineId>,
    /// For containers that a plan replaces: the bytes written in them, which will be lost.
    pub written: Option<u64>,
}

/// What a pod or container does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Nothing that runs, such as a volume.
    #[default]
    Inert,
    /// Created, never started.
    Created,
    /// Running since that second of the Unix epoch.
    Running {
        /// Seconds since 1970.
        since: i64,
        /// The first process's id on the host: two starts within one second differ in it.
        pid: u32,
    },
    /// Paused.
    Paused,
    /// A pod of which some containers run and some don't.
    Degraded,
    /// Stopped, with the exit code of a container.
    Exited {
        /// The exit code.
        code: i32,
    },
    /// Anything else: being removed, unknown.
    Unknown,
}

impl RunState {
    /// Whether it runs.
    #[must_use]
    pub fn is_running(self) -> bool {
        matches!(self, Self::Running { .. })
    }

    /// Whether anything of it is there that a stop would end.
    #[must_use]
    pub fn is_up(self) -> bool {
        match self {
            Self::Running { .. } | Self::Paused | Self::Degraded | Self::Unknown => true,
            Self::Inert | Self::Created | Self::Exited { .. } => false,
        }
    }
}

/// What the kernel enforces, as read from the control groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforced {
    /// The most memory, in bytes.
    pub memory: Reading,
    /// Memory kept under pressure, in bytes.
    pub memory_request: Reading,
    /// The most processor time, in thousandths of a processor.
    pub cpu: Reading,
    /// The processor share, in the engine's unit of 1024 a processor.
    pub cpu_shares: Reading,
    /// The most processes.
    pub pids: Reading,
}

/// One value read from a control group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reading {
    /// It can't be read, or not be compared.
    #[default]
    Unknown,
    /// No limit.
    Unlimited,
    /// This much.
    Value(u64),
}

impl ObservedState {
    /// The objects of one kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &ObservedObject> {
        self.objects.values().filter(move |o| o.object.kind == kind)
    }

    /// Takes `objects` for all that the workspace holds now.
    pub fn refresh(&mut self, workspace: &WorkspaceId, objects: BTreeMap<ObjectId, ObservedObject>) {
        self.objects
            .retain(|_, object| object.owner.workspace != *workspace);
        self.objects.extend(objects);
    }
}

impl ObservedObject {
    /// What a mark records; nothing where it is none.
    #[must_use]
    pub fn recorded(&self) -> Option<MarkSpec> {
        match serde_json::from_str(&self.owner.identity.spec).ok()? {
            Spec::Mark(mark) => Some(mark),
            Spec::Network(_) | Spec::Volume(_) | Spec::Pod(_) | Spec::Container(_) => None,
        }
    }

    /// What this incarnation of a volume, or this run of a container, is known by: what a mark is valid for. Nothing
    /// for a container that doesn't run.
    #[must_use]
    pub fn incarnation(&self) -> Option<String> {
        match (self.object.kind, self.run) {
            (Kind::Container | Kind::Pod, RunState::Running { since, pid }) => {
                Some(format!("{}@{since}.{pid}", self.id))
            }
            (Kind::Container | Kind::Pod, _) => None,
            (Kind::Volume | Kind::Network | Kind::Image, _) => Some(self.id.to_string()),
        }
    }
}
