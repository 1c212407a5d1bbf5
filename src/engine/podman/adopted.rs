//! Copying the data of a volume that is not wharf's. The copy is made in a directory beside the new volume's own, which it
//! then replaces by one rename, so that the new volume is empty or whole. A record beside it, written just before, says
//! whose data it is: what was copied before is told from what somebody else has put there.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, XattrFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::Podman;
use super::copy;
use super::data::is_empty;
use super::fault::Call;
use super::unshare::Question;
use crate::engine::{EngineError, Reown, Result, VolumeRef};

/// The longest security label, in bytes: a page.
const LABEL: usize = 4096;

/// What is copied where; each part of the work can be repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Copying {
    /// The directory that is read.
    pub(super) from: PathBuf,
    /// The new volume's directory.
    pub(super) to: PathBuf,
    /// Which volume is read, and which incarnation of it.
    pub(super) origin: String,
    /// How owners change.
    pub(super) reown: Option<Reown>,
}

impl Podman {
    pub(super) async fn copy_volume(
        &self,
        from: VolumeRef<'_>,
        to: VolumeRef<'_>,
        reown: Option<Reown>,
    ) -> Result<()> {
        let call = Call::new("copy the data to volume", to.name);
        let (source, target) = tokio::try_join!(self.api.same_volume(from), self.api.same_volume(to))?;
        if is_mounted(source.options.keys()) || is_mounted(target.options.keys()) {
            return Err(EngineError::Unsupported(format!(
                "{call}: the data of {} and {} must lie in the engine's own storage; copy it by hand",
                from.name, to.name
            )));
        }
        for volume in [&source, &target] {
            self.unused(call, volume).await?;
        }
        // Without root there is one range for all.
        let rootless = self.reader.host()?.rootless();
        let copying = Copying {
            from: source.mountpoint.clone().into(),
            to: target.mountpoint.into(),
            origin: format!("{} {}", from.name, from.id),
            reown: reown.filter(|reown| !rootless && reown.from != reown.to),
        };
        self.beside(call, Question::Copy(copying.clone()))
            .await?
            .map_err(|error| not_copied(call, &error))?;
        // Somebody may have begun to write meanwhile, and half of that may be in the copy.
        self.unused(call, &source).await?;
        self.beside(call, Question::Keep(copying))
            .await?
            .map_err(|error| not_copied(call, &error))?;
        Ok(())
    }
}

/// Whether a volume's options, of which these are the names, mount something on its directory.
pub(super) fn is_mounted<'a>(mut options: impl Iterator<Item = &'a String>) -> bool {
    options.any(|name| name == "type" || name == "device")
}

fn not_copied(call: Call<'_>, error: &io::Error) -> EngineError {
    match error.kind() {
        io::ErrorKind::WouldBlock => EngineError::Conflict(format!("{call}: another copy is under way")),
        io::ErrorKind::AlreadyExists => EngineError::Unsupported(format!(
            "{call}: it has data of its own, which would be mixed with what is copied"
        )),
        io::ErrorKind::InvalidData => EngineError::Unsupported(format!("{call}: {error}")),
        io::ErrorKind::PermissionDenied => call.failed(format!(
            "the volumes' directories belong to the user whose Podman it is; run wharf as that user ({error})"
        )),
        _ => call.failed(error),
    }
}

/// What becomes of the new volume's directory.
#[derive(Debug, PartialEq, Eq)]
enum State {
    /// It is empty.
    Empty,
    /// It has what was to be copied.
    Done,
}

impl Copying {
    /// Copies, beside the new volume's directory. What an earlier attempt has left there goes first.
    pub(super) fn copy(&self) -> io::Result<()> {
        let _lock = self.lock()?;
        if self.state()? == State::Done {
            return Ok(());
        }
        let aside = self.aside();
        remove(&aside)?;
        let copied = self
            .prepare(&aside)
            .and_then(|()| copy::tree(&self.from, &aside, self.reown));
        if copied.is_err() {
            // Its room may be what is missing; that it could not be copied says more than that it could not be removed.
            let _ = remove(&aside);
        }
        copied
    }

    /// Puts the whole copy in the place of the new volume's directory.
    pub(super) fn keep(&self) -> io::Result<()> {
        let lock = self.lock()?;
        if self.state()? == State::Done {
            return Ok(());
        }
        let mut record = tempfile::NamedTempFile::new_in(self.folder()?)?;
        record.write_all(self.origin.as_bytes())?;
        record.as_file().sync_all()?;
        record.persist(self.record()).map_err(|error| error.error)?;
        fs::rename(self.aside(), &self.to)?;
        Ok(rustix::fs::fsync(lock)?)
    }

