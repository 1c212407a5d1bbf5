//! What became of a plan's steps, and how its execution is followed while it goes on.

use std::fmt;
use std::time::Duration;

use crate::model::ObjectId;
use crate::plan::{Step, StepId};

/// What became of a plan.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplyReport {
    /// What became of each step, in the plan's order.
    pub steps: Vec<StepReport>,
    /// Whether it was asked to stop before it was through.
    pub interrupted: bool,
    /// How many changes the plan held back.
    pub blocked: usize,
    /// How long it took.
    pub elapsed: Duration,
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepReport {
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took; nothing for what did not run.
    pub elapsed: Duration,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well; perhaps but for something that stops nothing.
    Done(Option<Failure>),
    /// Not; what waits for it was skipped.
    Failed(Failure),
    /// It did not begin.
    Skipped(Skip),
}

/// Why a step did not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// That step failed.
    After(StepId),
    /// The execution was interrupted.
    Interrupted,
}

/// What went wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// With which object.
    pub object: ObjectId,
    /// What happened, in the words of whoever found it; may have several lines.
    pub cause: String,
    /// What to do now.
    pub hint: String,
    /// Whether the plan expected something else than there is: a plan made now would not run into it.
    pub outdated: bool,
}

/// How many steps ended in each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Well.
    pub done: usize,
    /// Not.
    pub failed: usize,
    /// They did not begin.
    pub skipped: usize,
}

impl ApplyReport {
    /// How many steps ended in each way.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for step in &self.steps {
            match step.outcome {
                Outcome::Done(_) => counts.done += 1,
                Outcome::Failed(_) => counts.failed += 1,
                Outcome::Skipped(_) => counts.skipped += 1,
            }
        }
        counts
    }

    /// Whether everything is done and nothing was held back.
    #[must_use]
    pub fn converged(&self) -> bool {
        self.blocked == 0 && self.counts().done == self.steps.len()
    }

    /// Whether steps failed, and all of them only because the plan no longer holds: then a new plan goes on where this
    /// one could not. Somebody else's hands do that, and calls of a killed apply that the engine completes afterwards.
    #[must_use]
    pub fn outdated(&self) -> bool {
        let mut failures = self.failures().peekable();
        failures.peek().is_some() && failures.all(|(_, failure)| failure.outdated)
    }

    /// The steps that failed.
    pub fn failures(&self) -> impl Iterator<Item = (StepId, &Failure)> {
        self.steps
            .iter()
            .enumerate()
            .filter_map(|(id, step)| match &step.outcome {
                Outcome::Failed(failure) => Some((id, failure)),
                Outcome::Done(_) | Outcome::Skipped(_) => None,
            })
    }

    /// What went wrong without stopping anything.
    pub fn warnings(&self) -> impl Iterator<Item = (StepId, &Failure)> {
        self.steps
            .iter()
            .enumerate()
            .filter_map(|(id, step)| match &step.outcome {
                Outcome::Done(warning) => warning.as_ref().map(|w| (id, w)),
                Outcome::Failed(_) | Outcome::Skipped(_) => None,
            })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n{}", self.object, self.cause, self.hint)
    }
}

/// Follows an execution. Called from within it, so it must neither block nor fail.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn on(&self, event: Event<'_>);
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A step has begun.
    Begun {
        /// Its place in the plan.
        id: StepId,
        /// The step.
        step: &'a Step,
    },
    /// A step, such as an image's pull, says how far it is.
    Progress {
        /// Its place in the plan.
        id: StepId,
        /// The step.
        step: &'a Step,
        /// One line.
        line: &'a str,
    },
    /// A step has ended, or will never begin.
    Ended {
        /// Its place in the plan.
        id: StepId,
        /// The step.
        step: &'a Step,
        /// What became of it.
        report: &'a StepReport,
    },
}

/// Nobody follows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn on(&self, _event: Event<'_>) {}
}
