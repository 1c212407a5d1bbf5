//! The daemon: follows a repository and keeps the engine as the newest valid commit declares.
//!
//! In: a [`Site`], which is how the command line reads, plans and applies, and triggers: something was committed, something
//! happened on the engine, a person asks. Out: the site brought to what is declared, and a [`Status`]. It is the only loop of
//! the crate. A trigger only makes a round due ([`schedule`]); each round looks at everything, so no trigger has to be right,
//! and none has to come: a round begins from time to time in any case.
#![allow(clippy::disallowed_methods)] // a daemon lives in time, and its socket is a file

pub mod api;
mod approvals;
pub mod fetching;
mod idle;
mod journal;
mod metrics;
mod outcome;
mod restarts;
mod schedule;
pub mod services;
mod site;
mod status;
mod told;
mod uses;
mod wards;
pub mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, watch as channel};
use tokio::time::{Instant, sleep_until};

use crate::model::{Seconds, WorkspaceId};
use crate::plan::target::Target;
use crate::plan::{Asked, Selection};
use approvals::Approvals;
pub use approvals::Given;
pub use fetching::Fetched;
use idle::Idle;
pub use journal::{Event, EventKind, Journal};
pub use metrics::{Ended, Metrics};
use restarts::Restarts;
use schedule::Schedule;
pub use site::{Refused, Rejected, Settings, Site, Trigger};
pub use status::{FORMAT_VERSION, Failing, Obstacle, Phase, Problem, Status, Steps};
pub use told::Told;
pub use uses::Uses;
use wards::Wards;

/// Runs until it is asked to stop, or until nobody can ask any more.
pub async fn run(site: &mut dyn Site, triggers: mpsc::Receiver<Trigger>, settings: Settings, told: Told) {
    let Told {
        status,
        journal,
        metrics,
        uses,
    } = told;
    status.send_modify(|status| status.format_version = FORMAT_VERSION.to_owned());
    let schedule = Schedule::new(Instant::now().into_std(), settings.resync);
    let daemon = Daemon {
        site,
        triggers,
        status,
        journal,
        metrics,
        schedule,
        approvals: Approvals::new(settings.state.as_deref()),
        now: false,
        in_force: None,
        causes: BTreeMap::new(),
        restarts: Restarts::default(),
        wards: Wards::new(),
        idle: Idle::new(Instant::now().into_std()),
        uses,
        stopping: false,
    };
    daemon.run().await;
}

struct Daemon<'s> {
    site: &'s mut dyn Site,
    triggers: mpsc::Receiver<Trigger>,
    status: channel::Sender<Status>,
    journal: Journal,
    metrics: Metrics,
    schedule: Schedule,
    approvals: Approvals,
    /// Whether a person has asked not to wait for maintenance windows, until a round has gone through.
    now: bool,
    /// The commit that is declared.
    in_force: Option<String>,
    /// Why each failing workspace failed last.
    causes: BTreeMap<WorkspaceId, String>,
    restarts: Restarts,
    wards: Wards,
    idle: Idle,
    uses: Uses,
    stopping: bool,
}

