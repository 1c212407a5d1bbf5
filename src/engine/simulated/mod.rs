//! A simulated engine: its objects are in memory, or in one JSON file that several runs of the command line share
//! (`simulated:///PATH`). It is stricter than Podman, so that what passes here passes there: nothing is ever created on
//! the side, whatever is in use can't be removed, labels must describe what is created, and two mutations of one object
//! at the same time are an error. `tests/contract.rs` holds it to what Podman does.
//!
//! Tests script it, through [`Simulated::edit`] or by writing the file: images that a registry has
//! ([`State::pullable`]), what commands answer ([`Script`]), what goes wrong ([`Fault`]) and what somebody else does
//! meanwhile ([`Meddling`]). It records every call and every command. A file with all of it:
//!
//! ```json
#![doc = include_str!("example.json")]
//! ```
//!
//! Nothing runs here and nothing is stored: no command is interpreted, and a volume is a map from paths to texts.

mod call;
mod engine;
mod events;
mod fault;
mod objects;
mod run;
mod state;
mod store;
mod stored;
mod streams;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

pub use fault::{Fault, Meddling, Mishap, Moment};
pub use state::{Command, Container, Network, Pod, Script, State, Volume};

use super::Result;
use crate::model::ObjectId;

/// A handle on a simulated engine; clones are the same engine.
#[derive(Clone)]
pub struct Simulated {
    held: Arc<Mutex<Held>>,
}

struct Held {
    store: store::Store,
    /// What is being changed right now.
    busy: BTreeSet<ObjectId>,
    most_at_once: usize,
}

impl Simulated {
    /// An empty engine in memory.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::with(store::Store::in_memory())
    }

    /// The engine in a file, which is made where it is missing.
    ///
    /// # Errors
    /// `Unreachable` where the file can't be read or written, or is no engine's.
    pub fn open(path: &Path) -> Result<Self> {
        store::Store::open(path).map(Self::with)
    }

    fn with(store: store::Store) -> Self {
        let held = Held {
            store,
            busy: BTreeSet::new(),
            most_at_once: 0,
        };
        Self {
            held: Arc::new(Mutex::new(held)),
        }
    }

    /// All that it holds now.
    ///
    /// # Errors
    /// `Unreachable` where its file can't be read.
    pub fn state(&self) -> Result<State> {
        self.lock().store.state().cloned()
    }

    /// Changes what it holds: scripts, faults, or anything behind everybody's back.
    ///
    /// # Errors
    /// `Unreachable` where its file can't be read or written.
    pub fn edit<T>(&self, change: impl FnOnce(&mut State) -> T) -> Result<T> {
        let mut held = self.lock();
        let result = change(held.store.state()?);
        held.store.save()?;
        Ok(result)
    }

    /// Does what somebody else does.
    ///
    /// # Errors
    /// `Unreachable` where its file can't be read or written.
    pub fn meddle(&self, meddling: &Meddling) -> Result<()> {
        self.edit(|state| state.meddle(meddling))
    }

    /// The mutations and execs so far, in order, failed ones included.
    ///
    /// # Errors
    /// `Unreachable` where its file can't be read.
    pub fn calls(&self) -> Result<Vec<String>> {
        self.state().map(|state| state.calls)
    }

    /// The most mutations that were under way at the same time.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        self.lock().most_at_once
    }
}
