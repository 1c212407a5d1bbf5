//! `kind: Site`: the engine, defaults and policy of one configuration repository.

use url::{Host, Url};

use crate::document::{Decode, Fields, Node, Reader, Spanned, bounded, parsed};
use crate::model::{DriftPolicy, Name, OnRemove, Power, Seconds};

use super::follow::Follow;
use super::forms::{self, PublishRule};
use super::maintenance::Maintenance;
use super::workspace::StorageMode;

/// The home directory in containers, where the Site doesn't say.
const DEFAULT_HOME: &str = "/home/user";
/// How many workspaces one plan may remove, where the Site doesn't say.
const DEFAULT_MAX_DELETIONS: u32 = 5;
/// How many hundredths of the machine's memory may be promised, where the Site doesn't say, and at most.
const DEFAULT_PROMISED_MEMORY: u32 = 100;
const MOST_PROMISED_MEMORY: i64 = 10_000;

/// One configuration repository applied to one engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The engine's address, `unix:///PATH`; absent: found the way the podman client finds it.
    pub engine: Option<Spanned<String>>,
    /// What workspaces are where their manifest doesn't say.
    pub defaults: Defaults,
    /// What is allowed.
    pub policy: Policy,
    /// The image that fetches projects for workspaces whose own image lacks the programs.
    pub tools_image: Option<Spanned<String>>,
    /// References that devfiles name, and what is used in their place; in the order of the text.
    pub image_map: Vec<(Spanned<String>, Spanned<String>)>,
    /// Where devfiles are looked up that others import by id alone.
    pub devfile_registry: Option<Spanned<Url>>,
    /// Whether nothing is changed, only reported.
    pub suspend: bool,
    /// What is done about drift.
    pub drift: DriftPolicy,
    /// When changes may interrupt somebody's work, where the workspace doesn't say; absent: at any time.
    pub maintenance: Option<Maintenance>,
    /// The repository that the daemon follows in place of the one that it is given.
    pub source: Option<Follow>,
}

/// What workspaces are where their manifest doesn't say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// The class.
    pub class: Option<Spanned<Name>>,
    /// Whether it runs.
    pub power: Power,
    /// Whether its volumes outlive its containers.
    pub storage: StorageMode,
    /// What becomes of its volumes when its manifest goes.
    pub on_remove: OnRemove,
    /// The home directory in its containers; absolute.
    pub home: String,
    /// For how long nobody has used it until it is suspended, where its power leaves that open.
    pub idle_timeout: Option<Seconds>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            class: None,
            power: Power::Auto,
            storage: StorageMode::Persistent,
            on_remove: OnRemove::Retain,
            home: DEFAULT_HOME.to_owned(),
            idle_timeout: None,
        }
    }
}

/// What is allowed on a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Patterns of which an image's reference must match one; absent: any image.
    pub images_allow: Option<Vec<Spanned<String>>>,
    /// Whether every image must be pinned by digest.
    pub require_digest: bool,
    /// How many workspaces one plan may remove without an approval.
    pub max_deletions: u32,
    /// How long the volumes of a removed workspace are kept before `wharf gc` offers to remove them; absent: for ever.
    pub retain: Option<Seconds>,
    /// How many hundredths of the machine's memory the workspaces that run may be promised together.
    pub promised_memory: u32,
    /// Where workspaces may publish ports; empty: nowhere.
    pub publish_allow: Vec<Spanned<PublishRule>>,
    /// Hosts that are asked for devfiles, and for registries' tokens, though their address is not public.
    pub private_hosts: Vec<Spanned<Host>>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            images_allow: None,
            require_digest: false,
            max_deletions: DEFAULT_MAX_DELETIONS,
            retain: None,
            promised_memory: DEFAULT_PROMISED_MEMORY,
            publish_allow: Vec::new(),
            private_hosts: Vec::new(),
        }
    }
}

impl Decode for Site {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let site = Self {
            engine: forms::optional(&mut fields, "engine", &forms::ENGINE, reader),
            defaults: fields.optional("defaults", reader).unwrap_or_default(),
            policy: fields.optional("policy", reader).unwrap_or_default(),
            tools_image: forms::optional(&mut fields, "toolsImage", &forms::REFERENCE, reader),
            image_map: image_map(&mut fields, reader),
            devfile_registry: forms::optional(&mut fields, "devfileRegistry", &forms::WEB_ADDRESS, reader)
                .and_then(|text| forms::parsed(text, &forms::WEB_ADDRESS, Url::parse, reader)),
            suspend: fields.optional("suspend", reader).unwrap_or(false),
            drift: fields.optional("drift", reader).unwrap_or_default(),
            maintenance: fields.optional("maintenance", reader),
            source: fields.optional("source", reader),
        };
        fields.not_yet("domain", "manifest/not-supported-yet", reader);
        fields.finish(reader);
        Some(site)
    }
}

