//! When a repository elsewhere is fetched, and what has come of it. How, the caller says.
//!
//! Fetching runs beside the loop and never holds it up: what was fetched is seen by the next round.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::{Metrics, Trigger, jitter, seconds};

/// The longest pause after a fetch that has failed, unless the interval itself is longer.
const MOST: Duration = Duration::from_secs(300);

/// What has come of fetching.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// When a fetch last succeeded, in seconds since 1970.
    pub at: Option<u64>,
    /// Why the last one failed, if it did.
    pub error: Option<String>,
    /// Whether one was asked for that has not ended.
    pub under_way: bool,
}

/// What those who fetch and those who wait for it know of each other.
#[derive(Debug, Default)]
pub struct Fetching(watch::Sender<State>);

/// Whom a fetch's end is told.
#[derive(Clone, Debug)]
pub struct Listeners {
    /// The loop.
    pub triggers: mpsc::Sender<Trigger>,
    /// Who counts.
    pub metrics: Metrics,
}

#[derive(Clone, Debug, Default)]
struct State {
    /// How many times a fetch was asked for, and how many of these requests were met.
    asked: u64,
    met: u64,
    /// How many fetches have ended.
    ended: u64,
    at: Option<u64>,
    error: Option<String>,
}

impl Fetching {
    /// Asks for a fetch now.
    pub fn ask(&self) {
        self.0.send_modify(|state| state.asked += 1);
    }

    /// What has come of it so far.
    #[must_use]
    pub fn fetched(&self) -> Fetched {
        let state = self.0.borrow();
        Fetched {
            at: state.at,
            error: state.error.clone(),
            under_way: state.asked > state.met,
        }
    }

    /// Waits until the first fetch has ended, well or not.
    pub async fn first(&self) {
        let mut state = self.0.subscribe();
        // The sender is in `self`, so it can't have gone.
        let _ = state.wait_for(|state| state.ended > 0).await;
    }
}

/// Fetches for ever: after each `interval`, more or less a tenth, and whenever somebody asks. `fetch` says whether anything
/// has changed. Returns when nobody listens any more.
pub async fn poll(
    fetching: Arc<Fetching>,
    interval: Duration,
    mut fetch: impl AsyncFnMut() -> Result<bool, String>,
    Listeners { triggers, metrics }: Listeners,
) {
    let mut requests = fetching.0.subscribe();
    let mut failures = 0;
    loop {
        let (asked, met) = {
            let state = requests.borrow_and_update();
            (state.asked, state.met)
        };
        let result = fetch().await;
        metrics.fetch(result.is_ok(), seconds());
        let before = fetching.fetched().error;
        failures = if result.is_ok() { 0 } else { failures + 1 };
        let changed = match &result {
            Ok(changed) => *changed || before.is_some(),
            Err(error) => before.as_ref() != Some(error),
        };
        fetching.0.send_modify(|state| {
            state.met = asked;
            state.ended += 1;
            if result.is_ok() {
                state.at = Some(seconds());
            }
            state.error = result.err();
        });
        if (changed || asked > met) && triggers.send(Trigger::Commit).await.is_err() {
            return;
        }
        let mut pause = pin!(sleep(pause(interval, failures)));
        loop {
            tokio::select! {
                () = &mut pause => break,
                changed = requests.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    // What this has written itself is no request.
                    if requests.borrow().asked > asked {
                        break;
                    }
                }
            }
        }
    }
}

