//! What is done with a plan: it is carried out, and judged, workspace by workspace, and what is left is told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::{Daemon, EventKind, Obstacle, Phase, Refused, Trigger, after, jitter, seconds, wards};
use crate::apply::{ApplyReport, Outcome, cancellation};
use crate::model::WorkspaceId;
use crate::plan::Plan;

/// How long the steps under way may take once it is asked to stop.
const LAST_STEPS: Duration = Duration::from_secs(90);

impl Daemon<'_> {
    /// Carries the plan out; a request to stop, a newer commit and the end of a maintenance window let it begin nothing
    /// new. What a workspace lacks in the midst of its change is made after the window as well: nothing runs any more
    /// that it would interrupt.
    pub(super) async fn carry_out(&mut self, plan: &Plan) -> Result<ApplyReport, Refused> {
        let (canceller, cancelled) = cancellation();
        let mut asked = Vec::new();
        let mut approved = false;
        let mut end = None;
        let closes = plan.closes.zip(plan.moment).map(|(at, moment)| after(at, moment));
        let mut open = closes.is_some();
        let report = {
            let site = &*self.site;
            let (sender, mut begun) = mpsc::unbounded_channel();
            let steps = wards::Begun(sender);
            let mut applying = site.apply(cancelled, &steps);
            loop {
                tokio::select! {
                    report = &mut applying => break report,
                    () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => break Err(Refused {
                        by: Obstacle::Engine,
                        message: format!("the steps under way did not end within {} s", LAST_STEPS.as_secs()),
                    }),
                    () = sleep_until(closes.unwrap_or_else(Instant::now)), if open => {
                        open = false;
                        canceller.cancel();
                    }
                    Some((workspace, work)) = begun.recv() => {
                        self.wards.work(workspace, work);
                        wards::tell(&mut self.wards, &self.status);
                    }
                    () = wards::until(self.wards.overdue()) => wards::tell(&mut self.wards, &self.status),
                    trigger = self.triggers.recv() => match trigger.unwrap_or(Trigger::Stop) {
                        // What happens now is seen when it is planned again.
                        Trigger::Engine => {}
                        Trigger::Commit => {
                            // One that was looked at already, and refused, changes nothing.
                            if site.head().ok() != self.status.borrow().commit {
                                canceller.cancel();
                            }
                            asked.push(Trigger::Commit);
                        }
                        Trigger::Stop => {
                            canceller.cancel();
                            end.get_or_insert_with(|| Instant::now() + LAST_STEPS);
                            self.status.send_modify(|status| status.phase = Phase::Stopping);
                            asked.push(Trigger::Stop);
                        }
                        Trigger::Pause(paused) => {
                            if paused {
                                canceller.cancel();
                            }
                            asked.push(Trigger::Pause(paused));
                        }
                        Trigger::Approve(digest, user) => {
                            // It is kept at once: an apply may take longer than this process lives.
                            self.approvals.receive(digest, user, &self.journal);
                            approved = true;
                        }
                        other @ (Trigger::Pushed | Trigger::Sync | Trigger::Now) => asked.push(other),
                    },
                }
            }
        };
        if approved {
            self.approved();
        }
        for trigger in asked {
            self.note(trigger);
        }
        report
    }

    /// What an apply means for each workspace.
    pub(super) fn judge(&mut self, plan: &Plan, report: &ApplyReport) {
        let now = Instant::now().into_std();
        let counts = report.counts();
        self.status.send_modify(|status| {
            status.steps.done += counts.done as u64;
            status.steps.failed += counts.failed as u64;
        });
        for (step, ended) in plan.steps.iter().zip(&report.steps) {
            match &ended.outcome {
                Outcome::Done(_) => self.metrics.step(step.action.verb(), true),
                Outcome::Failed(_) => self.metrics.step(step.action.verb(), false),
                Outcome::Skipped(_) => {}
            }
        }
        let mut failed = BTreeMap::new();
        for (step, failure) in report.failures().filter(|(_, failure)| !failure.outdated) {
            let step = &plan.steps[step];
            let workspace = step.workspace.clone();
            let commit = self.in_force.as_deref().unwrap_or_default();
            tracing::error!(commit, %workspace, %step, object = %failure.object, "{}", failure.cause);
            failed
                .entry(workspace)
                .or_insert_with(|| format!("{}: {}", failure.object, failure.cause));
        }
        for (step, warning) in report.warnings() {
            let step = &plan.steps[step];
            let commit = self.in_force.as_deref().unwrap_or_default();
            tracing::warn!(commit, workspace = %step.workspace, %step, object = %warning.object, "{}", warning.cause);
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
    pub(super) fn conclude(&mut self, plan: &Plan, without: &BTreeSet<WorkspaceId>) {
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
        let opens = plan.blocked.iter().filter_map(|blocked| blocked.until).min();
        let wake = opens
            .zip(plan.moment)
            .map(|(at, moment)| after(at, moment).into_std());
        self.schedule.wake(wake);
        let mut left: BTreeMap<String, usize> = BTreeMap::new();
        for change in plan
            .changes
            .iter()
            .filter(|c| c.action != crate::plan::ChangeAction::Retain)
        {
            *left.entry(change.workspace.to_string()).or_default() += 1;
        }
        let converged = plan.is_converged() && without.is_empty();
        // What the commit itself declares to wait does not keep it from being applied.
        let waits = plan.blocked.iter().any(|blocked| !blocked.hold.is_declared());
        let applied = plan.steps.is_empty() && !waits && without.is_empty();
        let (commit, now) = (self.in_force.clone(), seconds());
        let newly = applied && self.status.borrow().applied != commit;
        self.status.send_modify(|status| {
            status.converged = converged;
            status.left = left;
            status.blocked.clone_from(&plan.blocked);
            let approvable = plan.blocked.iter().any(|blocked| blocked.approve.is_some());
            status.digest = approvable.then(|| plan.digest.clone());
            if newly {
                status.applied.clone_from(&commit);
                status.applied_at = Some(now);
            }
        });
        // Whoever reads it in the log finds it in the status.
        if newly {
            tracing::info!(commit = commit.as_deref().unwrap_or_default(), "applied");
            self.journal.tell(
                EventKind::Applied,
                commit.as_deref(),
                None,
                "nothing is left to do",
            );
        }
    }
}
