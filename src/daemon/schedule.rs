//! When the next round begins, and which workspaces it leaves alone. It has no clock: what time it is, the caller says.
//!
//! Whatever happens only makes a round due; a round looks at everything. So what is lost, doubled or out of order changes
//! nothing but when somebody looks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::model::WorkspaceId;

/// What happens together makes one round: this long after the first of it.
const SETTLE: Duration = Duration::from_millis(60);
/// How long a workspace that failed is left alone, the first time and at most; each time twice as long as before.
const FIRST: Duration = Duration::from_secs(5);
const MOST: Duration = Duration::from_secs(300);
/// The same at most where nothing can be done at all: what it waits for comes back for every workspace at once, and asking
/// costs next to nothing.
const MOST_OUT: Duration = Duration::from_secs(10);

/// When to look again.
#[derive(Debug)]
pub(super) struct Schedule {
    /// Something has happened, and the round for it begins then.
    due: Option<Instant>,
    /// A round begins then whatever happens.
    resync: Instant,
    /// A maintenance window opens then.
    wake: Option<Instant>,
    every: Duration,
    failing: BTreeMap<WorkspaceId, Failing>,
    /// All rounds fail, the engine or the repository being gone: one more time than the number says.
    outage: Option<Failing>,
}

#[derive(Clone, Copy, Debug)]
struct Failing {
    times: u32,
    until: Instant,
}

impl Failing {
    /// After one failure more; `jitter` from 0 to 1 keeps those that failed together from coming back together.
    fn again(before: Option<&Self>, most: Duration, now: Instant, jitter: f64) -> Self {
        let times = before.map_or(0, |failing| failing.times).saturating_add(1);
        let pause = FIRST.saturating_mul(1 << (times - 1).min(16)).min(most);
        Self {
            times,
            until: now + pause.mul_f64(0.8 + 0.4 * jitter.clamp(0.0, 1.0)),
        }
    }
}

impl Schedule {
    /// The first round is due at once; later ones whenever something happens, and after `every` in any case.
    pub(super) fn new(now: Instant, every: Duration) -> Self {
        Self {
            due: Some(now),
            resync: now + every,
            wake: None,
            every,
            failing: BTreeMap::new(),
            outage: None,
        }
    }

    /// Something has happened.
    pub(super) fn trigger(&mut self, now: Instant) {
        self.due.get_or_insert(now + SETTLE);
    }

    /// When the next round begins, if nothing happens.
    pub(super) fn next(&self) -> Instant {
        if let Some(outage) = self.outage {
            // What happens meanwhile can't be worked on either.
            return outage.until;
        }
        let retries = self.failing.values().map(|failing| failing.until);
        retries
            .chain(self.due)
            .chain(self.wake)
            .fold(self.resync, Instant::min)
    }

    /// A round begins: which workspaces it leaves alone.
    pub(super) fn begin(&mut self, now: Instant) -> BTreeSet<WorkspaceId> {
        self.due = None;
        self.wake = None;
        self.resync = now + self.every;
        let waiting = self.failing.iter().filter(|(_, failing)| failing.until > now);
        waiting.map(|(id, _)| id.clone()).collect()
    }

    /// Something waits for that moment.
    pub(super) fn wake(&mut self, at: Option<Instant>) {
        self.wake = at;
    }

    /// A workspace failed in this round.
    pub(super) fn failed(&mut self, workspace: &WorkspaceId, now: Instant, jitter: f64) {
        let failing = Failing::again(self.failing.get(workspace), MOST, now, jitter);
        self.failing.insert(workspace.clone(), failing);
    }

    /// A workspace is left alone after it has failed that many times.
    pub(super) fn held(&mut self, workspace: &WorkspaceId, times: u32, now: Instant, jitter: f64) {
        let before = Failing {
            times: times.saturating_sub(1),
            until: now,
        };
        let failing = Failing::again(Some(&before), MOST, now, jitter);
        self.failing.insert(workspace.clone(), failing);
    }

    /// Whether a workspace has failed, and is tried again sooner or later.
    pub(super) fn is_failing(&self, workspace: &WorkspaceId) -> bool {
        self.failing.contains_key(workspace)
    }

    /// A workspace is as it should be, or gone.
    pub(super) fn well(&mut self, workspace: &WorkspaceId) {
        self.failing.remove(workspace);
    }

