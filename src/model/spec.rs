//! Specifications: what an object is, complete, in the engine-independent form that is hashed, labelled, planned and
//! sent. Fields at their default are left out of the canonical form, so that a later release can add one without
//! recreating anything.

use serde::{Deserialize, Serialize};

use super::quantity::{Bytes, MilliCpu};

/// What can't be changed in place, for each kind of object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Spec {
    /// See [`NetworkSpec`].
    Network(NetworkSpec),
    /// See [`VolumeSpec`].
    Volume(VolumeSpec),
    /// See [`PodSpec`].
    Pod(PodSpec),
    /// See [`ContainerSpec`].
    Container(ContainerSpec),
    /// See [`MarkSpec`].
    Mark(MarkSpec),
}

/// A workspace's network: a bridge that reaches no other workspace's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NetworkSpec {
    /// Whether containers find other pods of the workspace by name; needed only where there are several pods.
    #[serde(skip_serializing_if = "is_false")]
    pub dns: bool,
}

/// A volume. The size of one that holds data is no part of its identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VolumeSpec {
    /// Gone when the workspace stops: held in memory.
    #[serde(skip_serializing_if = "is_false")]
    pub ephemeral: bool,
    /// The most that an ephemeral volume holds; what holds data has its size checked elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Bytes>,
}

/// A record that something was done, valid for one incarnation of what it was done to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MarkSpec {
    /// What was done, as far as doing it again would differ.
    pub done: String,
}

/// A range of user and group ids on the host that a pod's ids 0, 1, … map to. Engines that run without root have one
/// range for all and ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UidRange {
    /// The host id of the pod's id 0.
    pub first: u32,
    /// How many ids.
    pub count: u32,
}

/// A port of the pod that is published on the host, by declaration only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishedPort {
    /// The host's address.
    pub address: String,
    /// The host's port.
    pub host_port: u16,
    /// The port within the pod.
    pub port: u16,
}

/// A pod: the namespaces that its containers share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec {
    /// The engine's name of the network.
    pub network: String,
    /// The host name within.
    pub hostname: String,
    /// Further names under which other pods of the network find this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The owner's ids on the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid_range: Option<UidRange>,
    /// Ports published on the host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub publish: Vec<PublishedPort>,
}

/// A volume in a container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mount {
    /// The engine's name of the volume.
    pub volume: String,
    /// Where, within the container; absolute.
    pub path: String,
}

/// A container, except for its limits, which can be changed in place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerSpec {
    /// The engine's name of the pod.
    pub pod: String,
    /// The image's reference.
    pub image: String,
    /// Replaces the image's entrypoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the image's command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// The environment, in order: later values may refer to earlier ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(String, String)>,
    /// The volumes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// Replaces the image's working directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    /// Replaces the image's user: `UID` or `UID:GID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Seconds between the stop signal and the kill.
    #[serde(
        default = "default_stop_timeout",
        skip_serializing_if = "is_default_stop_timeout"
    )]
    pub stop_timeout: u32,
}

/// Seconds between the stop signal and the kill, where nothing says otherwise.
pub const STOP_TIMEOUT: u32 = 10;

fn default_stop_timeout() -> u32 {
    STOP_TIMEOUT
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the form that serde calls
fn is_default_stop_timeout(seconds: &u32) -> bool {
    *seconds == STOP_TIMEOUT
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the form that serde calls
fn is_false(value: &bool) -> bool {
    !*value
}

/// What a container may use. All of it can be changed while the container runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Limits {
    /// The most memory; swap is not added to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// The memory that is kept for it under pressure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_request: Option<Bytes>,
    /// The most processor time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<MilliCpu>,
    /// Its share of the processors when they are short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_request: Option<MilliCpu>,
    /// The most processes and threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids: Option<u64>,
}

/// An image that containers of a workspace start from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageSpec {
    /// The reference under which containers name it.
    pub reference: String,
    /// How it is had when it is missing.
    pub source: ImageSource,
}

/// How an image is had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ImageSource {
    /// From its registry; `localhost/…` has none and must be there.
    Pull,
    /// From a Containerfile and its context, wherever they are from. The reference holds the context's hash.
    #[serde(rename_all = "camelCase")]
    Build {
        /// The Containerfile, relative to the context.
        containerfile: String,
        /// The context: path relative to it, mode, content; sorted by path.
        context: Vec<ContextFile>,
        /// Build arguments, `NAME=VALUE`.
        args: Vec<String>,
    },
}

/// One file of a build context.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextFile {
    /// Relative to the context, with `/`.
    pub path: String,
    /// Whether it may be executed.
    pub executable: bool,
    /// Its bytes; base64 in a plan file.
    #[serde(with = "base64_bytes")]
    pub content: std::sync::Arc<[u8]>,
}

impl std::fmt::Debug for ContextFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.path, self.content.len())
    }
}

mod base64_bytes {
    use std::sync::Arc;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &Arc<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[u8]>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Into::into).map_err(D::Error::custom)
    }
}
