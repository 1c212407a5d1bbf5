//! Components: what a workspace is made of.

use super::overrides::Overrides;
use super::project::Git;
use super::readiness::Readiness;
use super::root::Attributes;
use crate::document::{Span, Spanned};
use crate::model::{Bytes, MilliCpu};

/// One component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Its name, unique among components.
    pub name: Spanned<String>,
    /// What it is.
    pub kind: ComponentKind,
    /// Free-form settings of tools.
    pub attributes: Attributes,
}

/// What a component is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComponentKind {
    /// A container of the workspace.
    Container(Container),
    /// A volume that containers mount.
    Volume(Volume),
    /// An image to build.
    Image(Image),
    /// Objects of a Kubernetes cluster, which wharf skips.
    Cluster(Cluster),
}

impl ComponentKind {
    /// What it is, in the words of a message.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Container(_) => "a container",
            Self::Volume(_) => "a volume",
            Self::Image(_) => "an image",
            Self::Cluster(_) => "a cluster component",
        }
    }
}

/// A container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// The image's reference; it may name an image component's `imageName`.
    pub image: Spanned<String>,
    /// Replaces the image's entrypoint.
    pub command: Option<Vec<String>>,
    /// Replaces the image's command.
    pub args: Option<Vec<String>>,
    /// The environment, in order.
    pub env: Vec<EnvVar>,
    /// The volumes.
    pub volume_mounts: Vec<VolumeMount>,
    /// The most memory.
    pub memory_limit: Option<Spanned<Bytes>>,
    /// The memory that is kept for it.
    pub memory_request: Option<Spanned<Bytes>>,
    /// The most processor time.
    pub cpu_limit: Option<Spanned<MilliCpu>>,
    /// Its share of the processors.
    pub cpu_request: Option<Spanned<MilliCpu>>,
    /// Whether it sees the projects.
    pub mount_sources: bool,
    /// Where it sees them, if not where [`Container::source_mapping`] says.
    pub source_mapping: Option<Spanned<String>>,
    /// Whether it runs apart from the others, in a pod of its own.
    pub dedicated_pod: bool,
    /// What it listens on.
    pub endpoints: Vec<Endpoint>,
    /// Annotations for Kubernetes' objects, which mean nothing elsewhere.
    pub annotation: Annotation,
    /// The user to run as, `UID` or `UID:GID`, if not the image's.
    pub user: Option<String>,
    /// Where the container's own process runs, if not where the image says.
    pub working_dir: Option<String>,
    /// Seconds between the stop signal and the kill, if not the usual ones.
    pub stop_timeout: Option<u32>,
    /// When it is ready, and what it waits for.
    pub readiness: Readiness,
}

impl Container {
    /// Changes what `overrides` say.
    pub(super) fn change(&mut self, overrides: Overrides) {
        self.memory_limit = overrides.memory_limit.or(self.memory_limit);
        self.memory_request = overrides.memory_request.or(self.memory_request);
        self.cpu_limit = overrides.cpu_limit.or(self.cpu_limit);
        self.cpu_request = overrides.cpu_request.or(self.cpu_request);
        self.user = match (overrides.user, overrides.group) {
            (Some(user), Some(group)) => Some(format!("{}:{}", user.value, group.value)),
            (Some(user), None) => Some(user.value.to_string()),
            (None, _) => None,
        };
        self.working_dir = overrides.working_dir;
        self.stop_timeout = overrides.stop_timeout.map(|seconds| seconds.value);
    }

    /// Where the container sees the projects: an absolute path.
    #[must_use]
    pub fn source_mapping(&self) -> String {
        absolute(self.source_mapping.as_ref().map_or("/projects", |p| &p.value))
    }
}

/// A variable of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvVar {
    /// Its name.
    pub name: Spanned<String>,
    /// Its value; may be empty.
    pub value: Spanned<String>,
}

