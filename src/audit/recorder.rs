//! Follows an apply and writes down what it does, on a thread of its own: an apply waits neither for the disk nor for
//! somebody else's lock.

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::log::{Entry, Log, Lost};
use super::record::{self, Apply, Ended, Origin, Step, first_line};
use crate::apply::{self, ApplyReport, Observer};
use crate::model::{ObjectId, WorkspaceId};

/// The most records that are written at a time.
const BATCH: usize = 512;

/// A log that one process writes in turns: what one of them could not write, the next one makes up for.
pub type Shared = Arc<Mutex<Log>>;

/// Writes down what an apply does.
#[derive(Debug)]
pub struct Recorder {
    origin: Origin,
    sender: mpsc::Sender<Entry>,
    writing: JoinHandle<Result<(), Missing>>,
}

/// What is not in the log.
#[derive(Debug, thiserror::Error)]
#[error("{lost}; {records} records are not in it, which it will say as soon as it can be written again")]
pub struct Missing {
    /// Why.
    pub lost: Lost,
    /// How many.
    pub records: usize,
}

impl Recorder {
    /// Begins to write to `log` what `origin` does. It needs the runtime's threads.
    #[must_use]
    pub fn begin(log: Shared, origin: Origin) -> Self {
        let (sender, entries) = mpsc::channel();
        let writing = tokio::task::spawn_blocking(move || write(&log, &entries));
        Self {
            origin,
            sender,
            writing,
        }
    }

    /// A plan of so many steps is about to be carried out.
    pub fn apply(&self, steps: usize) {
        let origin = self.origin.clone();
        self.send(record::Event::Apply(Apply { origin, steps }));
    }

    /// A step was carried out, on what belongs to `workspace` where that is known.
    pub fn step(&self, workspace: Option<&WorkspaceId>, object: &ObjectId, step: Done<'_>) {
        let event = record::Event::Step(Step {
            origin: self.origin.clone(),
            workspace: workspace.map(ToString::to_string),
            object: object.to_string(),
            step: first_line(&step.words),
            outcome: step.outcome,
            cause: step.cause.map(first_line),
            milliseconds: step.milliseconds,
        });
        self.send(event);
    }

    /// What follows an apply, and tells `other` as well.
    pub fn observing<'a>(&'a self, other: &'a dyn Observer) -> Observing<'a> {
        Observing {
            recorder: self,
            other,
        }
    }

    /// Returns when everything is written; `report` is what became of a plan, where there was one.
    ///
    /// # Errors
    /// Records that could not be written.
    pub async fn end(self, report: Option<&ApplyReport>) -> Result<(), Missing> {
        if let Some(report) = report {
            let counts = report.counts();
            self.send(record::Event::Ended(Ended {
                origin: self.origin.clone(),
                done: counts.done,
                failed: counts.failed,
                skipped: counts.skipped,
                interrupted: report.interrupted,
            }));
        }
        drop(self.sender);
        // Invariant: the writer does not panic, and nobody aborts it.
        self.writing.await.unwrap_or(Ok(()))
    }

    fn send(&self, event: record::Event) {
        let time = now();
        // Invariant: the writer listens until the sender is gone.
        let _ = self.sender.send(Entry { time, event });
    }
}

/// What became of a step.
#[derive(Clone, Debug)]
pub struct Done<'a> {
    /// What it did.
    pub words: String,
    /// How it ended.
    pub outcome: record::Outcome,
    /// What went wrong.
    pub cause: Option<&'a str>,
    /// How long it took.
    pub milliseconds: u64,
}

/// Now, as the log writes it.
#[must_use]
pub fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

/// Writes until nothing comes any more. What can't be written stops nothing.
fn write(log: &Shared, entries: &mpsc::Receiver<Entry>) -> Result<(), Missing> {
    let mut missing: Option<Missing> = None;
    while let Ok(first) = entries.recv() {
        let mut batch = vec![first];
        batch.extend(entries.try_iter().take(BATCH - 1));
        let written = log.lock().unwrap_or_else(PoisonError::into_inner).append(&batch);
        let Err(lost) = written else { continue };
        match &mut missing {
            Some(missing) => missing.records += batch.len(),
            None => {
                tracing::error!("{lost}; applying goes on");
                let records = batch.len();
                missing = Some(Missing { lost, records });
            }
        }
    }
    missing.map_or(Ok(()), Err)
}

/// Writes down what ends, and passes everything on.
pub struct Observing<'a> {
    recorder: &'a Recorder,
    other: &'a dyn Observer,
}

impl Observer for Observing<'_> {
    fn on(&self, event: apply::Event<'_>) {
        if let apply::Event::Ended { step, report, .. } = event {
            let (outcome, failure) = match &report.outcome {
                apply::Outcome::Done(warning) => (Some(record::Outcome::Done), warning.as_ref()),
                apply::Outcome::Failed(failure) => (Some(record::Outcome::Failed), Some(failure)),
                apply::Outcome::Skipped(_) => (None, None),
            };
            if let Some(outcome) = outcome {
                let done = Done {
                    words: step.to_string(),
                    outcome,
                    cause: failure.map(|failure| failure.cause.as_str()),
                    milliseconds: u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX),
                };
                self.recorder.step(Some(&step.workspace), &step.object, done);
            }
        }
        self.other.on(event);
    }
}
