//! Commits, read with gix straight from the object database.

use std::path::Path;

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::tree::EntryKind;

use super::{MAX_CONTEXT_FILE, SourceError};
use crate::document::parse::MAX_BYTES;
use crate::document::{Content, File, Files, files};
use crate::plan::Revision;

/// A git repository and the folder of it that is the configuration repository.
pub(super) struct Repository {
    pub(super) git: gix::Repository,
    /// The folder within the repository, with `/`; empty for its root.
    prefix: String,
}

impl Repository {
    /// The repository that `dir` is in, if it is in one.
    pub(super) fn discover(dir: &Path) -> Option<Self> {
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

    pub(super) fn required(dir: &Path) -> Result<Self, SourceError> {
        Self::discover(dir).ok_or_else(|| SourceError::NoRepository(dir.to_owned()))
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

    /// The files at a commit that `wanted` picks by their path.
    pub(super) fn files(
        &self,
        commit: &ObjectId,
        wanted: &dyn Fn(&str) -> bool,
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
                if let Some(file) = self.file(&tree, path, entry.oid, kind) {
                    read.0.insert(path.to_owned(), file);
                }
            }
        }
        Ok(read)
    }

    fn file(&self, tree: &gix::Tree<'_>, path: &str, id: ObjectId, kind: EntryKind) -> Option<File> {
        match kind {
            EntryKind::Blob | EntryKind::BlobExecutable => {
                Some(self.blob(id, kind == EntryKind::BlobExecutable, path))
            }
            EntryKind::Link => {
                let target = self.git.find_object(id).ok()?.data.to_str_lossy().into_owned();
                let inside = files::join(path, &target)
                    .and_then(|inside| tree.lookup_entry_by_path(&inside).ok().flatten())
                    .filter(|entry| entry.mode().is_blob());
                Some(match inside {
                    Some(entry) => self.blob(entry.object_id(), entry.mode().is_executable(), path),
                    None => File {
                        content: Content::OutsideLink(target),
                        executable: false,
                    },
                })
            }
            EntryKind::Tree | EntryKind::Commit => None,
        }
    }

    fn blob(&self, id: ObjectId, executable: bool, path: &str) -> File {
        let largest = if super::is_declared(path) {
            MAX_BYTES as u64
        } else {
            MAX_CONTEXT_FILE
        };
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
