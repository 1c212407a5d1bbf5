//! The workspaces' health while the daemon goes on: what is known and done of each, and when to look again.
//!
//! What a workspace is at follows from [`crate::health`]; here is what that asks for, and the clock.

use std::collections::BTreeMap;
use std::future::pending;
use std::time::Duration;

use tokio::sync::{mpsc, watch as channel};
use tokio::time::{Instant, sleep_until};

use super::restarts::Verdict;
use super::{Daemon, Refused, Status, jitter, restarts, seconds};
use crate::apply::{Event, Observer};
use crate::health::{Facts, Health, Now, Seen, State, Trouble, Wanted, Ward, Work};
use crate::model::WorkspaceId;
use crate::plan::Plan;

/// How often services are tried that something waits for.
const TRY: Duration = Duration::from_secs(1);
/// How many are suspended before the next look at who is used.
const AT_ONCE: usize = 4;

/// Everybody's health.
pub(super) struct Wards {
    begun: Instant,
    tried: Instant,
    facts: BTreeMap<WorkspaceId, Facts>,
    work: BTreeMap<WorkspaceId, Work>,
    troubles: BTreeMap<WorkspaceId, Trouble>,
    wards: BTreeMap<WorkspaceId, Ward>,
}

impl Wards {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            tried: now,
            facts: BTreeMap::new(),
            work: BTreeMap::new(),
            troubles: BTreeMap::new(),
            wards: BTreeMap::new(),
        }
    }

    /// Something else is known now; which services answer, nobody has tried.
    fn learn(&mut self, mut facts: BTreeMap<WorkspaceId, Facts>) {
        for (id, facts) in &mut facts {
            if let Some(before) = self.facts.get(id).filter(|_| facts.down.is_empty()) {
                facts.silent.clone_from(&before.silent);
            }
        }
        self.facts = facts;
    }

    /// The services were tried.
    fn hear(&mut self, mut silent: BTreeMap<WorkspaceId, Vec<String>>) {
        self.tried = Instant::now();
        for (id, facts) in &mut self.facts {
            facts.silent = silent.remove(id).unwrap_or_default();
        }
    }

    /// A step of the workspace has begun.
    pub(super) fn work(&mut self, workspace: WorkspaceId, work: Work) {
        let before = self.work.entry(workspace).or_insert(work);
        *before = (*before).max(work);
    }

    /// Everybody's state now.
    pub(super) fn judge(&mut self) -> BTreeMap<WorkspaceId, Health> {
        let now = Now {
            elapsed: self.begun.elapsed(),
            seconds: seconds(),
        };
        let next = |(id, facts): (&WorkspaceId, &Facts)| {
            let before = self.wards.get(id);
            let seen = Seen {
                facts,
                work: self.work.get(id).copied(),
                trouble: self.troubles.get(id),
            };
            let ward = Ward::next(before, seen, now);
            if before.is_none_or(|before| before.health.state != ward.health.state) {
                let reason = ward.health.reason.as_deref().unwrap_or_default();
                tracing::info!(workspace = %id, state = ward.health.state.as_str(), "{reason}");
            }
            (id.clone(), ward)
        };
        self.wards = self.facts.iter().map(next).collect();
        let health = |(id, ward): (&WorkspaceId, &Ward)| (id.clone(), ward.health.clone());
        self.wards.iter().map(health).collect()
    }

    /// When somebody will have been starting for too long.
    pub(super) fn overdue(&self) -> Option<Instant> {
        let overdue = |(id, ward): (&WorkspaceId, &Ward)| ward.overdue(self.facts.get(id)?);
        let first = self.wards.iter().filter_map(overdue).min()?;
        Some(self.begun + first)
    }

    /// When to look at somebody again though nothing happens: services that are waited for tell nobody that they answer.
    pub(super) fn due(&self) -> Option<Instant> {
        let waits = |(id, ward): (&WorkspaceId, &Ward)| {
            let silent = self.facts.get(id).is_some_and(|facts| !facts.silent.is_empty());
            silent && ward.health.state == State::Starting
        };
        let again = self.wards.iter().any(waits).then(|| self.tried + TRY);
        again.into_iter().chain(self.overdue()).min()
    }
}

/// Waits until that moment; without one, for ever.
pub(super) async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}

/// Tells what everybody is at, where that is news.
pub(super) fn tell(wards: &mut Wards, status: &channel::Sender<Status>) {
    let workspaces = wards.judge();
    status.send_if_modified(|status| {
        let differs = status.workspaces != workspaces;
        status.workspaces = workspaces;
        differs
    });
}

/// Tells which workspaces an apply works on.
pub(super) struct Begun(pub(super) mpsc::UnboundedSender<(WorkspaceId, Work)>);

impl Observer for Begun {
    fn on(&self, event: Event<'_>) {
        if let Event::Begun { step, .. } = event
            && let Some(work) = Work::of(step)
        {
            // Nobody listens once the apply is over.
            let _ = self.0.send((step.workspace.clone(), work));
        }
    }
}

