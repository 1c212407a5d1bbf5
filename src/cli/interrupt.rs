//! Ctrl-C while steps are carried out: the first one asks to begin nothing new, a second one, or one when no step is
//! under way any more, ends the program.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::signal::unix::{SignalKind, signal};

use super::error::INTERRUPTED;
use super::output::Output;
use crate::apply::{Cancellation, Canceller, cancellation};

/// The program's answer to Ctrl-C, once steps have been carried out.
#[derive(Default)]
pub(super) struct Interrupts {
    listening: OnceLock<()>,
    /// Who is to be asked.
    canceller: Arc<Mutex<Option<Canceller>>>,
}

impl Interrupts {
    /// From here to [`Self::end`], Ctrl-C asks to begin nothing new.
    pub(super) fn begin(&self, out: Output) -> Cancellation {
        let (canceller, cancelled) = cancellation();
        *lock(&self.canceller) = Some(canceller);
        self.listening.get_or_init(|| {
            tokio::spawn(listen(Arc::clone(&self.canceller), out));
        });
        cancelled
    }

    /// Asks the same without a person.
    pub(super) fn cancel(&self) {
        if let Some(canceller) = &*lock(&self.canceller) {
            canceller.cancel();
        }
    }

    /// No step is under way any more. Whether a person has asked to begin nothing new.
    pub(super) fn end(&self) -> bool {
        lock(&self.canceller).take().is_none()
    }
}

async fn listen(canceller: Arc<Mutex<Option<Canceller>>>, out: Output) {
    let Ok(mut signals) = signal(SignalKind::interrupt()) else {
        return;
    };
    while signals.recv().await.is_some() {
        let asked = lock(&canceller).take();
        match asked {
            Some(canceller) => {
                out.warn("interrupted; waiting for the steps under way, Ctrl-C again ends at once");
                canceller.cancel();
            }
            None => {
                out.warn("ended at once; wharf plan shows what is left");
                // Asked for twice: nothing may hold it up any more.
                std::process::exit(INTERRUPTED);
            }
        }
    }
}

fn lock(canceller: &Mutex<Option<Canceller>>) -> std::sync::MutexGuard<'_, Option<Canceller>> {
    // Invariant: whoever holds it only moves a value, so a panic elsewhere leaves it whole.
    canceller.lock().unwrap_or_else(PoisonError::into_inner)
}
