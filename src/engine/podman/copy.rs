//! Copying a tree of files as it is: content with its holes, hard links, modes, times, access lists and attributes of
//! users; owners as they are to be. Whatever it meets is left as it was.
//!
//! Not copied are attributes of the machine (`security.`, `trusted.`): labels and capabilities of files belong to where
//! they were set, and no container of wharf's could use the latter. No symbolic link is followed, and no path is looked up
//! twice.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, OFlags, SeekFrom, Stat, Timespec, Timestamps, Uid, XattrFlags,
};
use rustix::io::Errno;

use crate::engine::Reown;

/// The attributes that hold access lists, which name owners.
const ACCESS_LISTS: [&[u8]; 2] = [b"system.posix_acl_access", b"system.posix_acl_default"];

/// Copies what is below `from`, and its own properties, to the empty directory `to`, and waits until all of it is stored.
///
/// # Errors
/// The first thing that can't be copied; `InvalidData` where it could nowhere be: an owner that `reown` doesn't know, a
/// device.
pub(super) fn tree(from: &Path, to: &Path, reown: Option<Reown>) -> io::Result<()> {
    let flags = DIRECTORY | OFlags::NOFOLLOW;
    let source = rustix::fs::open(from, flags, Mode::empty())?;
    let root = rustix::fs::open(to, flags, Mode::empty())?;
    let mut copy = Copy {
        reown,
        root: root.try_clone()?,
        links: BTreeMap::new(),
    };
    let mut levels = vec![copy.level(source, root, PathBuf::new())?];
    while let Some(level) = levels.last_mut() {
        match level.rest.pop() {
            Some(name) => {
                let path = level.path(&name);
                let below = enter(&level.source, &level.target, &name).map_err(|error| at(&path, &error))?;
                levels.push(copy.level(below.0, below.1, path)?);
            }
            None => {
                // Only now does nothing change its times any more.
                copy.finish(level).map_err(|error| at(&level.path, &error))?;
                levels.pop();
            }
        }
    }
    Ok(rustix::fs::syncfs(&copy.root)?)
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Names the entry that an error is about, by its path within the volume.
fn at(path: &Path, error: &io::Error) -> io::Error {
    match path.as_os_str().is_empty() {
        true => io::Error::new(error.kind(), format!("its own directory: {error}")),
        false => io::Error::new(error.kind(), format!("{}: {error}", path.display())),
    }
}

fn enter(source: &OwnedFd, target: &OwnedFd, name: &CStr) -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = DIRECTORY | OFlags::NOFOLLOW;
    let source = rustix::fs::openat(source, name, flags, Mode::empty())?;
    rustix::fs::mkdirat(target, name, Mode::RWXU)?;
    let target = rustix::fs::openat(target, name, flags, Mode::empty())?;
    Ok((source, target))
}

/// A directory that is being copied, and those of its subdirectories that are still to come.
struct Level {
    source: OwnedFd,
    target: OwnedFd,
    path: PathBuf,
    rest: Vec<CString>,
}

impl Level {
    fn path(&self, name: &CStr) -> PathBuf {
        self.path.join(OsStr::from_bytes(name.to_bytes()))
    }
}

struct Copy {
    reown: Option<Reown>,
    root: OwnedFd,
    /// Where each file with several names was copied to first, by device and number.
    links: BTreeMap<(u64, u64), PathBuf>,
}

impl Copy {
    /// Copies a directory's entries, but for the subdirectories. Its errors say where.
    fn level(&mut self, source: OwnedFd, target: OwnedFd, path: PathBuf) -> io::Result<Level> {
        let mut level = Level {
            source,
            target,
            path,
            rest: Vec::new(),
        };
        let here = |error: Errno| at(&level.path, &error.into());
        let entries: Vec<_> = Dir::read_from(&level.source)
            .and_then(Iterator::collect)
            .map_err(here)?;
        for entry in entries {
            let name = entry.file_name();
            if !matches!(name.to_bytes(), b"." | b"..") {
                let path = level.path(name);
                if self
                    .entry(&level, name, &path)
                    .map_err(|error| at(&path, &error))?
                {
                    level.rest.push(name.to_owned());
                }
            }
        }
        Ok(level)
    }

