//! What can go wrong: faults that tests script, and what somebody else does to the engine's objects meanwhile.

use serde::{Deserialize, Serialize};

use super::state::{Container, Network, Pod, State, Volume};
use crate::model::{
    ContainerSpec, Enforced, EngineId, Kind, Labels, Limits, NetworkSpec, ObjectId, PodSpec, RunState,
    VolumeSpec,
};

/// Something that goes wrong at one call, such as
/// `{"call": "create_pod", "object": "alice", "at": 2, "when": "after", "what": "fail"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// The call's name in the trait. Without one, mutations and exec count; reads can only be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// Part of the object's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub object: String,
    /// At which of the calls that match, counted from 1.
    #[serde(default = "one")]
    pub at: u64,
    /// Whether it also happens at every matching call after that.
    #[serde(default)]
    pub repeats: bool,
    /// At which moment of the call.
    #[serde(default)]
    pub when: Moment,
    /// What happens.
    pub what: Mishap,
    /// How many calls have matched so far.
    #[serde(default)]
    pub seen: u64,
}

fn one() -> u64 {
    1
}

/// A moment of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Moment {
    /// Before it takes effect.
    #[default]
    Before,
    /// A started container still has the limits of its creation; half of a volume's files have moved; half of a copy is
    /// thrown away. For other calls the same as after.
    Halfway,
    /// After it took effect, before the caller knows.
    After,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mishap {
    /// The call fails.
    Fail,
    /// The call hangs until its time is over.
    Hang,
    /// The engine is gone.
    Unreachable,
    /// This process is killed with SIGKILL.
    Kill,
    /// The object disappears; the call goes on.
    Vanish,
    /// Somebody else does something; the call goes on.
    Meddle(Meddling),
}

/// What somebody else does, with the force that `podman rm -f` has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Meddling {
    /// Removes an object, and whatever can't be without it.
    Remove(ObjectId),
    /// Stops a container or a pod.
    Stop(ObjectId),
    /// Starts a container, with the limits of its creation.
    Start(String),
    /// Changes a running container's limits.
    SetEnforced {
        /// The container's name.
        container: String,
        /// Its new limits.
        enforced: Enforced,
    },
    /// Creates an object without labels under a name; the object that had it is removed.
    AddForeign(ObjectId),
    /// Restarts the machine: nothing runs any more.
    Reboot,
}

impl Fault {
    /// `what` at the first call of this name.
    #[must_use]
    pub fn new(call: &str, when: Moment, what: Mishap) -> Self {
        Self {
            call: Some(call.to_owned()),
            ..Self::at(1, when, what)
        }
    }

    /// `what` at the mutation or exec of this number, counted from 1.
    #[must_use]
    pub fn at(at: u64, when: Moment, what: Mishap) -> Self {
        Self {
            call: None,
            object: String::new(),
            at,
            repeats: false,
            when,
            what,
            seen: 0,
        }
    }

    /// Counts a call and tells whether the fault happens now.
    pub(super) fn strikes(&mut self, call: &str, reads_only: bool, object: &str) -> bool {
        let named = self.call.as_deref().map_or(!reads_only, |name| name == call);
        if !named || !object.contains(&self.object) {
            return false;
        }
        self.seen += 1;
        self.seen == self.at || (self.repeats && self.seen > self.at)
    }
}

impl State {
    /// Does what somebody else does.
    pub(super) fn meddle(&mut self, meddling: &Meddling) {
        match meddling {
            Meddling::Remove(object) => self.force_remove(object),
            Meddling::Stop(object) => match object.kind {
                Kind::Pod => self.halt_pod(&object.name),
                Kind::Container => self.halt(&object.name),
                Kind::Image | Kind::Network | Kind::Volume => {}
            },
            Meddling::Start(container) => {
                // Somebody else's failure to start it is theirs.
                let _ = self.start(container);
            }
            Meddling::SetEnforced { container, enforced } => {
                if let Some(found) = self.containers.get_mut(container) {
                    found.enforced = found.run.is_running().then_some(*enforced);
                }
            }
            Meddling::AddForeign(object) => {
                self.force_remove(object);
                self.add_foreign(object);
            }
            Meddling::Reboot => {
                let pods: Vec<_> = self.pods.keys().cloned().collect();
                let containers: Vec<_> = self.containers.keys().cloned().collect();
                pods.iter().for_each(|pod| self.halt_pod(pod));
                containers.iter().for_each(|container| self.halt(container));
            }
        }
    }

    fn force_remove(&mut self, object: &ObjectId) {
        let name = &object.name;
        match object.kind {
            Kind::Image => drop(self.images.remove(name)),
            Kind::Network => {
                self.networks.remove(name);
                let pods = self.pods.iter().filter(|(_, p)| p.spec.network == *name);
                for pod in pods.map(|(n, _)| n.clone()).collect::<Vec<_>>() {
                    self.force_remove(&ObjectId::new(Kind::Pod, pod));
                }
            }
            Kind::Volume => {
                self.volumes.remove(name);
                self.containers
                    .retain(|_, c| c.spec.mounts.iter().all(|m| m.volume != *name));
            }
            Kind::Pod => {
                self.pods.remove(name);
                self.containers.retain(|_, c| c.spec.pod != *name);
            }
            Kind::Container => drop(self.containers.remove(name)),
        }
        self.empty_unused();
    }

    fn add_foreign(&mut self, object: &ObjectId) {
        let name = object.name.clone();
        let id = self.new_id(object.kind);
        let labels = Labels::new();
        match object.kind {
            Kind::Image => drop(self.images.insert(name, id)),
            Kind::Network => {
                let spec = NetworkSpec::default();
                self.networks.insert(name, Network { id, labels, spec });
            }
            Kind::Volume => {
                let volume = Volume {
                    id,
                    labels,
                    spec: VolumeSpec::default(),
                    files: [("theirs".to_owned(), "data".to_owned())].into(),
                    owner: None,
                    copied_from: None,
                };
                self.volumes.insert(name, volume);
            }
            Kind::Pod => {
                let pod = Pod {
                    id,
                    labels,
                    spec: PodSpec::default(),
                    infra: RunState::Created,
                };
                self.pods.insert(name, pod);
            }
            Kind::Container => {
                let container = Container {
                    processor_millis: 0,
                    id,
                    labels,
                    spec: ContainerSpec::default(),
                    limits: Limits::default(),
                    image: EngineId("theirs".to_owned()),
                    run: self.new_run(),
                    enforced: None,
                    written: 0,
                    log: String::new(),
                };
                self.containers.insert(name, container);
            }
        }
    }
}
