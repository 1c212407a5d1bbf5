//! The calls themselves, each one effect on the state.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::TcpStream;

use super::Simulated;
use super::call::{Call, Class};
use super::objects::{incarnation, not_found, refused};
use super::state::{Command, State};
use super::streams::{echo, session};
use crate::engine::{
    Create, Engine, EngineError, EventStream, ExecRequest, ExecSession, ImageRef, LogOptions, OutputStream,
    Reown, Result, VolumeRef,
};
use crate::model::{
    ContainerSpec, Enforced, EngineFacts, EngineId, ImageSource, ImageSpec, Kind, Labels, Limits, Name,
    NetworkSpec, ObjectId, ObservedImage, ObservedObject, ObservedState, Ownership, PodSpec, RunState,
    StoredImage, VolumeSpec, WorkspaceId,
};

#[async_trait]
impl Engine for Simulated {
    fn address(&self) -> String {
        self.lock().store.address()
    }

    async fn facts(&self) -> Result<EngineFacts> {
        self.read("facts", Kind::Image, "", |state| Ok(state.facts()))
            .await
    }

    async fn observe(&self, site: &Name) -> Result<ObservedState> {
        self.read("observe", Kind::Image, "", |state| Ok(state.observe(site)))
            .await
    }

    async fn observe_workspace(
        &self,
        site: &Name,
        workspace: &WorkspaceId,
    ) -> Result<BTreeMap<ObjectId, ObservedObject>> {
        let name = format!("{site}.{}.{}", workspace.owner, workspace.name);
        self.read("observe_workspace", Kind::Pod, &name, |state| {
            let mut objects = state.observe(site).objects;
            objects.retain(|_, object| object.owner.workspace == *workspace);
            Ok(objects)
        })
        .await
    }

    fn events(&self, _site: &Name) -> EventStream {
        self.follow()
    }

    async fn sites(&self) -> Result<Vec<Name>> {
        self.read("sites", Kind::Image, "", |state| {
            let owners = state
                .labels()
                .filter_map(|(_, _, labels)| Ownership::from_labels(labels));
            let sites: std::collections::BTreeSet<_> = owners.map(|owner| owner.site).collect();
            Ok(sites.into_iter().collect())
        })
        .await
    }

    async fn written(&self, container: &EngineId) -> Result<u64> {
        let name = self.resolve(Kind::Container, container)?;
        self.read("written", Kind::Container, &name, |state| {
            let found = state.containers.get(&name);
            found
                .map(|c| c.written)
                .ok_or_else(|| not_found(Kind::Container, &name))
        })
        .await
    }

    async fn images(&self) -> Result<Vec<StoredImage>> {
        self.read("images", Kind::Image, "", |state| Ok(state.stored_images()))
            .await
    }

    async fn processor_times(&self, site: &Name) -> Result<BTreeMap<WorkspaceId, Duration>> {
        let times = |state: &State| Ok(state.processor_times(site));
        self.read("processor_times", Kind::Container, "", times).await
    }

    async fn volume_users(&self, volume: &str) -> Result<Vec<String>> {
        let users = |state: &State| Ok(state.users(volume));
        self.read("volume_users", Kind::Volume, volume, users).await
    }

    async fn volume_sizes(&self) -> Result<BTreeMap<String, u64>> {
        self.read("volume_sizes", Kind::Volume, "", |state| Ok(state.volume_sizes()))
            .await
    }