    /// Copies an entry, unless it is a directory: then it says so.
    fn entry(&mut self, level: &Level, name: &CStr, path: &Path) -> io::Result<bool> {
        let stat = rustix::fs::statat(&level.source, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Directory {
            return Ok(true);
        }
        if stat.st_nlink > 1 {
            let first = self.links.entry((stat.st_dev, stat.st_ino));
            match first {
                std::collections::btree_map::Entry::Occupied(first) => {
                    let first = first.get().as_path();
                    rustix::fs::linkat(&self.root, first, &level.target, name, AtFlags::empty())?;
                    return Ok(false);
                }
                std::collections::btree_map::Entry::Vacant(first) => drop(first.insert(path.to_owned())),
            }
        }
        match kind {
            FileType::RegularFile => self.file(level, name, &stat)?,
            FileType::Symlink => {
                let leads = rustix::fs::readlinkat(&level.source, name, Vec::new())?;
                rustix::fs::symlinkat(&leads, &level.target, name)?;
                self.named(level, name, &stat)?;
            }
            FileType::Fifo | FileType::Socket => {
                let mode = Mode::from_raw_mode(stat.st_mode);
                rustix::fs::mknodat(&level.target, name, kind, mode, 0)?;
                self.named(level, name, &stat)?;
                rustix::fs::chmodat(&level.target, name, mode, AtFlags::empty())?;
            }
            FileType::Directory | FileType::CharacterDevice | FileType::BlockDevice | FileType::Unknown => {
                let message = "it is a device, which no workspace can use; remove it there";
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
        Ok(false)
    }

    fn file(&self, level: &Level, name: &CStr, stat: &Stat) -> io::Result<()> {
        let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let source = rustix::fs::openat(&level.source, name, flags | OFlags::RDONLY, Mode::empty())?;
        let new = flags | OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let target = rustix::fs::openat(&level.target, name, new, Mode::RUSR | Mode::WUSR)?;
        let (source, target) = (File::from(source), File::from(target));
        content(&source, &target)?;
        self.properties(&source, &target, stat)
    }

    fn finish(&self, level: &Level) -> io::Result<()> {
        let stat = rustix::fs::fstat(&level.source)?;
        self.properties(&level.source, &level.target, &stat)
    }

    /// What an open file or directory is beside its content.
    fn properties(&self, source: impl AsFd, target: impl AsFd, stat: &Stat) -> io::Result<()> {
        let (uid, gid) = self.owner(stat)?;
        rustix::fs::fchown(&target, Some(uid), Some(gid))?;
        self.attributes(source.as_fd(), target.as_fd())?;
        // The kernel drops the set-id bits with the owner.
        rustix::fs::fchmod(&target, Mode::from_raw_mode(stat.st_mode))?;
        Ok(rustix::fs::futimens(&target, &times(stat))?)
    }

    /// Owner and times of what can't be opened.
    fn named(&self, level: &Level, name: &CStr, stat: &Stat) -> io::Result<()> {
        let (uid, gid) = self.owner(stat)?;
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::chownat(&level.target, name, Some(uid), Some(gid), flags)?;
        Ok(rustix::fs::utimensat(&level.target, name, &times(stat), flags)?)
    }

    fn attributes(&self, source: impl AsFd, target: impl AsFd) -> io::Result<()> {
        let names = match sized(
            || rustix::fs::flistxattr_query(&source),
            |list: &mut [u8]| rustix::fs::flistxattr(&source, list),
        ) {
            // The file system has none.
            Err(Errno::OPNOTSUPP) => return Ok(()),
            names => names?,
        };
        for name in names.split(|b| *b == 0) {
            let is_list = ACCESS_LISTS.contains(&name);
            if !is_list && !name.starts_with(b"user.") {
                continue;
            }
            let mut value = sized(
                || rustix::fs::fgetxattr_query(&source, name),
                |value: &mut [u8]| rustix::fs::fgetxattr(&source, name, value),
            )?;
            if is_list {
                self.reown_list(&mut value)?;
            }
            rustix::fs::fsetxattr(&target, name, &value, XattrFlags::empty())?;
        }
        Ok(())
    }

    /// Owners within an access list: a version, then 8 bytes each of tag, rights and id, as `linux/posix_acl_xattr.h` has it.
    fn reown_list(&self, list: &mut [u8]) -> io::Result<()> {
        const USER: u16 = 0x02;
        const GROUP: u16 = 0x08;
        for entry in list.get_mut(4..).unwrap_or_default().chunks_exact_mut(8) {
            let (head, id) = entry.split_at_mut(4);
            let tag = u16::from_le_bytes([head[0], head[1]]);
            if let (USER | GROUP, Ok(old)) = (tag, <[u8; 4]>::try_from(&*id)) {
                let what = if tag == USER { "user" } else { "group" };
                id.copy_from_slice(&self.id(u32::from_le_bytes(old), what)?.to_le_bytes());
            }
        }
        Ok(())
    }

    fn owner(&self, stat: &Stat) -> io::Result<(Uid, Gid)> {
        let (uid, gid) = (self.id(stat.st_uid, "user")?, self.id(stat.st_gid, "group")?);
        Ok((Uid::from_raw(uid), Gid::from_raw(gid)))
    }

    fn id(&self, id: u32, what: &str) -> io::Result<u32> {
        let Some(Reown { from, to }) = self.reown else {
            return Ok(id);
        };
        let offset = id.checked_sub(from.first);
        let offset = offset.filter(|offset| *offset < from.count.min(to.count));
        offset
            .and_then(|offset| to.first.checked_add(offset))
            .ok_or_else(|| Stray { what, id }.into())
    }
}

/// An owner that the files can't have where they go.
#[derive(Debug, thiserror::Error)]
#[error("it belongs to {what} {id}, and containers have ids below 65536 only; change its owner there")]
struct Stray<'a> {
    what: &'a str,
    id: u32,
}

impl From<Stray<'_>> for io::Error {
    fn from(stray: Stray<'_>) -> Self {
        Self::new(io::ErrorKind::InvalidData, stray.to_string())
    }
}

/// Reads what may grow between asking for its size and reading it.
fn sized(
    size: impl Fn() -> Result<usize, Errno>,
    read: impl Fn(&mut [u8]) -> Result<usize, Errno>,
) -> Result<Vec<u8>, Errno> {
    loop {
        let mut space = vec![0; size()?];
        if space.is_empty() {
            return Ok(space);
        }
        match read(&mut space) {
            Err(Errno::RANGE) => {}
            length => {
                space.truncate(length?);
                return Ok(space);
            }
        }
    }
}

/// Copies a file's content and leaves its holes open.
fn content(mut source: &File, mut target: &File) -> io::Result<()> {
    let size = source.metadata()?.len();
    let mut end = 0;
    while end < size {
        let start = match rustix::fs::seek(source, SeekFrom::Data(end)) {
            Err(Errno::NXIO) => break, // only a hole is left
            start => start?,
        };
        end = rustix::fs::seek(source, SeekFrom::Hole(start))?;
        source.seek(io::SeekFrom::Start(start))?;
        target.seek(io::SeekFrom::Start(start))?;
        let copied = io::copy(&mut source.take(end - start), &mut target)?;
        if copied < end - start {
            break; // it has become shorter
        }
    }
    target.set_len(size)
}

fn times(stat: &Stat) -> Timestamps {
    let time = |seconds, nanoseconds: u64| Timespec {
        tv_sec: seconds,
        // Invariant: it is below 1,000,000,000.
        tv_nsec: i64::try_from(nanoseconds).unwrap_or_default(),
    };
    Timestamps {
        last_access: time(stat.st_atime, stat.st_atime_nsec),
        last_modification: time(stat.st_mtime, stat.st_mtime_nsec),
    }
}

#[cfg(test)]
mod tests;
