//! A commit that takes the configuration back to what an earlier one declared, on a branch of its own. The work tree,
//! the index and what is checked out stay as they are: objects and one ref are all that is written.

use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::refs::FullName;
use gix::refs::transaction::PreviousValue;
use gix::remote::Direction;

use super::SourceError;
use super::commit::{Repository, broken};

/// How many reverted commits a message lists.
const LISTED: usize = 50;
/// How many digits of a commit's id name it.
const SHORT: usize = 10;

/// What would be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// The commit whose configuration it is, and its subject.
    pub target: Subject,
    /// The commit that is checked out, on which the new one stands.
    pub head: String,
    /// The commits between the two on the first-parent line, the newest first.
    pub reverted: Vec<Subject>,
    /// The branch that is made.
    pub branch: String,
    /// Where it can be pushed to: the remote, and the branch that is checked out.
    pub remote: Option<(String, Option<String>)>,
}

/// A commit and the first line of its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its id.
    pub id: String,
    /// The first line.
    pub subject: String,
}

impl Subject {
    /// The beginning of its id.
    #[must_use]
    pub fn short(&self) -> String {
        self.id.chars().take(SHORT).collect()
    }
}

/// Why there is nothing to commit.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// The repository can't be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Nobody works there.
    #[error("{0} is a bare repository: it has no work tree")]
    Bare(PathBuf),
    /// Nothing was committed yet.
    #[error("there is no commit yet")]
    NoCommit,
    /// There are changes that nobody committed.
    #[error("there are changes in {0} that are not committed")]
    Dirty(PathBuf),
    /// There is nothing before the only commit.
    #[error("{0} is the first commit; there is none to go back to")]
    First(String),
    /// The commit is on another line.
    #[error("commit {0} is not in the history of what is checked out")]
    Elsewhere(String),
    /// Both declare the same.
    #[error("the configuration is that of commit {0} already; there is nothing to take back")]
    Nothing(String),
    /// The branch is there, or can't be.
    #[error("branch {name} can't be made: {cause}")]
    Branch {
        /// Its name.
        name: String,
        /// Why.
        cause: String,
    },
    /// Nobody is known who commits.
    #[error("git does not know who commits here")]
    NoIdentity,
}

/// What going back to `commit` would take back: by default to the one before what is checked out. Writes nothing.
///
/// # Errors
/// See [`RollbackError`].
pub fn plan(dir: &Path, commit: Option<&str>, branch: Option<&str>) -> Result<Rollback, RollbackError> {
    let repository = Repository::required(dir)?;
    if repository.git.workdir().is_none() {
        return Err(RollbackError::Bare(dir.to_owned()));
    }
    let head = repository
        .git
        .head_id()
        .map_err(|_| RollbackError::NoCommit)?
        .detach();
    if repository.state().dirty {
        return Err(RollbackError::Dirty(dir.to_owned()));
    }
    let target = match commit {
        Some(name) => repository.find(name)?,
        None => repository
            .parent(head)
            .ok_or_else(|| RollbackError::First(head.to_string()))?,
    };
    if !repository.is_before(target, head) {
        return Err(RollbackError::Elsewhere(target.to_string()));
    }
    if repository.tree(&target)? == repository.tree(&head)? {
        return Err(RollbackError::Nothing(target.to_string()));
    }
    let target = repository.subject(target)?;
    let branch = branch.map_or_else(|| format!("rollback-{}", target.short()), str::to_owned);
    let name = full_name(&branch)?;
    let is_there = repository
        .git
        .try_find_reference(name.as_ref())
        .map_err(broken)?
        .is_some();
    if is_there {
        let cause = "it is there already".to_owned();
        return Err(RollbackError::Branch { name: branch, cause });
    }
    let known = [repository.git.author(), repository.git.committer()];
    if !known.iter().all(|who| matches!(who, Some(Ok(_)))) {
        return Err(RollbackError::NoIdentity);
    }
    Ok(Rollback {
        reverted: repository.between(&target.id, head)?,
        target,
        head: head.to_string(),
        branch,
        remote: repository.remote(),
    })
}

