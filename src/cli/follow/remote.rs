//! A repository elsewhere: its mirror, when that is fetched, and when all of it is fetched anew.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::daemon::fetching::Fetching;
use crate::source;
use crate::source::remote::{Mirror, Order};

/// A repository elsewhere.
pub(super) struct Remote {
    pub(super) mirror: Mirror,
    pub(super) order: Order,
    rev: String,
    pub(super) interval: Duration,
    pub(super) fetching: Arc<Fetching>,
    /// The mirror is not what was fetched.
    damaged: AtomicBool,
    /// The commit for whose sake all was fetched anew last: where it is damaged there as well, once is enough.
    healed: Mutex<Option<String>>,
}

impl Remote {
    /// Nothing of it has been fetched by this process.
    pub(super) fn new(mirror: Mirror, order: Order, rev: String, interval: Duration) -> Self {
        Self {
            mirror,
            order,
            rev,
            interval,
            fetching: Arc::default(),
            damaged: AtomicBool::new(false),
            healed: Mutex::default(),
        }
    }

    /// Has all fetched anew, as a commit is damaged.
    pub(super) fn heal(&self, commit: &str) {
        let mut healed = self.healed.lock().unwrap_or_else(PoisonError::into_inner);
        if healed.replace(commit.to_owned()).as_deref() != Some(commit) {
            self.damaged.store(true, Ordering::Relaxed);
            self.fetching.ask();
        }
    }

    /// Fetches; whether the branch is at another commit now.
    pub(super) async fn fetch(&self, anew: bool) -> Result<bool, String> {
        let dir = self.mirror.repository();
        let before = source::commit(&dir, &self.rev).ok();
        let damaged = self.damaged.swap(false, Ordering::Relaxed);
        let anew = anew || damaged || self.mirror.is_worn();
        let mut result = self.mirror.fetch(&self.order, anew).await;
        if !anew && !self.mirror.is_new() && source::is_damaged(&dir) {
            tracing::warn!("the mirror is damaged, so all is fetched anew");
            result = self.mirror.fetch(&self.order, true).await;
        }
        if damaged && result.is_err() {
            self.damaged.store(true, Ordering::Relaxed);
        }
        let origin = &self.order.origin;
        result.map_err(|why| format!("{origin} can't be fetched: {why}"))?;
        Ok(damaged || source::commit(&dir, &self.rev).ok() != before)
    }
}
