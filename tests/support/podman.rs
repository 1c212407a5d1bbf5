//! A site of its own on the real Podman, removed by its label.

#![allow(dead_code)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use wharf::engine::address::{self, Address, Environment};
use wharf::engine::podman::Podman;
use wharf::engine::{Create, Engine, VolumeRef};
use wharf::model::{
    ContainerSpec, EngineId, Identity, Kind, Limits, Mount, Name, NetworkSpec, ObjectId, ObservedObject,
    ObservedState, Ownership, PodSpec, Role, Spec, UidRange, VolumeSpec, WorkspaceId,
};

use super::labelled::remove_labelled;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// The range that tests run under where Podman has root.
pub(crate) const RANGE: UidRange = UidRange {
    first: 1_000_000,
    count: 65_536,
};

pub(crate) struct Site {
    pub(crate) engine: Podman,
    pub(crate) name: Name,
    pub(crate) rootless: bool,
}

pub(crate) struct Made {
    pub(crate) object: ObjectId,
    pub(crate) id: EngineId,
}

pub(crate) struct Pod {
    pub(crate) object: ObjectId,
    pub(crate) id: EngineId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) network: String,
    pub(crate) network_id: EngineId,
}

pub(crate) fn image() -> String {
    std::env::var("WHARF_TEST_IMAGE").unwrap_or_else(|_| "localhost/wharf-busybox:1".to_owned())
}

/// The real binary, which without root is its own helper; elsewhere than where it was built on a test machine.
fn binary() -> PathBuf {
    std::env::var_os("WHARF_BIN").map_or_else(|| env!("CARGO_BIN_EXE_wharf").into(), PathBuf::from)
}

pub(crate) fn connect() -> Podman {
    match address::find(None, &Environment::of_process()).unwrap() {
        Address::Unix(socket) => Podman::connect(&socket).with_helper(binary()),
        Address::Simulated(path) => panic!("these tests need Podman, not {}", path.display()),
    }
}

impl Site {
    pub(crate) async fn new(topic: &str) -> Self {
        let run = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let engine = connect();
        let facts = engine
            .facts()
            .await
            .expect("these tests need a running Podman service");
        Self {
            engine,
            name: format!("hp-{topic}-{run}").parse().unwrap(),
            rootless: facts.rootless,
        }
    }

    pub(crate) async fn observe(&self) -> ObservedState {
        self.engine.observe(&self.name).await.unwrap()
    }

    pub(crate) async fn observed(&self, object: &ObjectId) -> ObservedObject {
        self.observe()
            .await
            .objects
            .remove(object)
            .unwrap_or_else(|| panic!("{object} is not there"))
    }

    pub(crate) fn labels(&self, workspace: &WorkspaceId, role: Role, spec: &Spec) -> wharf::model::Labels {
        Ownership {
            site: self.name.clone(),
            workspace: workspace.clone(),
            role,
            identity: Identity::of(spec),
            commit: None,
            subject: None,
            stop_hooks: None,
        }
        .to_labels()
    }

    pub(crate) async fn pod(&self, workspace: &str, change: impl FnOnce(&mut PodSpec)) -> Pod {
        let workspace: WorkspaceId = format!("tester/{workspace}").parse().unwrap();
        let object = Role::Network.object_id(&self.name, &workspace);
        let spec = NetworkSpec::default();
        let labels = self.labels(&workspace, Role::Network, &Spec::Network(spec.clone()));
        let network = Create {
            name: &object.name,
            spec: &spec,
            labels: &labels,
        };
        let network_id = self.engine.create_network(network).await.unwrap();
        let mut spec = PodSpec {
            network: object.name.clone(),
            hostname: workspace.name.to_string(),
            uid_range: Some(RANGE),
            ..PodSpec::default()
        };
        change(&mut spec);
        let labels = self.labels(&workspace, Role::Pod, &Spec::Pod(spec.clone()));
        let pod = Role::Pod.object_id(&self.name, &workspace);
        let id = self
            .engine
            .create_pod(Create {
                name: &pod.name,
                spec: &spec,
                labels: &labels,
            })
            .await
            .unwrap();
        Pod {
            object: pod,
            id,
            workspace,
            network: object.name,
            network_id,
        }
    }

    pub(crate) async fn volume(&self, pod: &Pod, name: &str, ephemeral: bool) -> Made {
        let spec = VolumeSpec {
            ephemeral,
            size: None,
        };
        let role = Role::Data(name.to_owned());
        let object = role.object_id(&self.name, &pod.workspace);
        let labels = self.labels(&pod.workspace, role, &Spec::Volume(spec.clone()));
        let id = self
            .engine
            .create_volume(Create {
                name: &object.name,
                spec: &spec,
                labels: &labels,
            })
            .await
            .unwrap();
        Made { object, id }
    }

    /// A container that stays up, unless `change` says otherwise.
    pub(crate) async fn container(
        &self,
        pod: &Pod,
        name: &str,
        limits: Limits,
        change: impl FnOnce(&mut ContainerSpec),
    ) -> Made {
        self.try_container(pod, name, limits, change).await.unwrap()
    }

    pub(crate) async fn try_container(
        &self,
        pod: &Pod,
        name: &str,
        limits: Limits,
        change: impl FnOnce(&mut ContainerSpec),
    ) -> wharf::engine::Result<Made> {
        let mut spec = ContainerSpec {
            pod: pod.object.name.clone(),
            image: image(),
            entrypoint: Some(vec![]),
            command: Some(shell("while :; do sleep 1; done")),
            stop_timeout: 2,
            ..ContainerSpec::default()
        };
        change(&mut spec);
        let role = Role::Component(name.to_owned());
        let object = role.object_id(&self.name, &pod.workspace);
        let labels = self.labels(&pod.workspace, role, &Spec::Container(spec.clone()));
        let container = Create {
            name: &object.name,
            spec: &spec,
            labels: &labels,
        };
        let id = self.engine.create_container(container, &limits).await?;
        Ok(Made { object, id })
    }

    /// Removes every object of the site, by wharf's own means.
    pub(crate) async fn remove(&self) {
        let state = self.observe().await;
        for container in state.of_kind(Kind::Container) {
            self.engine.stop_container(&container.id).await.unwrap();
            self.engine.remove_container(&container.id).await.unwrap();
        }
        for pod in state.of_kind(Kind::Pod) {
            self.engine.remove_pod(&pod.id).await.unwrap();
        }
        for network in state.of_kind(Kind::Network) {
            self.engine.remove_network(&network.id).await.unwrap();
        }
        for volume in state.of_kind(Kind::Volume) {
            let volume = VolumeRef {
                name: &volume.object.name,
                id: &volume.id,
            };
            self.engine.remove_volume(volume).await.unwrap();
        }
    }
}

pub(crate) fn shell(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(str::to_owned).to_vec()
}

pub(crate) fn mount(volume: &Made, path: &str) -> Mount {
    Mount {
        volume: volume.object.name.clone(),
        path: path.to_owned(),
    }
}

/// Whatever a failed test leaves goes by its label.
impl Drop for Site {
    fn drop(&mut self) {
        remove_labelled(&format!("dev.wharf.site={}", self.name));
    }
}
