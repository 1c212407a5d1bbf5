//! The engine: what runs the objects. One pass to observe them, a few mutations of one object each, and streams into a
//! running container. [`podman`] speaks to Podman's API; [`simulated`] keeps its objects in memory or in one file and
//! is stricter than Podman.
//!
//! Every call is bounded in time, addresses an existing object by the incarnation that the plan saw (never by its name
//! alone), and either took effect or returns an error. Deciding what to call, retrying and ordering don't belong here.

pub mod address;
pub mod podman;
pub mod simulated;
pub mod stream;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

use crate::model::{
    ContainerSpec, Enforced, EngineFacts, EngineId, ImageSpec, Labels, Limits, Name, NetworkSpec, ObjectId,
    ObservedObject, ObservedState, PodSpec, StoredImage, UidRange, VolumeSpec, WorkspaceId,
};
pub use stream::{Event, EventStream, ExecRequest, ExecSession, LogOptions, Output, OutputStream};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nothing answers at the engine's address.
    #[error("no engine answers at {address}: {cause}")]
    Unreachable {
        /// The address.
        address: String,
        /// What the connection said.
        cause: String,
    },
    /// The call took longer than its bound; whether it took effect is unknown.
    #[error("{call} took longer than {seconds} s")]
    Timeout {
        /// Which call.
        call: String,
        /// Its bound.
        seconds: u64,
    },
    /// The object, or that incarnation of it, is not there.
    #[error("{0} is not there")]
    NotFound(String),
    /// Something stands in the way: the name is taken, a volume is in use.
    #[error("{0}")]
    Conflict(String),
    /// The image can't be had.
    #[error("image {reference} can't be had: {cause}")]
    Image {
        /// Its reference.
        reference: String,
        /// Why.
        cause: String,
    },
    /// The engine did not do what was asked: a security setting or a limit reads back otherwise.
    #[error("{object} was not created as asked: {what}")]
    NotAsAsked {
        /// The object.
        object: String,
        /// What differs.
        what: String,
    },
    /// The engine refused or failed.
    #[error("{call}: {message}")]
    Failed {
        /// Which call.
        call: String,
        /// The engine's own words.
        message: String,
    },
    /// This engine can't do it.
    #[error("{0}")]
    Unsupported(String),
}

/// What every mutation returns on failure.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;

/// An object to create: its name, its specification, its labels.
#[derive(Clone, Copy, Debug)]
pub struct Create<'a, S> {
    /// The engine's name for it; must be free.
    pub name: &'a str,
    /// What it is.
    pub spec: &'a S,
    /// Its labels.
    pub labels: &'a Labels,
}

/// A volume's incarnation: volumes have no id that a call could address, so the name goes with what was seen of it.
#[derive(Clone, Copy, Debug)]
pub struct VolumeRef<'a> {
    /// The engine's name.
    pub name: &'a str,
    /// Which incarnation.
    pub id: &'a EngineId,
}

/// One name of an image, and the image that was seen under it.
#[derive(Clone, Copy, Debug)]
pub struct ImageRef<'a> {
    /// The name.
    pub name: &'a str,
    /// Which image.
    pub id: &'a EngineId,
}

/// How the owners of files change when data passes from one user to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reown {
    /// The range that the files are in.
    pub from: UidRange,
    /// The range that they go to, id for id.
    pub to: UidRange,
}

