//! Creating networks, volumes, pods and containers: the bodies, and the proof that a container is as it was asked.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::cgroup::Host;
use super::fault::Call;
use super::http::{Api, Endpoint};
use super::limits::{self, Resources};
use super::{inspect, proof};
use crate::engine::{Create, EngineError, Result};
use crate::model::spec::PublishedPort;
use crate::model::{
    ContainerSpec, EngineId, Labels, Limits, NetworkSpec, PodSpec, Spec, UidRange, VolumeSpec, labels,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    id: String,
}

#[derive(Serialize)]
struct NetworkBody<'a> {
    name: &'a str,
    driver: &'a str,
    labels: &'a Labels,
    options: BTreeMap<&'a str, &'a str>,
    dns_enabled: bool,
}

fn network_body<'a>(network: &Create<'a, NetworkSpec>) -> NetworkBody<'a> {
    NetworkBody {
        name: network.name,
        driver: "bridge",
        labels: network.labels,
        // Two networks are kept apart where both say so; netavark 1.4 refuses "strict".
        options: BTreeMap::from([("isolate", "true")]),
        dns_enabled: network.spec.dns,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct VolumeBody<'a> {
    name: &'a str,
    labels: &'a Labels,
    options: BTreeMap<&'a str, String>,
}

fn volume_body<'a>(name: &'a str, spec: &VolumeSpec, labels: &'a Labels) -> VolumeBody<'a> {
    let mut options = BTreeMap::new();
    if spec.ephemeral {
        let size = spec
            .size
            .map(|size| format!(",size={}", size.0))
            .unwrap_or_default();
        options.insert("type", "tmpfs".to_owned());
        options.insert("device", "tmpfs".to_owned());
        options.insert("o", format!("mode=1777,nosuid,nodev{size}"));
    }
    VolumeBody {
        name,
        labels,
        options,
    }
}

#[derive(Serialize)]
struct PodBody<'a> {
    name: &'a str,
    labels: &'a Labels,
    #[serde(skip_serializing_if = "str::is_empty")]
    hostname: &'a str,
    netns: Namespace,
    #[serde(rename = "Networks")]
    networks: BTreeMap<&'a str, Attachment<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    portmappings: Vec<PortMapping<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    userns: Option<Namespace>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idmappings: Option<Mappings>,
    shared_namespaces: Vec<&'a str>,
}

#[derive(Serialize)]
struct Namespace {
    nsmode: &'static str,
}

#[derive(Serialize)]
struct Attachment<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    aliases: &'a [String],
}

#[derive(Serialize)]
struct PortMapping<'a> {
    host_ip: &'a str,
    host_port: u16,
    container_port: u16,
    protocol: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Mappings {
    #[serde(rename = "HostUIDMapping")]
    host_uid_mapping: bool,
    #[serde(rename = "HostGIDMapping")]
    host_gid_mapping: bool,
    #[serde(rename = "UIDMap")]
    uid_map: [Mapping; 1],
    #[serde(rename = "GIDMap")]
    gid_map: [Mapping; 1],
}

#[derive(Clone, Copy, Serialize)]
struct Mapping {
    container_id: u32,
    host_id: u32,
    size: u32,
}

/// Without root there is one range of ids for all, and a pod's own can't be had.
fn pod_body<'a>(pod: &Create<'a, PodSpec>, rootless: bool) -> PodBody<'a> {
    let range = pod.spec.uid_range.filter(|_| !rootless);
    let mut shared = vec!["net", "ipc", "uts"];
    if range.is_some() {
        shared.push("user");
    }
    PodBody {
        name: pod.name,
        labels: pod.labels,
        hostname: &pod.spec.hostname,
        netns: Namespace { nsmode: "bridge" },
        networks: BTreeMap::from([(
            pod.spec.network.as_str(),
            Attachment {
                aliases: &pod.spec.aliases,
            },
        )]),
        portmappings: pod.spec.publish.iter().map(port_mapping).collect(),
        userns: range.map(|_| Namespace { nsmode: "private" }),
        idmappings: range.map(mappings),
        shared_namespaces: shared,
    }
}

