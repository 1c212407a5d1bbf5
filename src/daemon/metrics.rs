//! What the daemon counts, for Prometheus. `docs/operating.md` says what each metric means.
//!
//! Counts and durations are told by the loop as things happen; what is so just now is read from the status when somebody
//! asks.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::watch;

use super::{Obstacle, Status};
use crate::health::State;
use crate::plan::Action;

/// The media type of what [`Metrics::text`] gives.
pub(super) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of a round's duration, in seconds: to look takes fractions of one, to pull an image minutes.
const SECONDS: [f64; 12] = [
    0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0,
];

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// There was nothing to do, or nothing that may be done.
    Unchanged,
    /// All that was to do was done.
    Changed,
    /// A step failed.
    Failed,
    /// Nothing could be done: the engine is gone, or somebody else applies.
    Refused,
}

impl Ended {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// Names of labels with their values, all of which are words of this program.
type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The counts. Its clones are the same ones.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    rounds: Family<Labels<1>, Histogram>,
    steps: Family<Labels<2>, Counter>,
    hooks: Family<Labels<1>, Counter>,
    fetches: Family<Labels<1>, Counter>,
    /// When a fetch last succeeded, in seconds since 1970; 0 where none has.
    fetched: Arc<AtomicU64>,
}

impl Metrics {
    /// Nothing has been counted yet; `status` says what is so just now.
    #[must_use]
    pub fn new(status: watch::Receiver<Status>) -> Self {
        let rounds = Family::new_with_constructor(in_seconds as fn() -> Histogram);
        let (steps, hooks, fetches) = (Family::default(), Family::default(), Family::default());
        let fetched = Arc::<AtomicU64>::default();
        let mut registry = Registry::with_prefix("wharf");
        registry.register_with_unit(
            "round_duration",
            "How long rounds took, by how they ended",
            Unit::Seconds,
            rounds.clone(),
        );
        registry.register(
            "steps",
            "Steps that ended, by what they did and how",
            steps.clone(),
        );
        registry.register(
            "hooks",
            "Requests of a git server, by what became of them",
            hooks.clone(),
        );
        registry.register(
            "fetches",
            "Fetches of the repository that ended, by how they did",
            fetches.clone(),
        );
        registry.register_collector(Box::new(Now {
            status,
            fetched: Arc::clone(&fetched),
        }));
        let metrics = Self {
            registry: Arc::new(registry),
            rounds,
            steps,
            hooks,
            fetches,
            fetched,
        };
        metrics.begin();
        metrics
    }

    /// Counts that nothing has changed yet are there as zero: a rate needs two values.
    fn begin(&self) {
        for ended in [Ended::Unchanged, Ended::Changed, Ended::Failed, Ended::Refused] {
            drop(self.rounds.get_or_create(&[("outcome", ended.as_str())]));
        }
        for action in Action::VERBS {
            for outcome in ["done", "failed"] {
                drop(
                    self.steps
                        .get_or_create(&[("action", action), ("outcome", outcome)]),
                );
            }
        }
        for outcome in ["done", "failed"] {
            drop(self.fetches.get_or_create(&[("outcome", outcome)]));
        }
        for outcome in ["accepted", "refused"] {
            drop(self.hooks.get_or_create(&[("outcome", outcome)]));
        }
    }

