//! Since when workspaces are no longer declared, as the commits tell.

use std::collections::BTreeMap;
use std::path::Path;

use super::commit::Repository;
use super::history::DEPTH;
use crate::manifest;
use crate::model::WorkspaceId;

/// The commit with which a workspace was no longer declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Its id.
    pub commit: String,
    /// When it was committed, in seconds since 1970.
    pub time: i64,
}

/// The valid commit on the first-parent line of `revision` since which each of `ids` has not been declared. Nothing is
/// said of one that the line never declared, or declared too long ago to look for, or declares still: whoever counts
/// the time since then begins with nothing.
#[must_use]
pub fn removals(dir: &Path, revision: &str, ids: &[WorkspaceId]) -> BTreeMap<WorkspaceId, Removal> {
    let mut found: BTreeMap<WorkspaceId, Option<Removal>> = BTreeMap::new();
    let Some(repository) = Repository::discover(dir).filter(|_| !ids.is_empty()) else {
        return BTreeMap::new();
    };
    let mut next = repository.find(revision).ok();
    let mut last_tree = None;
    // The oldest valid commit so far: what an older one declared ended with it.
    let mut after: Option<gix::ObjectId> = None;
    let mut last_was_valid = false;
    for _ in 0..DEPTH {
        let Some(commit) = next.filter(|_| found.len() < ids.len()) else {
            break;
        };
        let tree = repository.tree(&commit).ok();
        if tree.is_none() || tree != last_tree {
            let files = repository
                .files(&commit, &super::is_yaml, &super::largest)
                .unwrap_or_default();
            let manifests = manifest::load(&files).manifests;
            last_was_valid = manifests.is_some();
            let declared =
                |id: &&WorkspaceId| manifests.as_ref().is_some_and(|m| m.workspaces.contains_key(*id));
            for id in ids.iter().filter(declared) {
                let removal = || after.and_then(|after| removal(&repository, after));
                found.entry(id.clone()).or_insert_with(removal);
            }
        }
        if last_was_valid {
            after = Some(commit);
        }
        last_tree = tree;
        next = repository.parent(commit);
    }
    found
        .into_iter()
        .filter_map(|(id, removal)| Some((id, removal?)))
        .collect()
}

fn removal(repository: &Repository, commit: gix::ObjectId) -> Option<Removal> {
    let time = repository.git.find_commit(commit).ok()?.time().ok()?.seconds;
    let commit = commit.to_string();
    Some(Removal { commit, time })
}

/// A day as people write it, `2026-11-22`, of a time in seconds since 1970.
#[must_use]
pub fn day(seconds: i64) -> String {
    let time = gix::date::Time { seconds, offset: 0 };
    time.format_or_unix(gix::date::time::format::SHORT)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const SITE: &str = "\
apiVersion: wharf/v1
kind: Site
metadata: {name: lab}
spec: {defaults: {class: small}}
---
apiVersion: wharf/v1
kind: Class
metadata: {name: small}
spec: {cpu: '1', memory: 1Gi}
---
apiVersion: wharf/v1
kind: User
metadata: {name: alice}
spec: {}
";

    /// A real repository, whose commits are one day apart from 1970-01-02 on.
    struct Repo {
        dir: tempfile::TempDir,
        day: i64,
    }

    impl Repo {
        fn new() -> Self {
            let repo = Self {
                dir: tempfile::tempdir().unwrap(),
                day: 0,
            };
            repo.git(&["init", "-q"]);
            repo
        }

        fn git(&self, args: &[&str]) {
            let date = format!("@{} +0000", self.day * 86_400);
            let status = Command::new("git")
                .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
                .args(args)
                .env("GIT_COMMITTER_DATE", &date)
                .env("GIT_AUTHOR_DATE", "@0 +0000")
                .current_dir(self.dir.path())
                .status();
            assert!(status.unwrap().success(), "git {args:?}");
        }

        /// Commits a Site that ends with `more`, and these workspaces.
        fn commit(&mut self, more: &str, workspaces: &[&str]) {
            self.day += 1;
            let workspace = |name: &&str| {
                format!(
                    "---\napiVersion: wharf/v1\nkind: Workspace\nmetadata: {{name: {name}}}\nspec: {{owner: alice, \
                     devfile: {{inline: {{schemaVersion: 2.2.0}}}}}}\n"
                )
            };
            let all: String = workspaces.iter().map(workspace).collect();
            std::fs::write(self.dir.path().join("wharf.yaml"), format!("{SITE}{all}{more}")).unwrap();
            self.git(&["add", "-A"]);
            self.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
        }

        /// Since which day the workspace is gone.
        fn gone(&self, name: &str) -> Option<i64> {
            let id: WorkspaceId = format!("alice/{name}").parse().unwrap();
            let found = removals(self.dir.path(), "HEAD", std::slice::from_ref(&id));
            found.get(&id).map(|removal| removal.time / 86_400)
        }
    }

    #[test]
    fn a_workspace_is_gone_since_the_first_valid_commit_without_it() {
        let mut repo = Repo::new();
        repo.commit("", &["api", "web", "old"]);
        repo.commit("", &["api", "web"]);
        assert_eq!((repo.gone("api"), repo.gone("old")), (None, Some(2)));
        // What is not valid ends nothing.
        repo.commit("broken: [", &["web"]);
        assert_eq!(repo.gone("api"), None);
        repo.commit("", &["web"]);
        repo.commit("# a comment\n", &["web"]);
        repo.commit("# a comment\n", &["web"]);
        assert_eq!((repo.gone("api"), repo.gone("old")), (Some(4), Some(2)));
        assert_eq!((repo.gone("web"), repo.gone("never")), (None, None));
        // It was there again: the last time counts.
        repo.commit("", &["api", "web"]);
        assert_eq!(repo.gone("api"), None);
        repo.commit("", &["web"]);
        repo.commit("", &["web"]);
        assert_eq!(repo.gone("api"), Some(8));
    }

    #[test]
    fn where_no_commit_tells_nothing_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let id: WorkspaceId = "alice/api".parse().unwrap();
        assert_eq!(removals(dir.path(), "HEAD", &[id]).len(), 0);
        assert_eq!(day(1_704_067_200), "2024-01-01");
    }
}