    /// Makes the directory, with the security label that Podman gave the volume's own: what is made in it gets the same.
    fn prepare(&self, aside: &Path) -> io::Result<()> {
        fs::DirBuilder::new().mode(0o700).create(aside)?;
        let mut label = vec![0; LABEL];
        match rustix::fs::getxattr(&self.to, "security.selinux", &mut label[..]) {
            Ok(length) => {
                let (label, flags) = (&label[..length], XattrFlags::empty());
                Ok(rustix::fs::setxattr(aside, "security.selinux", label, flags)?)
            }
            // No label here, or none at all on this system.
            Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn state(&self) -> io::Result<State> {
        match is_empty(&self.to)? {
            None => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("{} is missing", self.to.display()),
            )),
            Some(true) => Ok(State::Empty),
            Some(false) if fs::read(self.record()).is_ok_and(|text| text == self.origin.as_bytes()) => {
                Ok(State::Done)
            }
            Some(false) => Err(io::ErrorKind::AlreadyExists.into()),
        }
    }

    /// Held while something is done here: a caller that has given up leaves the work going on.
    fn lock(&self) -> io::Result<std::os::fd::OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(self.folder()?, flags, Mode::empty())?;
        rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive)?;
        Ok(folder)
    }

    /// The folder of the new volume, which goes with it.
    fn folder(&self) -> io::Result<&Path> {
        let folder = self.to.parent();
        folder.ok_or_else(|| io::Error::other(format!("{} is no volume's directory", self.to.display())))
    }

    fn aside(&self) -> PathBuf {
        self.to.with_extension("copy")
    }

    fn record(&self) -> PathBuf {
        self.to.with_extension("copied")
    }
}

fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copying() -> (tempfile::TempDir, Copying) {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (root.path().join("a/_data"), root.path().join("b/_data"));
        fs::create_dir_all(&from).unwrap();
        fs::create_dir_all(&to).unwrap();
        fs::write(from.join("f"), "x").unwrap();
        let copying = Copying {
            from,
            to,
            origin: "a then".to_owned(),
            reown: None,
        };
        (root, copying)
    }

    fn text(directory: &Path) -> Option<String> {
        fs::read_to_string(directory.join("f")).ok()
    }

    #[test]
    fn data_is_copied_and_copying_again_changes_nothing() {
        let (_root, copying) = copying();
        copying.copy().unwrap();
        assert_eq!(
            is_empty(&copying.to).unwrap(),
            Some(true),
            "nothing half is there"
        );
        copying.keep().unwrap();
        fs::write(copying.to.join("f"), "changed").unwrap();
        for _ in 0..2 {
            copying.copy().unwrap();
            copying.keep().unwrap();
        }
        assert_eq!(text(&copying.from).as_deref(), Some("x"));
        assert_eq!(text(&copying.to).as_deref(), Some("changed"));
        assert!(!copying.aside().exists());
    }

    #[test]
    fn what_was_cut_off_is_begun_anew() {
        let (_root, copying) = copying();
        fs::create_dir(copying.aside()).unwrap();
        fs::write(copying.aside().join("f"), "half").unwrap();
        fs::write(copying.aside().join("gone"), "by now").unwrap();
        // Killed between the record and the rename.
        fs::write(copying.record(), &copying.origin).unwrap();
        copying.copy().unwrap();
        copying.keep().unwrap();
        assert_eq!(text(&copying.to).as_deref(), Some("x"));
        assert!(!copying.to.join("gone").exists());
    }

    #[test]
    fn data_is_never_copied_over_data() {
        let (_root, copying) = copying();
        fs::write(copying.to.join("f"), "own").unwrap();
        for origin in [None, Some("another volume")] {
            if let Some(origin) = origin {
                fs::write(copying.record(), origin).unwrap();
            }
            for tried in [copying.copy(), copying.keep()] {
                assert_eq!(tried.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            }
        }
        assert_eq!(text(&copying.to).as_deref(), Some("own"));
    }

    #[test]
    fn a_copy_has_the_security_label_of_the_new_volume() {
        let (_root, copying) = copying();
        let (name, flags) = ("security.selinux", XattrFlags::empty());
        // That needs root, and a file system that has attributes; without them there is no label to take over.
        let labelled = rustix::fs::setxattr(&copying.to, name, b"there", flags).is_ok();
        copying.copy().unwrap();
        copying.keep().unwrap();
        assert_eq!(text(&copying.to).as_deref(), Some("x"));
        let mut label = [0; 8];
        let found = rustix::fs::getxattr(&copying.to, name, &mut label[..]);
        let found = found.ok().and_then(|length| label.get(..length));
        assert_eq!(found == Some(b"there".as_slice()), labelled);
    }

    #[test]
    fn two_copies_at_a_time_do_not_meet() {
        let (_root, copying) = copying();
        let held = copying.lock().unwrap();
        assert_eq!(copying.copy().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(held);
        copying.copy().unwrap();
    }

    #[test]
    fn a_copy_that_fails_leaves_nothing_behind() {
        let (_root, mut copying) = copying();
        copying.from = copying.from.join("missing");
        assert!(copying.copy().is_err());
        assert!(!copying.aside().exists() && !copying.record().exists());
    }
}
