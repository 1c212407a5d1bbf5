//! Who is at the other end of the socket, as the kernel says.

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::UnixListener;
use tokio::net::unix::UCred;

use crate::audit::{User, place};

/// Who has connected.
#[derive(Clone, Debug)]
pub(super) struct Caller(Option<UCred>);

impl Caller {
    /// As which user, while the request waits for its answer: whoever sent it lives still. Nothing where the kernel does not
    /// say.
    pub(super) fn user(&self) -> Option<User> {
        self.0
            .as_ref()
            .map(|caller| place::peer(caller.uid(), caller.pid()))
    }
}

impl Connected<IncomingStream<'_, UnixListener>> for Caller {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self(stream.io().peer_cred().ok())
    }
}
