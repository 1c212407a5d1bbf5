//! What the past commits said of workspaces that are no longer declared.

use std::collections::BTreeMap;
use std::path::Path;

use super::commit::Repository;
use crate::manifest;
use crate::model::{OnRemove, WorkspaceId};

/// How many commits are looked at; a workspace that was removed longer ago is retained.
const DEPTH: usize = 1000;

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
            let files = repository.files(&commit, &super::is_yaml).unwrap_or_default();
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
        next = parent(&repository, commit);
    }
    found
}

/// The commits before one on its first-parent line, the nearest first, at most `most`.
#[must_use]
pub fn ancestors(dir: &Path, commit: &str, most: usize) -> Vec<String> {
    let Some(repository) = Repository::discover(dir) else {
        return Vec::new();
    };
    let first = repository.find(commit).ok();
    let line = std::iter::successors(first, |commit| parent(&repository, *commit));
    line.skip(1).take(most).map(|id| id.to_string()).collect()
}

fn parent(repository: &Repository, commit: gix::ObjectId) -> Option<gix::ObjectId> {
    let commit = repository.git.find_commit(commit).ok()?;
    commit.parent_ids().next().map(gix::Id::detach)
}