/// A volume component in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeMount {
    /// The volume component.
    pub name: Spanned<String>,
    /// Where, if not where [`VolumeMount::path`] says.
    pub path: Option<Spanned<String>>,
}

impl VolumeMount {
    /// Where the container sees the volume: an absolute path, `/` and the volume's name by default.
    #[must_use]
    pub fn path(&self) -> String {
        absolute(self.path.as_ref().map_or(&self.name.value, |p| &p.value))
    }
}

/// A path from the root, whatever it was relative to, and without a `/` at its end: Kubernetes takes paths so.
fn absolute(path: &str) -> String {
    format!("/{}", path.trim_matches('/'))
}

/// What a container listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name, unique in the devfile.
    pub name: Spanned<String>,
    /// The port in the container.
    pub target_port: Spanned<u16>,
    /// Who reaches it.
    pub exposure: Exposure,
    /// What is spoken there.
    pub protocol: Protocol,
    /// Whether it asks for an authenticated user.
    pub secure: bool,
    /// The path to open.
    pub path: Option<Spanned<String>>,
    /// Free-form settings of tools.
    pub attributes: Attributes,
}

/// Who reaches an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exposure {
    /// Anyone who may reach the workspace.
    #[default]
    Public,
    /// Other containers of the workspace.
    Internal,
    /// The same pod only, over localhost.
    None,
}

/// What an endpoint speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// HTTP.
    #[default]
    Http,
    /// HTTP over TLS.
    Https,
    /// WebSocket.
    Ws,
    /// WebSocket over TLS.
    Wss,
    /// Plain TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// The size that it asks for.
    pub size: Option<Spanned<Bytes>>,
    /// Whether it is gone when the workspace stops.
    pub ephemeral: bool,
}

/// An image to build from a Containerfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its reference, by which containers name it.
    pub image_name: Spanned<String>,
    /// The Containerfile.
    pub containerfile: Containerfile,
    /// The context's path, relative to the devfile or within where the Containerfile is from; that folder by default.
    pub build_context: Option<Spanned<String>>,
    /// Arguments of the build command, such as `--build-arg` and `A=b`.
    pub args: Vec<String>,
    /// Whether the build asks for root.
    pub root_required: bool,
    /// Whether it is built before anything asks for it; unset means: unless an apply command does.
    pub auto_build: Option<bool>,
}

/// Where a Containerfile is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Containerfile {
    /// A path relative to the devfile, or an address of the web.
    Uri(Spanned<String>),
    /// A file of a git repository, which the context is in as well.
    Git {
        /// The repository.
        git: Git,
        /// The file's path in it.
        file: Option<Spanned<String>>,
        /// Where that is said.
        span: Span,
    },
    /// A file of a stack in a devfile registry, which the context is in as well.
    Registry {
        /// The stack.
        id: Spanned<String>,
        /// The registry, if not the Site's.
        url: Option<Spanned<String>>,
    },
}

impl Containerfile {
    /// Where it is said.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Uri(uri) => uri.span,
            Self::Git { span, .. } => *span,
            Self::Registry { id, .. } => id.span,
        }
    }
}

/// Objects of a Kubernetes cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Which key declares them.
    pub platform: Platform,
    /// The endpoints, whose names share one space with those of containers.
    pub endpoints: Vec<Endpoint>,
}

/// The kind of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// `kubernetes`
    Kubernetes,
    /// `openshift`
    Openshift,
}

impl Platform {
    /// The component's key.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Openshift => "openshift",
        }
    }
}

/// Annotations for Kubernetes' objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotation {
    /// Of the deployment.
    pub deployment: Vec<(Spanned<String>, Spanned<String>)>,
    /// Of the service.
    pub service: Vec<(Spanned<String>, Spanned<String>)>,
    /// Whether the container says that it runs with the others (`dedicatedPod: false` written out), which is where
    /// the reference library compares annotations.
    pub(super) shared: bool,
}