/// What runs the objects. See the module's head for what holds for every call.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Where it is, for messages.
    fn address(&self) -> String;

    /// What kind of engine it is; also tells whether it answers.
    async fn facts(&self) -> Result<EngineFacts>;

    /// Everything that carries `site`'s label, the names that others hold, and the images. Reads only.
    async fn observe(&self, site: &Name) -> Result<ObservedState>;

    /// What [`Engine::observe`] tells of one workspace's objects, at the cost of that workspace alone. Reads only.
    async fn observe_workspace(
        &self,
        site: &Name,
        workspace: &WorkspaceId,
    ) -> Result<BTreeMap<ObjectId, ObservedObject>>;

    /// What happens to the site's objects from now on, as long as the stream is asked for it. Events may be lost, doubled
    /// or late; only looking tells what is there.
    fn events(&self, site: &Name) -> EventStream;

    /// The names of all sites that own an object here.
    async fn sites(&self) -> Result<Vec<Name>>;

    /// Bytes written in a container, which removing it loses. Reads only.
    async fn written(&self, container: &EngineId) -> Result<u64>;

    /// How much processor time each workspace's running containers have used; a workspace of which that can't be read is left
    /// out. Reads only.
    async fn processor_times(&self, site: &Name) -> Result<BTreeMap<WorkspaceId, Duration>>;

    /// Every image, whoever's it is. Reads only.
    async fn images(&self) -> Result<Vec<StoredImage>>;

    /// The containers that run with a volume mounted, paused ones too, by name. Reads only.
    async fn volume_users(&self, volume: &str) -> Result<Vec<String>>;

    /// The bytes that each volume's files take, by the volume's name; a volume that can't be measured is left out.
    /// Reads only, but all files' sizes: it may take long.
    async fn volume_sizes(&self) -> Result<BTreeMap<String, u64>>;

    /// Pulls or builds the image unless it is there; `progress` gets one line at a time.
    async fn ensure_image(
        &self,
        image: &ImageSpec,
        labels: &Labels,
        progress: &(dyn for<'line> Fn(&'line str) + Send + Sync),
    ) -> Result<()>;

    /// Creates a network of the workspace's own.
    async fn create_network(&self, network: Create<'_, NetworkSpec>) -> Result<EngineId>;

    /// Creates an empty volume.
    async fn create_volume(&self, volume: Create<'_, VolumeSpec>) -> Result<EngineId>;

    /// Creates an empty volume that only carries labels.
    async fn create_mark(&self, name: &str, labels: &Labels) -> Result<EngineId>;

    /// Creates a pod; nothing runs yet.
    async fn create_pod(&self, pod: Create<'_, PodSpec>) -> Result<EngineId>;

    /// Creates a container and proves by reading back that its security settings are as they must be.
    async fn create_container(
        &self,
        container: Create<'_, ContainerSpec>,
        limits: &Limits,
    ) -> Result<EngineId>;

    /// Starts a container (and its pod's infra container first, where that is down), sets `limits` where the kernel
    /// enforces others, and returns its incarnation (see [`crate::model::ObservedObject::incarnation`]). Starting a
    /// running container changes nothing.
    async fn start_container(&self, id: &EngineId, limits: &Limits) -> Result<String>;

    /// Sets a running container's limits and returns what the kernel then enforces.
    async fn set_limits(&self, id: &EngineId, limits: &Limits) -> Result<Enforced>;

    /// Stops a container within its stop time-out; a stopped one stays as it is.
    async fn stop_container(&self, id: &EngineId) -> Result<()>;

    /// Stops a pod, its infra container included.
    async fn stop_pod(&self, id: &EngineId) -> Result<()>;

    /// Removes a stopped container, without its volumes.
    async fn remove_container(&self, id: &EngineId) -> Result<()>;

    /// Removes a pod that has no container but its infra container.
    async fn remove_pod(&self, id: &EngineId) -> Result<()>;

    /// Removes a network that nothing is on.
    async fn remove_network(&self, id: &EngineId) -> Result<()>;

    /// Removes a volume that nothing mounts, with its data.
    async fn remove_volume(&self, volume: VolumeRef<'_>) -> Result<()>;

    /// Removes a name of an image, and with its last name the image. A conflict where a container was made from it.
    async fn remove_image(&self, image: ImageRef<'_>) -> Result<()>;

    /// Moves all data of the volume `from` into the empty volume `to`, atomically and without copying where both lie
    /// on one file system, then re-owns it. Repeating it after a crash completes it. `from` stays, empty.
    async fn move_data(&self, from: VolumeRef<'_>, to: VolumeRef<'_>, reown: Option<Reown>) -> Result<()>;

    /// Copies all data of the volume `from` into the empty volume `to`, with owners as `reown` says: another owner than it
    /// knows is an error. `from` is only read. Until all of it is there `to` stays empty, so that what was cut off can be
    /// begun anew; repeating what was completed changes nothing.
    async fn copy_data(&self, from: VolumeRef<'_>, to: VolumeRef<'_>, reown: Option<Reown>) -> Result<()>;

    /// The incarnation of an object that exists: see [`crate::model::ObservedObject::incarnation`]; an error where a
    /// container doesn't run.
    async fn incarnation(&self, object: &ObjectId) -> Result<String>;

    /// Waits until a container has ended, at most `seconds`, and returns its exit code.
    async fn wait_container(&self, id: &EngineId, seconds: u64) -> Result<i32>;

    /// Runs a command in a running container; a conflict where it doesn't run.
    async fn exec(&self, id: &EngineId, request: &ExecRequest) -> Result<ExecSession>;

    /// What a container wrote.
    async fn logs(&self, id: &EngineId, options: &LogOptions) -> Result<OutputStream>;

    /// A connection to `port` on the loopback address within the container's network namespace; a conflict where the
    /// container doesn't run.
    async fn dial(&self, id: &EngineId, port: u16) -> Result<TcpStream>;
}
