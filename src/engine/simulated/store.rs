//! Where the state is kept: in memory, or in one JSON file that several processes use one after another.

#![allow(clippy::disallowed_methods)] // the engine is a file

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use tokio::sync::watch;

use super::state::State;
use crate::engine::{EngineError, Result};

/// The state and its file, where it has one.
pub(super) struct Store {
    state: State,
    file: Option<File>,
    /// How often the state was saved, for whoever follows it.
    saved: watch::Sender<u64>,
}

struct File {
    path: PathBuf,
    /// Which version of the file `state` is: every write makes a new inode.
    version: Option<Version>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Version {
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl Store {
    pub(super) fn in_memory() -> Self {
        Self {
            state: State::default(),
            file: None,
            saved: watch::Sender::default(),
        }
    }

    /// The state in a file, which is made where it is missing.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut store = Self {
            state: State::default(),
            file: Some(File {
                path: path.to_owned(),
                version: None,
            }),
            saved: watch::Sender::default(),
        };
        match path.exists() {
            true => store.state().map(drop)?,
            false => store.save()?,
        }
        Ok(store)
    }

    /// The file, where there is one.
    pub(super) fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }

    /// Tells of each save from now on.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.saved.subscribe()
    }

    pub(super) fn address(&self) -> String {
        match &self.file {
            Some(file) => format!("simulated://{}", file.path.display()),
            None => "simulated engine in memory".to_owned(),
        }
    }

    /// The state as it is now: another process may have written the file.
    pub(super) fn state(&mut self) -> Result<&mut State> {
        if let Some(file) = &mut self.file {
            let version = version(&file.path).map_err(|e| unreachable(&file.path, &e))?;
            if file.version != Some(version) {
                let text = fs::read(&file.path).map_err(|e| unreachable(&file.path, &e))?;
                self.state = serde_json::from_slice(&text).map_err(|e| unreachable(&file.path, &e))?;
                file.version = Some(version);
            }
        }
        Ok(&mut self.state)
    }

    /// Writes the state, whole or not at all: a kill at any moment leaves the file of before or after.
    pub(super) fn save(&mut self) -> Result<()> {
        self.saved.send_modify(|times| *times += 1);
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        // Until this has succeeded, what counts is what the file says.
        file.version = None;
        let mut temporary = file.path.clone().into_os_string();
        temporary.push(format!(".{}.new", std::process::id()));
        let write = || {
            fs::write(&temporary, serde_json::to_vec_pretty(&self.state)?)?;
            fs::rename(&temporary, &file.path)?;
            version(&file.path)
        };
        let written = write().map_err(|e: std::io::Error| unreachable(&file.path, &e))?;
        file.version = Some(written);
        Ok(())
    }
}

fn version(path: &Path) -> std::io::Result<Version> {
    let metadata = fs::metadata(path)?;
    Ok(Version {
        inode: metadata.ino(),
        size: metadata.size(),
        changed: (metadata.mtime(), metadata.mtime_nsec()),
    })
}

fn unreachable(path: &Path, cause: &dyn std::fmt::Display) -> EngineError {
    EngineError::Unreachable {
        address: format!("simulated://{}", path.display()),
        cause: cause.to_string(),
    }
}
