//! The desired state: every object that a configuration asks for, with every choice made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::command::{DesiredCommand, ExecCommand};
use super::drift::DriftPolicy;
use super::duration::Seconds;
use super::maintenance::Maintenance;
use super::name::{Name, WorkspaceId};
use super::object::Role;
use super::spec::{ContainerSpec, ImageSpec, Limits, MarkSpec, NetworkSpec, PodSpec, UidRange, VolumeSpec};

/// All of a site's workspaces, as declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredState {
    /// The site's name.
    pub site: Name,
    /// How many workspaces one plan may remove without an approval.
    pub max_deletions: u32,
    /// Whether nothing is changed, only reported.
    pub suspend: bool,
    /// What is done about drift.
    pub drift: DriftPolicy,
    /// When workspaces that are no longer declared may be interrupted; at any time where there is nothing.
    pub maintenance: Option<Maintenance>,
    /// How many hundredths of the machine's memory the workspaces that run may be promised together.
    pub promised_memory: u32,
    /// The workspaces.
    pub workspaces: BTreeMap<WorkspaceId, DesiredWorkspace>,
}

/// Whether a workspace runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    /// Always running.
    On,
    /// Never running.
    Off,
    /// Running, until a person stops it; created running.
    Auto,
}

/// What becomes of a workspace's volumes when its manifest goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnRemove {
    /// They stay.
    Retain,
    /// They go, with an approval.
    Delete,
}

/// Where a workspace's data was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The workspace that had it.
    pub id: WorkspaceId,
    /// The ids on the host of that workspace's owner.
    pub uid_range: UidRange,
}

/// One workspace, with every choice made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredWorkspace {
    /// Its identity.
    pub id: WorkspaceId,
    /// Whether it runs.
    pub power: Power,
    /// Whether nothing of it is changed, only reported.
    pub suspend: bool,
    /// For how long nobody has used it until it is stopped, where its power leaves that open; never where there is nothing.
    pub idle_timeout: Option<Seconds>,
    /// When changes may interrupt it; at any time where there is nothing.
    pub maintenance: Option<Maintenance>,
    /// What becomes of its volumes when its manifest goes.
    pub on_remove: OnRemove,
    /// The workspace whose data it takes over.
    pub moved_from: Option<Moved>,
    /// Volumes that are not wharf's and whose data it takes over: the engine's name of each, by the role of its own.
    pub adopt: BTreeMap<Role, String>,
    /// The owner's ids on the host.
    pub uid_range: UidRange,
    /// Its network.
    pub network: NetworkSpec,
    /// Its volumes, by role.
    pub volumes: BTreeMap<Role, VolumeSpec>,
    /// The images that its containers start from.
    pub images: Vec<ImageSpec>,
    /// Its pods, by role.
    pub pods: BTreeMap<Role, PodSpec>,
    /// Its containers, in the devfile's order; the first is the main one.
    pub containers: Vec<DesiredContainer>,
    /// Containers that run to completion, one after another, before the others start.
    pub pre_start: Vec<DesiredContainer>,
    /// Projects to clone once, in order.
    pub projects: Vec<CloneProject>,
    /// Commands to run each time after the containers have started.
    pub post_start: Vec<ExecCommand>,
    /// What runs around its stop.
    pub stop_hooks: StopHooks,
    /// What its containers listen on, in the devfile's order.
    pub endpoints: Vec<DesiredEndpoint>,
    /// Every command of the devfile, in its order, for whoever asks to run one.
    pub commands: Vec<DesiredCommand>,
    /// The container that fetches sources where the workspace's own image lacks the programs; the plan gives it its
    /// command.
    pub tools: Option<DesiredContainer>,
}

/// One container with its limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DesiredContainer {
    /// The devfile component, or the command for an event's container.
    pub component: String,
    /// What can't be changed in place.
    pub spec: ContainerSpec,
    /// What can.
    pub limits: Limits,
    /// The components whose containers are ready before it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// How to know that it is ready; where there is nothing, it is as soon as it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthCheck>,
}

