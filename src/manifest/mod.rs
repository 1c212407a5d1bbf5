//! The configuration repository's YAML to manifests: the Site, users, classes and workspaces, each value with its
//! place, every reference checked.
//!
//! In: [`Files`]. Out: [`Loaded`]: the manifests where nothing is wrong with any of them, the devfiles as trees, and
//! every diagnostic of every file in one pass. One semantic rule is one file under [`checks`].
//!
//! What a devfile says belongs to `devfile`; every choice that follows from a manifest (objects, ports, id ranges)
//! belongs to `resolve`. Nothing here reads a file system: files are an input.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::document::{Code, Diagnostic, Diagnostics, Document, Files, Node, Span, Spanned};
use crate::model::{Name, WorkspaceId};

pub mod checks;
mod class;
mod drift;
mod follow;
mod forms;
mod load;
mod maintenance;
mod quota;
mod reference;
mod rules;
pub mod schema;
mod select;
mod site;
mod user;
mod workspace;

pub use class::Class;
pub use follow::Follow;
pub use forms::PublishRule;
pub use maintenance::Maintenance;
pub use quota::Quota;
pub use rules::rules;
pub use site::{Defaults, Policy, Site};
pub use user::{Role, User};
pub use workspace::{Adopt, DevfileRef, Publish, StorageMode, Workspace, WorkspaceStorage};

/// The value of `apiVersion` of every manifest.
pub const API_VERSION: &str = "wharf/v1";

/// The file that holds the Site.
pub const SITE_FILE: &str = "wharf.yaml";

/// A configuration repository's manifests. All references between them hold.
#[derive(Clone, Debug)]
pub struct Manifests {
    /// The site.
    pub site: Manifest<Site>,
    /// The users.
    pub users: BTreeMap<Name, Manifest<User>>,
    /// The classes.
    pub classes: BTreeMap<Name, Manifest<Class>>,
    /// The workspaces.
    pub workspaces: BTreeMap<WorkspaceId, Manifest<Workspace>>,
}

/// One manifest and where it was read.
#[derive(Clone, Debug)]
pub struct Manifest<T> {
    /// `metadata.name`.
    pub name: Spanned<Name>,
    /// `spec`.
    pub spec: T,
    /// The YAML document.
    pub document: Arc<Document>,
}

impl<T> Manifest<T> {
    /// An error at a place of this manifest.
    #[must_use]
    pub fn error(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        self.document.error(code, span, message)
    }

    /// The path of the manifest's file.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.document.source.path
    }
}

impl Manifest<Workspace> {
    /// Its identity.
    #[must_use]
    pub fn id(&self) -> WorkspaceId {
        WorkspaceId {
            owner: self.spec.owner.value.clone(),
            name: self.name.value.clone(),
        }
    }

    /// The devfile that the manifest holds itself; nothing where it names a file.
    #[must_use]
    pub fn inline_devfile(&self) -> Option<&Node> {
        match &self.spec.devfile {
            DevfileRef::Path(_) => None,
            DevfileRef::Inline(_) => inline_node(&self.document),
        }
    }
}

/// The kinds that a manifest can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`Site`].
    Site,
    /// [`User`].
    User,
    /// [`Class`].
    Class,
    /// [`Workspace`].
    Workspace,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Site, Self::User, Self::Class, Self::Workspace];

    /// As it stands in a manifest.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Site => "Site",
            Self::User => "User",
            Self::Class => "Class",
            Self::Workspace => "Workspace",
        }
    }
}

/// What a configuration repository's files hold.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The manifests; nothing where any of them has an error, so that an unreadable manifest never looks like a
    /// removed one.
    pub manifests: Option<Manifests>,
    /// What the Site says, whatever is wrong elsewhere; what is wrong in it is left out. Only where it says who may be
    /// asked for devfiles is it used beside errors: nothing is planned then.
    pub site: Option<Site>,
    /// The devfiles, by path: those that are found anywhere and those that a workspace names. Their contents are not
    /// checked here.
    pub devfiles: BTreeMap<String, Arc<Document>>,
    /// Manifests that hold a devfile themselves, valid or not; [`inline_node`] finds it.
    pub inline_devfiles: Vec<Arc<Document>>,
    /// The path of every file that was read.
    pub checked: Vec<String>,
    /// What is wrong, sorted by file and place.
    pub diagnostics: Diagnostics,
}

impl Loaded {
    /// Every devfile: its document and its node there.
    pub fn all_devfiles(&self) -> impl Iterator<Item = (&Document, &Node)> {
        let files = self
            .devfiles
            .values()
            .map(|document| (&**document, &document.root));
        let inline = self.inline_devfiles.iter();
        files.chain(inline.filter_map(|document| Some((&**document, inline_node(document)?))))
    }
}

/// Reads every manifest and devfile of a configuration repository.
#[must_use]
pub fn load(files: &Files) -> Loaded {
    load::load(files)
}

/// The devfile that a workspace's document holds itself.
#[must_use]
pub fn inline_node(document: &Document) -> Option<&Node> {
    document.root.get("spec")?.get("devfile")?.get("inline")
}

#[cfg(test)]
mod tests;
