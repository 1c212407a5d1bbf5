//! Who is used, and who has not been for too long. It has no clock: what time it is, the caller says.
//!
//! A workspace is used while somebody says so (a session of `wharf exec`, say), and while its containers work: more than
//! a twentieth of a processor from one look to the next. What can't be measured counts as used.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::model::{Seconds, WorkspaceId};

/// What part of a processor's time is work: what merely waits takes less.
const WORK: u32 = 20;
/// How often is looked at least, and at most, however long the time-outs are.
const OFTEN: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_secs(60);
/// How many looks a time-out has.
const LOOKS: u32 = 6;
/// For how long a word that somebody uses a workspace holds.
const WORD: Duration = Duration::from_secs(30);

/// What is known of a workspace that may be suspended.
#[derive(Clone, Copy, Debug)]
struct Watched {
    timeout: Duration,
    /// Until when it was used, as far as is known.
    used: Instant,
    /// Its processor time at the last look, and when that was.
    time: Option<(Duration, Instant)>,
}

/// Everybody who may be suspended.
#[derive(Debug)]
pub(super) struct Idle {
    watched: BTreeMap<WorkspaceId, Watched>,
    looked: Instant,
}

impl Idle {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            watched: BTreeMap::new(),
            looked: now,
        }
    }

    /// These run and may be suspended, each after its time-out; who is new among them was used just now.
    pub(super) fn watch(&mut self, all: BTreeMap<WorkspaceId, Seconds>, now: Instant) {
        let mut before = std::mem::take(&mut self.watched);
        for (id, Seconds(seconds)) in all {
            let known = before.remove(&id).unwrap_or(Watched {
                timeout: Duration::ZERO,
                used: now,
                time: None,
            });
            let timeout = Duration::from_secs(seconds);
            self.watched.insert(id, Watched { timeout, ..known });
        }
    }

    /// Somebody has said that he uses it.
    pub(super) fn used(&mut self, id: &WorkspaceId, at: Instant) {
        if let Some(watched) = self.watched.get_mut(id) {
            watched.used = watched.used.max(at + WORD);
        }
    }

    /// These are being suspended: where they still run afterwards, they are new.
    pub(super) fn forget<'a>(&mut self, ids: impl Iterator<Item = &'a WorkspaceId>) {
        for id in ids {
            self.watched.remove(id);
        }
    }

    /// The processor time that each has used until now.
    pub(super) fn measured(&mut self, times: &BTreeMap<WorkspaceId, Duration>, now: Instant) {
        self.looked = now;
        for (id, watched) in &mut self.watched {
            let time = times.get(id).map(|time| (*time, now));
            let rested = watched
                .time
                .zip(time)
                .is_some_and(|((before, then), (after, _))| {
                    let passed = now.saturating_duration_since(then);
                    after
                        .checked_sub(before)
                        .is_some_and(|used| used * WORK <= passed)
                });
            if !rested {
                watched.used = watched.used.max(now);
            }
            watched.time = time;
        }
    }

    /// When to look next; never where nobody may be suspended.
    pub(super) fn due(&self) -> Option<Instant> {
        let shortest = self.watched.values().map(|watched| watched.timeout).min()?;
        Some(self.looked + (shortest / LOOKS).clamp(OFTEN, SELDOM))
    }

    /// Those that nobody had used for too long at the last look, and for how long that is.
    pub(super) fn overdue(&self) -> BTreeMap<WorkspaceId, Seconds> {
        let overdue =
            |watched: &&Watched| self.looked.saturating_duration_since(watched.used) >= watched.timeout;
        let all = self.watched.iter().filter(|(_, watched)| overdue(watched));
        all.map(|(id, watched)| (id.clone(), Seconds(watched.timeout.as_secs())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn watching(seconds: u64) -> (Idle, WorkspaceId, Instant) {
        #[allow(clippy::disallowed_methods)] // any moment will do
        let now = Instant::now();
        let id: WorkspaceId = "alice/api".parse().unwrap();
        let mut idle = Idle::new(now);
        idle.watch(BTreeMap::from([(id.clone(), Seconds(seconds))]), now);
        (idle, id, now)
    }

    /// A look, at which it has used so much in all; whether it is overdue then.
    fn look(idle: &mut Idle, id: &WorkspaceId, millis: u64, now: Instant) -> bool {
        let time = Duration::from_millis(millis);
        idle.measured(&BTreeMap::from([(id.clone(), time)]), now);
        idle.overdue().contains_key(id)
    }

    #[test]
    fn who_does_next_to_nothing_is_overdue_after_its_time() {
        let (mut idle, id, start) = watching(600);
        for minute in 0..10 {
            // Exactly a twentieth.
            let used = 500 + u64::from(minute) * 3000;
            assert!(!look(&mut idle, &id, used, start + minute * MINUTE), "{minute}");
        }
        assert!(look(&mut idle, &id, 30_500, start + 10 * MINUTE));
        assert_eq!(idle.overdue(), BTreeMap::from([(id.clone(), Seconds(600))]));
        idle.forget([&id].into_iter());
        assert!(idle.overdue().is_empty());
    }

    #[test]
    fn nobody_is_judged_without_a_look() {
        let (mut idle, id, start) = watching(600);
        look(&mut idle, &id, 0, start);
        assert!(!look(&mut idle, &id, 0, start + 9 * MINUTE));
        // It works from then on, and the next look sees that.
        assert!(!look(&mut idle, &id, 60_000, start + 11 * MINUTE));
        assert!(!look(&mut idle, &id, 60_000, start + 20 * MINUTE));
        assert!(look(&mut idle, &id, 60_000, start + 21 * MINUTE));
    }

    #[test]
    fn work_a_word_and_what_is_not_known_are_use() {
        let (mut idle, id, start) = watching(600);
        look(&mut idle, &id, 0, start);
        look(&mut idle, &id, 3001, start + MINUTE);
        assert!(!look(&mut idle, &id, 3001, start + 10 * MINUTE));
        assert!(look(&mut idle, &id, 3001, start + 11 * MINUTE));

        idle.used(&id, start + 11 * MINUTE);
        assert!(!look(&mut idle, &id, 3001, start + 21 * MINUTE));
        assert!(look(&mut idle, &id, 3001, start + 21 * MINUTE + WORD));

        idle.measured(&BTreeMap::new(), start + 22 * MINUTE);
        assert!(!look(&mut idle, &id, 3001, start + 31 * MINUTE));
        // A counter that begins anew is another container.
        assert!(!look(&mut idle, &id, 10, start + 40 * MINUTE));
        assert!(!look(&mut idle, &id, 10, start + 49 * MINUTE));
        assert!(look(&mut idle, &id, 10, start + 50 * MINUTE));
    }

    #[test]
    fn who_comes_back_begins_anew_and_who_stays_does_not() {
        let (mut idle, id, start) = watching(600);
        let all = || BTreeMap::from([(id.clone(), Seconds(600))]);
        look(&mut idle, &id, 0, start);
        idle.watch(all(), start + 9 * MINUTE);
        assert!(look(&mut idle, &id, 0, start + 10 * MINUTE));
        idle.watch(BTreeMap::new(), start + 10 * MINUTE);
        assert!(idle.overdue().is_empty());
        assert_eq!(idle.due(), None);
        idle.watch(all(), start + 11 * MINUTE);
        look(&mut idle, &id, 0, start + 12 * MINUTE);
        assert!(!look(&mut idle, &id, 0, start + 21 * MINUTE));
        assert!(look(&mut idle, &id, 0, start + 22 * MINUTE));
    }

    #[test]
    fn looks_are_as_far_apart_as_the_shortest_time_out_allows() {
        for (seconds, expected) in [(1, 1), (60, 10), (3600, 60)] {
            let (idle, _, start) = watching(seconds);
            assert_eq!(
                idle.due(),
                Some(start + Duration::from_secs(expected)),
                "{seconds}"
            );
        }
    }
}