/// How to know that a container is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// What must succeed.
    pub probe: Probe,
    /// How many seconds it is waited for.
    pub timeout: u32,
}

/// What must succeed for a container to be ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Probe {
    /// This command line, run by the container's shell, ends with 0.
    Command(String),
    /// Something accepts connections at this port.
    Port(u16),
}

/// What a container of the workspace listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredEndpoint {
    /// Its name.
    pub name: String,
    /// The component that listens.
    pub component: String,
    /// The port in the container.
    pub port: u16,
    /// Whether something has to listen there as soon as the workspace is ready.
    pub awaited: bool,
}

/// What runs around a workspace's stop: the pod's label keeps it for when the devfile is no longer there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StopHooks {
    /// Commands to run before the containers stop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pre_stop: Vec<ExecCommand>,
    /// Containers that run to completion after the others have stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_stop: Vec<DesiredContainer>,
}

/// A project's sources, fetched once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CloneProject {
    /// The project's name.
    pub name: String,
    /// The component whose container fetches them, with its own programs where it has them.
    pub component: String,
    /// The volume's role is always [`Role::Projects`]; this is where the container mounts it.
    pub root: String,
    /// The directory that they go to, relative to `root`.
    pub path: String,
    /// The only folder to keep of them, as the project's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_dir: Option<String>,
    /// Where they come from.
    #[serde(flatten)]
    pub source: ProjectSource,
}

/// Where a project's sources come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum ProjectSource {
    /// A git repository.
    Git {
        /// Every remote, by name.
        remotes: Vec<(String, String)>,
        /// The remote to check out from.
        checkout_remote: String,
        /// Branch, tag or commit; the remote's default branch where there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revision: Option<String>,
        /// The only folders to check out, beside the files of the top one; all of them where there are none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        folders: Vec<String>,
    },
    /// A zip archive.
    Zip {
        /// Its address; `file:///` names a file of the workspace.
        location: String,
    },
}

impl CloneProject {
    /// The record that this project has been cloned. Remotes are no part of it: nothing is ever cloned over work.
    #[must_use]
    pub fn mark(&self) -> (Role, MarkSpec) {
        let role = Role::Mark(format!("cloned-{}", self.name));
        let done = format!("{}/{}", self.root, self.path);
        (role, MarkSpec { done })
    }
}

impl DesiredWorkspace {
    /// The record that the workspace was stopped, by a person or because nobody used it, where its power leaves that open. It
    /// counts until it is removed, whatever becomes of the workspace's objects: that they don't run has other reasons as
    /// well, such as a reboot. Why it was stopped is part of it.
    #[must_use]
    pub fn stopped_mark(why: &str) -> (Role, MarkSpec) {
        let done = why.to_owned();
        (Self::stopped_role(), MarkSpec { done })
    }

    /// That record's role.
    #[must_use]
    pub fn stopped_role() -> Role {
        Role::Mark("stopped".to_owned())
    }

    /// The record that the post-start commands have passed; none where there are none.
    #[must_use]
    pub fn post_start_mark(&self) -> Option<(Role, MarkSpec)> {
        // Invariant: commands are plain strings and lists, which serialise.
        let done = serde_json::to_string(&self.post_start).ok()?;
        (!self.post_start.is_empty()).then(|| {
            let done = super::identity::content_hash(done.as_bytes());
            (Role::Mark("post-start".to_owned()), MarkSpec { done })
        })
    }

    /// The record that every container with a health check has been ready; none where no container has one.
    #[must_use]
    pub fn ready_mark(&self) -> Option<(Role, MarkSpec)> {
        let checks: BTreeMap<&str, &HealthCheck> = self
            .containers
            .iter()
            .filter_map(|c| Some((c.component.as_str(), c.health.as_ref()?)))
            .collect();
        // Invariant: checks are plain strings and numbers, which serialise.
        let done = serde_json::to_string(&checks).ok()?;
        (!checks.is_empty()).then(|| {
            let done = super::identity::content_hash(done.as_bytes());
            (Role::Mark("ready".to_owned()), MarkSpec { done })
        })
    }
}
