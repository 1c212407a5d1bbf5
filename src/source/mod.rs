//! The configuration repository, read from a directory's working tree or from a commit, without a checkout.
//!
//! In: a directory and which state of it. Out: [`Files`], a plain value, and where it comes from. Parsing what the files
//! say belongs to [`crate::manifest`] and [`crate::devfile`].
#![allow(clippy::disallowed_methods)] // this module is where files are read

mod around;
pub mod builds;
mod commit;
mod fetch;
mod history;
mod prepare;
pub mod registry;
pub mod remote;
mod removal;
pub mod rollback;
pub mod signature;
mod soundness;
mod working_tree;

use std::path::{Path, PathBuf};

use crate::document::Files;
use crate::document::parse::MAX_BYTES;
use crate::lock::{self, MAX_CONTENT};
use crate::plan::Revision;

pub use around::{Around, shown};
pub(crate) use fetch::use_ring;
pub use fetch::{Fetched, Fetcher};
pub use history::{ages, ancestors, author, follows, removed};
pub use prepare::{Prepared, prepare};
pub use removal::{Removal, day, removals};
pub use soundness::{examine, is_damaged};

/// The largest file of a build context, in bytes.
const MAX_CONTEXT_FILE: u64 = 256 << 20;

/// Which state of the repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The files as they are now.
    #[default]
    WorkingTree,
    /// A commit, by any name that git gives it.
    Revision(String),
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Every YAML file, and the lock with what it holds; other files as far as build contexts asked for them.
    pub files: Files,
    /// Where they come from.
    pub revision: Revision,
}

/// Why the repository can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The directory is not there.
    #[error("{0} is no directory")]
    NoDirectory(PathBuf),
    /// A commit was asked for where there is no git repository.
    #[error("{0} is in no git repository")]
    NoRepository(PathBuf),
    /// The revision names no commit.
    #[error("{revision:?} names no commit: {cause}")]
    NoRevision {
        /// What was asked for.
        revision: String,
        /// What git's rules say of it.
        cause: String,
    },
    /// The directory is not part of that commit.
    #[error("commit {commit} has no directory {path:?}")]
    NoPath {
        /// The commit.
        commit: String,
        /// The directory within the repository.
        path: String,
    },
    /// An object of a commit is not what its name says, or missing.
    #[error("the repository is damaged: object {object}: {cause}")]
    Damaged {
        /// Its name.
        object: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A commit can't be made.
    #[error("no commit was made: {0}")]
    NotCommitted(String),
    /// The repository's data can't be read.
    #[error("can't read the repository: {0}")]
    Repository(String),
}

/// Reads every YAML file of the repository at `dir`, and its lock.
///
/// # Errors
/// See [`SourceError`]. A single file that can't be read is no error here: [`Files`] says so of that file.
pub fn load(dir: &Path, source: &Source) -> Result<Loaded, SourceError> {
    let is_missing = || !dir.is_dir() && commit::Repository::discover(dir).is_none();
    if is_missing() {
        return Err(SourceError::NoDirectory(dir.to_owned()));
    }
    match source {
        Source::WorkingTree => Ok(Loaded {
            files: working_tree::declared_files(dir),
            revision: commit::Repository::discover(dir).map_or_else(Revision::default, |r| r.state()),
        }),
        Source::Revision(name) => {
            let repository = commit::Repository::required(dir)?;
            let commit = repository.find(name)?;
            let files = repository.files(&commit, &is_declared, &largest)?;
            let revision = Revision {
                commit: Some(commit.to_string()),
                dirty: false,
            };
            Ok(Loaded { files, revision })
        }
    }
}

/// The commit at which the histories of two others have parted, by its id.
///
/// # Errors
/// See [`SourceError`].
pub fn parting(dir: &Path, one: &str, other: &str) -> Result<String, SourceError> {
    let repository = commit::Repository::required(dir)?;
    Ok(repository.parting(one, other)?.to_string())
}

/// The id of the commit that `name` names now.
///
/// # Errors
/// See [`SourceError`].
pub fn commit(dir: &Path, name: &str) -> Result<String, SourceError> {
    Ok(commit::Repository::required(dir)?.find(name)?.to_string())
}

/// The folder `path` of the repository at `dir`, read from commits alone: it needs to be checked out nowhere.
///
/// # Errors
/// See [`SourceError`].
pub fn folder(dir: &Path, path: &str) -> Result<PathBuf, SourceError> {
    Ok(commit::Repository::required(dir)?.folder(path))
}

/// Where the repository keeps what its names mean: folders in which something is written whenever that changes, and whether
/// what is below them counts as well.
///
/// # Errors
/// See [`SourceError`].
pub fn refs(dir: &Path) -> Result<Vec<(PathBuf, bool)>, SourceError> {
    let repository = commit::Repository::required(dir)?;
    let (own, common) = (repository.git.git_dir(), repository.git.common_dir());
    let mut places = vec![(own.to_owned(), false)];
    if common != own {
        places.push((common.to_owned(), false));
    }
    let below = ["refs", "reftable"].map(|name| common.join(name));
    places.extend(
        below
            .into_iter()
            .filter(|place| place.is_dir())
            .map(|place| (place, true)),
    );
    Ok(places)
}

/// Reads the files below the folders `contexts` as well; an empty path is the whole repository.
///
/// # Errors
/// See [`SourceError`].
pub fn load_contexts(
    dir: &Path,
    source: &Source,
    contexts: &[String],
    files: &mut Files,
) -> Result<(), SourceError> {
    if contexts.is_empty() {
        return Ok(());
    }
    let below = |path: &str| {
        contexts.iter().any(|c| {
            c.is_empty()
                || path
                    .strip_prefix(c.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let read = match source {
        Source::WorkingTree => working_tree::files_below(dir, contexts),
        Source::Revision(name) => {
            let repository = commit::Repository::required(dir)?;
            let commit = repository.find(name)?;
            repository.files(&commit, &below, &|_| MAX_CONTEXT_FILE)?
        }
    };
    // What is locked is no ingredient: locking would change what it locks.
    let own = read.0.into_iter().filter(|(path, _)| !lock::is_part(path));
    files.0.extend(own);
    Ok(())
}

/// The largest file of those that say what the repository declares, in bytes.
fn largest(path: &str) -> u64 {
    let most = if lock::is_content(path) {
        MAX_CONTENT
    } else {
        MAX_BYTES
    };
    most as u64
}

/// Whether a file says what the repository declares.
fn is_declared(path: &str) -> bool {
    is_yaml(path) || lock::is_part(path)
}

fn is_yaml(path: &str) -> bool {
    let hidden = path.split('/').any(|part| part.starts_with('.'));
    !hidden && (path.ends_with(".yaml") || path.ends_with(".yml"))
}
