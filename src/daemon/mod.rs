//! The daemon: follows a repository and keeps the engine as the newest valid commit declares.
//!
//! In: a [`Site`], which is how the command line reads, plans and applies, and triggers: something was committed, something
//! happened on the engine, a person asks. Out: the site brought to what is declared, and a [`Status`]. It is the only loop of
//! the crate. A trigger only makes a round due ([`schedule`]); each round looks at everything, so no trigger has to be right,
//! and none has to come: a round begins from time to time in any case.
#![allow(clippy::disallowed_methods)] // a daemon lives in time, and its socket is a file

pub mod api;
mod schedule;
mod site;
mod status;
pub mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, watch as channel};
use tokio::time::{Instant, sleep_until};

use crate::apply::{ApplyReport, cancellation};
use crate::model::WorkspaceId;
use crate::plan::Plan;
use schedule::Schedule;
pub use site::{Refused, Rejected, Settings, Site, Trigger};
pub use status::{FORMAT_VERSION, Failing, Obstacle, Phase, Problem, Status, Steps};

/// How many approvals are remembered.
const APPROVALS: usize = 16;

/// Runs until it is asked to stop, or until nobody can ask any more.
pub async fn run(
    site: &mut dyn Site,
    triggers: mpsc::Receiver<Trigger>,
    settings: Settings,
    status: channel::Sender<Status>,
) {
    status.send_modify(|status| status.format_version = FORMAT_VERSION.to_owned());
    let schedule = Schedule::new(Instant::now().into_std(), settings.resync);
    let daemon = Daemon {
        site,
        triggers,
        status,
        schedule,
        approved: Vec::new(),
        in_force: None,
        causes: BTreeMap::new(),
        stopping: false,
    };
    daemon.run().await;
}

struct Daemon<'s> {
    site: &'s mut dyn Site,
    triggers: mpsc::Receiver<Trigger>,
    status: channel::Sender<Status>,
    schedule: Schedule,
    approved: Vec<String>,
    /// The commit that is declared.
    in_force: Option<String>,
    /// Why each failing workspace failed last.
    causes: BTreeMap<WorkspaceId, String>,
    stopping: bool,
}

