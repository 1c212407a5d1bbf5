//! One call from its beginning to its end: it is counted and recorded, its fault strikes where one is due, and two
//! mutations of one object at the same time are found out.

use std::sync::PoisonError;
use std::time::Duration;

use super::fault::{Meddling, Mishap, Moment};
use super::objects::refused;
use super::state::State;
use super::{Held, Simulated};
use crate::engine::{EngineError, Result};
use crate::model::{EngineId, Kind, ObjectId};

/// How long a call hangs before its time is over: long enough that others overtake it.
const HANG: Duration = Duration::from_millis(20);

/// What a call does to its object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Nothing; neither counted nor recorded.
    Read,
    /// It does with it what takes its time, a command or a copy; several may at a time.
    Work,
    /// It changes it; one at a time.
    Mutation,
}

/// A call, by its name in the trait.
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) class: Class,
    pub(super) object: ObjectId,
}

impl Call {
    pub(super) fn mutation(name: &'static str, kind: Kind, object: &str) -> Self {
        Self {
            name,
            class: Class::Mutation,
            object: ObjectId::new(kind, object),
        }
    }

    pub(super) fn work(name: &'static str, kind: Kind, object: &str) -> Self {
        Self {
            class: Class::Work,
            ..Self::mutation(name, kind, object)
        }
    }
}

/// A call under way; dropped when it ends, also when its caller gives up.
struct Flight<'a> {
    engine: &'a Simulated,
    /// What nobody else may change meanwhile.
    object: Option<ObjectId>,
    /// What goes wrong.
    due: Option<(Moment, Mishap)>,
    /// How long it takes.
    latency: Duration,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if let Some(object) = &self.object {
            self.engine.lock().busy.remove(object);
        }
    }
}

impl Simulated {
    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        // Invariant: no code that holds the lock leaves the state half changed, so a panic elsewhere spoils nothing.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an object's id stands for; a call on an unknown id goes on and finds nothing.
    pub(super) fn resolve(&self, kind: Kind, id: &EngineId) -> Result<String> {
        let name = self.lock().store.state()?.name_of(kind, id);
        Ok(name.unwrap_or_else(|| id.to_string()))
    }

    /// Makes a call. `effect` gets the state and whether it is to stop half-way.
    pub(super) async fn call<T>(
        &self,
        call: Call,
        effect: impl FnOnce(&mut State, bool) -> Result<T> + Send,
    ) -> Result<T> {
        let flight = self.begin(&call)?;
        if call.class != Class::Read {
            // Lets other calls begin while this one is under way.
            tokio::task::yield_now().await;
            if !flight.latency.is_zero() {
                tokio::time::sleep(flight.latency).await;
            }
        }
        let when = flight.due.as_ref().map(|(when, _)| *when);
        if when == Some(Moment::Before) {
            self.strike(&call, &flight).await?;
        }
        let result = {
            let mut held = self.lock();
            let result = effect(held.store.state()?, when == Some(Moment::Halfway));
            if call.class != Class::Read {
                held.store.save()?;
            }
            result
        };
        if when != Some(Moment::Before) {
            self.strike(&call, &flight).await?;
        }
        result
    }

    /// Counts and records a call; finds its fault.
    fn begin(&self, call: &Call) -> Result<Flight<'_>> {
        let mut held = self.lock();
        let free = call.class != Class::Mutation || held.busy.insert(call.object.clone());
        held.most_at_once = held.most_at_once.max(held.busy.len());
        let state = held.store.state()?;
        let reads_only = call.class == Class::Read;
        let mut due = None;
        for fault in &mut state.faults {
            if fault.strikes(call.name, reads_only, &call.object.name) && due.is_none() {
                due = Some((fault.when, fault.what.clone()));
            }
        }
        let latency = Duration::from_millis(state.latency_millis);
        if !reads_only {
            state.calls.push(format!("{} {}", call.name, call.object.name));
        }
        if !free {
            let what = format!(
                "{} while another mutation of {} is under way",
                call.name, call.object
            );
            state.misuse.push(what.clone());
            held.store.save()?;
            return Err(refused(call.name, what));
        }
        // The file knows that the fault has struck before it strikes.
        if due.is_some() {
            held.store.save()?;
        }
        let object = (call.class == Class::Mutation).then(|| call.object.clone());
        Ok(Flight {
            engine: self,
            object,
            due,
            latency,
        })
    }

    /// Lets happen what is due.
    async fn strike(&self, call: &Call, flight: &Flight<'_>) -> Result<()> {
        let Some((_, mishap)) = &flight.due else {
            return Ok(());
        };
        match mishap {
            Mishap::Fail => Err(refused(call.name, "a scripted failure".to_owned())),
            Mishap::Hang => {
                tokio::time::sleep(HANG).await;
                Err(EngineError::Timeout {
                    call: call.name.to_owned(),
                    seconds: 1,
                })
            }
            Mishap::Unreachable => Err(EngineError::Unreachable {
                address: self.lock().store.address(),
                cause: "a scripted failure".to_owned(),
            }),
            Mishap::Kill => {
                // Dies before the next line, unless the kernel refuses.
                let killed =
                    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
                Err(refused("kill", format!("{killed:?}")))
            }
            Mishap::Vanish => self.meddle(&Meddling::Remove(call.object.clone())),
            Mishap::Meddle(meddling) => self.meddle(meddling),
        }
    }
}
