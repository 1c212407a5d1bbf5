//! Telling the daemon that somebody uses a workspace, so that it is not suspended meanwhile.

use std::time::Duration;

use tokio::task::JoinHandle;

use super::daemon_client::Client;
use crate::daemon::api::Use;
use crate::model::{Name, WorkspaceId};

/// How often it is told; the daemon believes it a little longer.
const AGAIN: Duration = Duration::from_secs(10);

/// Somebody uses a workspace for as long as this is there.
pub(super) struct Presence(JoinHandle<()>);

impl Presence {
    /// Somebody uses it from now on. Where no daemon runs there is nobody to tell, nor anybody who suspends it.
    pub(super) fn begin(site: &Name, workspace: &WorkspaceId) -> Self {
        let (site, workspace) = (site.clone(), workspace.clone());
        Self(tokio::spawn(async move {
            loop {
                tell(&site, &workspace).await;
                tokio::time::sleep(AGAIN).await;
            }
        }))
    }
}

/// Somebody uses a workspace just now.
pub(super) async fn tell(site: &Name, workspace: &WorkspaceId) {
    if let Ok(Some(client)) = Client::of(site) {
        let used = Use {
            workspace: workspace.to_string(),
        };
        // Nothing hangs on one word: it is said again, and whoever works is seen to.
        let _ = client.post(site, "use", &used).await;
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.abort();
    }
}