    async fn ensure_image(
        &self,
        image: &ImageSpec,
        labels: &Labels,
        progress: &(dyn for<'line> Fn(&'line str) + Send + Sync),
    ) -> Result<()> {
        let call = Call::mutation("ensure_image", Kind::Image, &image.reference);
        self.call(call, |state, _| state.ensure_image(image, labels, progress))
            .await
    }

    async fn create_network(&self, network: Create<'_, NetworkSpec>) -> Result<EngineId> {
        let call = Call::mutation("create_network", Kind::Network, network.name);
        self.call(call, |state, _| state.create_network(&network)).await
    }

    async fn create_volume(&self, volume: Create<'_, VolumeSpec>) -> Result<EngineId> {
        let call = Call::mutation("create_volume", Kind::Volume, volume.name);
        self.call(call, |state, _| state.create_volume(&volume)).await
    }

    async fn create_mark(&self, name: &str, labels: &Labels) -> Result<EngineId> {
        let call = Call::mutation("create_mark", Kind::Volume, name);
        self.call(call, |state, _| {
            state.add_volume(name, &VolumeSpec::default(), labels)
        })
        .await
    }

    async fn create_pod(&self, pod: Create<'_, PodSpec>) -> Result<EngineId> {
        let call = Call::mutation("create_pod", Kind::Pod, pod.name);
        self.call(call, |state, _| state.create_pod(&pod)).await
    }

    async fn create_container(
        &self,
        container: Create<'_, ContainerSpec>,
        limits: &Limits,
    ) -> Result<EngineId> {
        let call = Call::mutation("create_container", Kind::Container, container.name);
        self.call(call, |state, _| state.create_container(&container, limits))
            .await
    }

    async fn start_container(&self, id: &EngineId, limits: &Limits) -> Result<String> {
        let name = self.resolve(Kind::Container, id)?;
        let call = Call::mutation("start_container", Kind::Container, &name);
        self.call(call, |state, half| {
            super::objects::check_limits(limits)?;
            let run = state.start(&name)?;
            if !half && state.running(&name).is_ok() {
                state.set_limits(&name, limits)?;
            }
            incarnation(id, run)
        })
        .await
    }

    async fn set_limits(&self, id: &EngineId, limits: &Limits) -> Result<Enforced> {
        let name = self.resolve(Kind::Container, id)?;
        let call = Call::mutation("set_limits", Kind::Container, &name);
        self.call(call, |state, _| state.set_limits(&name, limits)).await
    }

    async fn stop_container(&self, id: &EngineId) -> Result<()> {
        let name = self.resolve(Kind::Container, id)?;
        let call = Call::mutation("stop_container", Kind::Container, &name);
        self.call(call, |state, _| {
            if !state.containers.contains_key(&name) {
                return Err(not_found(Kind::Container, &name));
            }
            state.halt(&name);
            Ok(())
        })
        .await
    }

    async fn stop_pod(&self, id: &EngineId) -> Result<()> {
        let name = self.resolve(Kind::Pod, id)?;
        let call = Call::mutation("stop_pod", Kind::Pod, &name);
        self.call(call, |state, _| {
            if !state.pods.contains_key(&name) {
                return Err(not_found(Kind::Pod, &name));
            }
            state.halt_pod(&name);
            Ok(())
        })
        .await
    }

    async fn remove_container(&self, id: &EngineId) -> Result<()> {
        let name = self.resolve(Kind::Container, id)?;
        let call = Call::mutation("remove_container", Kind::Container, &name);
        self.call(call, |state, _| state.remove_container(&name)).await
    }

    async fn remove_pod(&self, id: &EngineId) -> Result<()> {
        let name = self.resolve(Kind::Pod, id)?;
        let call = Call::mutation("remove_pod", Kind::Pod, &name);
        self.call(call, |state, _| state.remove_pod(&name)).await
    }

    async fn remove_network(&self, id: &EngineId) -> Result<()> {
        let name = self.resolve(Kind::Network, id)?;
        let call = Call::mutation("remove_network", Kind::Network, &name);
        self.call(call, |state, _| state.remove_network(&name)).await
    }

    async fn remove_volume(&self, volume: VolumeRef<'_>) -> Result<()> {
        let call = Call::mutation("remove_volume", Kind::Volume, volume.name);
        self.call(call, |state, _| state.remove_volume(volume)).await
    }

    async fn remove_image(&self, image: ImageRef<'_>) -> Result<()> {
        let call = Call::mutation("remove_image", Kind::Image, image.name);
        self.call(call, |state, _| state.remove_image(image)).await
    }

    async fn move_data(&self, from: VolumeRef<'_>, to: VolumeRef<'_>, reown: Option<Reown>) -> Result<()> {
        let call = Call::mutation("move_data", Kind::Volume, to.name);
        self.call(call, |state, half| state.move_data(from, to, reown, half))
            .await
    }

    async fn copy_data(&self, from: VolumeRef<'_>, to: VolumeRef<'_>, reown: Option<Reown>) -> Result<()> {
        let call = Call::work("copy_data", Kind::Volume, to.name);
        self.call(call, |state, half| state.copy_data(from, to, reown, half))
            .await
    }

    async fn incarnation(&self, object: &ObjectId) -> Result<String> {
        self.read("incarnation", object.kind, &object.name, |state| {
            let (id, run) = state.find(object)?;
            match object.kind {
                Kind::Pod | Kind::Container => incarnation(&id, run),
                Kind::Image | Kind::Network | Kind::Volume => Ok(id.to_string()),
            }
        })
        .await
    }

    async fn wait_container(&self, id: &EngineId, seconds: u64) -> Result<i32> {
        let name = self.resolve(Kind::Container, id)?;
        self.read("wait_container", Kind::Container, &name, |_| Ok(()))
            .await?;
        self.wait_for_end(id, seconds).await
    }

    async fn exec(&self, id: &EngineId, request: &ExecRequest) -> Result<ExecSession> {
        let name = self.resolve(Kind::Container, id)?;
        let call = Call::work("exec", Kind::Container, &name);
        let command = Command {
            container: name.clone(),
            argv: request.argv.clone(),
            env: request.env.clone(),
            working_dir: request.working_dir.clone(),
        };
        let script = self.call(call, |state, _| {
            state.running(&name).map(drop).map(|()| state.answer(command))
        });
        Ok(session(request, script.await?))
    }

    async fn logs(&self, id: &EngineId, options: &LogOptions) -> Result<OutputStream> {
        let name = self.resolve(Kind::Container, id)?;
        self.read("logs", Kind::Container, &name, |_| Ok(())).await?;
        self.log_of(id, *options)
    }

    async fn dial(&self, id: &EngineId, port: u16) -> Result<TcpStream> {
        let name = self.resolve(Kind::Container, id)?;
        self.read("dial", Kind::Container, &name, |state| {
            state.running(&name)?;
            match state.closed_ports.contains(&port) {
                true => Err(refused(
                    "dial",
                    format!("nothing listens on port {port} of {name}"),
                )),
                false => Ok(()),
            }
        })
        .await?;
        echo().await
    }
}