fn port_mapping(port: &PublishedPort) -> PortMapping<'_> {
    PortMapping {
        host_ip: &port.address,
        host_port: port.host_port,
        container_port: port.port,
        protocol: "tcp",
    }
}

fn mappings(range: UidRange) -> Mappings {
    let map = [Mapping {
        container_id: 0,
        host_id: range.first,
        size: range.count,
    }];
    Mappings {
        host_uid_mapping: false,
        host_gid_mapping: false,
        uid_map: map,
        gid_map: map,
    }
}

#[derive(Serialize)]
struct ContainerBody<'a> {
    name: &'a str,
    pod: &'a str,
    image: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    entrypoint: &'a Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: &'a Option<Vec<String>>,
    env: BTreeMap<&'a str, &'a str>,
    labels: &'a Labels,
    volumes: Vec<NamedVolume<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    work_dir: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: &'a Option<String>,
    /// An image's `VOLUME` would become a volume that nobody declared, without labels.
    image_volume_mode: &'static str,
    init: bool,
    stop_timeout: u32,
    no_new_privileges: bool,
    cap_drop: [&'static str; 1],
    resource_limits: Resources,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NamedVolume<'a> {
    name: &'a str,
    dest: &'a str,
}

fn container_body<'a>(container: &Create<'a, ContainerSpec>, limits: &Limits) -> ContainerBody<'a> {
    let spec = container.spec;
    let mount = |m: &'a crate::model::Mount| NamedVolume {
        name: &m.volume,
        dest: &m.path,
    };
    ContainerBody {
        name: container.name,
        pod: &spec.pod,
        image: &spec.image,
        entrypoint: &spec.entrypoint,
        command: &spec.command,
        env: spec.env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect(),
        labels: container.labels,
        volumes: spec.mounts.iter().map(mount).collect(),
        work_dir: &spec.working_dir,
        user: &spec.user,
        image_volume_mode: "ignore",
        init: true,
        stop_timeout: spec.stop_timeout,
        no_new_privileges: true,
        cap_drop: ["all"],
        resource_limits: limits::at_creation(limits),
    }
}

impl Api {
    pub(super) async fn create_network(&self, network: Create<'_, NetworkSpec>) -> Result<EngineId> {
        let call = Call::new("create network", network.name);
        let endpoint = Endpoint::new(&["networks", "create"]);
        let made: inspect::Network = self.post(call, &endpoint, &network_body(&network)).await?;
        Ok(made.engine_id())
    }

    pub(super) async fn create_volume(&self, volume: Create<'_, VolumeSpec>) -> Result<EngineId> {
        let call = Call::new("create volume", volume.name);
        let body = volume_body(volume.name, volume.spec, volume.labels);
        let endpoint = Endpoint::new(&["volumes", "create"]);
        let made: inspect::Volume = self.post(call, &endpoint, &body).await?;
        Ok(made.engine_id())
    }

    pub(super) async fn create_pod(&self, pod: Create<'_, PodSpec>, host: Host) -> Result<EngineId> {
        let call = Call::new("create pod", pod.name);
        let body = pod_body(&pod, host.rootless());
        let made: Result<Created> = self.post(call, &Endpoint::new(&["pods", "create"]), &body).await;
        match made {
            Ok(made) => {
                self.keep_range(&made.id, pod.spec.uid_range);
                Ok(EngineId(made.id))
            }
            Err(error) => {
                self.remove_stump(&pod).await?;
                Err(match error {
                    EngineError::NotFound(_) => {
                        EngineError::NotFound(format!("network {}", pod.spec.network))
                    }
                    other => other,
                })
            }
        }
    }

