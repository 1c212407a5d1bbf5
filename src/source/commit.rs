//! Commits, read with gix straight from the object database.

use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::tree::EntryKind;

use super::SourceError;
use crate::document::{Content, File, Files, files};
use crate::plan::Revision;

/// A git repository and the folder of it that is the configuration repository.
pub(super) struct Repository {
    pub(super) git: gix::Repository,
    /// The folder within the repository, with `/`; empty for its root.
    prefix: String,
}

impl Repository {
    /// The repository that `dir` is in, if it is in one. Below a repository's own directory (`mirror.git/configs/lab`), the
    /// rest is the folder within its commits, whatever lies on the disk.
    pub(super) fn discover(dir: &Path) -> Option<Self> {
        if let Some(own) = dir.ancestors().find(|dir| gix::discover::is_git(dir).is_ok()) {
            let git = gix::open(own).ok()?;
            let prefix = dir.strip_prefix(own).ok()?.to_str()?.to_owned();
            return Some(Self { git, prefix });
        }
        let dir = dir.canonicalize().ok()?;
        let git = gix::discover(&dir).ok()?;
        let prefix = git
            .workdir()
            .and_then(|root| root.canonicalize().ok())
            .and_then(|root| dir.strip_prefix(root).ok().map(Path::to_owned))
            .and_then(|relative| relative.to_str().map(str::to_owned))
            .unwrap_or_default();
        Some(Self { git, prefix })
    }

    /// The folder within the repository, with `/`; empty for its root.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The first parent of a commit.
    pub(super) fn parent(&self, commit: ObjectId) -> Option<ObjectId> {
        let commit = self.git.find_commit(commit).ok()?;
        commit.parent_ids().next().map(gix::Id::detach)
    }

    pub(super) fn required(dir: &Path) -> Result<Self, SourceError> {
        Self::discover(dir).ok_or_else(|| SourceError::NoRepository(dir.to_owned()))
    }

    /// The directory of the repository itself, with `path` within the folder behind it, for [`Self::discover`].
    pub(super) fn folder(&self, path: &str) -> PathBuf {
        let mut folder = self.git.git_dir().to_owned();
        // An empty part would leave a slash behind.
        folder.extend(
            [self.prefix.as_str(), path]
                .into_iter()
                .filter(|part| !part.is_empty()),
        );
        folder
    }

    /// The commit that is checked out, and whether anything below the folder differs from it.
    pub(super) fn state(&self) -> Revision {
        let Ok(head) = self.git.head_id() else {
            return Revision {
                commit: None,
                dirty: true,
            };
        };
        // What can't be compared is called dirty: that is what its reader has to reckon with.
        Revision {
            commit: Some(head.to_string()),
            dirty: self.is_dirty().unwrap_or(true),
        }
    }

    fn is_dirty(&self) -> Option<bool> {
        let status = self
            .git
            .status(gix::progress::Discard)
            .ok()?
            .untracked_files(gix::status::UntrackedFiles::Files);
        let patterns = (!self.prefix.is_empty()).then(|| format!(":(top){}", self.prefix).into());
        Some(status.into_iter(patterns).ok()?.next().is_some())
    }

    /// The commit of that name.
    pub(super) fn find(&self, name: &str) -> Result<ObjectId, SourceError> {
        let error = |cause: String| SourceError::NoRevision {
            revision: name.to_owned(),
            cause,
        };
        let id = self
            .git
            .rev_parse_single(name)
            .map_err(|e| error(e.to_string()))?;
        let object = id.object().map_err(|e| error(e.to_string()))?;
        let commit = object.peel_to_commit().map_err(|e| error(e.to_string()))?;
        Ok(commit.id)
    }

    /// Where the histories of two commits have parted: their merge base.
    pub(super) fn parting(&self, one: &str, other: &str) -> Result<ObjectId, SourceError> {
        let none = |cause: String| SourceError::NoRevision {
            revision: format!("{one}...{other}"),
            cause,
        };
        let base = self.git.merge_base(self.find(one)?, self.find(other)?);
        let base = base.map_err(|e| none(e.to_string()))?;
        base.map(gix::Id::detach)
            .ok_or_else(|| none("the two have no commit in common".to_owned()))
    }

    /// A file's path from the repository's root.
    pub(super) fn path(&self, path: &str) -> String {
        match self.prefix.is_empty() {
            true => path.to_owned(),
            false => format!("{}/{path}", self.prefix),
        }
    }

