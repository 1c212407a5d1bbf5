//! Podman through its API socket: versions 4.3.1 and 5.4.2, with root and without.
//!
//! Listings go through podman-api (`observe`); everything else goes through that crate's connector with
//! bodies of our own (`http`, `create`, `lifecycle`), because podman-api drops security settings, has no live
//! update and no bounds in time. What Podman reports of itself is not taken on trust: a new container is read back and
//! compared (`proof`), limits are read from the kernel (`cgroup`, `limits`).
//!
//! Podman's types end here; nothing above this module names them.
#![allow(clippy::disallowed_methods)] // volumes' directories, control groups, and programs that enter namespaces

mod adopted;
mod cgroup;
mod copy;
mod create;
mod data;
mod dial;
mod events;
mod exec;
mod fault;
mod firewall;
mod frames;
mod http;
mod image;
mod inspect;
mod lifecycle;
mod limits;
mod observe;
mod owners;
mod proof;
mod stored;
mod unshare;
mod usage;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::TcpStream;

use super::{
    Create, Engine, EventStream, ExecRequest, ExecSession, ImageRef, LogOptions, OutputStream, Reown, Result,
    VolumeRef,
};
use crate::model::{
    ContainerSpec, Enforced, EngineFacts, EngineId, ImageSpec, Labels, Limits, Name, NetworkSpec, ObjectId,
    ObservedObject, ObservedState, PodSpec, StoredImage, VolumeSpec, WorkspaceId,
};
use fault::Call;
use http::Api;
use observe::Reader;
use unshare::Helpers;
pub use unshare::{HELPER_COMMAND, serve as serve_helper};

/// Podman behind one API socket of this machine. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Podman {
    socket: PathBuf,
    api: Arc<Api>,
    reader: Arc<Reader>,
    helpers: Arc<Helpers>,
}

impl Podman {
    /// The Podman at `socket`. Nothing is sent yet; whether it answers shows at the first call.
    #[must_use]
    pub fn connect(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
            api: Arc::new(Api::new(socket)),
            reader: Arc::new(Reader::new(socket)),
            helpers: Arc::default(),
        }
    }

    /// Uses `program` instead of this one to connect into containers where Podman runs without root: it must run
    /// [`serve_helper`] for the argument [`HELPER_COMMAND`].
    #[must_use]
    pub fn with_helper(mut self, program: PathBuf) -> Self {
        self.helpers = Arc::new(Helpers::running(program));
        self
    }
}

#[async_trait]
impl Engine for Podman {
    fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    async fn facts(&self) -> Result<EngineFacts> {
        self.reader.facts().await
    }

    async fn observe(&self, site: &Name) -> Result<ObservedState> {
        self.reader.observe(site).await
    }

    async fn observe_workspace(
        &self,
        site: &Name,
        workspace: &WorkspaceId,
    ) -> Result<BTreeMap<ObjectId, ObservedObject>> {
        self.reader.observe_workspace(site, workspace).await
    }

    fn events(&self, site: &Name) -> EventStream {
        self.follow(site)
    }

    async fn sites(&self) -> Result<Vec<Name>> {
        self.reader.sites().await
    }

    async fn written(&self, container: &EngineId) -> Result<u64> {
        self.api.written(container).await
    }

    async fn images(&self) -> Result<Vec<StoredImage>> {
        self.reader.stored_images().await
    }

    async fn processor_times(&self, site: &Name) -> Result<BTreeMap<WorkspaceId, Duration>> {
        self.reader.processor_times(site).await
    }

    async fn volume_users(&self, volume: &str) -> Result<Vec<String>> {
        self.users(Call::new("find the users of volume", volume), volume)
            .await
    }

    async fn volume_sizes(&self) -> Result<BTreeMap<String, u64>> {
        self.api.volume_sizes().await
    }

    async fn ensure_image(
        &self,
        image: &ImageSpec,
        labels: &Labels,
        progress: &(dyn for<'line> Fn(&'line str) + Send + Sync),
    ) -> Result<()> {
        self.api.ensure_image(image, labels, progress).await
    }

    async fn create_network(&self, network: Create<'_, NetworkSpec>) -> Result<EngineId> {
        self.api.create_network(network).await
    }

    async fn create_volume(&self, volume: Create<'_, VolumeSpec>) -> Result<EngineId> {
        self.api.create_volume(volume).await
    }

    async fn create_mark(&self, name: &str, labels: &Labels) -> Result<EngineId> {
        let spec = &VolumeSpec::default();
        self.api.create_volume(Create { name, spec, labels }).await
    }

    async fn create_pod(&self, pod: Create<'_, PodSpec>) -> Result<EngineId> {
        self.api.create_pod(pod, self.reader.host()?).await
    }

    async fn create_container(
        &self,
        container: Create<'_, ContainerSpec>,
        limits: &Limits,
    ) -> Result<EngineId> {
        self.api
            .create_container(container, limits, self.reader.host()?)
            .await
    }

    async fn start_container(&self, id: &EngineId, limits: &Limits) -> Result<String> {
        self.keep_owners(id).await?;
        self.api.start_container(id, limits, self.reader.host()?).await
    }

    async fn set_limits(&self, id: &EngineId, limits: &Limits) -> Result<Enforced> {
        self.api.set_limits(id, limits, self.reader.host()?).await
    }

    async fn stop_container(&self, id: &EngineId) -> Result<()> {
        self.api.stop_container(id).await
    }

    async fn stop_pod(&self, id: &EngineId) -> Result<()> {
        let stopped = self.api.stop_pod(id).await;
        firewall::keep_isolated(self.reader.host()?).await;
        stopped
    }

    async fn remove_container(&self, id: &EngineId) -> Result<()> {
        self.api.remove_container(id).await
    }

    async fn remove_pod(&self, id: &EngineId) -> Result<()> {
        let removed = self.api.remove_pod(id).await;
        firewall::keep_isolated(self.reader.host()?).await;
        removed
    }

    async fn remove_network(&self, id: &EngineId) -> Result<()> {
        self.api.remove_network(id).await
    }

    async fn remove_volume(&self, volume: VolumeRef<'_>) -> Result<()> {
        self.api.remove_volume(volume).await
    }

    async fn remove_image(&self, image: ImageRef<'_>) -> Result<()> {
        self.api.remove_image(image).await
    }

    async fn move_data(&self, from: VolumeRef<'_>, to: VolumeRef<'_>, reown: Option<Reown>) -> Result<()> {
        self.move_volume(from, to, reown).await
    }

    async fn copy_data(&self, from: VolumeRef<'_>, to: VolumeRef<'_>, reown: Option<Reown>) -> Result<()> {
        self.copy_volume(from, to, reown).await
    }

    async fn incarnation(&self, object: &ObjectId) -> Result<String> {
        self.api.incarnation(object).await
    }

    async fn wait_container(&self, id: &EngineId, seconds: u64) -> Result<i32> {
        self.api.wait_container(id, seconds).await
    }

    async fn exec(&self, id: &EngineId, request: &ExecRequest) -> Result<ExecSession> {
        self.run(id, request).await
    }

    async fn logs(&self, id: &EngineId, options: &LogOptions) -> Result<OutputStream> {
        self.written_lines(id, options).await
    }

    async fn dial(&self, id: &EngineId, port: u16) -> Result<TcpStream> {
        self.connect_within(id, port).await
    }
}
