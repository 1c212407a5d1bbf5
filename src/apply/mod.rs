//! Apply: carries out a plan and reports what became of it.
//!
//! In: an engine and a plan. Out: an [`ApplyReport`]. The plan's graph decides what may begin ([`queue`]), each step is
//! a few engine calls ([`execute`]), and what waits for a failed step is skipped while everything else goes on. Nothing
//! here decides what to do or does it twice: after an apply, observe and plan again.
//!
//! [`lock`] keeps two executions apart, [`planfile`] keeps a plan for later.

mod cancel;
mod execute;
mod failure;
pub mod lock;
mod output;
pub mod planfile;
mod queue;
mod ready;
mod report;
mod run;

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

pub use cancel::{Cancellation, Canceller, cancellation};
use execute::Executor;
use failure::StepError;
use queue::{Queue, Slots};
pub use report::{ApplyReport, Counts, Event, Failure, Observer, Outcome, Skip, StepReport, Unobserved};

use crate::engine::Engine;
use crate::plan::{Plan, StepId};

/// How many mutations are in flight where nothing else is asked for.
pub const PARALLELISM: usize = 4;
/// How many images are pulled or built at a time.
const IMAGES: usize = 2;
/// How many steps wait for what runs in workspaces, such as their own commands.
const WORK: usize = 8;

/// How to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The most mutations in flight; images that are pulled or built come on top.
    pub parallelism: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            parallelism: PARALLELISM,
        }
    }
}

/// Carries out a plan. Once cancelled, it begins no step any more, and returns when those under way have ended.
pub async fn apply(
    engine: &dyn Engine,
    plan: &Plan,
    options: &Options,
    observer: &dyn Observer,
    mut cancellation: Cancellation,
) -> ApplyReport {
    let start = Instant::now();
    let executor = Executor::new(engine, options.parallelism);
    let mut queue = Queue::new(
        &plan.steps,
        Slots {
            mutation: options.parallelism,
            image: IMAGES,
            work: WORK,
        },
    );
    let mut record = Record::new(plan, observer);
    let mut running = FuturesUnordered::new();
    let mut cancelled = false;
    loop {
        cancelled |= cancellation.is_cancelled();
        if cancelled {
            record.interrupt(queue.close());
        }
        while let Some(id) = queue.begin() {
            running.push(run(&executor, plan, id, observer));
        }
        if running.is_empty() {
            break;
        }
        tokio::select! {
            () = cancellation.cancelled(), if !cancelled => cancelled = true,
            // Never `None`: something is running.
            Some((id, result, elapsed)) = running.next() => {
                let consequences = queue.end(id, result.is_ok());
                record.end(id, &consequences.twins, result, elapsed);
                record.skip(consequences.skipped, Skip::After(id));
            }
        }
    }
    record.report(start.elapsed())
}

type Ended = (StepId, Result<Option<StepError>, StepError>, Duration);

async fn run(executor: &Executor<'_>, plan: &Plan, id: StepId, observer: &dyn Observer) -> Ended {
    let step = &plan.steps[id];
    let start = Instant::now();
    observer.on(Event::Begun { id, step });
    let progress = |line: &str| observer.on(Event::Progress { id, step, line });
    let result = executor.execute(step, &progress).await;
    (id, result, start.elapsed())
}

/// The report while it grows.
struct Record<'a> {
    plan: &'a Plan,
    observer: &'a dyn Observer,
    steps: Vec<StepReport>,
    interrupted: bool,
}

impl<'a> Record<'a> {
    fn new(plan: &'a Plan, observer: &'a dyn Observer) -> Self {
        // What is never heard of again was not begun.
        let open = StepReport {
            outcome: Outcome::Skipped(Skip::Interrupted),
            elapsed: Duration::ZERO,
        };
        Self {
            plan,
            observer,
            steps: vec![open; plan.steps.len()],
            interrupted: false,
        }
    }

    fn end(
        &mut self,
        id: StepId,
        twins: &[StepId],
        result: Result<Option<StepError>, StepError>,
        elapsed: Duration,
    ) {
        for id in twins.iter().copied().chain([id]) {
            let object = &self.plan.steps[id].object;
            let outcome = match &result {
                Ok(warning) => Outcome::Done(warning.as_ref().map(|w| w.failure(object))),
                Err(error) => Outcome::Failed(error.failure(object)),
            };
            self.settle(id, outcome, elapsed);
        }
    }

    /// These will never begin, because it was asked to stop.
    fn interrupt(&mut self, ids: Vec<StepId>) {
        self.interrupted |= !ids.is_empty();
        self.skip(ids, Skip::Interrupted);
    }

    fn skip(&mut self, ids: Vec<StepId>, why: Skip) {
        for id in ids {
            self.settle(id, Outcome::Skipped(why), Duration::ZERO);
        }
    }

    fn settle(&mut self, id: StepId, outcome: Outcome, elapsed: Duration) {
        self.steps[id] = StepReport { outcome, elapsed };
        self.observer.on(Event::Ended {
            id,
            step: &self.plan.steps[id],
            report: &self.steps[id],
        });
    }

    fn report(self, elapsed: Duration) -> ApplyReport {
        ApplyReport {
            steps: self.steps,
            interrupted: self.interrupted,
            blocked: self.plan.blocked.len(),
            elapsed,
        }
    }
}
