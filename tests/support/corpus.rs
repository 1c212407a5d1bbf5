//! A corpus of devfiles with the reference implementation's verdicts, where there is one: its table, and its files as
//! devfiles import them.

#![allow(dead_code)] // each binary uses a part of it

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wharf::devfile::{Empty, Location, Missing, Shelf};

/// One file of the corpus.
pub(crate) struct Row {
    pub(crate) path: String,
    pub(crate) expected: String,
    pub(crate) reason: String,
}

/// What `corpus.tsv` says, a file a row.
pub(crate) fn rows(corpus: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(corpus.join("corpus.tsv")).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        Row {
            path: cells[0].to_owned(),
            expected: cells[2].to_owned(),
            reason: cells[7].to_owned(),
        }
    };
    text.lines().skip(1).map(row).collect()
}

/// The files of a directory, as a repository has them.
pub(crate) struct Disk(pub(crate) PathBuf);

impl Shelf for Disk {
    fn read(&self, location: &Location) -> Result<Arc<[u8]>, Missing> {
        match location {
            Location::File(path) => match std::fs::read(self.0.join(path)) {
                Ok(bytes) => Ok(bytes.into()),
                Err(_) => Err(Missing::NoFile(None)),
            },
            Location::Address(_) => Empty.read(location),
        }
    }
}
