//! Whether a repository still is what was written: each object carries its own checksum as its name.

use std::path::Path;

use gix::ObjectId;

use super::commit::{Repository, broken};
use super::{MAX_CONTEXT_FILE, SourceError};

/// Reads all that a commit holds in the folder, and compares each object with its name.
///
/// # Errors
/// `Damaged` where one is not what its name says; `NoPath` where the commit has no such folder; others of [`SourceError`].
pub fn examine(dir: &Path, commit: &str) -> Result<(), SourceError> {
    let repository = Repository::required(dir)?;
    let commit = repository.find(commit)?;
    check(&repository.git, commit)?;
    let tree = repository.tree(&commit)?;
    check(&repository.git, tree)?;
    let tree = repository.git.find_tree(tree).map_err(broken)?;
    let mut trees = vec![tree.id];
    while let Some(id) = trees.pop() {
        check(&repository.git, id)?;
        let tree = repository.git.find_tree(id).map_err(broken)?;
        for entry in tree.iter() {
            let entry = entry.map_err(|cause| damaged(id, cause))?;
            match entry.mode().kind() {
                gix::objs::tree::EntryKind::Tree => trees.push(entry.object_id()),
                // Another repository's commit, which is not here.
                gix::objs::tree::EntryKind::Commit => {}
                gix::objs::tree::EntryKind::Blob
                | gix::objs::tree::EntryKind::BlobExecutable
                | gix::objs::tree::EntryKind::Link => check(&repository.git, entry.object_id())?,
            }
        }
    }
    Ok(())
}

/// Whether a branch or tag names what can't be found.
#[must_use]
pub fn is_damaged(dir: &Path) -> bool {
    let Some(repository) = Repository::discover(dir) else {
        return true;
    };
    let git = &repository.git;
    let Ok(platform) = git.references() else {
        return true;
    };
    let Ok(mut references) = platform.all() else {
        return true;
    };
    references.any(|reference| match reference {
        Ok(reference) => reference.try_id().is_some_and(|id| git.find_header(id).is_err()),
        Err(_) => true,
    })
}

fn check(git: &gix::Repository, id: ObjectId) -> Result<(), SourceError> {
    let header = git.find_header(id).map_err(|cause| damaged(id, cause))?;
    if header.size() > MAX_CONTEXT_FILE {
        return Ok(()); // it is used by nobody
    }
    let object = git.find_object(id).map_err(|cause| damaged(id, cause))?;
    let is = gix::objs::compute_hash(id.kind(), object.kind, &object.data);
    match is {
        Ok(is) if is == id => Ok(()),
        Ok(is) => Err(damaged(id, format!("its content is that of {is}"))),
        Err(cause) => Err(damaged(id, cause)),
    }
}

fn damaged(id: ObjectId, cause: impl std::fmt::Display) -> SourceError {
    SourceError::Damaged {
        object: id.to_string(),
        cause: cause.to_string(),
    }
}
