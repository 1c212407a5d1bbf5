//! Cancelling: a request to begin nothing new, seen by whoever holds the other end.

use tokio::sync::watch;

/// The end that asks.
#[derive(Debug)]
pub struct Canceller(watch::Sender<bool>);

/// The end that is asked. Where the asking end is gone, nobody will ever ask.
#[derive(Clone, Debug)]
pub struct Cancellation(watch::Receiver<bool>);

/// Both ends.
#[must_use]
pub fn cancellation() -> (Canceller, Cancellation) {
    let (sender, receiver) = watch::channel(false);
    (Canceller(sender), Cancellation(receiver))
}

impl Canceller {
    /// Asks; asking again changes nothing.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }
}

impl Cancellation {
    /// Nobody will ever ask.
    #[must_use]
    pub fn never() -> Self {
        cancellation().1
    }

    /// Whether it has been asked for.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once it has been asked for, at once where it was before; never where nobody can ask.
    pub async fn cancelled(&mut self) {
        if self.0.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
