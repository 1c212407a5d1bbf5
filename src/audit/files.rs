//! The names of a log's files, the lock that its writers take, and all files at one moment.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use super::head::Head;
use crate::model::Name;

/// How long the lock is waited for: whoever has it writes a few lines.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is asked for.
const ASK: Duration = Duration::from_millis(5);

/// The file of that extension.
pub(super) fn path(directory: &Path, site: &Name, extension: &str) -> PathBuf {
    directory.join(format!("{site}.{extension}"))
}

fn name(site: &Name, number: u32) -> String {
    format!("{site}.{number:06}.jsonl")
}

/// A full file.
pub(super) fn rotated_path(directory: &Path, site: &Name, number: u32) -> PathBuf {
    directory.join(name(site, number))
}

/// The right to append, for as long as the file is open.
pub(super) fn lock(directory: &Path, site: &Name) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path(directory, site, "lock"))?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => std::thread::sleep(ASK),
            Err(TryLockError::WouldBlock) => return Err(io::Error::other("another process has it locked")),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// The numbers of the full files, the oldest first.
pub(super) fn rotated(directory: &Path, site: &Name) -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| {
            name.strip_prefix(site.as_str())?
                .strip_prefix('.')?
                .strip_suffix(".jsonl")
        });
        numbers.extend(number.and_then(|number| number.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The files of a log at one moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// The oldest first.
    pub(super) parts: Vec<Part>,
    pub(super) head: Option<Head>,
}

/// One file of them, as far as it was written.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: String,
    /// The number in its name.
    pub(super) number: Option<u32>,
    file: File,
    length: u64,
}

impl Part {
    pub(super) fn read(self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(self.length).unwrap_or_default()];
        self.file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }
}

/// What there is now; writers wait only until the files are open. Nothing where there is no log.
pub(super) fn snapshot(directory: &Path, site: &Name) -> io::Result<Option<Snapshot>> {
    let head_path = path(directory, site, "head");
    let known = [path(directory, site, "jsonl"), head_path.clone()];
    let is_there = known.iter().any(|path| fs::symlink_metadata(path).is_ok());
    if !is_there && (!directory.is_dir() || rotated(directory, site)?.is_empty()) {
        return Ok(None);
    }
    // A copy elsewhere, perhaps on a disk that can't be written, has no writers.
    let _lock = lock(directory, site).ok();
    let mut parts = Vec::new();
    let mut add = |name: String, number| -> io::Result<()> {
        let file = File::open(directory.join(&name))?;
        let length = file.metadata()?.len();
        parts.push(Part {
            name,
            number,
            file,
            length,
        });
        Ok(())
    };
    for number in rotated(directory, site)? {
        add(name(site, number), Some(number))?;
    }
    match add(format!("{site}.jsonl"), None) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => other?,
    }
    let head = Head::read(&head_path)?;
    Ok(Some(Snapshot { parts, head }))
}
