//! What an object is called: its kind, its name in the engine, and its role within a workspace.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::name::{Name, WorkspaceId};

/// The kinds of object that an engine holds for wharf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An image that containers start from; shared, never owned by one workspace.
    Image,
    /// A workspace's own network.
    Network,
    /// A volume: data, or a mark (see [`Role::Mark`]).
    Volume,
    /// A pod, which holds the network namespace.
    Pod,
    /// A container within a pod.
    Container,
}

impl Kind {
    /// The word that users see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Network => "network",
            Self::Volume => "volume",
            Self::Pod => "pod",
            Self::Container => "container",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One object's identity in an engine, written `container/lab.alice.api.tools`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId {
    /// What it is.
    pub kind: Kind,
    /// What the engine calls it.
    pub name: String,
}

impl ObjectId {
    /// An object of `kind` that the engine calls `name`.
    #[must_use]
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }

    /// Whether it is a mark ([`Role::Mark`]), whoever's: no name within a role holds a dot.
    #[must_use]
    pub fn is_mark(&self) -> bool {
        self.kind == Kind::Volume && self.name.ends_with(".mark")
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.kind, self.name))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What an object is for within its workspace: the value of the label `dev.wharf.object`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// The workspace's network.
    Network,
    /// The pod that most of its containers share.
    Pod,
    /// The pod of one component that asked for a pod of its own (`dedicatedPod: true`).
    DedicatedPod(String),
    /// The volume of the projects' sources.
    Projects,
    /// The home directory.
    Home,
    /// A volume that the devfile declares.
    Data(String),
    /// The container of a component.
    Component(String),
    /// The container of a component that runs to completion for an event.
    Event(String),
    /// An empty volume that records something done: a project cloned, the post-start commands passed,
    /// the health checks passed.
    Mark(String),
}

impl Role {
    /// The kind of the object that has this role.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Network => Kind::Network,
            Self::Pod | Self::DedicatedPod(_) => Kind::Pod,
            Self::Projects | Self::Home | Self::Data(_) | Self::Mark(_) => Kind::Volume,
            Self::Component(_) | Self::Event(_) => Kind::Container,
        }
    }

    /// Whether losing the object loses somebody's data.
    #[must_use]
    pub fn is_data(&self) -> bool {
        match self {
            Self::Projects | Self::Home | Self::Data(_) => true,
            Self::Network
            | Self::Pod
            | Self::DedicatedPod(_)
            | Self::Component(_)
            | Self::Event(_)
            | Self::Mark(_) => false,
        }
    }

    /// A data volume's word in a manifest: `projects`, `home`, or `data/NAME` for a volume of the devfile, which may be
    /// called `home` itself.
    #[must_use]
    pub fn volume_word(&self) -> Option<String> {
        match self {
            Self::Projects => Some("projects".to_owned()),
            Self::Home => Some("home".to_owned()),
            Self::Data(_) => Some(self.to_string()),
            Self::Network
            | Self::Pod
            | Self::DedicatedPod(_)
            | Self::Component(_)
            | Self::Event(_)
            | Self::Mark(_) => None,
        }
    }

    /// The data volume that a manifest's word means.
    #[must_use]
    pub fn of_volume_word(word: &str) -> Option<Self> {
        match word {
            "projects" => Some(Self::Projects),
            "home" => Some(Self::Home),
            _ => {
                let name = word.strip_prefix("data/").filter(|name| !name.is_empty());
                name.map(|name| Self::Data(name.to_owned()))
            }
        }
    }

    /// The component whose container has this role.
    #[must_use]
    pub fn component(&self) -> Option<&str> {
        match self {
            Self::Component(name) => Some(name),
            Self::Network
            | Self::Pod
            | Self::DedicatedPod(_)
            | Self::Projects
            | Self::Home
            | Self::Data(_)
            | Self::Event(_)
            | Self::Mark(_) => None,
        }
    }

    /// The object's name in the engine: site, owner, workspace and the role's own part, joined by `.`.
    ///
    /// Pods and containers share one name space in Podman, hence the fifth part of what is neither a component's
    /// container nor the workspace itself.
    #[must_use]
    pub fn object_id(&self, site: &Name, workspace: &WorkspaceId) -> ObjectId {
        let stem = format!("{site}.{}.{}", workspace.owner, workspace.name);
        let name = match self {
            Self::Network | Self::Pod => stem,
            Self::DedicatedPod(component) => format!("{stem}.{component}.pod"),
            Self::Projects => format!("{stem}.projects"),
            Self::Home => format!("{stem}.home"),
            Self::Data(volume) => format!("{stem}.{volume}.data"),
            Self::Component(component) => format!("{stem}.{component}"),
            Self::Event(command) => format!("{stem}.{command}.event"),
            Self::Mark(what) => format!("{stem}.{what}.mark"),
        };
        ObjectId::new(self.kind(), name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network => f.write_str("network"),
            Self::Pod => f.write_str("pod"),
            Self::DedicatedPod(component) => write!(f, "pod/{component}"),
            Self::Projects => f.write_str("volume/projects"),
            Self::Home => f.write_str("volume/home"),
            Self::Data(volume) => write!(f, "data/{volume}"),
            Self::Component(component) => write!(f, "container/{component}"),
            Self::Event(command) => write!(f, "event/{command}"),
            Self::Mark(what) => write!(f, "mark/{what}"),
        }
    }
}

/// A label value that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no role of a workspace's object")]
pub struct RoleError(pub String);

impl std::str::FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        Ok(match text.split_once('/') {
            None if text == "network" => Self::Network,
            None if text == "pod" => Self::Pod,
            Some(("volume", "projects")) => Self::Projects,
            Some(("volume", "home")) => Self::Home,
            Some(("pod", rest)) if !rest.is_empty() => Self::DedicatedPod(rest.to_owned()),
            Some(("data", rest)) if !rest.is_empty() => Self::Data(rest.to_owned()),
            Some(("container", rest)) if !rest.is_empty() => Self::Component(rest.to_owned()),
            Some(("event", rest)) if !rest.is_empty() => Self::Event(rest.to_owned()),
            Some(("mark", rest)) if !rest.is_empty() => Self::Mark(rest.to_owned()),
            None | Some(_) => return Err(RoleError(text.to_owned())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles() -> Vec<Role> {
        let name = || "x".to_owned();
        vec![
            Role::Network,
            Role::Pod,
            Role::DedicatedPod(name()),
            Role::Projects,
            Role::Home,
            Role::Data(name()),
            Role::Component(name()),
            Role::Event(name()),
            Role::Mark(name()),
        ]
    }

    #[test]
    fn a_role_reads_back_from_its_label() {
        for role in roles() {
            assert_eq!(role.to_string().parse::<Role>(), Ok(role));
        }
        assert!("volume/other".parse::<Role>().is_err());
        assert!("mark/".parse::<Role>().is_err());
    }

    #[test]
    fn a_data_volumes_word_reads_back_and_other_roles_have_none() {
        for role in roles() {
            let word = role.volume_word();
            assert_eq!(word.is_some(), role.is_data());
            assert_eq!(
                word.as_deref().and_then(Role::of_volume_word),
                role.is_data().then_some(role)
            );
        }
        for word in ["", "data/", "data", "volume/home", "network"] {
            assert_eq!(Role::of_volume_word(word), None, "{word}");
        }
    }

    #[test]
    fn no_two_roles_of_a_kind_share_a_name() {
        let site: Name = "lab".parse().unwrap();
        let workspace: WorkspaceId = "a-b/c".parse().unwrap();
        let mut ids: Vec<_> = roles().iter().map(|r| r.object_id(&site, &workspace)).collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}
