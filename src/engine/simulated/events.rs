//! What happens to the objects, told while it happens: by whoever changes them in this process, and where they are in a file,
//! by whoever writes that.

use std::path::Path;

use futures_util::{StreamExt as _, stream};
use notify_debouncer_full::notify::{RecursiveMode, Watcher as _, recommended_watcher};
use tokio::sync::mpsc;

use super::Simulated;
use super::objects::refused;
use crate::engine::{Event, EventStream, Result};

impl Simulated {
    pub(super) fn follow(&self) -> EventStream {
        let held = self.lock();
        let told = match held.store.path() {
            Some(file) => of_file(file),
            None => Ok(of_memory(held.store.changes())),
        };
        told.unwrap_or_else(|error| stream::once(std::future::ready(Err(error))).boxed())
    }
}

const SOMETHING: Event = Event { workspace: None };

fn of_memory(changes: tokio::sync::watch::Receiver<u64>) -> EventStream {
    let next = |mut changes: tokio::sync::watch::Receiver<u64>| async move {
        changes.changed().await.ok()?;
        Some((Ok(SOMETHING), changes))
    };
    stream::unfold(changes, next).boxed()
}

fn of_file(file: &Path) -> Result<EventStream> {
    let (sender, written) = mpsc::channel(1);
    let failed = |error: notify_debouncer_full::notify::Error| refused("events", error.to_string());
    let own = file.to_owned();
    let told = move |event: notify_debouncer_full::notify::Result<notify_debouncer_full::notify::Event>| {
        if event.is_ok_and(|event| event.paths.contains(&own)) {
            // A full channel means that somebody is told already.
            let _ = sender.try_send(());
        }
    };
    let mut watcher = recommended_watcher(told).map_err(failed)?;
    // The file is replaced with each change, so its folder is watched.
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    watcher
        .watch(folder.unwrap_or(Path::new(".")), RecursiveMode::NonRecursive)
        .map_err(failed)?;
    let next = |(mut written, watcher): (mpsc::Receiver<()>, _)| async move {
        written.recv().await?;
        Some((Ok(SOMETHING), (written, watcher)))
    };
    Ok(stream::unfold((written, watcher), next).boxed())
}
