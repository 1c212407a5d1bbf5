//! What the daemon says of each step that it carries out.

use crate::apply::{Event, Observer, Outcome};
use crate::daemon::{EventKind, Journal};

/// Says in the log and in the journal what each step does and what became of it.
pub(super) struct Log<'a> {
    pub(super) commit: String,
    pub(super) journal: Journal,
    /// Who else follows.
    pub(super) also: &'a dyn Observer,
}

impl Observer for Log<'_> {
    fn on(&self, event: Event<'_>) {
        self.also.on(event);
        let commit = &self.commit;
        match event {
            Event::Begun { step, .. } => {
                tracing::debug!(%commit, workspace = %step.workspace, %step, "begun");
            }
            Event::Progress { step, line, .. } => {
                tracing::debug!(%commit, workspace = %step.workspace, %step, "{line}");
            }
            Event::Ended { step, report, .. } => {
                let workspace = &step.workspace;
                // A number of 128 bits is a text in JSON.
                let milliseconds = u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX);
                let tell = |kind, message| self.journal.tell(kind, Some(commit), Some(workspace), message);
                match &report.outcome {
                    Outcome::Done(_) => tell(EventKind::Step, step.to_string()),
                    Outcome::Failed(failure) => tell(EventKind::Failed, format!("{step}: {}", failure.cause)),
                    Outcome::Skipped(_) => {}
                }
                match &report.outcome {
                    Outcome::Done(_) => tracing::info!(%commit, %workspace, %step, milliseconds, "done"),
                    // Its cause is logged with the workspace that failed.
                    Outcome::Failed(_) => tracing::info!(%commit, %workspace, %step, milliseconds, "failed"),
                    Outcome::Skipped(_) => tracing::debug!(%commit, %workspace, %step, "skipped"),
                }
            }
        }
    }
}
