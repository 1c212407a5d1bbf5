//! One pass over everything, or over one workspace: listings at once, and the control groups of what runs. No call per
//! object, so that planning stays cheap.
//!
//! The listings come through podman-api, whose models read both supported versions.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use podman_api::models;
use podman_api::opts::{
    ContainerListFilter, ContainerListOpts, NetworkListFilter, NetworkListOpts, PodListFilter, PodListOpts,
    VolumeListFilter, VolumeListOpts,
};

use super::adopted::is_mounted;
use super::cgroup::{self, Host};
use super::fault::{self, Call};
use super::http::{READ, twice, within};
use super::inspect;
use crate::engine::{EngineError, Result};
use crate::model::labels;
use crate::model::{
    EngineFacts, EngineId, ForeignVolume, Kind, Labels, Name, ObjectId, ObservedImage, ObservedObject,
    ObservedState, Ownership, RunState, WorkspaceId,
};

/// What wharf's own labels begin with; others are dropped at once, since images bring many.
pub(super) const OWN_LABELS: &str = "dev.wharf.";

/// How often a listing is begun again because something vanished meanwhile.
const LISTINGS: usize = 30;

/// podman-api's client and what it can't tell of the machine.
#[derive(Debug)]
pub(super) struct Reader {
    client: podman_api::Podman,
    socket: PathBuf,
    host: OnceLock<Host>,
}

/// What one pass over the engine reads.
struct Listings {
    containers: Vec<models::ListContainer>,
    pods: Vec<models::ListPodsReport>,
    volumes: Vec<models::Volume>,
    networks: Vec<models::Network>,
}

/// Labels that an object must have to be listed; none lists everything. An infra container has its pod's labels.
type Wanted<'a> = &'a [(&'a str, &'a str)];

impl Reader {
    pub(super) fn new(socket: &Path) -> Self {
        Self {
            client: podman_api::Podman::unix(socket),
            socket: socket.to_owned(),
            host: OnceLock::new(),
        }
    }

    /// Whose Podman this is, by the owner of the socket's other end: `info` knows it too, but takes 0.25 s.
    pub(super) fn host(&self) -> Result<Host> {
        if let Some(host) = self.host.get() {
            return Ok(*host);
        }
        let peer = UnixStream::connect(&self.socket)
            .and_then(|stream| Ok(rustix::net::sockopt::socket_peercred(&stream)?))
            .map_err(|error| fault::unreachable_at(&self.socket, &error.to_string()))?;
        Ok(*self.host.get_or_init(|| Host::of_engine(peer.uid.as_raw())))
    }

    pub(super) async fn facts(&self) -> Result<EngineFacts> {
        let host = self.host()?;
        let ping = self.list("ask for the version", || self.client.ping()).await?;
        Ok(host.facts(format!("podman {}", ping.libpod_api_version)))
    }

    pub(super) async fn observe(&self, site: &Name) -> Result<ObservedState> {
        let (facts, listings, listed) = tokio::try_join!(self.facts(), self.listings(&[]), self.images())?;
        let mut state = ObservedState {
            facts,
            images: images(&listed),
            ..ObservedState::default()
        };
        for seen in everything(&listings) {
            match seen.owned_by(site) {
                Some(object) => {
                    state.objects.insert(object.object.clone(), object);
                }
                None => {
                    state.foreign.insert(seen.object);
                }
            }
        }
        state.volumes = foreign_volumes(&listings.volumes, &state.foreign);
        state.objects = read_limits(state.objects, self.host()?).await?;
        Ok(state)
    }

    pub(super) async fn observe_workspace(
        &self,
        site: &Name,
        workspace: &WorkspaceId,
    ) -> Result<BTreeMap<ObjectId, ObservedObject>> {
        let label = workspace.to_string();
        let wanted = [(labels::SITE, site.as_str()), (labels::WORKSPACE, &*label)];
        let listings = self.listings(&wanted).await?;
        // Podman 4.3 lists a volume that has any of the labels.
        let objects = everything(&listings)
            .filter_map(|seen| seen.owned_by(site))
            .filter(|object| object.owner.workspace == *workspace)
            .map(|object| (object.object.clone(), object))
            .collect();
        read_limits(objects, self.host()?).await
    }

    pub(super) async fn sites(&self) -> Result<Vec<Name>> {
        let listings = self.listings(&[]).await?;
        let sites: BTreeSet<Name> = everything(&listings)
            .filter_map(|seen| Ownership::from_labels(&seen.labels))
            .map(|owner| owner.site)
            .collect();
        Ok(sites.into_iter().collect())
    }

