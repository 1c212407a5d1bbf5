//! A workspace's objects, created through the engine with as few words as a contract can have.

use futures_util::StreamExt as _;
use wharf::engine::{
    Create, Engine, EngineError, ExecRequest, ExecSession, Output, OutputStream, Result, VolumeRef,
};
use wharf::model::{
    ContainerSpec, EngineId, Identity, Labels, Limits, MarkSpec, Mount, Name, NetworkSpec, ObjectId,
    ObservedObject, ObservedState, Ownership, PodSpec, Role, Spec, UidRange, VolumeSpec, WorkspaceId,
};

use crate::fixture::Fixture;

/// A workspace of a test's own site.
pub(crate) struct Yard<'a> {
    pub(crate) fixture: &'a dyn Fixture,
    pub(crate) workspace: WorkspaceId,
}

/// What a container is to be; the default sleeps until it is stopped.
pub(crate) struct Plot<'a> {
    pub(crate) role: Role,
    pub(crate) pod: Role,
    pub(crate) script: &'a str,
    pub(crate) mounts: Vec<(Role, &'a str)>,
    pub(crate) limits: Limits,
}

impl Default for Plot<'_> {
    fn default() -> Self {
        Self {
            role: tools(),
            pod: Role::Pod,
            script: "exec sleep 100000",
            mounts: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// The role of the container that most contracts need.
pub(crate) fn tools() -> Role {
    Role::Component("tools".to_owned())
}

impl<'a> Yard<'a> {
    pub(crate) fn new(fixture: &'a dyn Fixture) -> Self {
        Self {
            fixture,
            workspace: "alice/api".parse().unwrap(),
        }
    }

    /// Another workspace of the same site.
    pub(crate) fn beside(&self, workspace: &str) -> Yard<'a> {
        Yard {
            fixture: self.fixture,
            workspace: workspace.parse().unwrap(),
        }
    }

    pub(crate) fn engine(&self) -> &'a dyn Engine {
        self.fixture.engine()
    }

    pub(crate) fn object(&self, role: &Role) -> ObjectId {
        role.object_id(self.fixture.site(), &self.workspace)
    }

    pub(crate) fn owner(&self, site: &Name, role: &Role, spec: &Spec) -> Ownership {
        Ownership {
            site: site.clone(),
            workspace: self.workspace.clone(),
            role: role.clone(),
            identity: Identity::of(spec),
            commit: None,
            subject: None,
            stop_hooks: None,
        }
    }

    pub(crate) fn labels(&self, role: &Role, spec: &Spec) -> Labels {
        self.owner(self.fixture.site(), role, spec).to_labels()
    }

    pub(crate) async fn network(&self) -> Result<EngineId> {
        let spec = NetworkSpec::default();
        let labels = self.labels(&Role::Network, &Spec::Network(spec.clone()));
        let name = &self.object(&Role::Network).name;
        self.engine().create_network(create(name, &spec, &labels)).await
    }

    pub(crate) async fn volume(&self, role: &Role, ephemeral: bool) -> Result<EngineId> {
        let spec = VolumeSpec {
            ephemeral,
            ..VolumeSpec::default()
        };
        let labels = self.labels(role, &Spec::Volume(spec.clone()));
        self.engine()
            .create_volume(create(&self.object(role).name, &spec, &labels))
            .await
    }

    pub(crate) async fn mark(&self, what: &str, subject: &str) -> Result<EngineId> {
        let role = Role::Mark(what.to_owned());
        let spec = Spec::Mark(MarkSpec {
            done: what.to_owned(),
        });
        let mut owner = self.owner(self.fixture.site(), &role, &spec);
        owner.subject = Some(subject.to_owned());
        self.engine()
            .create_mark(&self.object(&role).name, &owner.to_labels())
            .await
    }

    pub(crate) async fn pod(&self) -> Result<EngineId> {
        self.pod_of(None).await
    }

    pub(crate) async fn pod_of(&self, uid_range: Option<UidRange>) -> Result<EngineId> {
        let spec = PodSpec {
            network: self.object(&Role::Network).name,
            hostname: "api".to_owned(),
            uid_range,
            ..PodSpec::default()
        };
        let labels = self.labels(&Role::Pod, &Spec::Pod(spec.clone()));
        self.engine()
            .create_pod(create(&self.object(&Role::Pod).name, &spec, &labels))
            .await
    }

    pub(crate) fn container_spec(&self, plot: &Plot<'_>) -> ContainerSpec {
        let mounts = plot.mounts.iter().map(|(role, path)| Mount {
            volume: self.object(role).name,
            path: (*path).to_owned(),
        });
        ContainerSpec {
            pod: self.object(&plot.pod).name,
            image: self.fixture.image().to_owned(),
            command: Some(["/bin/sh", "-c", plot.script].map(str::to_owned).to_vec()),
            mounts: mounts.collect(),
            stop_timeout: 2,
            ..ContainerSpec::default()
        }
    }

    pub(crate) async fn container(&self, plot: &Plot<'_>) -> Result<EngineId> {
        self.container_as(&self.container_spec(plot), plot).await
    }

    pub(crate) async fn container_as(&self, spec: &ContainerSpec, plot: &Plot<'_>) -> Result<EngineId> {
        let labels = self.labels(&plot.role, &Spec::Container(spec.clone()));
        let name = &self.object(&plot.role).name;
        self.engine()
            .create_container(create(name, spec, &labels), &plot.limits)
            .await
    }

    /// A network and a pod; returns the pod's id.
    pub(crate) async fn ground(&self) -> EngineId {
        self.network().await.unwrap();
        self.pod().await.unwrap()
    }

    /// A running container.
    pub(crate) async fn running(&self, plot: &Plot<'_>) -> EngineId {
        let id = self.container(plot).await.unwrap();
        self.start(&id).await;
        id
    }

    /// A container that has run to its end.
    pub(crate) async fn ended(&self, script: &str) -> EngineId {
        let plot = Plot {
            role: Role::Event("once".to_owned()),
            script,
            ..Plot::default()
        };
        let id = self.running(&plot).await;
        self.engine().wait_container(&id, 20).await.unwrap();
        id
    }

    pub(crate) async fn start(&self, id: &EngineId) -> String {
        self.engine()
            .start_container(id, &Limits::default())
            .await
            .unwrap()
    }

    pub(crate) async fn observe(&self) -> ObservedState {
        self.engine().observe(self.fixture.site()).await.unwrap()
    }

    pub(crate) async fn observed(&self, role: &Role) -> ObservedObject {
        let object = self.object(role);
        let found = self.observe().await.objects.remove(&object);
        found.unwrap_or_else(|| panic!("{object} is observed"))
    }

    pub(crate) async fn exec(&self, id: &EngineId, request: ExecRequest, input: &str) -> Finished {
        finish(self.engine().exec(id, &request).await.unwrap(), input).await
    }
}