impl Daemon<'_> {
    async fn run(mut self) {
        while !self.stopping {
            tokio::select! {
                trigger = self.triggers.recv() => self.note(trigger.unwrap_or(Trigger::Stop)),
                () = sleep_until(self.schedule.next().into()) => self.round().await,
            }
        }
        self.phase(Phase::Stopping);
    }

    /// What a trigger means between two rounds.
    fn note(&mut self, trigger: Trigger) {
        let now = Instant::now().into_std();
        tracing::debug!(?trigger, "trigger");
        match trigger {
            Trigger::Commit | Trigger::Engine => self.schedule.trigger(now),
            Trigger::Sync => self.schedule.afresh(now),
            Trigger::Pause(paused) => {
                self.status.send_modify(|status| status.paused = paused);
                self.schedule.trigger(now);
            }
            Trigger::Approve(digest) => {
                self.approved.retain(|known| *known != digest);
                self.approved.push(digest);
                let old = self.approved.len().saturating_sub(APPROVALS);
                self.approved.drain(..old);
                self.schedule.afresh(now);
            }
            Trigger::Stop => self.stopping = true,
        }
    }

    fn phase(&self, phase: Phase) {
        self.status.send_modify(|status| status.phase = phase);
    }

    async fn round(&mut self) {
        self.phase(Phase::Working);
        let result = self.follow_and_reconcile().await;
        let now = Instant::now().into_std();
        match result {
            Ok(()) => {
                self.schedule.back();
                self.clear(Obstacle::Engine);
                self.clear(Obstacle::Lock);
            }
            Err(Refused { by, message }) => {
                self.schedule.out(now, jitter());
                self.obstacle(by, message);
            }
        }
        let at = seconds();
        let failing = self.schedule.failing().map(|(id, times, until)| {
            let failing = Failing {
                times,
                cause: self.causes.get(id).cloned().unwrap_or_default(),
                retry_at: at + until.saturating_duration_since(now).as_secs(),
            };
            (id.clone(), failing)
        });
        let failing = failing.collect();
        self.status.send_modify(|status| {
            status.rounds += 1;
            status.phase = Phase::Idle;
            status.failing = failing;
        });
    }

    async fn follow_and_reconcile(&mut self) -> Result<(), Refused> {
        self.follow().await;
        if self.in_force.is_none() {
            return Ok(());
        }
        self.reconcile().await
    }

    /// Takes over the commit that the repository is at. Whatever is wrong with it, what is declared stays.
    async fn follow(&mut self) {
        let head = match self.site.head() {
            Ok(head) => head,
            Err(message) => return self.obstacle(Obstacle::Repository, message),
        };
        self.clear(Obstacle::Repository);
        if self.in_force.as_ref() == Some(&head) {
            self.clear(Obstacle::Commit);
            return;
        }
        let newer = self.status.borrow().commit.as_ref() != Some(&head);
        match self.site.take(&head).await {
            Ok(()) => {
                tracing::info!(commit = %head, "declared");
                self.clear(Obstacle::Commit);
                self.force(head.clone());
            }
            Err(rejected) => {
                let (Rejected::Invalid(why) | Rejected::Unreadable(why)) = &rejected;
                self.obstacle(Obstacle::Commit, format!("commit {head} changes nothing: {why}"));
                // After a restart: what was in force before. A commit that can't be read just now may well have been, and
                // then the one before it would undo it.
                if self.in_force.is_none()
                    && matches!(rejected, Rejected::Invalid(_))
                    && let Some(before) = self.site.take_before(&head).await
                {
                    tracing::info!(commit = %before, "declared, as the newest valid commit");
                    self.force(before);
                }
            }
        }
        if newer {
            self.status.send_modify(|status| status.commit = Some(head));
        }
    }

    /// A newer commit waits for no retry.
    fn force(&mut self, commit: String) {
        self.schedule.afresh(Instant::now().into_std());
        let site = self.site.name();
        self.in_force = Some(commit.clone());
        self.status.send_modify(|status| {
            status.declared = Some(commit);
            status.site = site;
            status.converged = false;
        });
    }

    async fn reconcile(&mut self) -> Result<(), Refused> {
        let without = self.schedule.begin(Instant::now().into_std());
        let plan = self.site.plan(&without, &self.approved).await?;
        if plan.steps.is_empty() || self.status.borrow().paused {
            self.conclude(&plan, &without);
            return Ok(());
        }
        tracing::info!(changes = plan.changes.len(), digest = %plan.digest, "applying");
        let report = self.carry_out().await?;
        self.judge(&plan, &report);
        let left = self.site.plan_after(&report).await?;
        let now = Instant::now().into_std();
        if report.outdated() || report.interrupted {
            // Somebody else's hands, or a newer commit: what is there now is planned for at once.
            self.schedule.trigger(now);
        } else {
            // What was done and still differs would be done for ever: it is a failure like any other.
            for workspace in left.steps.iter().map(|step| &step.workspace) {
                if self.causes.contains_key(workspace) {
                    continue;
                }
                self.schedule.failed(workspace, now, jitter());
                let cause = "it still differed after everything had been done".to_owned();
                self.causes.insert(workspace.clone(), cause);
            }
        }
        self.conclude(&left, &without);
        Ok(())
    }

    /// Carries the plan out; a request to stop and a newer commit let it begin nothing new.
    async fn carry_out(&mut self) -> Result<ApplyReport, Refused> {
        let (canceller, cancelled) = cancellation();
        let mut asked = Vec::new();
        let report = {
            let site = &*self.site;
            let mut applying = site.apply(cancelled);
            loop {
                tokio::select! {
                    report = &mut applying => break report,
                    trigger = self.triggers.recv() => match trigger.unwrap_or(Trigger::Stop) {
                        // What happens now is seen when it is planned again.
                        Trigger::Engine => {}
                        Trigger::Commit => {
                            if site.head().ok() != self.in_force {
                                canceller.cancel();
                            }
                            asked.push(Trigger::Commit);
                        }
                        Trigger::Stop => {
                            canceller.cancel();
                            self.status.send_modify(|status| status.phase = Phase::Stopping);
                            asked.push(Trigger::Stop);
                        }
                        Trigger::Pause(paused) => {
                            if paused {
                                canceller.cancel();
                            }
                            asked.push(Trigger::Pause(paused));
                        }
                        other @ (Trigger::Sync | Trigger::Approve(_)) => asked.push(other),
                    },
                }
            }
        };
        for trigger in asked {
            self.note(trigger);
        }
        report
    }

    /// What an apply means for each workspace.
    fn judge(&mut self, plan: &Plan, report: &ApplyReport) {
        let now = Instant::now().into_std();
        let counts = report.counts();
        self.status.send_modify(|status| {
            status.steps.done += counts.done as u64;
            status.steps.failed += counts.failed as u64;
        });
        let mut failed = BTreeMap::new();
        for (step, failure) in report.failures().filter(|(_, failure)| !failure.outdated) {
            let workspace = plan.steps[step].workspace.clone();
            tracing::error!(%workspace, object = %failure.object, "{}", failure.cause);
            failed
                .entry(workspace)
                .or_insert_with(|| format!("{}: {}", failure.object, failure.cause));
        }
        for (step, warning) in report.warnings() {
            tracing::warn!(workspace = %plan.steps[step].workspace, object = %warning.object, "{}", warning.cause);
        }
        let worked_on: BTreeSet<&WorkspaceId> = plan.steps.iter().map(|step| &step.workspace).collect();
        for workspace in worked_on {
            match failed.remove(workspace) {
                Some(cause) => {
                    self.schedule.failed(workspace, now, jitter());
                    self.causes.insert(workspace.clone(), cause);
                }
                None if report.interrupted => {}
                None => {
                    self.schedule.well(workspace);
                    self.causes.remove(workspace);
                }
            }
        }
    }

    /// What is left after a round.
    fn conclude(&mut self, plan: &Plan, without: &BTreeSet<WorkspaceId>) {
        // Whoever needs nothing any more has not failed.
        let wanting: BTreeSet<&WorkspaceId> = plan.steps.iter().map(|step| &step.workspace).collect();
        let well: Vec<WorkspaceId> = self
            .schedule
            .failing()
            .map(|(id, _, _)| id.clone())
            .filter(|id| !without.contains(id) && !wanting.contains(id))
            .collect();
        for id in well {
            self.schedule.well(&id);
            self.causes.remove(&id);
        }
        let mut left: BTreeMap<String, usize> = BTreeMap::new();
        for change in plan
            .changes
            .iter()
            .filter(|c| c.action != crate::plan::ChangeAction::Retain)
        {
            *left.entry(change.workspace.to_string()).or_default() += 1;
        }
        let converged = plan.is_converged() && without.is_empty();
        let (commit, now) = (self.in_force.clone(), seconds());
        if converged && self.status.borrow().applied != commit {
            tracing::info!(commit = commit.as_deref().unwrap_or_default(), "applied");
        }
        self.status.send_modify(|status| {
            status.converged = converged;
            status.left = left;
            status.blocked.clone_from(&plan.blocked);
            status.digest = (!plan.blocked.is_empty()).then(|| plan.digest.clone());
            if converged && status.applied != commit {
                status.applied = commit;
                status.applied_at = Some(now);
            }
        });
    }

    fn obstacle(&self, obstacle: Obstacle, message: String) {
        let known = self.status.borrow().problems.get(&obstacle).cloned();
        if known.as_ref().is_none_or(|known| known.message != message) {
            tracing::error!("{message}");
        }
        let since = known.map_or_else(seconds, |known| known.since);
        self.status
            .send_modify(|status| drop(status.problems.insert(obstacle, Problem { message, since })));
    }

    fn clear(&self, obstacle: Obstacle) {
        self.status.send_if_modified(|status| {
            let known = status.problems.remove(&obstacle);
            if let Some(known) = &known {
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

/// A number from 0 to 1 that differs from machine to machine and from moment to moment; nothing secret hangs on it.
fn jitter() -> f64 {
    let nanoseconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.subsec_nanos());
    f64::from(nanoseconds % 1_000_000) / 1_000_000.0
}

/// Seconds since 1970.
fn seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}

#[cfg(test)]
mod tests;