    async fn listings(&self, wanted: Wanted<'_>) -> Result<Listings> {
        let pairs = || {
            wanted
                .iter()
                .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        };
        let containers = ContainerListOpts::builder()
            .all(true)
            .filter(pairs().map(|(k, v)| ContainerListFilter::LabelKeyVal(k, v)))
            .build();
        let pods = PodListOpts::builder()
            .filter(pairs().map(|(k, v)| PodListFilter::LabelKeyVal(k, v)))
            .build();
        let volumes = VolumeListOpts::builder()
            .filter(pairs().map(|(k, v)| VolumeListFilter::LabelKeyVal(k, v)))
            .build();
        let networks = NetworkListOpts::builder()
            .filter(pairs().map(|(k, v)| NetworkListFilter::LabelKeyVal(k, v)))
            .build();
        let client = &self.client;
        let (containers, pods, volumes, networks) = tokio::try_join!(
            self.containers(&containers),
            self.list("list pods", || async { client.pods().list(&pods).await }),
            self.list("list volumes", || async { client.volumes().list(&volumes).await }),
            self.list("list networks", || async {
                client.networks().list(&networks).await
            }),
        )?;
        Ok(Listings {
            containers,
            pods,
            volumes,
            networks,
        })
    }

    pub(super) async fn containers(&self, which: &ContainerListOpts) -> Result<Vec<models::ListContainer>> {
        self.list("list containers", || async {
            self.client.containers().list(which).await
        })
        .await
    }

    pub(super) async fn images(&self) -> Result<Vec<models::LibpodImageSummary>> {
        let all = Default::default();
        self.list("list images", || async { self.client.images().list(&all).await })
            .await
    }

    async fn list<T, F>(&self, verb: &str, read: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = podman_api::Result<T>>,
    {
        let call = Call::new(verb, "");
        let once = || {
            within(call, READ, async {
                read()
                    .await
                    .map_err(|error| fault::of_client(call, &self.socket, error))
            })
        };
        // Podman lists in two steps; what somebody removes between them fails the listing as a whole.
        for _ in 0..LISTINGS {
            match twice(once).await {
                Err(EngineError::NotFound(_)) => {}
                other => return other,
            }
        }
        twice(once).await
    }
}

/// Labels in podman-api's models; looked up and sorted at once, never iterated otherwise.
#[allow(clippy::disallowed_types)]
type ListedLabels = std::collections::HashMap<String, String>;

/// An object as listed, before it is known whose it is.
struct Seen {
    object: ObjectId,
    id: EngineId,
    labels: Labels,
    run: RunState,
    pod: Option<EngineId>,
    networks: Vec<String>,
    image: Option<EngineId>,
}

impl Seen {
    fn new(kind: Kind, name: &str, id: String, labels: Option<&ListedLabels>) -> Self {
        let owned = |(k, v): (&String, &String)| k.starts_with(OWN_LABELS).then(|| (k.clone(), v.clone()));
        Self {
            object: ObjectId::new(kind, name),
            id: EngineId(id),
            labels: labels.into_iter().flatten().filter_map(owned).collect(),
            run: RunState::Inert,
            pod: None,
            networks: Vec::new(),
            image: None,
        }
    }

