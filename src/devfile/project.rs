//! Projects: the sources in a workspace.

use super::root::Attributes;
use crate::document::Spanned;

/// Sources that are put into the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its name.
    pub name: Spanned<String>,
    /// Where the sources come from.
    pub source: Source,
    /// Where they go, if not where [`Project::path`] says.
    pub clone_path: Option<Spanned<String>>,
    /// The only folders to check out, beside the files of the top one; all of them where there are none.
    pub folders: Vec<Spanned<String>>,
    /// Free-form settings of tools.
    pub attributes: Attributes,
}

impl Project {
    /// The directory that they are cloned into, relative to `PROJECTS_ROOT`; the project's name by default. It has no
    /// `.` or empty part, and once the rules have passed no `..` and no `/` at its start.
    #[must_use]
    pub fn path(&self) -> String {
        let path = self.clone_path.as_ref().map_or(&self.name.value, |p| &p.value);
        let parts: Vec<&str> = path.split('/').filter(|p| !matches!(*p, "" | ".")).collect();
        parts.join("/")
    }
}

/// A git repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Git {
    /// Every remote: name and address.
    pub remotes: Vec<(Spanned<String>, Spanned<String>)>,
    /// What to check out.
    pub checkout_from: Option<CheckoutFrom>,
}

/// What to check out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutFrom {
    /// The remote; needed where there are several.
    pub remote: Option<Spanned<String>>,
    /// Branch, tag or commit; the remote's default branch where there is none.
    pub revision: Option<Spanned<String>>,
}

impl Git {
    /// The remote to check out from: the one that is named, or the only one.
    #[must_use]
    pub fn checkout_remote(&self) -> Option<&str> {
        let named = self.checkout_from.as_ref().and_then(|c| c.remote.as_ref());
        named
            .or(self.remotes.first().map(|(name, _)| name))
            .map(|name| name.value.as_str())
    }

    /// Branch, tag or commit to check out.
    #[must_use]
    pub fn revision(&self) -> Option<&str> {
        let revision = self.checkout_from.as_ref()?.revision.as_ref()?;
        Some(&revision.value)
    }
}

/// Sources to begin a project with, on request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterProject {
    /// Its name.
    pub name: Spanned<String>,
    /// Where the sources come from.
    pub source: Source,
    /// What it is.
    pub description: Option<Spanned<String>>,
    /// The only folder of the sources to keep.
    pub sub_dir: Option<Spanned<String>>,
    /// Free-form settings of tools.
    pub attributes: Attributes,
}

/// What a starter project's `subDir` leaves of its sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// All of them.
    All,
    /// This folder, relative to their top, without `.` and empty parts.
    Folder(String),
    /// Nothing: it is no folder of theirs.
    Nothing,
}

impl StarterProject {
    /// What is kept of the sources.
    #[must_use]
    pub fn kept(&self) -> Kept {
        let folder = self.sub_dir.as_ref().map_or("", |folder| &folder.value);
        let parts: Vec<&str> = folder.split('/').filter(|p| !matches!(*p, "" | ".")).collect();
        if parts.is_empty() {
            Kept::All
        } else if parts.contains(&"..") || folder.contains('\0') {
            Kept::Nothing
        } else {
            Kept::Folder(parts.join("/"))
        }
    }
}

/// Where sources come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A git repository.
    Git(Git),
    /// An archive, by its address.
    Zip(Option<Spanned<String>>),
}

impl Source {
    /// An archive's address, where something can be fetched from it: `https`, `http`, or a file of the workspace.
    #[must_use]
    pub fn archive(&self) -> Option<&str> {
        let Self::Zip(Some(location)) = self else {
            return None;
        };
        let text = location.value.as_str();
        let known = ["https://", "http://", "file:///"]
            .iter()
            .any(|scheme| text.starts_with(scheme));
        (known && !text.contains(|c: char| c.is_whitespace() || c.is_control())).then_some(text)
    }

    /// The git repository, where it is one.
    #[must_use]
    pub fn git(&self) -> Option<&Git> {
        match self {
            Self::Git(git) => Some(git),
            Self::Zip(_) => None,
        }
    }
}
