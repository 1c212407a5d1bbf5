//! The rules of creating and removing objects: what must be there, what must be free. Every function checks first and
//! changes the state only when nothing can fail any more.

use super::state::{Container, Network, Pod, State, Volume};
use crate::engine::{Create, EngineError, Result, VolumeRef};
use crate::model::labels::{HASH, SPEC};
use crate::model::{
    Bytes, ContainerSpec, EngineId, Identity, Kind, Labels, Limits, NetworkSpec, PodSpec, RunState, Spec,
    VolumeSpec,
};

/// Less memory than this starts no container.
const LEAST_MEMORY: Bytes = Bytes(6 << 20);

/// What a run of a container or pod is known by: the form that observation gives it.
pub(super) fn incarnation(id: &EngineId, run: RunState) -> Result<String> {
    match run {
        RunState::Running { since, pid } => Ok(format!("{id}@{since}.{pid}")),
        RunState::Inert
        | RunState::Created
        | RunState::Paused
        | RunState::Degraded
        | RunState::Exited { .. }
        | RunState::Unknown => Err(conflict(format!("{id} does not run"))),
    }
}

impl State {
    pub(super) fn create_network(&mut self, new: &Create<'_, NetworkSpec>) -> Result<EngineId> {
        check_name(new.name)?;
        check_identity(new.labels, &Spec::Network(new.spec.clone()))?;
        self.must_be_free(Kind::Network, new.name)?;
        let id = self.new_id(Kind::Network);
        let network = Network {
            id: id.clone(),
            labels: new.labels.clone(),
            spec: new.spec.clone(),
        };
        self.networks.insert(new.name.to_owned(), network);
        Ok(id)
    }

    pub(super) fn create_volume(&mut self, new: &Create<'_, VolumeSpec>) -> Result<EngineId> {
        check_identity(new.labels, &Spec::Volume(new.spec.clone()))?;
        self.add_volume(new.name, new.spec, new.labels)
    }

    /// A volume whatever its labels say it is: marks are volumes too.
    pub(super) fn add_volume(&mut self, name: &str, spec: &VolumeSpec, labels: &Labels) -> Result<EngineId> {
        check_name(name)?;
        self.must_be_free(Kind::Volume, name)?;
        let id = self.new_id(Kind::Volume);
        let volume = Volume {
            id: id.clone(),
            labels: labels.clone(),
            spec: spec.clone(),
            files: [].into(),
            owner: None,
            copied_from: None,
        };
        self.volumes.insert(name.to_owned(), volume);
        Ok(id)
    }

    pub(super) fn create_pod(&mut self, new: &Create<'_, PodSpec>) -> Result<EngineId> {
        check_name(new.name)?;
        check_identity(new.labels, &Spec::Pod(new.spec.clone()))?;
        self.must_be_free(Kind::Pod, new.name)?;
        if !self.networks.contains_key(&new.spec.network) {
            return Err(not_found(Kind::Network, &new.spec.network));
        }
        let id = self.new_id(Kind::Pod);
        let pod = Pod {
            id: id.clone(),
            labels: new.labels.clone(),
            spec: new.spec.clone(),
            infra: RunState::Created,
        };
        self.pods.insert(new.name.to_owned(), pod);
        Ok(id)
    }

    pub(super) fn create_container(
        &mut self,
        new: &Create<'_, ContainerSpec>,
        limits: &Limits,
    ) -> Result<EngineId> {
        check_name(new.name)?;
        check_identity(new.labels, &Spec::Container(new.spec.clone()))?;
        check_limits(limits)?;
        self.must_be_free(Kind::Container, new.name)?;
        let image = self.check_ingredients(new.spec)?;
        let id = self.new_id(Kind::Container);
        let container = Container {
            processor_millis: 0,
            id: id.clone(),
            labels: new.labels.clone(),
            spec: new.spec.clone(),
            limits: *limits,
            image,
            run: RunState::Created,
            enforced: None,
            written: 0,
            log: String::new(),
        };
        self.containers.insert(new.name.to_owned(), container);
        Ok(id)
    }

    /// Whether pod, image and volumes are there; returns the image's id.
    pub(super) fn check_ingredients(&self, spec: &ContainerSpec) -> Result<EngineId> {
        let pod = (self.pods.get(&spec.pod)).ok_or_else(|| not_found(Kind::Pod, &spec.pod))?;
        if !self.networks.contains_key(&pod.spec.network) {
            return Err(not_found(Kind::Network, &pod.spec.network));
        }
        let mut paths = std::collections::BTreeSet::new();
        for mount in &spec.mounts {
            if !self.volumes.contains_key(&mount.volume) {
                return Err(not_found(Kind::Volume, &mount.volume));
            }
            if !mount.path.starts_with('/') || !paths.insert(&mount.path) {
                let what = format!("{:?} is no place of its own for a volume", mount.path);
                return Err(refused("create_container", what));
            }
        }
        let image = self.images.get(&spec.image).cloned();
        image.ok_or_else(|| EngineError::Image {
            reference: spec.image.clone(),
            cause: "it is not there".to_owned(),
        })
    }