    /// The site's object, or nothing where it is somebody else's. A container inherits its image's labels, so labels
    /// that speak of another kind of object are not its own.
    fn owned_by(&self, site: &Name) -> Option<ObservedObject> {
        let owner = Ownership::from_labels(&self.labels)
            .filter(|owner| owner.site == *site && owner.role.kind() == self.object.kind)?;
        Some(ObservedObject {
            object: self.object.clone(),
            id: self.id.clone(),
            owner,
            run: self.run,
            enforced: None,
            pod: self.pod.clone(),
            networks: self.networks.clone(),
            image: self.image.clone(),
            written: None,
        })
    }
}

fn everything(listings: &Listings) -> impl Iterator<Item = Seen> {
    let by_id: BTreeMap<&str, &models::ListContainer> = listings
        .containers
        .iter()
        .filter_map(|c| Some((c.id.as_deref()?, c)))
        .collect();
    let containers = listings
        .containers
        .iter()
        .filter(|c| c.is_infra != Some(true))
        .map(container);
    let pods = listings.pods.iter().map(move |p| pod(p, &by_id));
    containers
        .chain(pods)
        .chain(listings.volumes.iter().map(volume))
        .chain(listings.networks.iter().map(network))
}

fn container(listed: &models::ListContainer) -> Seen {
    let name = listed.names.iter().flatten().next().cloned().unwrap_or_default();
    let id = listed.id.clone().unwrap_or_default();
    Seen {
        run: run_state(listed),
        pod: listed.pod.clone().filter(|p| !p.is_empty()).map(EngineId),
        image: listed.image_id.as_deref().map(image_id),
        ..Seen::new(Kind::Container, &name, id, listed.labels.as_ref())
    }
}

fn run_state(listed: &models::ListContainer) -> RunState {
    match listed.state.as_deref().unwrap_or_default() {
        "created" | "configured" | "initialized" => RunState::Created,
        "running" => RunState::Running {
            since: listed.started_at.unwrap_or_default(),
            pid: listed
                .pid
                .and_then(|pid| u32::try_from(pid).ok())
                .unwrap_or_default(),
        },
        "paused" => RunState::Paused,
        "exited" | "stopped" => RunState::Exited {
            code: listed.exit_code.unwrap_or_default(),
        },
        _ => RunState::Unknown,
    }
}

fn pod(listed: &models::ListPodsReport, containers: &BTreeMap<&str, &models::ListContainer>) -> Seen {
    let infra = listed.infra_id.clone().filter(|id| !id.is_empty());
    let infra_run = infra
        .as_deref()
        .and_then(|id| containers.get(id))
        .map(|c| run_state(c));
    let run = match listed.status.as_deref().unwrap_or_default() {
        "Running" => infra_run.unwrap_or(RunState::Unknown),
        "Degraded" => RunState::Degraded,
        "Paused" => RunState::Paused,
        // Nothing runs: the infra container tells a pod that never started from one that was stopped, whatever
        // containers were added since.
        "Created" | "Stopped" | "Exited" => infra_run.unwrap_or(RunState::Unknown),
        _ => RunState::Unknown,
    };
    Seen {
        run,
        pod: infra.map(EngineId),
        networks: listed.networks.clone().unwrap_or_default(),
        ..Seen::new(
            Kind::Pod,
            listed.name.as_deref().unwrap_or_default(),
            listed.id.clone().unwrap_or_default(),
            listed.labels.as_ref(),
        )
    }
}

fn volume(listed: &models::Volume) -> Seen {
    let created = listed.created_at.clone().unwrap_or_default();
    Seen::new(Kind::Volume, &listed.name, created, Some(&listed.labels))
}

/// The volumes among what is somebody else's.
fn foreign_volumes(
    listed: &[models::Volume],
    foreign: &BTreeSet<ObjectId>,
) -> BTreeMap<String, ForeignVolume> {
    let is_foreign = |volume: &&models::Volume| foreign.contains(&ObjectId::new(Kind::Volume, &volume.name));
    let described = |volume: &models::Volume| ForeignVolume {
        id: EngineId(volume.created_at.clone().unwrap_or_default()),
        site: volume.labels.get(labels::SITE).cloned(),
        elsewhere: elsewhere(volume),
        used_by: Vec::new(),
    };
    let named = |volume: &models::Volume| (volume.name.clone(), described(volume));
    listed.iter().filter(is_foreign).map(named).collect()
}

/// Why a volume's data is not in its directory. Its options may hold a password, so they are not repeated.
fn elsewhere(volume: &models::Volume) -> Option<String> {
    if volume.driver != "local" {
        return Some(format!("the driver {} keeps it", volume.driver));
    }
    is_mounted(volume.options.keys()).then(|| "its options mount it from elsewhere".to_owned())
}

fn network(listed: &models::Network) -> Seen {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let created = listed
        .created
        .and_then(|time| time.timestamp_nanos_opt())
        .unwrap_or_default();
    let id = inspect::network_id(&text(&listed.id), i128::from(created));
    Seen::new(Kind::Network, &text(&listed.name), id.0, listed.labels.as_ref())
}

fn images(listed: &[models::LibpodImageSummary]) -> BTreeMap<String, ObservedImage> {
    listed
        .iter()
        .filter_map(|image| Some((image, image_id(image.id.as_deref()?))))
        .flat_map(|(image, id)| {
            let tags = image
                .names
                .iter()
                .chain(&image.repo_tags)
                .chain(&image.repo_digests)
                .flatten();
            tags.map(move |name| (name.clone(), ObservedImage { id: id.clone() }))
        })
        .collect()
}

pub(super) fn image_id(text: &str) -> EngineId {
    EngineId(text.trim_start_matches("sha256:").to_owned())
}

/// Fills in what the kernel enforces on the running containers.
async fn read_limits(
    mut objects: BTreeMap<ObjectId, ObservedObject>,
    host: Host,
) -> Result<BTreeMap<ObjectId, ObservedObject>> {
    let read = move || {
        for object in objects.values_mut() {
            if let (Kind::Container, RunState::Running { pid, .. }) = (object.object.kind, object.run) {
                object.enforced = cgroup::read(host.hierarchy, pid, &object.id.0);
            }
        }
        objects
    };
    tokio::task::spawn_blocking(read)
        .await
        .map_err(|error| EngineError::Failed {
            call: "read the control groups".to_owned(),
            message: error.to_string(),
        })
}
