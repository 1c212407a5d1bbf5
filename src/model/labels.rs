//! The labels that wharf writes on what it creates, and reads to know what it owns. Labels never change after creation.

use std::collections::BTreeMap;

use super::identity::Identity;
use super::name::{Name, WorkspaceId};
use super::object::Role;

/// The site that owns the object.
pub const SITE: &str = "dev.wharf.site";
/// The workspace that the object belongs to, `owner/name`.
pub const WORKSPACE: &str = "dev.wharf.workspace";
/// The object's role within the workspace.
pub const OBJECT: &str = "dev.wharf.object";
/// The hash over the canonical specification.
pub const HASH: &str = "dev.wharf.hash";
/// The canonical specification.
pub const SPEC: &str = "dev.wharf.spec";
/// The configuration repository's commit at creation; never compared.
pub const COMMIT: &str = "dev.wharf.commit";
/// On a mark: the incarnation of what it was done to.
pub const SUBJECT: &str = "dev.wharf.subject";
/// On a pod: its [`super::StopHooks`] as JSON; never compared.
pub const STOP_HOOKS: &str = "dev.wharf.stop-hooks";

/// Labels as an engine stores them.
pub type Labels = BTreeMap<String, String>;

/// Whose an object is, and what it was created as: what its labels say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The owning site.
    pub site: Name,
    /// The workspace it belongs to.
    pub workspace: WorkspaceId,
    /// Its role there.
    pub role: Role,
    /// What it was created as.
    pub identity: Identity,
    /// The commit that created it, where there was one.
    pub commit: Option<String>,
    /// On a mark: the incarnation of what it was done to.
    pub subject: Option<String>,
    /// On a pod: [`STOP_HOOKS`].
    pub stop_hooks: Option<String>,
}

impl Ownership {
    /// The labels that say it.
    #[must_use]
    pub fn to_labels(&self) -> Labels {
        let mut labels = Labels::from([
            (SITE.to_owned(), self.site.to_string()),
            (WORKSPACE.to_owned(), self.workspace.to_string()),
            (OBJECT.to_owned(), self.role.to_string()),
            (HASH.to_owned(), self.identity.hash.clone()),
            (SPEC.to_owned(), self.identity.spec.clone()),
        ]);
        let optional = [
            (COMMIT, &self.commit),
            (SUBJECT, &self.subject),
            (STOP_HOOKS, &self.stop_hooks),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                labels.insert(key.to_owned(), value.clone());
            }
        }
        labels
    }

    /// What `labels` say, or nothing where they are not wharf's or not whole: an object that can't be understood is
    /// treated as somebody else's and never touched.
    #[must_use]
    pub fn from_labels(labels: &Labels) -> Option<Self> {
        let get = |key: &str| labels.get(key).cloned();
        Some(Self {
            site: get(SITE)?.parse().ok()?,
            workspace: get(WORKSPACE)?.parse().ok()?,
            role: get(OBJECT)?.parse().ok()?,
            identity: Identity {
                spec: get(SPEC)?,
                hash: get(HASH)?,
            },
            commit: get(COMMIT),
            subject: get(SUBJECT),
            stop_hooks: get(STOP_HOOKS),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::spec::{NetworkSpec, Spec};

    #[test]
    fn ownership_reads_back_from_its_labels() {
        let owned = Ownership {
            site: "lab".parse().unwrap(),
            workspace: "alice/api".parse().unwrap(),
            role: Role::Network,
            identity: Identity::of(&Spec::Network(NetworkSpec::default())),
            commit: Some("abc".into()),
            subject: None,
            stop_hooks: None,
        };
        let mut labels = owned.to_labels();
        assert_eq!(Ownership::from_labels(&labels), Some(owned));
        labels.remove(HASH);
        assert_eq!(Ownership::from_labels(&labels), None);
    }
}