impl Daemon<'_> {
    /// Takes over what a plan has shown, before anything is done about it.
    pub(super) fn learn(&mut self) {
        self.wards.learn(self.site.facts());
        self.publish();
    }

    /// What everybody is at, now that nothing is done any more; nothing else is known where the round came to nothing.
    pub(super) async fn look(&mut self, went: bool) {
        self.wards.work.clear();
        if went {
            self.wards.learn(self.site.facts());
            self.watch();
            self.listen().await;
        } else {
            self.publish();
        }
    }

    /// Looks who is used; who has not been for too long is due to be suspended.
    pub(super) async fn measure(&mut self) {
        self.look_who_is_used().await;
        if !self.status.borrow().paused && !self.idle.overdue().is_empty() {
            self.schedule.trigger(Instant::now().into_std());
        }
    }

    async fn look_who_is_used(&mut self) {
        let times = self.site.processor_times().await;
        for (workspace, at) in self.uses.take() {
            self.idle.used(&workspace, at);
        }
        self.idle.measured(&times, Instant::now().into_std());
    }

    /// Suspends who has not been used for too long, a few at a time: who is not begun with can still be used. Whether anybody
    /// was.
    pub(super) async fn suspend(&mut self) -> Result<bool, Refused> {
        if self.status.borrow().paused || self.idle.overdue().is_empty() {
            return Ok(false);
        }
        // It was due at an older look, and a newer commit may be in force.
        self.look_who_is_used().await;
        let all = self.idle.overdue();
        let idle: BTreeMap<_, _> = all.into_iter().take(AT_ONCE).collect();
        if idle.is_empty() {
            return Ok(false);
        }
        let plan = self.site.plan_suspension(&idle).await?;
        if !plan.steps.is_empty() {
            for step in &plan.steps {
                if let Some(facts) = self.wards.facts.get_mut(&step.workspace) {
                    facts.wanted = Wanted::Suspended;
                }
            }
            tracing::info!(workspaces = idle.len(), "suspending who is not used");
            let report = self.carry_out(&plan).await?;
            self.judge(&plan, &report);
        }
        // Whatever has come of it, their time begins anew.
        self.idle.forget(idle.keys());
        if !self.idle.overdue().is_empty() {
            self.schedule.trigger(Instant::now().into_std());
        }
        Ok(!plan.steps.is_empty())
    }

    /// Who runs and may be suspended, as of now.
    fn watch(&mut self) {
        let facts = self.wards.facts.iter();
        let running = facts.filter(|(_, facts)| facts.wanted == Wanted::Running && facts.up);
        let all = running.filter_map(|(id, facts)| Some((id.clone(), facts.idle_timeout?)));
        self.idle.watch(all.collect(), Instant::now().into_std());
    }

    /// Tries the services, and tells what everybody is at.
    pub(super) async fn listen(&mut self) {
        let silent = self.site.silent().await;
        self.wards.hear(silent);
        self.publish();
    }

    fn publish(&mut self) {
        let given_up = self.restarts.given_up().iter().map(|(id, cause)| {
            let trouble = Trouble {
                times: restarts::MOST,
                cause: cause.clone(),
                given_up: true,
            };
            (id.clone(), trouble)
        });
        let failing = self.schedule.failing().map(|(id, times, _)| {
            let trouble = Trouble {
                times,
                cause: self.causes.get(id).cloned().unwrap_or_default(),
                given_up: false,
            };
            (id.clone(), trouble)
        });
        self.wards.troubles = failing.chain(given_up).collect();
        tell(&mut self.wards, &self.status);
    }

    /// Everything is tried again.
    pub(super) fn afresh(&mut self) {
        self.schedule.afresh(Instant::now().into_std());
        self.restarts.afresh();
        self.wards.wards.values_mut().for_each(Ward::afresh);
    }

    /// Which workspaces a plan would start again though their containers keep ending: they are left alone for a while, or
    /// until somebody asks for them.
    pub(super) fn hold_back(&mut self, plan: &Plan) -> Vec<WorkspaceId> {
        let now = Instant::now().into_std();
        let facts = self.site.facts();
        self.restarts.nothing_yet();
        let runs = |facts: &Facts| facts.wanted == Wanted::Running && facts.down.is_empty();
        self.restarts.forget(|id| facts.get(id).is_none_or(runs));
        let is_planned = |id: &WorkspaceId| plan.steps.iter().any(|step| step.workspace == *id);
        let mut held = Vec::new();
        for (id, facts) in facts {
            if facts.wanted != Wanted::Running || facts.ended.is_empty() || !is_planned(&id) {
                continue;
            }
            let why = facts.ended.join("; ");
            match self.restarts.ended(&id, self.schedule.is_failing(&id), now) {
                Verdict::Restart => continue,
                Verdict::Wait(times) => {
                    self.schedule.held(&id, times, now, jitter());
                    let cause = format!("{why}, after {times} restarts");
                    self.causes.insert(id.clone(), cause);
                }
                Verdict::GiveUp => {
                    self.schedule.well(&id);
                    self.causes.remove(&id);
                    let cause = format!(
                        "{why}, after {} restarts; it is left alone until the next commit, wharf sync or wharf start",
                        restarts::MOST
                    );
                    tracing::error!(workspace = %id, "{cause}");
                    self.restarts.give_up(id.clone(), cause);
                }
            }
            held.push(id);
        }
        held
    }
}
