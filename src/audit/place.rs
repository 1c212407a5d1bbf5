//! Where logs are, and who writes them.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::record::User;

/// The variable that names another state directory.
pub const VARIABLE: &str = "WHARF_STATE_DIR";
/// What the kernel says of a process that nobody's login has begun.
const NO_LOGIN: u32 = u32::MAX;

/// The directory of the logs: `audit` in the state directory. Nothing where a user has no home.
#[must_use]
pub fn directory() -> Option<PathBuf> {
    Some(state()?.join("audit"))
}

/// The state directory: `$WHARF_STATE_DIR`, else `/var/lib/wharf` for root, else `wharf` in `$XDG_STATE_HOME` or in
/// `~/.local/state`. Nothing where a user has no home.
#[must_use]
pub fn state() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let absolute = |name| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    match variable(VARIABLE) {
        Some(given) => Some(PathBuf::from(given)),
        None if rustix::process::geteuid().is_root() => Some("/var/lib/wharf".into()),
        None => absolute("XDG_STATE_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
            .map(|state| state.join("wharf")),
    }
}

/// Makes the directory, which must be this user's own.
pub(super) fn prepare(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let found = fs::symlink_metadata(directory)?;
    if found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() {
        Ok(())
    } else {
        Err(io::Error::other("the directory belongs to another user"))
    }
}

/// Who runs this process. A name comes from `/etc/passwd` alone: other directories of users need the C library's help.
#[must_use]
pub fn user() -> User {
    of(rustix::process::getuid().as_raw(), "self")
}

/// Who runs another process, as the kernel says of the other end of a socket. It has to live still, or its login is not
/// known.
#[must_use]
pub fn peer(uid: u32, process: Option<i32>) -> User {
    of(
        uid,
        &process.map_or_else(String::new, |process| process.to_string()),
    )
}

fn of(uid: u32, process: &str) -> User {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let login = fs::read_to_string(format!("/proc/{process}/loginuid"));
    let login = login.ok().and_then(|text| text.trim().parse().ok());
    let login = login.filter(|login| ![uid, NO_LOGIN].contains(login));
    User {
        uid,
        name: name(&users, uid),
        login: login.map(|login| name(&users, login).unwrap_or_else(|| login.to_string())),
    }
}

fn name(users: &str, uid: u32) -> Option<String> {
    let line = users.lines().find(|line| {
        let number = line.split(':').nth(2);
        number.and_then(|number| number.parse().ok()) == Some(uid)
    })?;
    line.split(':').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_by_the_machines_list() {
        let users = "root:x:0:0:root:/root:/bin/bash\n# nobody\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(name(users, 0).as_deref(), Some("root"));
        assert_eq!(name(users, 1000).as_deref(), Some("alice"));
        assert_eq!(name(users, 1), None);
    }

    #[test]
    fn a_link_is_no_place() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(directory.path(), &link).unwrap();
        assert!(prepare(&link).is_err());
        prepare(&directory.path().join("a/b")).unwrap();
    }
}
