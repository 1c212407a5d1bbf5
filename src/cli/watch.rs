//! Doing something again whenever a file is saved.

use std::path::PathBuf;
use std::time::Duration;

use notify_debouncer_full::notify::{EventKind, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, new_debouncer};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::Context;
use super::error::Error;

/// Editors write a file in several steps; this long after the last one it is saved.
const SETTLE: Duration = Duration::from_millis(150);

/// Does it once, and again after each save below `paths`, until Ctrl-C. What fails is shown and watched on.
pub(super) async fn watch(
    context: &Context,
    paths: &[PathBuf],
    mut again: impl AsyncFnMut() -> Result<(), Error>,
) -> Result<(), Error> {
    let (sender, mut saves) = mpsc::channel(1);
    let notify = move |result: DebounceEventResult| {
        let relevant = match result {
            Ok(events) => events.iter().any(matters),
            Err(_) => true,
        };
        if relevant {
            // A full channel means that a run is due already.
            let _ = sender.try_send(());
        }
    };
    let failed =
        |error: notify_debouncer_full::notify::Error| Error::new(format!("files can't be watched: {error}"));
    let mut watcher = new_debouncer(SETTLE, None, notify).map_err(failed)?;
    for path in paths {
        // Editors replace a file, so its folder is watched.
        let folder = if path.is_dir() {
            path
        } else {
            path.parent().unwrap_or(path)
        };
        watcher.watch(folder, RecursiveMode::Recursive).map_err(failed)?;
    }
    // One listener for all rounds: a Ctrl-C while files are checked must not get lost.
    let mut interrupts = signal(SignalKind::interrupt())?;
    loop {
        // A check may wait long for what it fetches.
        let done = tokio::select! {
            _ = interrupts.recv() => return Ok(()),
            done = again() => done,
        };
        if let Err(error) = done {
            context.out.error(&error.to_string(), None);
        }
        context.out.say("Watching; Ctrl-C ends it.");
        tokio::select! {
            _ = interrupts.recv() => return Ok(()),
            save = saves.recv() => if save.is_none() { return Ok(()) },
        }
    }
}

fn matters(event: &notify_debouncer_full::DebouncedEvent) -> bool {
    let touched = |e: &EventKind| e.is_create() || e.is_modify() || e.is_remove();
    let in_git = |path: &PathBuf| path.components().any(|c| c.as_os_str() == ".git");
    touched(&event.kind) && !event.paths.iter().all(in_git)
}