    /// A round has ended.
    pub fn round(&self, ended: Ended, took: Duration) {
        let labels = [("outcome", ended.as_str())];
        self.rounds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A step has ended.
    pub fn step(&self, action: &'static str, well: bool) {
        let outcome = if well { "done" } else { "failed" };
        let labels = [("action", action), ("outcome", outcome)];
        self.steps.get_or_create(&labels).inc();
    }

    /// A git server has asked.
    pub fn hook(&self, accepted: bool) {
        let outcome = if accepted { "accepted" } else { "refused" };
        self.hooks.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// A fetch has ended, at that time in seconds since 1970.
    pub fn fetch(&self, well: bool, at: u64) {
        let outcome = if well { "done" } else { "failed" };
        self.fetches.get_or_create(&[("outcome", outcome)]).inc();
        if well {
            self.fetched.store(at, Ordering::Relaxed);
        }
    }

    /// All of it, in the OpenMetrics text format.
    #[must_use]
    pub fn text(&self) -> String {
        let mut all = String::new();
        match text::encode(&mut all, &self.registry) {
            Ok(()) => all,
            Err(fmt::Error) => String::new(), // writing to a text does not fail
        }
    }
}

fn in_seconds() -> Histogram {
    Histogram::new(SECONDS)
}

/// What is so just now.
#[derive(Debug)]
struct Now {
    status: watch::Receiver<Status>,
    /// When a fetch last succeeded, as in [`Metrics`].
    fetched: Arc<AtomicU64>,
}

impl Collector for Now {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let status = self.status.borrow().clone();
        let mut gauge = |name: &str, help: &str, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
        };
        let flag = |is: bool| f64::from(u8::from(is));
        #[allow(clippy::cast_precision_loss)] // far below 2^52
        let count = |number: usize| number as f64;
        gauge(
            "converged",
            "Whether the last look found everything as declared",
            flag(status.converged),
        )?;
        gauge(
            "paused",
            "Whether a person has asked to change nothing",
            flag(status.paused),
        )?;
        gauge(
            "workspaces_differing",
            "Workspaces that are not as declared",
            count(status.left.len()),
        )?;
        gauge(
            "workspaces_waiting",
            "Workspaces that failed and wait until they are tried again",
            count(status.failing.len()),
        )?;
        gauge(
            "changes_blocked",
            "Changes that wait for an approval or can't be made",
            count(status.blocked.len()),
        )?;
        if let Some(at) = status.applied_at {
            #[allow(clippy::cast_precision_loss)]
            gauge(
                "applied_timestamp_seconds",
                "When the last commit was applied, in seconds since 1970",
                at as f64,
            )?;
        }
        let name = "fetch_last_success_timestamp_seconds";
        let help = "When the repository was last fetched, in seconds since 1970";
        let last = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        let fetched = self.fetched.load(Ordering::Relaxed);
        // Of a repository that is here, or was never reached, there is no such time.
        if fetched > 0 {
            #[allow(clippy::cast_precision_loss)]
            ConstGauge::new(fetched as f64).encode(last)?;
        }
        let mut problems =
            encoder.encode_descriptor("problem", "What stands in the way", None, MetricType::Gauge)?;
        for obstacle in Obstacle::ALL {
            let is = ConstGauge::new(i64::from(status.problems.contains_key(&obstacle)));
            is.encode(problems.encode_family(&[("kind", obstacle.as_str())])?)?;
        }
        let help = "Workspaces, by what they are at";
        let mut states = encoder.encode_descriptor("workspaces", help, None, MetricType::Gauge)?;
        for state in State::ALL {
            let number = status.workspaces.values().filter(|w| w.state == state).count();
            let number = ConstGauge::new(i64::try_from(number).unwrap_or(i64::MAX));
            number.encode(states.encode_family(&[("state", state.as_str())])?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::Problem;

    #[test]
    fn what_is_counted_and_what_is_so_can_be_read() {
        let (status, receiver) = watch::channel(Status::default());
        let metrics = Metrics::new(receiver);
        metrics.round(Ended::Changed, Duration::from_millis(200));
        metrics.round(Ended::Refused, Duration::from_millis(2));
        metrics.step("create", true);
        metrics.clone().step("create", true);
        metrics.step("start", false);
        metrics.hook(false);
        let untold = "\nwharf_fetch_last_success_timestamp_seconds ";
        assert!(!metrics.text().contains(untold), "no fetch has succeeded");
        metrics.fetch(true, 1_700_000_001);
        metrics.fetch(false, 1_700_000_002);
        let problem = Problem {
            message: "gone".to_owned(),
            since: 1,
        };
        status.send_modify(|status| {
            status.converged = true;
            status.applied_at = Some(1_700_000_000);
            status.problems.insert(Obstacle::Engine, problem);
        });
        let text = metrics.text();
        for line in [
            "wharf_round_duration_seconds_count{outcome=\"changed\"} 1",
            "wharf_round_duration_seconds_bucket{le=\"0.3\",outcome=\"changed\"} 1",
            "wharf_round_duration_seconds_bucket{le=\"0.1\",outcome=\"changed\"} 0",
            "wharf_steps_total{action=\"create\",outcome=\"done\"} 2",
            "wharf_steps_total{action=\"start\",outcome=\"failed\"} 1",
            "wharf_hooks_total{outcome=\"refused\"} 1",
            "wharf_fetches_total{outcome=\"done\"} 1",
            "wharf_fetches_total{outcome=\"failed\"} 1",
            "wharf_fetch_last_success_timestamp_seconds 1700000001.0",
            "wharf_converged 1.0",
            "wharf_applied_timestamp_seconds 1700000000.0",
            "wharf_problem{kind=\"engine\"} 1",
            "wharf_problem{kind=\"commit\"} 0",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n\n{text}");
        }
    }
}
