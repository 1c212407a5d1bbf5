//! What stands in a manifest, as its author writes it. The comments are the descriptions that editors show.
//!
//! Optional keys are `Option`; a key's default stands beside it. Nothing but the derive reads these types.

#![allow(dead_code)] // see above: schemas are made of the types, values of them never exist

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::Value;

use super::running::{Drift, Follow, Maintenance};

/// One configuration repository applied to one engine. It stands in wharf.yaml at the repository's root.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Site {
    api_version: ApiVersion,
    /// What the manifest declares.
    #[schemars(extend("const" = "Site"))]
    kind: String,
    /// Its name stands in the name and the labels of every object that wharf makes.
    metadata: Metadata,
    spec: SiteSpec,
}

/// The engine, defaults and policy.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct SiteSpec {
    /// The address of Podman's API socket, unix:///PATH. Absent: found the way the podman client finds it.
    #[schemars(extend("pattern" = "^(unix|simulated):///"))]
    engine: Option<String>,
    defaults: Option<Defaults>,
    policy: Option<Policy>,
    /// An image with git, and for zip archives python3 or unzip with curl or wget. It fetches the projects of workspaces
    /// whose own image lacks them.
    tools_image: Option<Reference>,
    /// References of images that devfiles name, and what is used in their place.
    #[schemars(extend("propertyNames" = { "pattern": REFERENCE }))]
    image_map: Option<BTreeMap<String, Reference>>,
    /// The registry of the devfiles that others import by id alone, such as https://registry.devfile.io.
    #[schemars(extend("pattern" = "^https?://[!-\"$-.0->A-~][!-\"$->A-~]*$"))]
    devfile_registry: Option<String>,
    /// true: nothing is changed any more; what differs is reported.
    #[schemars(extend("default" = false))]
    suspend: Option<bool>,
    drift: Option<Drift>,
    maintenance: Option<Maintenance>,
    source: Option<Follow>,
}

/// What workspaces are where their manifest doesn't say.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Defaults {
    /// The class of workspaces that name none.
    class: Option<Name>,
    /// Whether workspaces run.
    #[schemars(extend("default" = "auto"))]
    power: Option<Power>,
    /// For how long nobody has used a workspace of power auto until the daemon suspends it, such as 30m; 0s is never.
    #[schemars(extend("pattern" = "^([0-9]{1,9}[dhms])+$"))]
    idle_timeout: Option<String>,
    /// Whether volumes outlive the containers.
    #[schemars(extend("default" = "persistent"))]
    storage: Option<StorageMode>,
    /// What becomes of volumes when a workspace's manifest goes.
    #[schemars(extend("default" = "retain"))]
    on_remove: Option<OnRemove>,
    /// The home directory in containers, an absolute path.
    #[schemars(extend("default" = "/home/user", "pattern" = "^(/(\\.?[^/.:,\\x00][^/:,\\x00]*|\\.\\.[^/:,\\x00]+))+$"))]
    home: Option<String>,
}

/// What is allowed on the site.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Policy {
    images: Option<ImagePolicy>,
    /// The most workspaces that one plan removes without an approval.
    #[schemars(extend("default" = 5))]
    max_deletions: Option<u32>,
    /// How long the volumes of a removed workspace are kept before wharf gc offers to remove them, such as 30d. Absent:
    /// for ever.
    #[schemars(extend("pattern" = "^([0-9]{1,9}[dhms])+$"))]
    retain: Option<String>,
    /// How many percent of the machine's memory the classes of the workspaces that run may add up to; what is more waits.
    #[schemars(range(min = 1, max = 10000), extend("default" = 100))]
    promised_memory: Option<u32>,
    publish: Option<PublishPolicy>,
    imports: Option<ImportPolicy>,
}

/// Where imported devfiles may come from.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct ImportPolicy {
    /// Hosts that may be asked for devfiles and registries' tokens though their address is not public. Absent: none.
    private_hosts: Option<Vec<Host>>,
}

/// A host by its name or address, such as devfiles.example.org, 10.0.0.5 or [fd00::1].
#[derive(JsonSchema)]
#[schemars(extend("pattern" = "^([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])$"))]
struct Host(String);

/// Which images workspaces may use.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct ImagePolicy {
    /// Patterns of which an image's reference must match one, such as registry.example.org/*. Absent: any image.
    allow: Option<Vec<String>>,
    /// Whether every image must be pinned by its digest.
    #[schemars(extend("default" = false))]
    require_digest: Option<bool>,
}

/// Where workspaces may publish ports on the host.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct PublishPolicy {
    /// ADDRESS:PORT or ADDRESS:FIRST-LAST, such as 127.0.0.1:8000-8999. Absent: nowhere.
    allow: Option<Vec<String>>,
}

/// Who owns workspaces.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct User {
    api_version: ApiVersion,
    /// What the manifest declares.
    #[schemars(extend("const" = "User"))]
    kind: String,
    /// Workspaces name their owner by it.
    metadata: Metadata,
    spec: UserSpec,
}

/// The person, and what the person's workspaces may add up to.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct UserSpec {
    /// The e-mail address.
    #[schemars(extend("pattern" = "^[^@\\s]+@[^@\\s]+$"))]
    email: Option<String>,
    /// The name as people write it.
    display_name: Option<String>,
    /// What the user may do.
    #[schemars(extend("default" = "member"))]
    role: Option<Role>,
    quota: Option<Quota>,
    /// The first of the 65,536 host ids that the user's containers run as, where it must be a certain one.
    #[schemars(extend("minimum" = 1_048_576, "maximum" = 2_147_418_112, "multipleOf" = 65_536))]
    uid_range: Option<u32>,
}

/// member owns workspaces; admin also sees and operates everyone's.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", inline)]
enum Role {
    Member,
    Admin,
}

