//! Moving a volume's data: its directory takes the place of the other's by one rename, then files change owners. There
//! is no endpoint for it. Every step can be repeated, so that a crash at any point is completed by doing it again.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Uid};
use serde::Deserialize;

use super::Podman;
use super::fault::Call;
use super::http::Endpoint;
use super::inspect;
use super::unshare::Question;
use crate::engine::{EngineError, Reown, Result, VolumeRef};
use crate::model::UidRange;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct User {
    names: Vec<String>,
}

impl Podman {
    pub(super) async fn move_volume(
        &self,
        from: VolumeRef<'_>,
        to: VolumeRef<'_>,
        reown: Option<Reown>,
    ) -> Result<()> {
        let call = Call::new("move the data to volume", to.name);
        let (source, target) = tokio::try_join!(self.api.same_volume(from), self.api.same_volume(to))?;
        for volume in [&source, &target] {
            self.unused(call, volume).await?;
        }
        // What is held in memory is gone once nothing uses it.
        if source.options.get("type").is_some_and(|kind| kind == "tmpfs") {
            return Ok(());
        }
        let directory = PathBuf::from(&target.mountpoint);
        let question = Question::Move {
            from: source.mountpoint.into(),
            to: target.mountpoint.into(),
        };
        self.beside(call, question)
            .await?
            .map_err(|error| not_moved(call, &error))?;
        match reown.filter(|reown| reown.from != reown.to) {
            // Without root there is one range for all.
            Some(reown) if !self.reader.host()?.rootless() => {
                tokio::task::spawn_blocking(move || reown_tree(&directory, reown))
                    .await
                    .map_err(|error| call.failed(error))?
                    .map_err(|error| call.failed(format!("changing the owners: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// The containers that run with a volume mounted, paused ones too.
    pub(super) async fn users(&self, call: Call<'_>, volume: &str) -> Result<Vec<String>> {
        let filter = serde_json::json!({"volume": [volume], "status": ["running", "paused"]}).to_string();
        let endpoint = Endpoint::new(&["containers", "json"]).query("filters", &filter);
        let users: Vec<User> = self.api.get(call, &endpoint).await?;
        Ok(users.into_iter().flat_map(|user| user.names).collect())
    }

    pub(super) async fn unused(&self, call: Call<'_>, volume: &inspect::Volume) -> Result<()> {
        match self.users(call, &volume.name).await?.first() {
            None => Ok(()),
            Some(name) => Err(EngineError::Conflict(format!(
                "{call}: {} is mounted by {name}, which runs",
                volume.name
            ))),
        }
    }
}

fn not_moved(call: Call<'_>, error: &io::Error) -> EngineError {
    match error.kind() {
        io::ErrorKind::AlreadyExists => EngineError::Conflict(format!("{call}: {error}")),
        io::ErrorKind::CrossesDevices => EngineError::Unsupported(format!(
            "{call}: the two volumes lie on different file systems, and data is never copied on the way ({error})"
        )),
        io::ErrorKind::PermissionDenied => call.failed(format!(
            "the volumes' directories belong to the user whose Podman it is; run wharf as that user ({error})"
        )),
        _ => call.failed(error),
    }
}

/// Whether a directory has no entries; nothing where it is missing.
pub(super) fn is_empty(directory: &Path) -> io::Result<Option<bool>> {
    match fs::read_dir(directory) {
        Ok(mut entries) => Ok(Some(entries.next().transpose()?.is_none())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Renames `from` over the empty `to` and makes an empty `from` again, with the owner and mode that it had.
pub(super) fn move_directory(from: &Path, to: &Path) -> io::Result<()> {
    match (is_empty(from)?, is_empty(to)?) {
        (Some(false), Some(false)) => {
            let message = format!(
                "{} already holds data, and so does {}",
                to.display(),
                from.display()
            );
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        }
        (Some(false), Some(true) | None) => fs::rename(from, to)?,
        // Nothing to move, or it was moved before.
        (Some(true) | None, Some(_)) => {}
        (Some(true) | None, None) => {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("{} is missing", to.display()),
            ));
        }
    }
    if is_empty(from)?.is_some() {
        return Ok(());
    }
    // Made aside and renamed, so that it is never there with the wrong owner.
    let like = fs::metadata(to)?;
    let aside = from.with_extension("new");
    match fs::DirBuilder::new().mode(0o700).create(&aside) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    std::os::unix::fs::lchown(&aside, Some(like.uid()), Some(like.gid()))?;
    fs::set_permissions(&aside, fs::Permissions::from_mode(like.mode() & 0o7777))?;
    fs::rename(&aside, from)
}

/// A directory that is being walked, and those of its subdirectories that are still to come.
struct Level {
    directory: OwnedFd,
    rest: Vec<CString>,
}

/// Shifts the owners of a directory and of everything below it from one range to another. No symbolic link is
/// followed, and no path is looked up twice.
fn reown_tree(root: &Path, reown: Reown) -> io::Result<()> {
    let disjoint = |a: UidRange, b: UidRange| u64::from(a.first) + u64::from(a.count) <= u64::from(b.first);
    if !disjoint(reown.from, reown.to) && !disjoint(reown.to, reown.from) {
        return Err(io::Error::other(
            "the two ranges of ids overlap, so that it can't be told whose a file is",
        ));
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(CWD, root, flags, Mode::empty())?;
    let own = rustix::fs::fstat(&directory)?;
    if let Some((uid, gid)) = shifted(own.st_uid, own.st_gid, reown) {
        rustix::fs::fchown(&directory, uid, gid)?;
    }
    let mut levels = vec![reown_entries(directory, reown)?];
    while let Some(level) = levels.last_mut() {
        match level.rest.pop() {
            Some(name) => {
                let below = rustix::fs::openat(&level.directory, name, flags, Mode::empty())?;
                levels.push(reown_entries(below, reown)?);
            }
            None => {
                levels.pop();
            }
        }
    }
    Ok(())
}

/// Shifts the owners of a directory's entries; returns the subdirectories.
fn reown_entries(directory: OwnedFd, reown: Reown) -> io::Result<Level> {
    let mut rest = Vec::new();
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let stat = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if let Some((uid, gid)) = shifted(stat.st_uid, stat.st_gid, reown) {
            rustix::fs::chownat(&directory, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)?;
            // The kernel drops the set-id bits with the owner.
            if kind == FileType::RegularFile && stat.st_mode & 0o6000 != 0 {
                let mode = Mode::from_raw_mode(stat.st_mode & 0o7777);
                rustix::fs::chmodat(&directory, name, mode, AtFlags::empty())?;
            }
        }
        if kind == FileType::Directory {
            rest.push(name.to_owned());
        }
    }
    Ok(Level { directory, rest })
}

/// The owner and group to set, or nothing where neither lies in the range that is left.
fn shifted(uid: u32, gid: u32, reown: Reown) -> Option<(Option<Uid>, Option<Gid>)> {
    let shift = |id: u32| {
        let offset = id
            .checked_sub(reown.from.first)
            .filter(|o| *o < reown.from.count)?;
        (offset < reown.to.count).then_some(())?;
        reown.to.first.checked_add(offset)
    };
    let (uid, gid) = (shift(uid).map(Uid::from_raw), shift(gid).map(Gid::from_raw));
    (uid.is_some() || gid.is_some()).then_some((uid, gid))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volumes() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("a/_data"), root.path().join("b/_data"));
        fs::create_dir_all(&from).unwrap();
        fs::create_dir_all(&to).unwrap();
        (root, from, to)
    }

    #[test]
    fn data_moves_and_its_place_is_empty_again() {
        let (_root, from, to) = volumes();
        fs::write(from.join("f"), "x").unwrap();
        fs::set_permissions(&from, fs::Permissions::from_mode(0o750)).unwrap();
        for _ in 0..2 {
            move_directory(&from, &to).unwrap();
            assert_eq!(fs::read_to_string(to.join("f")).unwrap(), "x");
            assert_eq!(is_empty(&from).unwrap(), Some(true));
            assert_eq!(fs::metadata(&from).unwrap().mode() & 0o7777, 0o750);
        }
    }

    #[test]
    fn a_crash_after_the_rename_is_completed() {
        let (_root, from, to) = volumes();
        fs::write(from.join("f"), "x").unwrap();
        fs::rename(&from, &to).unwrap();
        fs::create_dir(from.with_extension("new")).unwrap();
        move_directory(&from, &to).unwrap();
        assert_eq!(is_empty(&from).unwrap(), Some(true));
        assert!(to.join("f").exists() && !from.with_extension("new").exists());
    }

    #[test]
    fn data_never_replaces_data() {
        let (_root, from, to) = volumes();
        fs::write(from.join("f"), "x").unwrap();
        fs::write(to.join("g"), "y").unwrap();
        assert_eq!(
            move_directory(&from, &to).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert!(from.join("f").exists() && to.join("g").exists());
    }

    const REOWN: Reown = Reown {
        from: UidRange {
            first: 100_000,
            count: 1000,
        },
        to: UidRange {
            first: 200_000,
            count: 1000,
        },
    };

    #[test]
    fn ids_shift_once_and_others_stay() {
        let raw =
            |r: Option<(Option<Uid>, Option<Gid>)>| r.map(|(u, g)| (u.map(Uid::as_raw), g.map(Gid::as_raw)));
        assert_eq!(
            raw(shifted(100_005, 100_006, REOWN)),
            Some((Some(200_005), Some(200_006)))
        );
        assert_eq!(raw(shifted(0, 100_000, REOWN)), Some((None, Some(200_000))));
        assert_eq!(raw(shifted(200_005, 200_005, REOWN)), None);
        assert_eq!(raw(shifted(101_000, 99_999, REOWN)), None);
    }

    #[test]
    fn ranges_that_overlap_are_refused() {
        let overlapping = Reown {
            to: UidRange {
                first: 100_500,
                count: 1000,
            },
            ..REOWN
        };
        assert!(reown_tree(Path::new("/nowhere"), overlapping).is_err());
    }

    #[test]
    fn a_tree_is_reowned_without_following_links() {
        if !rustix::process::getuid().is_root() {
            // Changing owners needs root; the real-Podman test covers the rest.
            return;
        }
        let (root, from, _) = volumes();
        let outside = root.path().join("outside");
        fs::write(&outside, "x").unwrap();
        fs::create_dir(from.join("d")).unwrap();
        fs::write(from.join("d/f"), "x").unwrap();
        std::os::unix::fs::symlink(&outside, from.join("link")).unwrap();
        std::os::unix::fs::symlink(root.path(), from.join("dirlink")).unwrap();
        for path in [
            from.clone(),
            from.join("d"),
            from.join("d/f"),
            from.join("link"),
            outside.clone(),
        ] {
            std::os::unix::fs::lchown(&path, Some(100_001), Some(100_002)).unwrap();
        }
        fs::set_permissions(from.join("d/f"), fs::Permissions::from_mode(0o4755)).unwrap();
        for _ in 0..2 {
            reown_tree(&from, REOWN).unwrap();
        }
        for path in [from.clone(), from.join("d"), from.join("d/f"), from.join("link")] {
            let metadata = fs::symlink_metadata(&path).unwrap();
            assert_eq!(
                (metadata.uid(), metadata.gid()),
                (200_001, 200_002),
                "{}",
                path.display()
            );
        }
        assert_eq!(fs::metadata(from.join("d/f")).unwrap().mode() & 0o7777, 0o4755);
        assert_eq!(fs::metadata(&outside).unwrap().uid(), 100_001);
    }
}
