//! What is seen of an apply while it goes on: bars on a terminal, a line for each step elsewhere.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::Output;
use crate::apply::{Event, Observer, Outcome, Skip};
use crate::plan::{Plan, Step, StepId};

/// Follows an apply.
pub(super) struct Progress<'a> {
    out: &'a Output,
    total: usize,
    ended: Mutex<usize>,
    drawing: Option<Drawing>,
}

struct Drawing {
    all: MultiProgress,
    overall: ProgressBar,
    steps: Mutex<BTreeMap<StepId, ProgressBar>>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(out: &'a Output, plan: &Plan) -> Self {
        let total = plan.steps.len();
        Self {
            out,
            total,
            ended: Mutex::new(0),
            drawing: out.draws_progress().then(|| Drawing::new(total)),
        }
    }

    /// Removes the bars.
    pub(super) fn finish(&self) {
        if let Some(drawing) = &self.drawing {
            drawing.overall.finish_and_clear();
            // What can't be drawn has not been drawn.
            let _ = drawing.all.clear();
        }
    }

    fn line(&self, text: &str) {
        match &self.drawing {
            Some(drawing) => drawing.all.suspend(|| self.out.say(text)),
            None => self.out.say(text),
        }
    }

    fn ended(&self, step: &Step, outcome: &Outcome) {
        let number = {
            // Invariant: whoever holds it only counts, so a panic elsewhere leaves it whole.
            let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            *ended += 1;
            *ended
        };
        let place = format!("[{number}/{}]", self.total);
        match outcome {
            Outcome::Done(None) => {
                if self.drawing.is_none() {
                    self.line(&format!("{place} {step}"));
                }
            }
            Outcome::Done(Some(_)) => self.line(&format!("{place} {step}, with a warning")),
            Outcome::Failed(_) => self.line(&format!("{place} {step}: failed")),
            Outcome::Skipped(Skip::After(_)) => {
                self.line(&format!("{place} {step}: skipped, what it waits for failed"));
            }
            Outcome::Skipped(Skip::Interrupted) => {
                self.line(&format!("{place} {step}: skipped, interrupted"));
            }
        }
    }
}

impl Observer for Progress<'_> {
    fn on(&self, event: Event<'_>) {
        match event {
            Event::Begun { id, step } => {
                if let Some(drawing) = &self.drawing {
                    drawing.begin(id, step);
                }
            }
            Event::Progress { id, step, line } => match &self.drawing {
                Some(drawing) => drawing.say(id, line),
                None => tracing::info!(%step, line),
            },
            Event::Ended { id, step, report } => {
                if let Some(drawing) = &self.drawing {
                    drawing.end(id);
                }
                self.ended(step, &report.outcome);
            }
        }
    }
}

impl Drawing {
    fn new(total: usize) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let overall = all.add(ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX)));
        overall.set_style(style("{bar:30} {pos}/{len} steps, {elapsed}"));
        Self {
            all,
            overall,
            steps: Mutex::default(),
        }
    }

    fn begin(&self, id: StepId, step: &Step) {
        let bar = self.all.insert_before(&self.overall, ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {prefix} {wide_msg}"));
        bar.set_prefix(step.to_string());
        bar.enable_steady_tick(Duration::from_millis(100));
        self.with(|steps| steps.insert(id, bar));
    }

    fn say(&self, id: StepId, line: &str) {
        self.with(|steps| steps.get(&id).map(|bar| bar.set_message(line.to_owned())));
    }

    fn end(&self, id: StepId) {
        if let Some(bar) = self.with(|steps| steps.remove(&id)) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
        self.overall.inc(1);
    }

    fn with<T>(&self, change: impl FnOnce(&mut BTreeMap<StepId, ProgressBar>) -> T) -> T {
        // Invariant: whoever holds it only inserts or removes, so a panic elsewhere leaves it whole.
        change(&mut self.steps.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn style(template: &str) -> ProgressStyle {
    // Invariant: the templates are constants that indicatif accepts; its default style shows the same in other words.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
