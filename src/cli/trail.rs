//! What a command that changes the engine leaves in the audit log: what it did, and on whose behalf.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::output::Output;
use crate::apply::{ApplyReport, Observer};
use crate::audit::record::Outcome;
use crate::audit::recorder::{Done, Observing};
use crate::audit::{Bounds, Log, Missing, Origin, Recorder, Shared, place};
use crate::engine::EngineError;
use crate::model::{Name, ObjectId, WorkspaceId};
use crate::plan::{Plan, Revision};
use crate::source;

/// What changes the engine, and the repository that it does it for.
#[derive(Clone, Copy, Debug)]
pub(super) struct By<'a> {
    pub(super) command: &'static str,
    pub(super) dir: &'a Path,
}

impl By<'_> {
    /// Whence an act comes; `digest` is that of its plan, where it has one.
    fn origin(self, revision: &Revision, digest: Option<&str>) -> Origin {
        let commit = revision.commit.clone();
        Origin {
            author: commit
                .as_deref()
                .and_then(|commit| source::author(self.dir, commit)),
            dirty: commit.is_some() && revision.dirty,
            commit,
            by: self.command.to_owned(),
            user: place::user(),
            digest: digest.map(str::to_owned),
        }
    }

    /// Begins to record what is done to a site without a plan.
    pub(super) fn acts(self, site: &Name, revision: &Revision) -> Trail {
        self.begin(site, self.origin(revision, None))
    }

    /// Begins to record how a plan is carried out.
    pub(super) fn carries_out(self, plan: &Plan) -> Trail {
        self.carries_out_in(log(&plan.site), plan)
    }

    /// The same, in a log that this process keeps.
    pub(super) fn carries_out_in(self, log: Option<Shared>, plan: &Plan) -> Trail {
        let origin = self.origin(&plan.revision, Some(&plan.digest));
        let trail = Trail(log.map(|log| Recorder::begin(log, origin)));
        if let Some(recorder) = &trail.0 {
            recorder.apply(plan.steps.len());
        }
        trail
    }

    fn begin(self, site: &Name, origin: Origin) -> Trail {
        Trail(log(site).map(|log| Recorder::begin(log, origin)))
    }
}

/// The log of a site; nothing where this user has no place for one.
pub(super) fn log(site: &Name) -> Option<Shared> {
    let directory = place::directory()?;
    let log = Log::new(&directory, site, Bounds::default());
    Some(Arc::new(Mutex::new(log)))
}

/// A record that is being made; nothing where there is no place for one.
pub(super) struct Trail(Option<Recorder>);

impl Trail {
    /// Records each step as it ends, and tells `other` as well.
    pub(super) fn observer<'a>(&'a self, other: &'a dyn Observer) -> Watching<'a> {
        match &self.0 {
            Some(recorder) => Watching::Recording(recorder.observing(other)),
            None => Watching::Unrecorded(other),
        }
    }

    /// Records a removal that was no plan's, begun at `start`.
    pub(super) fn removal(
        &self,
        workspace: Option<&WorkspaceId>,
        object: &ObjectId,
        start: Instant,
        result: &Result<(), EngineError>,
    ) {
        let Some(recorder) = &self.0 else { return };
        let cause = result.as_ref().err().map(ToString::to_string);
        let done = Done {
            words: format!("remove {object}"),
            outcome: match result {
                Ok(()) => Outcome::Done,
                Err(_) => Outcome::Failed,
            },
            cause: cause.as_deref(),
            milliseconds: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        recorder.step(workspace, object, done);
    }

    /// Waits until everything is written. Says what is not.
    pub(super) async fn end(self, report: Option<&ApplyReport>) -> Option<Unrecorded> {
        match self.0 {
            Some(recorder) => recorder.end(report).await.err().map(Unrecorded::Lost),
            None => Some(Unrecorded::NoPlace),
        }
    }

    /// The same, shown.
    pub(super) async fn end_shown(self, out: &Output, report: Option<&ApplyReport>) {
        if let Some(missing) = self.end(report).await {
            out.warn(&missing.to_string());
        }
    }
}

/// Why something is not recorded.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unrecorded {
    /// The log can't be written.
    #[error("{0}")]
    Lost(Missing),
    /// There is nowhere to write.
    #[error(
        "nothing is recorded: this user has no home; {} names a directory for the audit log",
        place::VARIABLE
    )]
    NoPlace,
}

/// Follows an apply.
pub(super) enum Watching<'a> {
    Recording(Observing<'a>),
    Unrecorded(&'a dyn Observer),
}

impl Observer for Watching<'_> {
    fn on(&self, event: crate::apply::Event<'_>) {
        match self {
            Self::Recording(observing) => observing.on(event),
            Self::Unrecorded(other) => other.on(event),
        }
    }
}
