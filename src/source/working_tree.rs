//! The working tree: files as they are, without what git ignores and without following a link out of the directory.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ignore::WalkBuilder;

use super::{MAX_CONTEXT_FILE, is_yaml};
use crate::document::parse::MAX_BYTES;
use crate::document::{Content, File, Files};
use crate::lock::{self, MAX_CONTENT};

/// Every YAML file that is not hidden, and the lock.
pub(super) fn declared_files(root: &Path) -> Files {
    let wanted = |path: &str| is_yaml(path) || path == lock::FILE;
    let mut files = walk(root, root, &wanted, MAX_BYTES as u64, Seen::Shown);
    let locked = root.join(lock::FOLDER);
    if locked.is_dir() {
        files
            .0
            .extend(walk(root, &locked, &lock::is_part, MAX_CONTENT as u64, Seen::All).0);
    }
    files
}

/// Every file below the folders, hidden ones included: a build context is what its author put there.
pub(super) fn files_below(root: &Path, folders: &[String]) -> Files {
    let mut files = Files::default();
    for folder in folders {
        let start = root.join(folder);
        if start.is_dir() {
            files
                .0
                .extend(walk(root, &start, &|_| true, MAX_CONTEXT_FILE, Seen::Hidden).0);
        }
    }
    files
}

/// Which files are seen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Those that are neither hidden nor ignored by git.
    Shown,
    /// Those that git does not ignore.
    Hidden,
    /// All of them.
    All,
}

fn walk(root: &Path, start: &Path, wanted: &dyn Fn(&str) -> bool, largest: u64, seen: Seen) -> Files {
    let mut files = Files::default();
    let walk = WalkBuilder::new(start)
        .hidden(seen == Seen::Shown)
        .ignore(false)
        .git_ignore(seen != Seen::All)
        .git_exclude(seen != Seen::All)
        .git_global(false)
        .parents(true)
        .follow_links(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    for entry in walk.flatten() {
        let Some(path) = entry.path().strip_prefix(root).ok().and_then(Path::to_str) else {
            continue;
        };
        let is_dir = entry.file_type().is_none_or(|t| t.is_dir());
        if is_dir || !wanted(path) {
            continue;
        }
        files.0.insert(path.to_owned(), read(root, entry.path(), largest));
    }
    files
}

fn read(root: &Path, path: &Path, largest: u64) -> File {
    let unreadable = |error: std::io::Error| File {
        content: Content::Unreadable(error.to_string()),
        executable: false,
    };
    let inside = path
        .canonicalize()
        .and_then(|target| Ok((root.canonicalize()?, target)));
    match inside {
        Err(error) => return unreadable(error),
        Ok((root, target)) if !target.starts_with(&root) => {
            let link = path.read_link().unwrap_or(target);
            return File {
                content: Content::OutsideLink(link.display().to_string()),
                executable: false,
            };
        }
        Ok(_) => {}
    }
    let metadata = match path.metadata() {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => {
            let content = Content::Unreadable("it is no regular file".to_owned());
            return File {
                content,
                executable: false,
            };
        }
        Err(error) => return unreadable(error),
    };
    let executable = metadata.permissions().mode() & 0o111 != 0;
    if metadata.len() > largest {
        return File {
            content: Content::TooLarge(metadata.len()),
            executable,
        };
    }
    match std::fs::read(path) {
        Ok(bytes) => File {
            content: Content::Bytes(bytes.into()),
            executable,
        },
        Err(error) => unreadable(error),
    }
}
