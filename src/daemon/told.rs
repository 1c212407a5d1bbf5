//! Where the daemon tells what it is at and what happens, and how it tells of what stands in its way.

use tokio::sync::watch;

use super::{Daemon, EventKind, Journal, Metrics, Obstacle, Problem, Status, Uses, seconds};

/// What the daemon tells, while it runs.
#[derive(Debug)]
pub struct Told {
    /// What it is at.
    pub status: watch::Sender<Status>,
    /// What has happened.
    pub journal: Journal,
    /// What it counts.
    pub metrics: Metrics,
    /// What it is told of who is used.
    pub uses: Uses,
}

impl Default for Told {
    fn default() -> Self {
        let (status, receiver) = watch::channel(Status::default());
        Self {
            status,
            journal: Journal::default(),
            metrics: Metrics::new(receiver),
            uses: Uses::default(),
        }
    }
}

impl Daemon<'_> {
    pub(super) fn obstacle(&self, obstacle: Obstacle, message: String) {
        let known = self.status.borrow().problems.get(&obstacle).cloned();
        if known.as_ref().is_none_or(|known| known.message != message) {
            tracing::error!("{message}");
            self.journal.tell(
                EventKind::Problem,
                self.in_force.as_deref(),
                None,
                message.as_str(),
            );
        }
        let since = known.map_or_else(seconds, |known| known.since);
        self.status
            .send_modify(|status| drop(status.problems.insert(obstacle, Problem { message, since })));
    }

    pub(super) fn clear(&self, obstacle: Obstacle) {
        self.status.send_if_modified(|status| {
            let known = status.problems.remove(&obstacle);
            if let Some(known) = &known {
                let message = known.message.as_str();
                self.journal
                    .tell(EventKind::Over, self.in_force.as_deref(), None, message);
                tracing::info!(
                    seconds = seconds().saturating_sub(known.since),
                    "over: {}",
                    known.message
                );
            }
            known.is_some()
        });
    }
}
