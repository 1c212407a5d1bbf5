//! The audit log of the site that a daemon looks after, for as long as it does: what is wrong with it, and whether that is
//! over.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::super::trail::{self, Unrecorded};
use crate::audit::log::Entry;
use crate::audit::{self, Approved, Event, Fault, Lost, Shared, place, record, recorder};
use crate::daemon::Given;
use crate::model::Name;

/// A log that is damaged is read again after so many times as long as reading it took: no more than a hundredth of the time
/// goes into it.
const SELDOM: u32 = 100;

/// The log, once the site is known.
#[derive(Default)]
pub(super) struct Ledger {
    of: Option<(Name, Option<Shared>)>,
    /// Why the last records could not be written.
    unwritten: Mutex<Option<String>>,
    /// Whether it was looked at since the site is known.
    begun: bool,
    damage: Option<Damage>,
}

/// Lines that are not as they were written.
struct Damage {
    what: String,
    /// When to look again.
    again: Instant,
}

impl Ledger {
    /// It is about that site from here on.
    pub(super) fn of(&mut self, site: &Name) {
        if self.of.as_ref().is_none_or(|(known, _)| known != site) {
            *self = Self {
                of: Some((site.clone(), trail::log(site))),
                ..Self::default()
            };
        }
    }

    /// The log; nothing where there is no place for one.
    pub(super) fn log(&self) -> Option<Shared> {
        self.of.as_ref().and_then(|(_, log)| log.clone())
    }

    /// Something was written, or why it was not.
    pub(super) fn wrote(&self, missing: Option<Unrecorded>) {
        let why = missing.map(|missing| match missing {
            // How much is missing, the log says itself once it can be written.
            Unrecorded::Lost(missing) => missing.lost.to_string(),
            Unrecorded::NoPlace => Unrecorded::NoPlace.to_string(),
        });
        *self.unwritten.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    fn tried(&self, written: Result<(), Lost>) {
        let why = written.err().map(|lost| lost.to_string());
        *self.unwritten.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Records what has become of an approval.
    pub(super) async fn approval(&self, approval: &Given, state: Approved) {
        let Some(log) = self.log() else { return };
        let event = Event::Approval(record::Approval {
            digest: approval.digest.clone(),
            user: approval.user.clone(),
            state,
        });
        let time = recorder::now();
        let writing = spawn_blocking(move || {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.append(&[Entry { time, event }])
        });
        if let Ok(written) = writing.await {
            self.tried(written);
        }
    }

    /// What is wrong, after what was missing has been made up for as far as that can be.
    pub(super) async fn trouble(&mut self) -> Option<String> {
        let (site, log) = self.of.clone()?;
        let Some(log) = log else {
            return Some(Unrecorded::NoPlace.to_string());
        };
        let first = !std::mem::replace(&mut self.begun, true);
        if first || self.unwritten().is_some() {
            let writing = spawn_blocking(move || {
                let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                log.catch_up(&recorder::now())
            });
            if let Ok(written) = writing.await {
                self.tried(written);
            }
        }
        let due = |damage: &Damage| damage.again <= Instant::now();
        if first || self.damage.as_ref().is_some_and(due) {
            self.verify(site).await;
        }
        let damage = self.damage.as_ref().map(|damage| damage.what.clone());
        self.unwritten().or(damage)
    }

    fn unwritten(&self) -> Option<String> {
        let unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        unwritten.clone()
    }

    /// Reads all of it.
    async fn verify(&mut self, site: Name) {
        let begun = Instant::now();
        let read = spawn_blocking(move || {
            let directory = place::directory().unwrap_or_default();
            let verdict = audit::verify(&directory, &site, None);
            match verdict.map(|verdict| verdict.map(|verdict| verdict.faults)) {
                Ok(faults) => faults.and_then(|faults| said(&faults)),
                Err(error) => Some(format!(
                    "the audit log in {} can't be read: {error}",
                    directory.display()
                )),
            }
        });
        let found = read.await.ok().flatten();
        let took = begun.elapsed().max(Duration::from_millis(10));
        self.damage = found.map(|what| Damage {
            what,
            again: Instant::now() + took * SELDOM,
        });
    }
}

/// What is wrong with lines, in a sentence.
fn said(faults: &[Fault]) -> Option<String> {
    let (first, rest) = faults.split_first()?;
    let more = match rest.len() {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    Some(format!(
        "the audit log is not as it was written: {}:{}: {}{more}; wharf audit verify names all",
        first.file, first.line, first.flaw
    ))
}