    /// Podman creates a pod before its infra container, and keeps it where that can't be had, for want of the network
    /// for instance. Only such a pod has our labels and not one container.
    async fn remove_stump(&self, pod: &Create<'_, PodSpec>) -> Result<()> {
        let left = match self.pod("inspect pod", pod.name).await {
            Ok(left) => left,
            Err(EngineError::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        if left.labels != *pod.labels || !left.infra.is_empty() || !left.containers.is_empty() {
            return Ok(());
        }
        let call = Call::new("remove the unfinished pod", pod.name);
        match self.remove(call, &Endpoint::new(&["pods", &left.id])).await {
            Err(EngineError::NotFound(_)) => Ok(()),
            other => other,
        }
    }

    /// Creates a container, reads it back, and removes it again where it is not as it was asked.
    pub(super) async fn create_container(
        &self,
        container: Create<'_, ContainerSpec>,
        limits: &Limits,
        host: Host,
    ) -> Result<EngineId> {
        let call = Call::new("create container", container.name);
        let volumes = self.mounted(container.spec).await?;
        let body = container_body(&container, limits);
        let made: Result<Created> = self
            .post(call, &Endpoint::new(&["containers", "create"]), &body)
            .await;
        let made = made.map_err(|error| match error {
            EngineError::Image { cause, .. } => EngineError::Image {
                reference: container.spec.image.clone(),
                cause,
            },
            EngineError::NotFound(_) => EngineError::NotFound(format!("pod {}", container.spec.pod)),
            other => other,
        })?;
        let proven = async {
            let (read, mounted) = tokio::try_join!(
                self.container("read back container", &made.id),
                self.mounted(container.spec)
            )?;
            let range = self.pod_range(&read.pod).await?;
            let asked = proof::Asked {
                spec: container.spec,
                limits,
                range: range.filter(|_| !host.rootless()),
                enforced: host.enforces_limits(),
            };
            proof::check(container.name, &asked, &read)?;
            if mounted != volumes {
                let what = "a volume was replaced while it was being created".to_owned();
                let object = container.name.to_owned();
                return Err(EngineError::NotAsAsked { object, what });
            }
            Ok(())
        };
        if let Err(error) = proven.await {
            let removal = Endpoint::new(&["containers", &made.id]).query("force", "true");
            self.remove(Call::new("remove container", container.name), &removal)
                .await?;
            return Err(error);
        }
        if let Ok(mut unstarted) = self.unstarted.lock() {
            unstarted.insert(made.id.clone());
        }
        Ok(EngineId(made.id))
    }

    /// The incarnations of the volumes that a container mounts. All must be there: Podman would make a missing one
    /// itself, without labels.
    async fn mounted(&self, spec: &ContainerSpec) -> Result<Vec<EngineId>> {
        let read = spec.mounts.iter().map(|mount| async {
            let volume = self.volume("inspect volume", &mount.volume).await?;
            Ok(volume.engine_id())
        });
        try_join_all(read).await
    }

    /// The uid range that the pod with this id was created with. Inspecting a pod takes longer the more it holds, so
    /// it is done once.
    async fn pod_range(&self, id: &str) -> Result<Option<UidRange>> {
        let kept = self.ranges.lock().ok().and_then(|kept| kept.get(id).copied());
        if let Some(range) = kept {
            return Ok(range);
        }
        let pod = self.pod("inspect pod", id).await?;
        let created_as = pod
            .labels
            .get(labels::SPEC)
            .and_then(|text| serde_json::from_str(text).ok());
        match created_as {
            Some(Spec::Pod(created_as)) => {
                self.keep_range(id, created_as.uid_range);
                Ok(created_as.uid_range)
            }
            _ => Err(EngineError::Conflict(format!(
                "pod {} carries no specification of wharf's, so it can't be known which user ids its containers get",
                pod.name
            ))),
        }
    }

    fn keep_range(&self, pod: &str, range: Option<UidRange>) {
        if let Ok(mut kept) = self.ranges.lock() {
            kept.insert(pod.to_owned(), range);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Bytes, Mount};

    fn labels() -> Labels {
        Labels::from([("k".to_owned(), "v".to_owned())])
    }

    #[test]
    fn networks_are_isolated_bridges() {
        let labels = labels();
        let body = network_body(&Create {
            name: "n",
            spec: &NetworkSpec { dns: true },
            labels: &labels,
        });
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"name":"n","driver":"bridge","labels":{"k":"v"},"options":{"isolate":"true"},"dns_enabled":true}"#
        );
    }

    #[test]
    fn an_ephemeral_volume_is_held_in_memory() {
        let labels = labels();
        let json = |spec: VolumeSpec| serde_json::to_string(&volume_body("v", &spec, &labels)).unwrap();
        let plain = json(VolumeSpec::default());
        assert_eq!(plain, r#"{"Name":"v","Labels":{"k":"v"},"Options":{}}"#);
        let size = Some(Bytes(4096));
        let ephemeral = json(VolumeSpec {
            ephemeral: true,
            size,
        });
        let options = r#"{"device":"tmpfs","o":"mode=1777,nosuid,nodev,size=4096","type":"tmpfs"}"#;
        assert!(ephemeral.contains(options), "{ephemeral}");
    }

    #[test]
    fn a_pod_gets_its_owners_ids_only_where_podman_has_root() {
        let spec = PodSpec {
            network: "n".into(),
            hostname: "h".into(),
            aliases: vec!["db".into()],
            uid_range: Some(UidRange {
                first: 1_000_000,
                count: 65536,
            }),
            publish: vec![PublishedPort {
                address: "127.0.0.1".into(),
                host_port: 8080,
                port: 80,
            }],
        };
        let labels = labels();
        let pod = Create {
            name: "p",
            spec: &spec,
            labels: &labels,
        };
        assert_eq!(
            serde_json::to_string(&pod_body(&pod, false)).unwrap(),
            concat!(
                r#"{"name":"p","labels":{"k":"v"},"hostname":"h","netns":{"nsmode":"bridge"},"Networks":{"n":{"aliases":["db"]}},"#,
                r#""portmappings":[{"host_ip":"127.0.0.1","host_port":8080,"container_port":80,"protocol":"tcp"}],"#,
                r#""userns":{"nsmode":"private"},"idmappings":{"HostUIDMapping":false,"HostGIDMapping":false,"#,
                r#""UIDMap":[{"container_id":0,"host_id":1000000,"size":65536}],"GIDMap":[{"container_id":0,"host_id":1000000,"size":65536}]},"#,
                r#""shared_namespaces":["net","ipc","uts","user"]}"#
            )
        );
        let rootless = serde_json::to_string(&pod_body(&pod, true)).unwrap();
        assert!(!rootless.contains("idmappings") && !rootless.contains("user"));
    }

    #[test]
    fn a_container_is_confined_by_the_keys_that_podman_reads() {
        let spec = ContainerSpec {
            pod: "p".into(),
            image: "localhost/x:1".into(),
            entrypoint: Some(vec![]),
            command: Some(vec!["sleep".into()]),
            env: vec![("A".into(), "b".into())],
            mounts: vec![Mount {
                volume: "v".into(),
                path: "/v".into(),
            }],
            working_dir: Some("/w".into()),
            user: Some("1000:1000".into()),
            stop_timeout: 3,
        };
        let labels = labels();
        let limits = Limits {
            memory: Some(Bytes(1024)),
            ..Limits::default()
        };
        let body = container_body(
            &Create {
                name: "c",
                spec: &spec,
                labels: &labels,
            },
            &limits,
        );
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            concat!(
                r#"{"name":"c","pod":"p","image":"localhost/x:1","entrypoint":[],"command":["sleep"],"env":{"A":"b"},"#,
                r#""labels":{"k":"v"},"volumes":[{"Name":"v","Dest":"/v"}],"work_dir":"/w","user":"1000:1000","image_volume_mode":"ignore","#,
                r#""init":true,"stop_timeout":3,"no_new_privileges":true,"cap_drop":["all"],"#,
                r#""resource_limits":{"memory":{"limit":1024,"swap":1024},"pids":{"limit":-1}}}"#
            )
        );
    }
}
