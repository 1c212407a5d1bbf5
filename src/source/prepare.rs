//! A commit that is prepared for people to look at: on a branch of its own, without touching what is checked out.

use std::collections::BTreeMap;
use std::path::Path;

use gix::refs::transaction::PreviousValue;

use super::SourceError;
use super::commit::Repository;

/// A commit to make.
#[derive(Clone, Copy, Debug)]
pub struct Prepared<'a> {
    /// The commit that it follows.
    pub parent: &'a str,
    /// The new branch.
    pub branch: &'a str,
    /// Its message.
    pub message: &'a str,
    /// The files that change, by their path within the configuration repository, with their new text. All are there in
    /// the parent.
    pub files: &'a BTreeMap<String, String>,
}

/// Makes the commit and its branch; returns its id. Author and committer are those of git's configuration.
///
/// # Errors
/// `NotCommitted` where the branch is there already, nobody is configured as author, or the repository can't be written;
/// see [`SourceError`] for the others.
pub fn prepare(dir: &Path, prepared: &Prepared<'_>) -> Result<String, SourceError> {
    let repository = Repository::required(dir)?;
    let git = &repository.git;
    let parent = repository.find(prepared.parent)?;
    let branch = format!("refs/heads/{}", prepared.branch);
    if git.try_find_reference(branch.as_str()).map_err(failed)?.is_some() {
        let message = format!(
            "the branch {} is there already; merge or delete it first",
            prepared.branch
        );
        return Err(SourceError::NotCommitted(message));
    }
    let commit = git.find_commit(parent).map_err(failed)?;
    let mut tree = commit.tree_id().map_err(failed)?.detach();
    for (path, text) in prepared.files {
        let blob = git.write_blob(text).map_err(failed)?.detach();
        tree = repository.replaced(tree, &repository.path(path), blob)?;
    }
    let commit = git.new_commit(prepared.message, tree, [parent]).map_err(failed)?;
    let log = format!("wharf: {}", prepared.message);
    git.reference(branch.as_str(), commit.id, PreviousValue::MustNotExist, log)
        .map_err(failed)?;
    Ok(commit.id.to_string())
}

fn failed(error: impl std::fmt::Display) -> SourceError {
    SourceError::NotCommitted(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn git(dir: &Path, args: &[&str]) -> String {
        let output = Command::new("git").args(args).current_dir(dir).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {args:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_commit_is_prepared_beside_what_is_checked_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        git(root, &["init", "-q"]);
        git(root, &["config", "user.name", "Alice"]);
        git(root, &["config", "user.email", "alice@example.org"]);
        let below = root.join("site/deep");
        std::fs::create_dir_all(&below).unwrap();
        std::fs::write(below.join("a.yaml"), "old\n").unwrap();
        std::fs::write(root.join("other"), "stays\n").unwrap();
        git(root, &["add", "-A"]);
        git(root, &["commit", "-q", "-m", "first"]);
        std::fs::write(below.join("a.yaml"), "somebody works here\n").unwrap();
        let files = BTreeMap::from([("deep/a.yaml".to_owned(), "new\n".to_owned())]);
        let prepared = Prepared {
            parent: "HEAD",
            branch: "wharf/x",
            message: "Adopt\n\nwhat\n",
            files: &files,
        };
        // The configuration repository may be a folder of the git repository.
        let commit = prepare(&root.join("site"), &prepared).unwrap();
        assert_eq!(git(root, &["rev-parse", "wharf/x"]).trim(), commit);
        assert_eq!(
            git(root, &["rev-parse", "wharf/x~"]),
            git(root, &["rev-parse", "HEAD"])
        );
        assert_eq!(
            git(root, &["diff", "--name-only", "HEAD", "wharf/x"]),
            "site/deep/a.yaml\n"
        );
        assert_eq!(git(root, &["show", "wharf/x:site/deep/a.yaml"]), "new\n");
        assert_eq!(
            git(root, &["log", "-1", "--format=%an %ce %s", "wharf/x"]),
            "Alice alice@example.org Adopt\n"
        );
        assert_eq!(git(root, &["status", "--porcelain"]), " M site/deep/a.yaml\n");
        git(root, &["fsck", "--strict"]);
        let again = prepare(&root.join("site"), &prepared).unwrap_err().to_string();
        assert!(again.contains("the branch wharf/x is there already"), "{again}");
        let files = BTreeMap::from([("deep/b.yaml".to_owned(), "new\n".to_owned())]);
        let lost = Prepared {
            branch: "wharf/y",
            files: &files,
            ..prepared
        };
        assert!(prepare(&root.join("site"), &lost).is_err());
    }
}