/// The most that the user's workspaces may add up to, running or not. What is absent is not bounded.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Quota {
    /// How many workspaces.
    workspaces: Option<u32>,
    /// Processors, the sum of the classes', such as "8" or 500m.
    cpu: Option<Quantity>,
    /// Memory, the sum of the classes', such as 16Gi.
    memory: Option<Quantity>,
    /// Storage, the sum of the classes', such as 100Gi.
    storage: Option<Quantity>,
}

/// What one workspace may use.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Class {
    api_version: ApiVersion,
    /// What the manifest declares.
    #[schemars(extend("const" = "Class"))]
    kind: String,
    /// Workspaces name their class by it.
    metadata: Metadata,
    spec: ClassSpec,
}

/// The limits of all of a workspace's containers together.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct ClassSpec {
    /// Processors, such as "2" or 500m; at least 10m.
    cpu: Quantity,
    /// Memory, such as 4Gi; at least 6Mi.
    memory: Quantity,
    /// Storage, such as 20Gi. It counts against quotas and is not enforced yet.
    storage: Option<Quantity>,
    /// The most processes and threads.
    #[schemars(extend("default" = 2048, "minimum" = 1))]
    pids: Option<u64>,
}

/// What one user works in: containers, volumes, a network.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Workspace {
    api_version: ApiVersion,
    /// What the manifest declares.
    #[schemars(extend("const" = "Workspace"))]
    kind: String,
    /// Unique among the owner's workspaces.
    metadata: Metadata,
    spec: WorkspaceSpec,
}

/// The owner, the devfile, and what is particular to this workspace.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct WorkspaceSpec {
    /// The User whose workspace it is.
    owner: Name,
    devfile: DevfileRef,
    /// The Class that limits it. Absent: the Site's default.
    class: Option<Name>,
    /// Values of the devfile's variables.
    variables: Option<BTreeMap<String, String>>,
    /// Environment of every container.
    env: Option<BTreeMap<String, String>>,
    /// Whether it runs. Absent: the Site's default.
    power: Option<Power>,
    storage: Option<WorkspaceStorage>,
    /// The workspace, OWNER/NAME, that this one was called before; its data moves here.
    #[schemars(extend("pattern" = WORKSPACE_ID))]
    moved_from: Option<String>,
    /// Volumes that are not wharf's and whose data is copied, once, into volumes of this workspace.
    adopt: Option<Vec<Adopt>>,
    /// Endpoints to publish on the host, where the Site's policy allows it.
    publish: Option<Vec<Publish>>,
    /// The starter project of the devfile to begin with. Absent: the one that the devfile asks for, if any.
    starter_project: Option<String>,
    /// true: nothing of it is changed any more; what differs is reported. wharf start and wharf stop still work.
    #[schemars(extend("default" = false))]
    suspend: Option<bool>,
    maintenance: Option<Maintenance>,
}

/// What the workspace is made of: a devfile of the repository, or one that stands here.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["path"] }, { "required": ["inline"] }]))]
struct DevfileRef {
    /// The devfile's path from the repository's root.
    path: Option<String>,
    /// The devfile itself.
    inline: Option<BTreeMap<String, Value>>,
}

/// What is particular about the workspace's volumes.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct WorkspaceStorage {
    /// Whether volumes outlive the containers. Absent: the Site's default.
    mode: Option<StorageMode>,
    /// What becomes of the volumes when this manifest goes. Absent: the Site's default.
    on_remove: Option<OnRemove>,
}

/// A volume that is not wharf's and whose data is taken over. It is left as it is.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Adopt {
    /// What the engine calls it.
    #[schemars(extend("pattern" = "^[a-zA-Z0-9][a-zA-Z0-9_.-]*$"))]
    volume: String,
    /// The workspace's own volume: projects (the sources), home, or data/NAME for the volume NAME of the devfile.
    #[schemars(extend("pattern" = "^(projects|home|data/.+)$"))]
    r#as: String,
}

/// An endpoint published on the host.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct Publish {
    /// The endpoint's name in the devfile.
    endpoint: String,
    /// The host's IP address.
    #[schemars(extend("default" = "127.0.0.1"))]
    address: Option<String>,
    /// The host's port.
    #[schemars(range(min = 1, max = 65_535))]
    port: u16,
}

/// The form of manifests.
#[derive(JsonSchema)]
#[schemars(extend("const" = super::super::API_VERSION))]
struct ApiVersion(String);

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Metadata {
    /// The name: lower-case letters, digits and inner hyphens, at most 63.
    name: Name,
}

const NAME: &str = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";
const WORKSPACE_ID: &str = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";
const REFERENCE: &str = "^[a-zA-Z0-9][a-zA-Z0-9._/:@-]*$";
const QUANTITY: &str = "^\\+?([0-9]+\\.?[0-9]*|\\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?$";

/// A name of a manifest.
#[derive(JsonSchema)]
#[schemars(extend("pattern" = NAME))]
struct Name(String);

/// An image's reference.
#[derive(JsonSchema)]
#[schemars(extend("pattern" = REFERENCE))]
struct Reference(String);

/// A number with an optional suffix, as in Kubernetes.
#[derive(JsonSchema)]
#[schemars(extend("pattern" = QUANTITY))]
struct Quantity(String);

/// on: always running. off: never. auto: running or suspended, both are right.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", inline)]
enum Power {
    On,
    Off,
    Auto,
}

/// persistent: volumes outlive the containers. ephemeral: they are gone when the workspace stops.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", inline)]
enum StorageMode {
    Persistent,
    Ephemeral,
}

/// retain: volumes stay and are listed as retained. delete: they go, with an approval.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", inline)]
enum OnRemove {
    Retain,
    Delete,
}