    /// The id of the folder's tree at a commit.
    pub(super) fn tree(&self, commit: &ObjectId) -> Result<ObjectId, SourceError> {
        let tree = self
            .git
            .find_commit(*commit)
            .and_then(|c| c.tree())
            .map_err(broken)?;
        if self.prefix.is_empty() {
            return Ok(tree.id);
        }
        let entry = tree.lookup_entry_by_path(&self.prefix).map_err(broken)?;
        entry
            .filter(|e| e.mode().is_tree())
            .map(|e| e.object_id())
            .ok_or_else(|| SourceError::NoPath {
                commit: commit.to_string(),
                path: self.prefix.clone(),
            })
    }

    /// The tree `id`, in which `object` takes the place of what is at `path`, a file or a folder; of all of it where the
    /// path is empty. The changed trees are written, and nothing else is.
    pub(super) fn replaced(
        &self,
        id: ObjectId,
        path: &str,
        object: ObjectId,
    ) -> Result<ObjectId, SourceError> {
        if path.is_empty() {
            return Ok(object);
        }
        let (name, below) = path.split_once('/').unwrap_or((path, ""));
        let tree = self.git.find_tree(id).map_err(broken)?;
        let mut tree = tree.decode().map_err(broken)?.into_owned();
        let entry = tree.entries.iter_mut().find(|entry| entry.filename == name);
        let entry = entry.ok_or_else(|| broken(format!("there is no {name} in the commit")))?;
        entry.oid = self.replaced(entry.oid, below, object)?;
        Ok(self.git.write_object(&tree).map_err(broken)?.detach())
    }

    /// The id of a file's text at a commit; nothing where it is not there.
    pub(super) fn blob_id(&self, commit: &ObjectId, path: &str) -> Option<ObjectId> {
        let tree = self.git.find_tree(self.tree(commit).ok()?).ok()?;
        let entry = tree.lookup_entry_by_path(path).ok()??;
        entry.mode().is_blob().then(|| entry.object_id())
    }

    /// The files at a commit that `wanted` picks by their path, each as far as it has at most `largest` bytes.
    pub(super) fn files(
        &self,
        commit: &ObjectId,
        wanted: &dyn Fn(&str) -> bool,
        largest: &dyn Fn(&str) -> u64,
    ) -> Result<Files, SourceError> {
        let tree = self.git.find_tree(self.tree(commit)?).map_err(broken)?;
        let entries = tree.traverse().breadthfirst.files().map_err(broken)?;
        let mut read = Files::default();
        for entry in entries {
            let Ok(path) = entry.filepath.to_str() else {
                continue;
            };
            if wanted(path) {
                let kind = entry.mode.kind();
                if let Some(file) = self.file(&tree, path, entry.oid, (kind, largest(path))) {
                    read.0.insert(path.to_owned(), file);
                }
            }
        }
        Ok(read)
    }

    fn file(
        &self,
        tree: &gix::Tree<'_>,
        path: &str,
        id: ObjectId,
        (kind, largest): (EntryKind, u64),
    ) -> Option<File> {
        match kind {
            EntryKind::Blob | EntryKind::BlobExecutable => {
                Some(self.blob(id, kind == EntryKind::BlobExecutable, largest))
            }
            EntryKind::Link => {
                let target = self.git.find_object(id).ok()?.data.to_str_lossy().into_owned();
                let inside = files::join(path, &target)
                    .and_then(|inside| tree.lookup_entry_by_path(&inside).ok().flatten())
                    .filter(|entry| entry.mode().is_blob());
                Some(match inside {
                    Some(entry) => self.blob(entry.object_id(), entry.mode().is_executable(), largest),
                    None => File {
                        content: Content::OutsideLink(target),
                        executable: false,
                    },
                })
            }
            EntryKind::Tree | EntryKind::Commit => None,
        }
    }

    fn blob(&self, id: ObjectId, executable: bool, largest: u64) -> File {
        let content = match self.git.find_header(id) {
            Ok(header) if header.size() > largest => Content::TooLarge(header.size()),
            Ok(_) => match self.git.find_object(id) {
                Ok(object) => Content::Bytes(object.data.as_slice().into()),
                Err(error) => Content::Unreadable(error.to_string()),
            },
            Err(error) => Content::Unreadable(error.to_string()),
        };
        File { content, executable }
    }
}

pub(super) fn broken(error: impl std::fmt::Display) -> SourceError {
    SourceError::Repository(error.to_string())
}