pub(crate) fn create<'a, S>(name: &'a str, spec: &'a S, labels: &'a Labels) -> Create<'a, S> {
    Create { name, spec, labels }
}

pub(crate) fn volume_ref<'a>(object: &'a ObjectId, id: &'a EngineId) -> VolumeRef<'a> {
    VolumeRef {
        name: &object.name,
        id,
    }
}

/// A shell's command.
pub(crate) fn shell(command: &str) -> ExecRequest {
    ExecRequest {
        argv: ["/bin/sh", "-c", command].map(str::to_owned).to_vec(),
        ..ExecRequest::default()
    }
}

/// What a command did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) exit_code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Feeds a command and waits for its end.
pub(crate) async fn finish(session: ExecSession, input: &str) -> Finished {
    let ExecSession {
        stdin, output, exit, ..
    } = session;
    if !input.is_empty() {
        stdin.send(input.as_bytes().to_vec()).await.unwrap();
    }
    drop(stdin);
    let (stdout, stderr) = collect(output).await;
    let exit_code = exit.await.unwrap().unwrap();
    Finished {
        exit_code,
        stdout,
        stderr,
    }
}

/// Reads output to its end.
pub(crate) async fn collect(mut output: OutputStream) -> (String, String) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some(piece) = output.next().await {
        match piece.unwrap() {
            Output::Stdout(bytes) => stdout.extend(bytes),
            Output::Stderr(bytes) => stderr.extend(bytes),
        }
    }
    (
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

#[track_caller]
pub(crate) fn assert_conflict<T: std::fmt::Debug>(result: &Result<T>) {
    assert!(matches!(result, Err(EngineError::Conflict(_))), "{result:?}");
}

#[track_caller]
pub(crate) fn assert_not_found<T: std::fmt::Debug>(result: &Result<T>) {
    assert!(matches!(result, Err(EngineError::NotFound(_))), "{result:?}");
}