impl Simulated {
    async fn read<T>(
        &self,
        name: &'static str,
        kind: Kind,
        object: &str,
        read: impl FnOnce(&State) -> Result<T> + Send,
    ) -> Result<T> {
        let call = Call {
            class: Class::Read,
            ..Call::mutation(name, kind, object)
        };
        self.call(call, |state, _| read(state)).await
    }
}

impl State {
    fn facts(&self) -> EngineFacts {
        EngineFacts {
            version: self.version.clone(),
            rootless: self.rootless,
            enforces_limits: self.enforces_limits,
            memory: self.memory,
        }
    }

    fn ensure_image(
        &mut self,
        image: &ImageSpec,
        labels: &Labels,
        progress: &(dyn for<'line> Fn(&'line str) + Send + Sync),
    ) -> Result<()> {
        if self.images.contains_key(&image.reference) {
            return Ok(());
        }
        let cause = match &image.source {
            ImageSource::Pull if self.pullable.contains(&image.reference) => None,
            ImageSource::Pull => Some("no registry has it"),
            ImageSource::Build {
                containerfile,
                context,
                ..
            } => match context.iter().find(|file| file.path == *containerfile) {
                None => Some("its Containerfile is not in the context"),
                Some(file) => String::from_utf8_lossy(&file.content)
                    .contains("FAIL")
                    .then_some("the build failed"),
            },
        };
        if let Some(cause) = cause {
            return Err(EngineError::Image {
                reference: image.reference.clone(),
                cause: cause.to_owned(),
            });
        }
        progress(&format!("got {}", image.reference));
        let id = self.new_id(Kind::Image);
        if let ImageSource::Build { .. } = &image.source {
            self.image_labels.insert(id.clone(), labels.clone());
        }
        self.images.insert(image.reference.clone(), id);
        Ok(())
    }

    /// An object's id and what it does.
    fn find(&self, object: &ObjectId) -> Result<(EngineId, RunState)> {
        let name = &object.name;
        let found = match object.kind {
            Kind::Image => self.images.get(name).map(|id| (id, RunState::Inert)),
            Kind::Network => self.networks.get(name).map(|n| (&n.id, RunState::Inert)),
            Kind::Volume => self.volumes.get(name).map(|v| (&v.id, RunState::Inert)),
            Kind::Pod => self.pods.get(name).map(|p| (&p.id, self.pod_run(name))),
            Kind::Container => self.containers.get(name).map(|c| (&c.id, c.run)),
        };
        let (id, run) = found.ok_or_else(|| not_found(object.kind, name))?;
        Ok((id.clone(), run))
    }

    fn observe(&self, site: &Name) -> ObservedState {
        let mut observed = ObservedState {
            facts: self.facts(),
            ..ObservedState::default()
        };
        for (object, id, labels) in self.labels() {
            match Ownership::from_labels(labels).filter(|owner| owner.site == *site) {
                Some(owner) => {
                    let found = self.describe(object.clone(), id.clone(), owner);
                    observed.objects.insert(object, found);
                }
                None => drop(observed.foreign.insert(object)),
            }
        }
        observed.volumes = self.foreign_volumes(&observed.foreign);
        let images = self.images.iter();
        observed.images = images
            .map(|(name, id)| (name.clone(), ObservedImage { id: id.clone() }))
            .collect();
        observed
    }

    fn describe(&self, object: ObjectId, id: EngineId, owner: Ownership) -> ObservedObject {
        let pod = self.pods.get(&object.name).filter(|_| object.kind == Kind::Pod);
        let container = self
            .containers
            .get(&object.name)
            .filter(|_| object.kind == Kind::Container);
        let run = self.find(&object).map_or(RunState::Unknown, |(_, run)| run);
        let pod_of = |name: &str| self.pods.get(name).map(|p| p.id.clone());
        ObservedObject {
            owner,
            run,
            enforced: container
                .filter(|_| self.enforces_limits)
                .and_then(|c| c.enforced),
            pod: match (pod, container) {
                (Some(pod), _) => Some(EngineId(format!("{}-infra", pod.id))),
                (None, Some(container)) => pod_of(&container.spec.pod),
                (None, None) => None,
            },
            networks: pod.map(|p| p.spec.network.clone()).into_iter().collect(),
            image: container.map(|c| c.image.clone()),
            written: None,
            object,
            id,
        }
    }
}
