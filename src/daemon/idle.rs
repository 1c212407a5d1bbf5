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

    /// Somebody says that he uses it.
    pub(super) fn used(&mut self, id: &WorkspaceId, now: Instant) {
        if let Some(watched) = self.watched.get_mut(id) {
            watched.used = watched.used.max(now + WORD);
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

    /// Those that nobody has used for too long, and for how long that is.
    pub(super) fn overdue(&self, now: Instant) -> BTreeMap<WorkspaceId, Seconds> {
        let overdue = |watched: &&Watched| now.saturating_duration_since(watched.used) >= watched.timeout;
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

    /// A look each minute, at which it has used so much in all.
    fn look(idle: &mut Idle, id: &WorkspaceId, millis: u64, now: Instant) {
        idle.measured(
            &BTreeMap::from([(id.clone(), Duration::from_millis(millis))]),
            now,
        );
    }

    #[test]
    fn who_does_next_to_nothing_is_overdue_after_its_time() {
        let (mut idle, id, mut now) = watching(600);
        look(&mut idle, &id, 500, now);
        for minute in 1..=10 {
            assert!(idle.overdue(now).is_empty(), "{minute}");
            now += MINUTE;
            look(&mut idle, &id, 500 + minute * 3000, now); // exactly a twentieth
        }
        assert_eq!(idle.overdue(now), BTreeMap::from([(id, Seconds(600))]));
    }

    #[test]
    fn work_a_word_and_what_is_not_known_are_use() {
        let (mut idle, id, start) = watching(600);
        look(&mut idle, &id, 0, start);
        look(&mut idle, &id, 3001, start + MINUTE);
        assert!(idle.overdue(start + 10 * MINUTE).is_empty());
        assert_eq!(idle.overdue(start + 11 * MINUTE).len(), 1);

        look(&mut idle, &id, 3001, start + 2 * MINUTE);
        idle.used(&id, start + 2 * MINUTE);
        assert!(idle.overdue(start + 12 * MINUTE).is_empty());
        assert_eq!(idle.overdue(start + 12 * MINUTE + WORD).len(), 1);

        idle.measured(&BTreeMap::new(), start + 5 * MINUTE);
        assert!(idle.overdue(start + 14 * MINUTE).is_empty());
        // A counter that begins anew is another container.
        look(&mut idle, &id, 9000, start + 6 * MINUTE);
        look(&mut idle, &id, 10, start + 7 * MINUTE);
        assert!(idle.overdue(start + 16 * MINUTE).is_empty());
        assert_eq!(idle.overdue(start + 17 * MINUTE).len(), 1);
    }

    #[test]
    fn who_comes_back_begins_anew_and_who_stays_does_not() {
        let (mut idle, id, start) = watching(600);
        let all = || BTreeMap::from([(id.clone(), Seconds(600))]);
        idle.watch(all(), start + 9 * MINUTE);
        assert_eq!(idle.overdue(start + 10 * MINUTE).len(), 1);
        idle.watch(BTreeMap::new(), start + 10 * MINUTE);
        assert!(idle.overdue(start + 10 * MINUTE).is_empty());
        assert_eq!(idle.due(), None);
        idle.watch(all(), start + 11 * MINUTE);
        assert!(idle.overdue(start + 20 * MINUTE).is_empty());
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