    pub(super) fn remove_container(&mut self, name: &str) -> Result<()> {
        let container = (self.containers.get(name)).ok_or_else(|| not_found(Kind::Container, name))?;
        if container.run.is_running() {
            return Err(conflict(format!("container {name} is running")));
        }
        self.containers.remove(name);
        Ok(())
    }

    pub(super) fn remove_pod(&mut self, name: &str) -> Result<()> {
        if let Some((member, _)) = self.members(name).next() {
            return Err(conflict(format!("pod {name} still has container {member}")));
        }
        let pod = self.pods.remove(name);
        pod.map(drop).ok_or_else(|| not_found(Kind::Pod, name))
    }

    pub(super) fn remove_network(&mut self, name: &str) -> Result<()> {
        if let Some((pod, _)) = self.pods.iter().find(|(_, p)| p.spec.network == name) {
            return Err(conflict(format!("network {name} still has pod {pod}")));
        }
        let network = self.networks.remove(name);
        network.map(drop).ok_or_else(|| not_found(Kind::Network, name))
    }

    pub(super) fn remove_volume(&mut self, volume: VolumeRef<'_>) -> Result<()> {
        self.check_volume(volume)?;
        let mounts = |c: &Container| c.spec.mounts.iter().any(|m| m.volume == volume.name);
        if let Some((user, _)) = self.containers.iter().find(|(_, c)| mounts(c)) {
            return Err(conflict(format!("volume {} is mounted by {user}", volume.name)));
        }
        self.volumes.remove(volume.name);
        Ok(())
    }

    /// Whether this incarnation of the volume is there.
    pub(super) fn check_volume(&self, volume: VolumeRef<'_>) -> Result<()> {
        match self.volumes.get(volume.name) {
            Some(found) if found.id == *volume.id => Ok(()),
            Some(_) | None => Err(not_found(Kind::Volume, volume.name)),
        }
    }

    /// Whether no object has the name; pods and containers share one name space.
    fn must_be_free(&self, kind: Kind, name: &str) -> Result<()> {
        let taken = match kind {
            Kind::Image => self.images.contains_key(name),
            Kind::Network => self.networks.contains_key(name),
            Kind::Volume => self.volumes.contains_key(name),
            Kind::Pod | Kind::Container => self.pods.contains_key(name) || self.containers.contains_key(name),
        };
        match taken {
            true => Err(conflict(format!("the name {name} is taken"))),
            false => Ok(()),
        }
    }
}

/// Whether Podman would take the name.
fn check_name(name: &str) -> Result<()> {
    let good = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    match good {
        true => Ok(()),
        false => Err(refused("create", format!("{name:?} is no name"))),
    }
}

/// Whether the labels tell the truth about what is created.
fn check_identity(labels: &Labels, spec: &Spec) -> Result<()> {
    let identity = Identity::of(spec);
    let says = |key: &str, truth: &String| labels.get(key).is_none_or(|value| value == truth);
    match says(SPEC, &identity.spec) && says(HASH, &identity.hash) {
        true => Ok(()),
        false => Err(refused(
            "create",
            "the labels describe another specification".to_owned(),
        )),
    }
}

/// Whether the limits can be had.
pub(super) fn check_limits(limits: &Limits) -> Result<()> {
    let wrong = if limits.memory.is_some_and(|m| m < LEAST_MEMORY) {
        format!("no container starts with less than {LEAST_MEMORY} of memory")
    } else if limits.memory.is_some() && limits.memory_request > limits.memory {
        "the memory request is above the limit".to_owned()
    } else if limits.pids == Some(0) {
        "no process may run".to_owned()
    } else {
        return Ok(());
    };
    Err(refused("limits", wrong))
}

pub(super) fn not_found(kind: Kind, name: &str) -> EngineError {
    EngineError::NotFound(format!("{kind} {name}"))
}

pub(super) fn conflict(what: String) -> EngineError {
    EngineError::Conflict(what)
}

pub(super) fn refused(call: &str, message: String) -> EngineError {
    EngineError::Failed {
        call: call.to_owned(),
        message,
    }
}