/// How long to wait, after that many failures in a row.
fn pause(interval: Duration, failures: u32) -> Duration {
    let longer = interval
        .saturating_mul(1 << failures.saturating_sub(1).min(16))
        .min(MOST);
    longer.max(interval).mul_f64(0.9 + 0.2 * jitter())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::time::Instant;

    use super::super::Told;
    use super::*;

    const EVERY: Duration = Duration::from_secs(30);

    struct Polled {
        fetching: Arc<Fetching>,
        triggers: mpsc::Receiver<Trigger>,
        metrics: Metrics,
        begun: Arc<Mutex<Vec<Instant>>>,
        fails: Arc<AtomicBool>,
    }

    /// A poll whose fetches take a second.
    fn start() -> Polled {
        let (sender, triggers) = mpsc::channel(64);
        let polled = Polled {
            fetching: Arc::default(),
            triggers,
            metrics: Told::default().metrics,
            begun: Arc::default(),
            fails: Arc::default(),
        };
        let (begun, fails) = (Arc::clone(&polled.begun), Arc::clone(&polled.fails));
        let fetch = async move || {
            begun.lock().unwrap().push(Instant::now());
            sleep(Duration::from_secs(1)).await;
            match fails.load(Ordering::Relaxed) {
                true => Err("no route".to_owned()),
                false => Ok(false),
            }
        };
        let listeners = Listeners {
            triggers: sender,
            metrics: polled.metrics.clone(),
        };
        tokio::spawn(poll(Arc::clone(&polled.fetching), EVERY, fetch, listeners));
        polled
    }

    impl Polled {
        /// How many fetches were counted, by how they ended.
        fn counted(&self, outcome: &str) -> usize {
            let counted = self.metrics.text();
            let name = format!("wharf_fetches_total{{outcome=\"{outcome}\"}} ");
            let line = counted.lines().find_map(|line| line.strip_prefix(&name));
            line.unwrap().parse().unwrap()
        }

        fn times(&self) -> usize {
            self.begun.lock().unwrap().len()
        }

        /// The pauses between the beginnings so far, in seconds.
        fn pauses(&self) -> Vec<u64> {
            let begun = self.begun.lock().unwrap();
            begun
                .windows(2)
                .map(|pair| (pair[1] - pair[0]).as_secs())
                .collect()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_fetches_from_time_to_time_and_says_nothing_of_what_is_as_before() {
        let mut polled = start();
        polled.fetching.first().await;
        assert!(polled.fetching.fetched().at.is_some());
        sleep(EVERY * 10).await;
        let pauses = polled.pauses();
        assert!(
            pauses.len() >= 8 && pauses.iter().all(|pause| (28..=34).contains(pause)),
            "{pauses:?}"
        );
        assert!(polled.triggers.try_recv().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_is_told_once_it_has_been_fetched_again() {
        let mut polled = start();
        polled.fetching.first().await;
        let since = Instant::now();
        polled.fetching.ask();
        assert!(polled.fetching.fetched().under_way);
        assert_eq!(polled.triggers.recv().await, Some(Trigger::Commit));
        assert!(since.elapsed() < Duration::from_secs(2) && !polled.fetching.fetched().under_way);
        // One that was under way when somebody asked may have looked before that.
        polled.fetching.ask();
        sleep(Duration::from_millis(500)).await;
        polled.fetching.ask();
        assert_eq!(polled.triggers.recv().await, Some(Trigger::Commit));
        assert!(polled.fetching.fetched().under_way);
        assert_eq!(polled.triggers.recv().await, Some(Trigger::Commit));
        assert!(!polled.fetching.fetched().under_way);
        assert_eq!(polled.times(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn after_failures_it_waits_longer_at_most_five_minutes_and_says_so_once() {
        let mut polled = start();
        polled.fails.store(true, Ordering::Relaxed);
        sleep(Duration::from_secs(3600)).await;
        let pauses = polled.pauses();
        assert!(
            (27..=34).contains(&pauses[0]) && (54..=67).contains(&pauses[1]),
            "{pauses:?}"
        );
        assert!(
            pauses[4..].iter().all(|pause| (270..=331).contains(pause)),
            "{pauses:?}"
        );
        assert_eq!(polled.triggers.recv().await, Some(Trigger::Commit));
        assert!(polled.triggers.try_recv().is_err());
        assert_eq!(polled.fetching.fetched().error.as_deref(), Some("no route"));
        assert_eq!((polled.counted("done"), polled.counted("failed") > 10), (0, true));
        polled.fails.store(false, Ordering::Relaxed);
        polled.fetching.ask();
        assert_eq!(polled.triggers.recv().await, Some(Trigger::Commit));
        assert_eq!(polled.fetching.fetched().error, None);
        assert_eq!(polled.counted("done"), 1);
        let at = "\nwharf_fetch_last_success_timestamp_seconds 1";
        assert!(polled.metrics.text().contains(at));
    }
}