/// Writes the commit and its branch; returns the commit's id.
///
/// # Errors
/// The repository can't be written, or the branch has been made meanwhile.
pub fn write(dir: &Path, rollback: &Rollback) -> Result<String, RollbackError> {
    let repository = Repository::required(dir)?;
    let head = repository.find(&rollback.head)?;
    let tree = repository.taken_back(&head, &repository.find(&rollback.target.id)?)?;
    let commit = repository
        .git
        .new_commit(message(rollback), tree, [head])
        .map_err(broken)?;
    let log = format!("wharf rollback to {}", rollback.target.short());
    let reference = repository.git.reference(
        full_name(&rollback.branch)?,
        commit.id,
        PreviousValue::MustNotExist,
        log,
    );
    reference.map_err(|e| RollbackError::Branch {
        name: rollback.branch.clone(),
        cause: e.to_string(),
    })?;
    Ok(commit.id.to_string())
}

fn full_name(branch: &str) -> Result<FullName, RollbackError> {
    let failed = |cause: String| RollbackError::Branch {
        name: branch.to_owned(),
        cause,
    };
    // git refuses both as the name of a branch.
    if branch == "HEAD" || branch.starts_with('-') {
        return Err(failed("that is no name for a branch".to_owned()));
    }
    FullName::try_from(format!("refs/heads/{branch}")).map_err(|e| failed(e.to_string()))
}

fn message(rollback: &Rollback) -> String {
    let Subject { subject, .. } = &rollback.target;
    let mut text = format!(
        "Roll back to {}: {subject}\n\nReverts:\n",
        rollback.target.short()
    );
    for commit in rollback.reverted.iter().take(LISTED) {
        text.push_str(&format!("  {} {}\n", commit.short(), commit.subject));
    }
    if let Some(more @ 1..) = rollback.reverted.len().checked_sub(LISTED) {
        text.push_str(&format!("  and {more} more\n"));
    }
    text
}

impl Repository {
    fn subject(&self, id: ObjectId) -> Result<Subject, SourceError> {
        let commit = self.git.find_commit(id).map_err(broken)?;
        let message = commit.message().map_err(broken)?;
        Ok(Subject {
            id: id.to_string(),
            subject: message.summary().to_string(),
        })
    }

    /// The commits on the first-parent line of `head` that are not in the history of `target`, the newest first.
    fn between(&self, target: &str, head: ObjectId) -> Result<Vec<Subject>, SourceError> {
        let target = self.find(target)?;
        // What came in by a merge is told by the merge.
        let line = std::iter::successors(Some(head), |id| self.parent(*id));
        line.take_while(|id| !self.is_before(*id, target))
            .map(|id| self.subject(id))
            .collect()
    }

    /// Whether `commit` is in the history of `other`, or is it.
    fn is_before(&self, commit: ObjectId, other: ObjectId) -> bool {
        let base = self.git.merge_base(commit, other).ok().flatten();
        base.is_some_and(|base| base == commit)
    }

    /// The tree of `head`, in which the configuration's folder is that of `target`.
    fn taken_back(&self, head: &ObjectId, target: &ObjectId) -> Result<ObjectId, SourceError> {
        let folder = self.tree(target)?;
        let whole = self
            .git
            .find_commit(*head)
            .and_then(|c| c.tree())
            .map_err(broken)?;
        self.replaced(whole.id, self.prefix(), folder)
    }

    fn remote(&self) -> Option<(String, Option<String>)> {
        let branch = self
            .git
            .head_name()
            .ok()
            .flatten()
            .map(|name| name.shorten().to_string());
        let own = branch
            .as_deref()
            .and_then(|branch| self.git.branch_remote_name(branch, Direction::Push));
        let name = match own {
            Some(name) => name.as_bstr().to_string(),
            None => self.git.remote_default_name(Direction::Push)?.to_string(),
        };
        Some((name, branch))
    }
}
