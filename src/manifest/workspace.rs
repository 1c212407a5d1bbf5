//! `kind: Workspace`: what one user works in.

use crate::document::{Decode, Fields, Node, Reader, Span, Spanned, bounded, choice, parsed};
use crate::model::{Name, OnRemove, Power, Role, WorkspaceId};

use super::forms;
use super::maintenance::Maintenance;

/// The address on which a port is published, where the manifest doesn't say.
const DEFAULT_ADDRESS: &str = "127.0.0.1";
const NOT_YET: &str = "manifest/not-supported-yet";

/// What one user works in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// The user.
    pub owner: Spanned<Name>,
    /// What it is made of.
    pub devfile: DevfileRef,
    /// What it may use; absent: the Site's default.
    pub class: Option<Spanned<Name>>,
    /// Values of the devfile's variables, in the order of the text.
    pub variables: Vec<(Spanned<String>, Spanned<String>)>,
    /// Environment of every container, in the order of the text.
    pub env: Vec<(Spanned<String>, Spanned<String>)>,
    /// Whether it runs; absent: the Site's default.
    pub power: Option<Power>,
    /// Its volumes.
    pub storage: WorkspaceStorage,
    /// The workspace whose data it takes over.
    pub moved_from: Option<Spanned<WorkspaceId>>,
    /// Volumes that are not wharf's and whose data it takes over.
    pub adopt: Vec<Adopt>,
    /// Endpoints to publish on the host.
    pub publish: Vec<Publish>,
    /// The devfile's starter project to begin with.
    pub starter_project: Option<Spanned<String>>,
    /// Whether nothing of it is changed, only reported.
    pub suspend: bool,
    /// When changes may interrupt it; absent: as the Site says.
    pub maintenance: Option<Maintenance>,
}

/// Where a workspace's devfile is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DevfileRef {
    /// A file of the repository: its path from the root, without `.` and `..` where it stays inside.
    Path(Spanned<String>),
    /// The manifest holds it, at this place; see [`super::Manifest::inline_devfile`].
    Inline(Span),
}

/// What is said about a workspace's volumes; what is absent is as the Site's defaults say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkspaceStorage {
    /// Whether they outlive the containers.
    pub mode: Option<StorageMode>,
    /// What becomes of them when the manifest goes.
    pub on_remove: Option<OnRemove>,
}

/// Whether volumes outlive the containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageMode {
    /// They do.
    Persistent,
    /// They are held in memory and gone when the workspace stops.
    Ephemeral,
}

/// A volume that is not wharf's and whose data is taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopt {
    /// What the engine calls it.
    pub volume: Spanned<String>,
    /// The workspace's own volume that gets its data.
    pub role: Spanned<Role>,
}

/// An endpoint published on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// The endpoint's name in the devfile.
    pub endpoint: Spanned<String>,
    /// The host's address; an IP address. Where it is the default, its place is the whole entry.
    pub address: Spanned<String>,
    /// The host's port; not 0.
    pub port: Spanned<u16>,
}

impl Decode for Workspace {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let owner = fields.required("owner", reader);
        let class = fields.optional("class", reader);
        // A template stands in the devfile's place: one error is enough.
        let devfile = match fields.key("template") {
            Some(_) => fields.optional("devfile", reader),
            None => fields.required("devfile", reader),
        };
        let variables = fields.optional("variables", reader).unwrap_or_default();
        let env = fields.optional("env", reader).unwrap_or_default();
        let power = fields.optional("power", reader);
        let storage = fields.optional("storage", reader).unwrap_or_default();
        let moved_from = fields.optional("movedFrom", reader);
        let adopt = fields.list("adopt", reader);
        let publish = fields.list("publish", reader);
        let starter_project = fields.optional("starterProject", reader);
        let suspend = fields.optional("suspend", reader).unwrap_or(false);
        let maintenance = fields.optional("maintenance", reader);
        for key in ["template", "editors", "secrets", "share", "restoreFrom"] {
            fields.not_yet(key, NOT_YET, reader);
        }
        fields.finish(reader);
        Some(Self {
            owner: owner?,
            devfile: devfile?,
            class,
            variables,
            env,
            power,
            storage,
            moved_from,
            adopt,
            publish,
            starter_project,
            suspend,
            maintenance,
        })
    }
}

