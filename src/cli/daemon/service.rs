//! What systemd is told: that the daemon is ready, what it is at, and that it lives.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::daemon::{Phase, Status};

/// How often without a watchdog: nobody waits.
const SELDOM: Duration = Duration::from_secs(3_600);

/// Tells until it is dropped. Where no service manager listens, nobody is told.
pub(super) async fn tell(mut status: watch::Receiver<Status>) {
    // Twice within what it waits for.
    let every = sd_notify::watchdog_enabled().map_or(SELDOM, |bound| bound / 2);
    let mut lives = interval(every.max(Duration::from_millis(100)));
    lives.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ready = false;
    let mut last = String::new();
    loop {
        tokio::select! {
            _ = lives.tick() => send(&[NotifyState::Watchdog]),
            changed = status.changed() => {
                if changed.is_err() {
                    return;
                }
                let (phase, follows, text) = {
                    let status = status.borrow_and_update();
                    let follows = status.site.is_some() || !status.problems.is_empty();
                    (status.phase, follows, line(&status))
                };
                // What the first commit asks for may take longer than a service's start may.
                if follows && !ready {
                    ready = true;
                    send(&[NotifyState::Ready]);
                }
                if phase == Phase::Stopping {
                    send(&[NotifyState::Stopping]);
                }
                if text != last {
                    send(&[NotifyState::Status(&text)]);
                    last = text;
                }
            }
        }
    }
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("the service manager can't be told: {error}");
    }
}

/// What it is at, in a line for `systemctl status`.
fn line(status: &Status) -> String {
    let commit = status
        .applied
        .as_deref()
        .map_or("none", |commit| commit.get(..10).unwrap_or(commit));
    match status.problems.values().next() {
        Some(problem) => problem.message.lines().next().unwrap_or_default().to_owned(),
        None if status.paused => format!("paused; applied {commit}"),
        None if status.converged => format!("everything is as declared; applied {commit}"),
        None => format!("not everything is as declared; applied {commit}"),
    }
}