impl Decode for Defaults {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let plain = Self::default();
        let defaults = Self {
            class: fields.optional("class", reader),
            power: fields.optional("power", reader).unwrap_or(plain.power),
            storage: fields.optional("storage", reader).unwrap_or(plain.storage),
            on_remove: fields.optional("onRemove", reader).unwrap_or(plain.on_remove),
            home: forms::optional(&mut fields, "home", &forms::HOME, reader).map_or(plain.home, |h| h.value),
            idle_timeout: fields.optional("idleTimeout", reader),
        };
        fields.finish(reader);
        Some(defaults)
    }
}

impl Decode for Policy {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let images: Images = fields.optional("images", reader).unwrap_or_default();
        let publish: PublishPolicy = fields.optional("publish", reader).unwrap_or_default();
        let imports: ImportPolicy = fields.optional("imports", reader).unwrap_or_default();
        let policy = Self {
            images_allow: images.allow,
            require_digest: images.require_digest,
            max_deletions: fields
                .optional("maxDeletions", reader)
                .unwrap_or(DEFAULT_MAX_DELETIONS),
            retain: fields.optional("retain", reader),
            promised_memory: promised_memory(&mut fields, reader).unwrap_or(DEFAULT_PROMISED_MEMORY),
            publish_allow: publish.allow,
            private_hosts: imports.private_hosts,
        };
        fields.finish(reader);
        Some(policy)
    }
}

impl Decode for Seconds {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        parsed(node, reader, "manifest/duration")
    }
}

fn promised_memory(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<u32> {
    fields.optional::<i64>("promisedMemory", reader)?;
    let number = bounded(fields.node("promisedMemory")?, reader, 1..=MOST_PROMISED_MEMORY)?;
    u32::try_from(number).ok()
}

#[derive(Default)]
struct Images {
    allow: Option<Vec<Spanned<String>>>,
    require_digest: bool,
}

/// A pattern over image references, as [`Decode`] wants it.
struct Pattern(Spanned<String>);

impl Decode for Pattern {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        forms::text(node, &forms::PATTERN, reader).map(Self)
    }
}

impl Decode for Images {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let allow: Option<Vec<Pattern>> = fields.optional("allow", reader);
        let images = Self {
            allow: allow.map(|patterns| patterns.into_iter().map(|p| p.0).collect()),
            require_digest: fields.optional("requireDigest", reader).unwrap_or(false),
        };
        fields.finish(reader);
        Some(images)
    }
}

#[derive(Default)]
struct PublishPolicy {
    allow: Vec<Spanned<PublishRule>>,
}

impl Decode for PublishPolicy {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let policy = Self {
            allow: fields.list("allow", reader),
        };
        fields.finish(reader);
        Some(policy)
    }
}

#[derive(Default)]
struct ImportPolicy {
    private_hosts: Vec<Spanned<Host>>,
}

/// A host, as [`Decode`] wants it.
struct PrivateHost(Spanned<Host>);

impl Decode for PrivateHost {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = forms::text(node, &forms::HOST, reader)?;
        forms::parsed(text, &forms::HOST, Host::parse, reader).map(Self)
    }
}

impl Decode for ImportPolicy {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let hosts: Vec<PrivateHost> = fields.list("privateHosts", reader);
        fields.finish(reader);
        Some(Self {
            private_hosts: hosts.into_iter().map(|host| host.0).collect(),
        })
    }
}

fn image_map(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Vec<(Spanned<String>, Spanned<String>)> {
    /// Always there, so that one wrong value hides no wrong key.
    struct Reference(Option<Spanned<String>>);
    impl Decode for Reference {
        fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
            Some(Self(forms::text(node, &forms::REFERENCE, reader)))
        }
    }
    let entries: Vec<(Spanned<String>, Reference)> = fields.optional("imageMap", reader).unwrap_or_default();
    let mut map = Vec::new();
    for (from, to) in entries {
        if forms::check(&from, &forms::REFERENCE, reader) {
            map.extend(to.0.map(|to| (from, to)));
        }
    }
    map
}