impl Daemon<'_> {
    async fn run(mut self) {
        while !self.stopping {
            tokio::select! {
                trigger = self.triggers.recv() => self.note(trigger.unwrap_or(Trigger::Stop)),
                () = sleep_until(self.schedule.next().into()) => self.round().await,
                () = wards::until(self.wards.due()) => self.listen().await,
                () = wards::until(self.idle.due().map(Instant::from_std)) => self.measure().await,
            }
        }
        self.phase(Phase::Stopping);
        self.record_approvals().await;
    }

    /// What a trigger means between two rounds.
    fn note(&mut self, trigger: Trigger) {
        let now = Instant::now().into_std();
        tracing::debug!(?trigger, "trigger");
        match trigger {
            Trigger::Commit | Trigger::Engine => self.schedule.trigger(now),
            Trigger::Pushed => {
                self.fetch();
                self.schedule.trigger(now);
            }
            Trigger::Sync => {
                self.fetch();
                self.afresh();
            }
            Trigger::Now => {
                self.fetch();
                self.now = true;
                self.afresh();
            }
            Trigger::Pause(paused) => {
                self.status.send_modify(|status| status.paused = paused);
                self.schedule.trigger(now);
                let asked = if paused { "change nothing" } else { "act again" };
                self.journal.tell(EventKind::Asked, None, None, asked);
            }
            Trigger::Approve(digest, user) => self.approve(digest, user),
            Trigger::Stop => self.stopping = true,
        }
    }

    fn phase(&self, phase: Phase) {
        self.status.send_modify(|status| status.phase = phase);
    }

    async fn round(&mut self) {
        self.phase(Phase::Working);
        let begun = Instant::now();
        let fetched = self.site.fetched();
        if let Some(fetched) = &fetched {
            self.status.send_modify(|status| status.fetched_at = fetched.at);
        }
        let result = self.follow_and_reconcile().await;
        let ended = result.as_ref().map_or(Ended::Refused, |ended| *ended);
        self.metrics.round(ended, begun.elapsed());
        let went = result.is_ok();
        let now = Instant::now().into_std();
        match result {
            Ok(_) => {
                self.schedule.back();
                self.clear(Obstacle::Engine);
                self.clear(Obstacle::Lock);
            }
            Err(Refused { by, message }) => {
                self.schedule.out(now, jitter());
                self.obstacle(by, message);
            }
        }
        self.record_approvals().await;
        self.look(went).await;
        match self.site.audited().await {
            Some(message) => self.obstacle(Obstacle::Audit, message),
            None => self.clear(Obstacle::Audit),
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
        self.show_fetched(fetched.as_ref());
        self.status.send_modify(|status| {
            status.rounds += 1;
            status.phase = Phase::Idle;
            status.failing = failing;
        });
    }

    fn fetch(&mut self) {
        self.site.fetch();
        self.show_fetched(self.site.fetched().as_ref());
    }

    fn show_fetched(&self, fetched: Option<&Fetched>) {
        let Some(fetched) = fetched else { return };
        self.status.send_modify(|status| {
            status.fetched_at = fetched.at;
            status.fetching = fetched.under_way;
        });
    }

    async fn follow_and_reconcile(&mut self) -> Result<Ended, Refused> {
        self.follow().await;
        let recalled = self.recall_approvals();
        let without = self.schedule.begin(Instant::now().into_std());
        if recalled {
            // A commit that was refused may be among what was approved of.
            self.schedule.trigger(Instant::now().into_std());
        }
        if self.in_force.is_none() {
            return Ok(Ended::Unchanged);
        }
        self.reconcile(without).await
    }

    /// Takes over the commit that the repository is at. Whatever is wrong with it, what is declared stays.
    async fn follow(&mut self) {
        let head = self.site.head();
        let failed = self.site.fetched().and_then(|fetched| fetched.error);
        match failed.as_ref().or(head.as_ref().err()) {
            Some(message) => self.obstacle(Obstacle::Repository, message.clone()),
            None => self.clear(Obstacle::Repository),
        }
        let Ok(head) = head else {
            return self.take_last().await;
        };
        if self.in_force.as_ref() == Some(&head) {
            self.clear(Obstacle::Commit);
            return;
        }
        let newer = self.status.borrow().commit.as_ref() != Some(&head);
        match self.site.take(&head).await {
            Ok(()) => {
                self.clear(Obstacle::Commit);
                self.force(head.clone(), "declared");
            }
            Err(rejected) => {
                let (Rejected::Invalid(why) | Rejected::Refused(why) | Rejected::Unreadable(why)) = &rejected;
                self.obstacle(Obstacle::Commit, format!("commit {head} changes nothing: {why}"));
                self.take_last().await;
                // After a restart: what was in force before. A commit that can't be read just now may well have been, and
                // then the one before it would undo it.
                if self.in_force.is_none()
                    && matches!(rejected, Rejected::Invalid(_) | Rejected::Refused(_))
                    && let Some(before) = self.site.take_before(&head).await
                {
                    self.force(before, "declared, as the newest valid commit");
                }
            }
        }
        if newer {
            self.status.send_modify(|status| status.commit = Some(head));
        }
    }

    /// After a restart: what was in force before, where that is known for certain.
    async fn take_last(&mut self) {
        if self.in_force.is_none()
            && let Some(last) = self.site.take_last().await
        {
            self.force(last, "declared, as it was in force before");
        }
    }

    /// A newer commit waits for no retry.
    fn force(&mut self, commit: String, how: &str) {
        tracing::info!(%commit, "{how}");
        self.journal.tell(EventKind::Declared, Some(&commit), None, how);
        self.afresh();
        let site = self.site.name();
        self.approval_used(&commit);
        self.in_force = Some(commit.clone());
        self.status.send_modify(|status| {
            status.declared = Some(commit);
            status.site = site;
            status.converged = false;
        });
    }

    async fn reconcile(&mut self, mut without: BTreeSet<WorkspaceId>) -> Result<Ended, Refused> {
        without.extend(self.restarts.given_up().keys().cloned());
        let approved = self.approvals.digests();
        let suspended = self.suspend().await?;
        let mut plan = self.site.plan(&without, &approved, self.now).await?;
        if !self.status.borrow().paused {
            let held = self.hold_back(&plan);
            if !held.is_empty() {
                without.extend(held);
                plan = self.site.plan(&without, &approved, self.now).await?;
            }
        }
        self.learn();
        if without.is_empty() {
            self.plan_seen(&plan.digest);
        }
        if plan.steps.is_empty() || self.status.borrow().paused {
            self.now = self.now && !plan.steps.is_empty();
            self.conclude(&plan, &without);
            return Ok(if suspended {
                Ended::Changed
            } else {
                Ended::Unchanged
            });
        }
        tracing::info!(changes = plan.changes.len(), digest = %plan.digest, "applying");
        self.approvals.begin(&plan.digest);
        let report = self.carry_out(&plan).await?;
        self.now = self.now && (report.outdated() || report.interrupted);
        self.restarts.carried_out(Instant::now().into_std());
        self.judge(&plan, &report);
        let left = self.site.plan_after(&report).await?;
        if left.digest != plan.digest {
            self.approval_carried_out(&plan.digest);
        }
        let now = Instant::now().into_std();
        if report.outdated() || report.interrupted {
            // Somebody else's hands, or a newer commit: what is there now is planned for at once.
            self.schedule.trigger(now);
        } else {
            let worked_on: BTreeSet<&WorkspaceId> = plan.steps.iter().map(|step| &step.workspace).collect();
            let facts = self.site.facts();
            // What was done and still differs would be done for ever: it is a failure like any other.
            for workspace in left.steps.iter().map(|step| &step.workspace) {
                if self.causes.contains_key(workspace) {
                    continue;
                }
                let ended = facts.get(workspace).is_some_and(|facts| !facts.ended.is_empty());
                if ended || !worked_on.contains(workspace) {
                    // Its containers have ended meanwhile, or there is room for it now: the next round looks into that.
                    self.schedule.trigger(now);
                    continue;
                }
                self.schedule.failed(workspace, now, jitter());
                let cause = "it still differed after everything had been done".to_owned();
                self.causes.insert(workspace.clone(), cause);
            }
        }
        self.conclude(&left, &without);
        Ok(match report.counts().failed {
            0 => Ended::Changed,
            _ => Ended::Failed,
        })
    }
}

/// A number from 0 to 1 that differs from machine to machine and from moment to moment; nothing secret hangs on it.
fn jitter() -> f64 {
    let nanoseconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.subsec_nanos());
    f64::from(nanoseconds % 1_000_000) / 1_000_000.0
}

/// The workspaces that nobody uses, as what is planned.
#[must_use]
pub fn only(idle: &BTreeMap<WorkspaceId, Seconds>) -> Selection {
    Selection::Only(idle.keys().cloned().map(Target::Workspace).collect())
}

/// What is asked of the power of those that nobody uses.
#[must_use]
pub fn suspended(idle: &BTreeMap<WorkspaceId, Seconds>) -> BTreeMap<WorkspaceId, Asked> {
    let asked = |(id, time): (&WorkspaceId, &Seconds)| (id.clone(), Asked::Suspend(*time));
    idle.iter().map(asked).collect()
}

/// The instant of a moment, as seen from the one that a plan was made for just now.
fn after(at: i64, moment: i64) -> Instant {
    Instant::now() + Duration::from_secs(u64::try_from(at - moment).unwrap_or(0))
}

/// Seconds since 1970.
fn seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}

#[cfg(test)]
mod tests;
