//! What is noted beside the log: how far it goes, and how many records could not be written.
//!
//! It is a file of fixed size that is overwritten in place, which a full disk allows. It is written after the lines
//! have reached the disk, so it never promises one that a loss of power may take.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::record::NO_HASH;

/// How long the file is, in bytes: the sector of a disk, which is written as a whole.
const LENGTH: usize = 512;
/// The most bytes of a cause.
const MOST_CAUSE: usize = 160;

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The number of the last line; 0 before the first one.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
    /// How many records could not be written since.
    pub lost: u64,
    /// When the first of them happened.
    pub since: String,
    /// Why.
    pub cause: String,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            seq: 0,
            hash: NO_HASH.to_owned(),
            lost: 0,
            since: String::new(),
            cause: String::new(),
        }
    }
}

impl Head {
    /// What the file says; nothing where it is missing or damaged.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Overwrites the file. Where that makes it, it is on the disk when this returns.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(path)?;
        let is_new = file.metadata()?.len() < LENGTH as u64;
        self.write_to(&file)?;
        if is_new { file.sync_all() } else { Ok(()) }
    }

    fn write_to(&self, file: &File) -> io::Result<()> {
        let mut short = self.clone();
        let end = (0..=short.cause.len().min(MOST_CAUSE))
            .rev()
            .find(|end| short.cause.is_char_boundary(*end));
        short.cause.truncate(end.unwrap_or_default());
        let mut text = serde_json::to_vec(&short)?;
        // JSON doesn't mind space behind it.
        text.resize(LENGTH - 1, b' ');
        text.push(b'\n');
        file.write_all_at(&text, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back_and_keeps_its_length() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lab.head");
        assert_eq!(Head::read(&path).unwrap(), None);
        let long = Head {
            seq: u64::MAX,
            lost: u64::MAX,
            since: "2026-01-02T03:04:05.678Z".to_owned(),
            cause: "ä".repeat(500),
            ..Head::default()
        };
        for head in [long, Head::default()] {
            head.write(&path).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().len(), LENGTH as u64);
            let read = Head::read(&path).unwrap().unwrap();
            assert_eq!((read.seq, read.lost, read.hash), (head.seq, head.lost, head.hash));
            assert!(head.cause.starts_with(&read.cause));
        }
        std::fs::write(&path, [0; LENGTH]).unwrap();
        assert_eq!(Head::read(&path).unwrap(), None);
    }
}
