//! How often containers that end are started again: at once the first time, then after pauses, and not for ever. It has no
//! clock: what time it is, the caller says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::model::WorkspaceId;

/// How often a workspace is started again without having run well in between.
pub(super) const MOST: u32 = 5;
/// What has gone on for that long since it was started has run well.
pub(super) const WELL: Duration = Duration::from_secs(600);

/// What to do about a workspace whose containers have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Start it again.
    Restart,
    /// Leave it alone for a while: it has been started again that often.
    Wait(u32),
    /// Leave it alone: it has been started again as often as it may.
    GiveUp,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    times: u32,
    last: Instant,
}

/// What was started again, and what no longer is.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    counts: BTreeMap<WorkspaceId, Count>,
    /// They are about to be started again.
    about_to: BTreeSet<WorkspaceId>,
    given_up: BTreeMap<WorkspaceId, String>,
}

impl Restarts {
    /// Containers of a workspace have ended and would be started again; `waited` is whether the pause for that is over.
    pub(super) fn ended(&mut self, workspace: &WorkspaceId, waited: bool, now: Instant) -> Verdict {
        let times = self.times(workspace, now);
        if times >= MOST {
            return Verdict::GiveUp;
        }
        if times > 0 && !waited {
            return Verdict::Wait(times);
        }
        self.about_to.insert(workspace.clone());
        Verdict::Restart
    }

    /// How often it was started again without having run well since.
    fn times(&self, workspace: &WorkspaceId, now: Instant) -> u32 {
        let count = self.counts.get(workspace);
        let recent = count.filter(|count| now.saturating_duration_since(count.last) < WELL);
        recent.map_or(0, |count| count.times)
    }

    /// What is about to be started again will not be, unless it is asked about once more.
    pub(super) fn nothing_yet(&mut self) {
        self.about_to.clear();
    }

    /// What was about to be started again was.
    pub(super) fn carried_out(&mut self, now: Instant) {
        for workspace in std::mem::take(&mut self.about_to) {
            let times = self.times(&workspace, now) + 1;
            self.counts.insert(workspace, Count { times, last: now });
        }
    }

    /// It is left alone from now on, for that reason.
    pub(super) fn give_up(&mut self, workspace: WorkspaceId, why: String) {
        self.given_up.insert(workspace, why);
    }

    /// Those that are left alone, and why.
    pub(super) fn given_up(&self) -> &BTreeMap<WorkspaceId, String> {
        &self.given_up
    }

    /// Somebody else has started these, or they are gone: what was counted is over.
    pub(super) fn forget(&mut self, over: impl Fn(&WorkspaceId) -> bool) {
        let ids: Vec<WorkspaceId> = self.given_up.keys().filter(|id| over(id)).cloned().collect();
        for id in ids {
            self.given_up.remove(&id);
            self.counts.remove(&id);
        }
    }

    /// A newer commit, or a person, asks for everything to be tried again.
    pub(super) fn afresh(&mut self) {
        self.counts.clear();
        self.given_up.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any() -> (Restarts, WorkspaceId, Instant) {
        #[allow(clippy::disallowed_methods)] // any moment will do
        let now = Instant::now();
        (Restarts::default(), "alice/api".parse().unwrap(), now)
    }

    #[test]
    fn a_restart_follows_at_once_then_after_pauses_and_not_for_ever() {
        let (mut restarts, id, mut now) = any();
        assert_eq!(restarts.ended(&id, false, now), Verdict::Restart);
        restarts.carried_out(now);
        for times in 1..MOST {
            now += Duration::from_secs(60);
            assert_eq!(restarts.ended(&id, false, now), Verdict::Wait(times));
            assert_eq!(restarts.ended(&id, true, now), Verdict::Restart);
            restarts.carried_out(now);
        }
        assert_eq!(restarts.ended(&id, false, now), Verdict::GiveUp);
        assert_eq!(restarts.ended(&id, true, now), Verdict::GiveUp);
        restarts.give_up(id.clone(), "it ends".to_owned());
        restarts.forget(|_| false);
        assert_eq!(restarts.given_up().len(), 1);
        restarts.forget(|given_up| *given_up == id);
        assert_eq!(restarts.given_up().len(), 0);
        assert_eq!(restarts.ended(&id, false, now), Verdict::Restart);
    }

    #[test]
    fn what_has_run_well_begins_anew() {
        let (mut restarts, id, now) = any();
        for _ in 0..MOST {
            restarts.ended(&id, true, now);
            restarts.carried_out(now);
        }
        assert_eq!(restarts.ended(&id, false, now + WELL / 2), Verdict::GiveUp);
        assert_eq!(restarts.ended(&id, false, now + WELL), Verdict::Restart);
        restarts.carried_out(now + WELL);
        assert_eq!(restarts.ended(&id, false, now + WELL), Verdict::Wait(1));
    }

    #[test]
    fn what_was_not_carried_out_does_not_count() {
        let (mut restarts, id, now) = any();
        for _ in 0..9 {
            restarts.nothing_yet();
            assert_eq!(restarts.ended(&id, false, now), Verdict::Restart);
        }
        restarts.nothing_yet();
        restarts.carried_out(now);
        assert_eq!(restarts.ended(&id, false, now), Verdict::Restart);
    }
}
