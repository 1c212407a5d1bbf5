//! Notices that something has happened: to the repository's refs, and on the engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use notify_debouncer_full::notify::{
    self, RecommendedWatcher, RecursiveMode, Watcher as _, recommended_watcher,
};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Trigger;
use crate::engine::Engine;
use crate::model::Name;

/// How often the repository is looked at where its refs are watched: a network's file system tells nobody.
const LOOK: Duration = Duration::from_secs(10);
/// How often where they can't be watched, because the machine has no watch left.
const POLL: Duration = Duration::from_secs(1);
/// How long to wait until the engine is asked for its events again.
const AGAIN: Duration = Duration::from_secs(1);

/// Where a repository keeps its refs: folders, and whether what is below them counts as well.
pub type Places = Vec<(PathBuf, bool)>;

/// Says so whenever `head` answers something else than before; it is asked when something in `places` is written, and from
/// time to time. Returns when nobody listens any more.
pub async fn repository(
    places: Places,
    head: impl Fn() -> Option<String> + Send + Sync + 'static,
    triggers: mpsc::Sender<Trigger>,
) {
    let (sender, mut written) = mpsc::channel(1);
    let watcher = watching(&places, sender);
    let every = match &watcher {
        Ok(_) => LOOK,
        Err(error) => {
            tracing::warn!("refs can't be watched, so they are looked at each second: {error}");
            POLL
        }
    };
    let head = Arc::new(head);
    let mut last = None;
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some(()) = written.recv() => {}
            _ = ticks.tick() => {}
        }
        let ask = Arc::clone(&head);
        let now = spawn_blocking(move || ask()).await.unwrap_or_default();
        if now != last {
            last = now;
            if triggers.send(Trigger::Commit).await.is_err() {
                return;
            }
        }
    }
}

fn watching(places: &[(PathBuf, bool)], sender: mpsc::Sender<()>) -> Result<RecommendedWatcher, String> {
    let told = move |event: notify::Result<notify::Event>| {
        if event.as_ref().map_or(true, |event| matters(event.kind)) {
            // A full channel means that a look is due already.
            let _ = sender.try_send(());
        }
    };
    let text = |error: notify_debouncer_full::notify::Error| error.to_string();
    let mut watcher = recommended_watcher(told).map_err(text)?;
    for (folder, below) in places {
        let mode = if *below {
            RecursiveMode::Recursive
        } else {
            RecursiveMode::NonRecursive
        };
        watcher.watch(Path::new(folder), mode).map_err(text)?;
    }
    Ok(watcher)
}

/// Whether something may have been written. To look at the refs is to open them, which must not be a reason to look again.
fn matters(kind: notify::EventKind) -> bool {
    !kind.is_access()
}

/// Says so whenever something happens to the site's objects, and once more after each time when nothing could be heard.
pub async fn engine(engine: Arc<dyn Engine>, site: Name, triggers: mpsc::Sender<Trigger>) {
    loop {
        let mut events = engine.events(&site);
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => tracing::debug!(?event, "event"),
                Err(error) => {
                    tracing::debug!("events: {error}");
                    break;
                }
            }
            if triggers.send(Trigger::Engine).await.is_err() {
                return;
            }
        }
        sleep(AGAIN).await;
        if triggers.send(Trigger::Engine).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_reads_does_not_matter() {
        use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind, RemoveKind};
        for kind in [
            AccessKind::Any,
            AccessKind::Read,
            AccessKind::Open(AccessMode::Any),
        ] {
            assert!(!matters(EventKind::Access(kind)), "{kind:?}");
        }
        for kind in [
            EventKind::Create(CreateKind::File),
            EventKind::Modify(ModifyKind::Any),
            EventKind::Remove(RemoveKind::File),
            EventKind::Any,
        ] {
            assert!(matters(kind), "{kind:?}");
        }
    }
}
