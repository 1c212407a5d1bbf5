//! Health: what a workspace is at, from what is known of it.
//!
//! In: [`Facts`], read off the two states and the plan, what is being done for it, what has gone wrong with it, and the time.
//! Out: a [`Health`], its state with the reason and the time of the last change. The same input gives the same state. Who
//! looks, who tries again and when, is decided in the daemon; no state that is told here decides about that.

mod facts;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use facts::{Facts, Wanted, facts, services};

use crate::plan::{Action, Step};

/// How many seconds a workspace may take from its start until it is ready, where its devfile doesn't say more.
pub const PATIENCE: u32 = 30;
/// A workspace that has failed that often in a row is in error, though it may be tried again.
pub const MOST_FAILURES: u32 = 5;

/// What a workspace is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for room on the machine.
    Pending,
    /// What it is made of is being made.
    Provisioning,
    /// It is there and not ready yet.
    Starting,
    /// It is ready: its containers run, its post-start commands have passed and its services answer.
    Running,
    /// It is to be down, and something of it still runs.
    Stopping,
    /// It is declared to be down, and is.
    Stopped,
    /// A person has stopped it, or nobody has used it; a person may start it again.
    Suspended,
    /// It does not get where it is to be; the reason says why.
    Error,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Provisioning,
        Self::Starting,
        Self::Running,
        Self::Stopping,
        Self::Stopped,
        Self::Suspended,
        Self::Error,
    ];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Provisioning => "provisioning",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Suspended => "suspended",
            Self::Error => "error",
        }
    }
}

/// A workspace's state, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// What it is at.
    pub state: State,
    /// Why, where there is something to say.
    pub reason: Option<String>,
    /// Since when it is in that state, in seconds since 1970.
    pub since: u64,
}

/// What is being done for a workspace just now; the later ones end in the order of their going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Something of it is being made, replaced or taken away.
    Provisioning,
    /// It is being started.
    Starting,
}

impl Work {
    /// What a step does for its workspace; nothing where nobody notices.
    #[must_use]
    pub fn of(step: &Step) -> Option<Self> {
        match &step.action {
            Action::EnsureImage { .. }
            | Action::Create { .. }
            | Action::Stop { .. }
            | Action::MoveData { .. }
            | Action::CopyData { .. }
            | Action::RunToEnd { .. } => Some(Self::Provisioning),
            Action::Start { .. } | Action::AwaitReady { .. } | Action::Clone { .. } => Some(Self::Starting),
            Action::RunCommands { required, .. } => required.then_some(Self::Starting),
            Action::SetLimits { .. } | Action::Remove { .. } | Action::Mark { .. } => None,
        }
    }
}

/// What has gone wrong with a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// How often in a row.
    pub times: u32,
    /// What, and why.
    pub cause: String,
    /// Whether it is left alone until somebody asks for it again.
    pub given_up: bool,
}

/// Everything that decides about a workspace's state.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What is known of it.
    pub facts: &'a Facts,
    /// What is being done for it.
    pub work: Option<Work>,
    /// What has gone wrong with it.
    pub trouble: Option<&'a Trouble>,
}

/// The time, on two clocks: one that only goes forward, and the one on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since some moment.
    pub elapsed: Duration,
    /// Seconds since 1970.
    pub seconds: u64,
}

/// One workspace's state from one look to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ward {
    /// As it is told.
    pub health: Health,
    /// Since when it has been starting, without having been ready in between.
    starting: Option<Duration>,
}

impl Ward {
    /// The state that follows.
    #[must_use]
    pub fn next(before: Option<&Self>, seen: Seen<'_>, now: Now) -> Self {
        let (mut state, mut reason) = judge(seen);
        let mut starting = None;
        if state == State::Starting {
            let since = before.and_then(|ward| ward.starting).unwrap_or(now.elapsed);
            starting = Some(since);
            if now.elapsed.saturating_sub(since) >= patience(seen.facts) {
                let seconds = patience(seen.facts).as_secs();
                state = State::Error;
                reason = Some(format!(
                    "not ready after {seconds} s: {}",
                    reason.unwrap_or_else(|| "its start takes too long".to_owned())
                ));
            }
        }
        let same = before.filter(|ward| ward.health.state == state);
        let since = same.map_or(now.seconds, |ward| ward.health.since);
        let health = Health { state, reason, since };
        Self { health, starting }
    }

    /// When it will have been starting for too long, if it goes on like this.
    #[must_use]
    pub fn overdue(&self, facts: &Facts) -> Option<Duration> {
        let since = self.starting.filter(|_| self.health.state == State::Starting)?;
        Some(since + patience(facts))
    }

    /// Its time to start begins anew.
    pub fn afresh(&mut self) {
        self.starting = None;
    }
}

fn patience(facts: &Facts) -> Duration {
    Duration::from_secs(facts.patience.max(PATIENCE).into())
}

/// The state but for the time that it takes.
fn judge(seen: Seen<'_>) -> (State, Option<String>) {
    let Seen { facts, work, trouble } = seen;
    let cause = || trouble.map(|trouble| trouble.cause.clone());
    match &facts.wanted {
        Wanted::Running => {}
        Wanted::Stopped | Wanted::Suspended | Wanted::Gone if facts.up => {
            return (State::Stopping, cause().or_else(|| facts.blocked.clone()));
        }
        Wanted::Suspended => return (State::Suspended, facts.suspended.clone()),
        Wanted::Stopped | Wanted::Gone => return (State::Stopped, None),
    }
    if let Some(trouble) = trouble.filter(|trouble| trouble.given_up) {
        return (State::Error, Some(trouble.cause.clone()));
    }
    if let (Some(reason), false) = (&facts.room, facts.up) {
        return (State::Pending, Some(reason.clone()));
    }
    let awaited = facts.awaited();
    let going_on = match work {
        Some(Work::Provisioning) => Some(State::Provisioning),
        Some(Work::Starting) => Some(State::Starting),
        None if awaited.is_none() => return (State::Running, cause()),
        None => None,
    };
    let tired = trouble.is_some_and(|trouble| trouble.times >= MOST_FAILURES);
    match (going_on, &facts.blocked) {
        (Some(state), _) if !tired => (state, cause().or(awaited)),
        (_, _) if tired => (State::Error, cause()),
        (None, Some(reason)) => (State::Error, Some(reason.clone())),
        (_, _) if facts.made => (State::Starting, cause().or(awaited)),
        (_, _) => (State::Provisioning, cause().or(awaited)),
    }
}

#[cfg(test)]
mod tests;
