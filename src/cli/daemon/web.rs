//! What the daemon tells other machines: metrics, and its ear for a git server's notices.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::net::TcpListener;

use super::super::error::Error;
use crate::daemon::api;

#[derive(Debug, clap::Args)]
pub(super) struct Listening {
    /// Serve metrics, health and a git server's notices on this address
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The file with the secret that a git server's notices are signed with
    #[arg(long, value_name = "FILE", requires = "listen")]
    hook_secret: Option<PathBuf>,
}

/// A socket that nobody has asked yet, where there is one.
pub(super) struct Web {
    open: Option<(TcpListener, Option<api::Secret>)>,
    daemon: api::Daemon,
}

impl Listening {
    pub(super) async fn open(&self, daemon: api::Daemon) -> Result<Web, Error> {
        let secret = self.hook_secret.as_deref().map(secret).transpose()?;
        let open = match self.listen {
            None => None,
            Some(address) => {
                let listening = TcpListener::bind(address).await;
                let failed = |e| Error::new(format!("can't listen on {address}: {e}"));
                let listener = listening.map_err(failed)?;
                let address = listener.local_addr().map_err(failed)?;
                tracing::info!(%address, hooks = secret.is_some(), "listening");
                Some((listener, secret))
            }
        };
        Ok(Web { open, daemon })
    }
}

impl Web {
    /// Serves until it is dropped.
    pub(super) async fn serve(self) -> Result<(), Error> {
        let Some((listener, secret)) = self.open else {
            return std::future::pending().await;
        };
        let served = api::serve_web(listener, self.daemon, secret).await;
        served.map_err(|e| Error::new(format!("other machines can't ask this daemon: {e}")))
    }
}

/// A secret that only this user can read.
fn secret(path: &Path) -> Result<api::Secret, Error> {
    let failed = |why: &str| Error::new(format!("the secret in {} can't be used: {why}", path.display()));
    let metadata = std::fs::metadata(path).map_err(|e| failed(&e.to_string()))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(failed(&format!("its mode {mode:o} lets others read it"))
            .hint(format!("chmod 600 {}", path.display())));
    }
    let content = std::fs::read(path).map_err(|e| failed(&e.to_string()))?;
    api::Secret::new(&content).map_err(|why| {
        failed(&why).hint("openssl rand -hex 32 makes one; it goes into the git server's settings as well.")
    })
}