    /// Nothing could be done at all.
    pub(super) fn out(&mut self, now: Instant, jitter: f64) {
        self.outage = Some(Failing::again(self.outage.as_ref(), MOST_OUT, now, jitter));
    }

    /// Something could be done.
    pub(super) fn back(&mut self) {
        self.outage = None;
    }

    /// A newer commit, or a person, asks for everything to be tried again at once.
    pub(super) fn afresh(&mut self, now: Instant) {
        self.failing.clear();
        self.outage = None;
        self.trigger(now);
    }

    /// The workspaces that are left alone for now: how often each has failed, and until when.
    pub(super) fn failing(&self) -> impl Iterator<Item = (&WorkspaceId, u32, Instant)> {
        self.failing.iter().map(|(id, f)| (id, f.times, f.until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn id(text: &str) -> WorkspaceId {
        text.parse().unwrap()
    }

    fn begun() -> (Schedule, Instant) {
        #[allow(clippy::disallowed_methods)] // any moment will do
        let now = Instant::now();
        let mut schedule = Schedule::new(now, MINUTE);
        assert_eq!(schedule.next(), now);
        assert!(schedule.begin(now).is_empty());
        (schedule, now)
    }

    #[test]
    fn what_happens_together_makes_one_round() {
        let (mut schedule, now) = begun();
        assert_eq!(schedule.next(), now + MINUTE);
        schedule.trigger(now);
        schedule.trigger(now + SETTLE / 2);
        assert_eq!(
            schedule.next(),
            now + SETTLE,
            "the first one counts: a flood holds nothing up"
        );
        schedule.begin(now + SETTLE);
        assert_eq!(schedule.next(), now + SETTLE + MINUTE);
    }

    #[test]
    fn what_fails_is_left_alone_twice_as_long_each_time() {
        let (mut schedule, mut now) = begun();
        let (api, web) = (id("alice/api"), id("alice/web"));
        let mut pauses = Vec::new();
        for _ in 0..9 {
            schedule.failed(&api, now, 0.5);
            let pause = schedule.next().min(now + MOST) - now;
            let until = schedule.failing().next().map(|(_, _, until)| until).unwrap();
            assert_eq!(schedule.begin(now), BTreeSet::from([api.clone()]));
            pauses.push((until - now).as_secs());
            assert!(pause <= MINUTE, "the others are looked after");
            now = until;
            assert!(!schedule.begin(now).contains(&web));
            assert!(schedule.begin(now).is_empty(), "its time has come");
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        schedule.well(&api);
        schedule.failed(&api, now, 0.5);
        assert_eq!(schedule.failing().next().map(|(_, times, _)| times), Some(1));
    }

    #[test]
    fn a_pause_differs_by_a_fifth_at_most() {
        let (mut schedule, now) = begun();
        for (jitter, milliseconds) in [(0.0, 4_000), (0.5, 5_000), (1.0, 6_000), (7.0, 6_000)] {
            schedule.well(&id("alice/api"));
            schedule.failed(&id("alice/api"), now, jitter);
            assert_eq!(schedule.next() - now, Duration::from_millis(milliseconds));
        }
    }

    #[test]
    fn a_round_begins_when_a_window_opens() {
        let (mut schedule, now) = begun();
        schedule.wake(Some(now + MINUTE / 2));
        assert_eq!(schedule.next(), now + MINUTE / 2);
        schedule.begin(now + MINUTE / 2);
        assert_eq!(
            schedule.next(),
            now + MINUTE / 2 + MINUTE,
            "that round says whether anything waits still"
        );
    }

    #[test]
    fn a_newer_commit_waits_for_no_retry() {
        let (mut schedule, now) = begun();
        schedule.failed(&id("alice/api"), now, 1.0);
        schedule.out(now, 1.0);
        schedule.afresh(now);
        assert_eq!(schedule.next(), now + SETTLE);
        assert!(schedule.begin(now + SETTLE).is_empty());
    }

    #[test]
    fn while_nothing_can_be_done_nothing_that_happens_hurries() {
        let (mut schedule, now) = begun();
        schedule.out(now, 0.5);
        schedule.trigger(now);
        assert_eq!(schedule.next(), now + FIRST);
        schedule.back();
        assert_eq!(schedule.next(), now + SETTLE);
        let pauses = [5, 10, 10, 10].map(Duration::from_secs);
        for pause in pauses {
            schedule.out(now, 0.5);
            assert_eq!(
                schedule.next() - now,
                pause,
                "what comes back is not kept waiting"
            );
        }
    }
}
