//! One apply at a time for each site on each engine: an advisory lock on a file. The kernel drops it when its holder
//! ends, however that happens, so there is never a stale one; the file itself stays and means nothing.
//!
//! It keeps accounts of this machine apart only as far as they share the directory. What protects the engine's objects
//! are the plan's expectations.

#![allow(clippy::disallowed_methods)] // the lock is a file, in a directory that the environment names

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::model::{Name, content_hash};

/// The right to apply; dropping it gives it back.
#[must_use]
#[derive(Debug)]
pub struct Lock(#[allow(dead_code)] File); // held for its lock alone

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error("site {site} is being applied already, by {holder}; wait until it is through")]
    Held {
        /// The site.
        site: Name,
        /// Who.
        holder: String,
    },
    /// The directory can't be had.
    #[error("the lock's directory {path} can't be used: {cause}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The file can't be had.
    #[error("the lock {path} can't be taken: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

/// Where locks are: `/run/wharf` for root, else `wharf` in `XDG_RUNTIME_DIR`, else a directory of this user's own among
/// the temporary files.
#[must_use]
pub fn directory() -> PathBuf {
    let uid = rustix::process::getuid();
    if uid.is_root() {
        return "/run/wharf".into();
    }
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty()) {
        Some(runtime) => Path::new(&runtime).join("wharf"),
        None => std::env::temp_dir().join(format!("wharf-{}", uid.as_raw())),
    }
}

/// Takes the lock of `site` on the engine at `address`.
///
/// # Errors
/// `Held` at once where somebody else has it; the others where files can't be written there.
pub fn take(directory: &Path, site: &Name, address: &str) -> Result<Lock, LockError> {
    prepare(directory)?;
    let engine = content_hash(address.as_bytes());
    let path = directory.join(format!("{site}-{}.lock", &engine[..8]));
    let failed = |cause| LockError::File {
        path: path.clone(),
        cause,
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let site = site.clone();
            let holder = holder(&mut file);
            return Err(LockError::Held { site, holder });
        }
        Err(TryLockError::Error(cause)) => return Err(failed(cause)),
    }
    name_holder(&mut file).map_err(failed)?;
    Ok(Lock(file))
}

/// Makes the directory, which must be nobody else's: among temporary files, anybody could have made it.
fn prepare(directory: &Path) -> Result<(), LockError> {
    let failed = |cause: String| LockError::Directory {
        path: directory.to_owned(),
        cause,
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|e| failed(e.to_string()))?;
    let found = fs::symlink_metadata(directory).map_err(|e| failed(e.to_string()))?;
    let own = found.uid() == rustix::process::getuid().as_raw();
    if found.is_dir() && own {
        Ok(())
    } else {
        Err(failed("it belongs to another user".to_owned()))
    }
}

fn name_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    // Between the lock and the writing of its holder's name the file says nothing, or names an earlier holder.
    match file.read_to_string(&mut text).map(|_| text.trim().parse::<u32>()) {
        Ok(Ok(pid)) => format!("process {pid}"),
        Ok(Err(_)) | Err(_) => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_by_one_and_free_when_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let site: Name = "lab".parse().unwrap();
        let other: Name = "lab-2".parse().unwrap();
        let take = |site, engine| super::take(directory.path(), site, engine);
        let held = take(&site, "unix:///a").unwrap();
        let error = take(&site, "unix:///a").unwrap_err().to_string();
        let expected = format!(
            "site lab is being applied already, by process {}; wait until it is through",
            std::process::id()
        );
        assert_eq!(error, expected);
        let _elsewhere = take(&site, "unix:///b").unwrap();
        let _other = take(&other, "unix:///a").unwrap();
        drop(held);
        let _again = take(&site, "unix:///a").unwrap();
    }

    #[test]
    fn a_link_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let real = directory.path().join("real");
        fs::create_dir(&real).unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let error = take(&link, &"lab".parse().unwrap(), "x").unwrap_err();
        assert!(matches!(error, LockError::Directory { .. }), "{error}");
    }
}
