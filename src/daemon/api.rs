//! The daemon's socket: HTTP on a Unix socket that only its user may open. `docs/daemon.md` describes it.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, watch};

use super::{Obstacle, Phase, Status, Trigger};
use crate::model::Name;

/// Where the daemon of a site listens, in the directory of the site's locks.
#[must_use]
pub fn socket(directory: &Path, site: &Name) -> PathBuf {
    directory.join(format!("{site}.sock"))
}

/// What an approval is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// The digest of the plan.
    pub digest: String,
}

#[derive(Clone)]
struct Daemon {
    status: watch::Receiver<Status>,
    triggers: mpsc::Sender<Trigger>,
}

/// Listens at `path`. What is left there of a daemon that has ended is replaced; the caller holds the lock that says so.
///
/// # Errors
/// Where the socket can't be made.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves until it is dropped.
///
/// # Errors
/// Where the socket breaks.
pub async fn serve(
    listener: UnixListener,
    status: watch::Receiver<Status>,
    triggers: mpsc::Sender<Trigger>,
) -> io::Result<()> {
    let routes = Router::new()
        .route("/v1/status", get(show))
        .route(
            "/v1/sync",
            post(|State(daemon): State<Daemon>| tell(daemon, Trigger::Sync)),
        )
        .route(
            "/v1/pause",
            post(|State(daemon): State<Daemon>| tell(daemon, Trigger::Pause(true))),
        )
        .route(
            "/v1/resume",
            post(|State(daemon): State<Daemon>| tell(daemon, Trigger::Pause(false))),
        )
        .route("/v1/approve", post(approve))
        .route("/healthz", get(|| std::future::ready(StatusCode::NO_CONTENT)))
        .route("/readyz", get(ready))
        .with_state(Daemon { status, triggers });
    axum::serve(listener, routes).await
}

async fn show(State(daemon): State<Daemon>) -> Json<Status> {
    Json(daemon.status.borrow().clone())
}

async fn approve(State(daemon): State<Daemon>, Json(Approve { digest }): Json<Approve>) -> StatusCode {
    tell(daemon, Trigger::Approve(digest)).await
}

async fn tell(daemon: Daemon, trigger: Trigger) -> StatusCode {
    match daemon.triggers.send(trigger).await {
        Ok(()) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Ready is who has looked once and can look again.
async fn ready(State(daemon): State<Daemon>) -> Response {
    let status = daemon.status.borrow();
    let in_the_way = [Obstacle::Engine, Obstacle::Repository]
        .iter()
        .find_map(|obstacle| status.problems.get(obstacle));
    match (status.phase, in_the_way) {
        (Phase::Starting, _) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the first round has not ended").into_response()
        }
        (_, Some(problem)) => (StatusCode::SERVICE_UNAVAILABLE, problem.message.clone()).into_response(),
        (_, None) => StatusCode::NO_CONTENT.into_response(),
    }
}
