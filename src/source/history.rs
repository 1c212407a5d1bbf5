//! What the past commits said of workspaces that are no longer declared.

use std::collections::BTreeMap;
use std::path::Path;

use super::commit::Repository;
use crate::document;
use crate::manifest;
use crate::model::{OnRemove, WorkspaceId};

/// How many commits are looked at; a workspace that was removed longer ago is retained.
pub(super) const DEPTH: usize = 1000;

/// What becomes of the volumes of `ids`, as the newest commit on the first-parent line of `revision` that still declared each of them said. Where that can't be had, nothing is said, and the volumes stay.
#[must_use]
pub fn removed(dir: &Path, revision: &str, ids: &[WorkspaceId]) -> BTreeMap<WorkspaceId, OnRemove> {
    let mut found = BTreeMap::new();
    let Some(repository) = Repository::discover(dir).filter(|_| !ids.is_empty()) else {
        return found;
    };
    let mut next = repository.find(revision).ok();
    let mut last_tree = None;
    for _ in 0..DEPTH {
        let Some(commit) = next else { break };
        let tree = repository.tree(&commit).ok();
        if tree.is_some() && tree != last_tree {
            let files = repository
                .files(&commit, &super::is_yaml, &super::largest)
                .unwrap_or_default();
            // A commit with errors says nothing: the one before it was the last that could be applied.
            if let Some(manifests) = manifest::load(&files).manifests {
                let default = manifests.site.spec.defaults.on_remove;
                for id in ids {
                    if let Some(workspace) = manifests.workspaces.get(id) {
                        let stated = workspace.spec.storage.on_remove.unwrap_or(default);
                        found.entry(id.clone()).or_insert(stated);
                    }
                }
            }
        }
        if found.len() == ids.len() {
            break;
        }
        last_tree = tree;
        next = repository.parent(commit);
    }
    found
}

/// How many commits ago each workspace came into the file that declares it, on the first-parent line of `revision`. One that is
/// in no commit yet is left out; one that is older than the commits that are looked at counts as old as the last of these.
#[must_use]
pub fn ages(
    dir: &Path,
    revision: &str,
    places: &BTreeMap<WorkspaceId, &str>,
) -> BTreeMap<WorkspaceId, usize> {
    let mut ages = BTreeMap::new();
    let Some(repository) = Repository::discover(dir) else {
        return ages;
    };
    let mut next = repository.find(revision).ok();
    let mut open: Vec<(&WorkspaceId, &str)> = places.iter().map(|(id, path)| (id, *path)).collect();
    // A file that is as it was declares what it did.
    let mut last: BTreeMap<&WorkspaceId, gix::ObjectId> = BTreeMap::new();
    for age in 1..=DEPTH {
        let Some(commit) = next else { break };
        open.retain(|(id, path)| {
            let Some(blob) = repository.blob_id(&commit, path) else {
                return false;
            };
            let declares = last.get(id) == Some(&blob) || declares(&repository, blob, path, id);
            if declares {
                last.insert(*id, blob);
                ages.insert((*id).clone(), age);
            }
            declares
        });
        if open.is_empty() {
            break;
        }
        next = repository.parent(commit);
    }
    ages
}

/// Whether a file's text declares a workspace, whatever else is wrong with it.
fn declares(repository: &Repository, blob: gix::ObjectId, path: &str, id: &WorkspaceId) -> bool {
    let Ok(object) = repository.git.find_object(blob) else {
        return false;
    };
    let (documents, _) = document::parse(path, &object.data);
    documents.iter().any(|document| {
        let text = |of: &str, key: &str| document.root.get(of)?.get(key)?.as_str().map(str::to_owned);
        document.root.get("kind").and_then(|kind| kind.as_str()) == Some("Workspace")
            && text("metadata", "name").as_deref() == Some(id.name.as_str())
            && text("spec", "owner").as_deref() == Some(id.owner.as_str())
    })
}

/// The commits before one on its first-parent line, the nearest first, at most `most`.
#[must_use]
pub fn ancestors(dir: &Path, commit: &str, most: usize) -> Vec<String> {
    let Some(repository) = Repository::discover(dir) else {
        return Vec::new();
    };
    let first = repository.find(commit).ok();
    let line = std::iter::successors(first, |commit| repository.parent(*commit));
    line.skip(1).take(most).map(|id| id.to_string()).collect()
}

/// Whether `commit` is `before`, or has it among its ancestors. What can't be read follows nothing.
#[must_use]
pub fn follows(dir: &Path, before: &str, commit: &str) -> bool {
    let Some(repository) = Repository::discover(dir) else {
        return false;
    };
    let parting = repository.parting(before, commit);
    parting.is_ok_and(|parting| parting == before)
}

/// Who wrote a commit, as `Name <address>`; nothing where that can't be read.
#[must_use]
pub fn author(dir: &Path, commit: &str) -> Option<String> {
    let repository = Repository::discover(dir)?;
    let commit = repository.git.find_commit(repository.find(commit).ok()?).ok()?;
    let author = commit.author().ok()?;
    Some(format!("{} <{}>", author.name, author.email))
}