impl Decode for DevfileRef {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        for key in ["git", "revision", "template"] {
            fields.not_yet(key, NOT_YET, reader);
        }
        let later = ["git", "template"].iter().any(|key| fields.key(key).is_some());
        let path = fields.optional::<Spanned<String>>("path", reader);
        // Whatever it is: the devfile module judges it.
        let inline = fields.node("inline").map(|node| node.span);
        let given = (fields.key("path"), fields.key("inline"));
        let span = fields.span();
        fields.finish(reader);
        if later {
            return None; // reported; what else is there belongs to that
        }
        let message = match given {
            (Some(_), Some(_)) => "a devfile has a path or is inline, not both",
            (None, None) => "the devfile is missing: neither a path nor inline",
            (Some(_), None) => return path.map(|p| Self::Path(within_repository(p))),
            (None, Some(_)) => return inline.map(Self::Inline),
        };
        let error = reader.error("manifest/devfile-source", span, message);
        reader.report(error.help("write devfile: {path: devfiles/NAME.yaml}"));
        None
    }
}

/// The path from the root; what leaves the repository, or is no path, stays as it is for its check.
pub(super) fn within_repository(path: Spanned<String>) -> Spanned<String> {
    if path.value.contains("://") {
        return path;
    }
    let value = crate::document::files::join("", &path.value).unwrap_or(path.value);
    Spanned { value, ..path }
}

impl Decode for WorkspaceStorage {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let storage = Self {
            mode: fields.optional("mode", reader),
            on_remove: fields.optional("onRemove", reader),
        };
        fields.finish(reader);
        Some(storage)
    }
}

impl Decode for StorageMode {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let words = [("persistent", Self::Persistent), ("ephemeral", Self::Ephemeral)];
        choice(node, reader, &words)
    }
}

impl Decode for Power {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        choice(
            node,
            reader,
            &[("on", Self::On), ("off", Self::Off), ("auto", Self::Auto)],
        )
    }
}

impl Decode for OnRemove {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        if node.as_str() == Some("snapshot") {
            // Accepting it as `retain` would promise a snapshot that nobody makes.
            let error = reader.error(NOT_YET, node.span, "onRemove: snapshot is not supported yet");
            reader.report(error.help("use retain, which keeps the volumes"));
            return None;
        }
        choice(
            node,
            reader,
            &[("retain", Self::Retain), ("delete", Self::Delete)],
        )
    }
}

impl Decode for WorkspaceId {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        parsed(node, reader, "manifest/workspace-id")
    }
}

impl Decode for Adopt {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let volume = fields
            .required::<String>("volume", reader)
            .and_then(|_| fields.node("volume"))
            .and_then(|node| forms::text(node, &forms::VOLUME, reader));
        let word = fields.required::<Spanned<String>>("as", reader);
        fields.finish(reader);
        let role = word.and_then(|word| volume_role(&word, reader));
        Some(Self {
            volume: volume?,
            role: role?,
        })
    }
}

/// The volume of a workspace that a word means.
fn volume_role(word: &Spanned<String>, reader: &mut Reader<'_>) -> Option<Spanned<Role>> {
    let (text, span) = (word.value.as_str(), word.span);
    if let Some(value) = Role::of_volume_word(text) {
        return Some(Spanned { value, span });
    }
    let message = format!("{text:?} is no volume of a workspace");
    let help = "write projects, home, or data/NAME for the volume NAME of the devfile";
    let error = reader.error("manifest/volume-role", span, message).help(help);
    let data = format!("data/{text}");
    reader.report(error.suggest(text, ["projects", "home", data.as_str()]));
    None
}

impl Decode for Publish {
    fn decode(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut fields = Fields::of(node, reader)?;
        let endpoint = fields.required("endpoint", reader);
        let has_address = fields.key("address").is_some();
        let address = forms::optional(&mut fields, "address", &forms::ADDRESS, reader);
        let port = fields
            .required::<i64>("port", reader)
            .and_then(|_| fields.node("port"))
            .and_then(|node| {
                let port = bounded(node, reader, 1..=i64::from(u16::MAX))?;
                let value = u16::try_from(port).ok()?;
                Some(Spanned {
                    value,
                    span: node.span,
                })
            });
        let default = Spanned {
            value: DEFAULT_ADDRESS.to_owned(),
            span: fields.span(),
        };
        fields.finish(reader);
        Some(Self {
            endpoint: endpoint?,
            address: if has_address { address? } else { default },
            port: port?,
        })
    }
}
