//! How the daemon is asked: HTTP, of two kinds.
//!
//! People and commands speak to a Unix socket that only the daemon's user may open ([`listen`], [`serve`]); whoever may
//! open it may ask for anything. Other machines, where they are let in at all, reach what tells and changes nothing, and a git
//! server's notice of a push ([`serve_web`]). `schema/daemon.json` describes both, and is made from what is here.

mod caller;
mod hook;
mod operations;
mod peer;

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use axum::Router;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{mpsc, watch};
use utoipa::ToSchema;
use utoipa::openapi::{Info, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Journal, Metrics, Status, Trigger, Uses};
use crate::model::Name;
pub use hook::Secret;

/// Where the daemon of a site listens, in the directory of the site's locks.
#[must_use]
pub fn socket(directory: &Path, site: &Name) -> PathBuf {
    directory.join(format!("{site}.sock"))
}

/// What an approval is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// The digest of the plan.
    pub digest: String,
}

/// Who is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// The workspace, `OWNER/NAME`.
    pub workspace: String,
}

/// What the daemon tells, and how it is told.
#[derive(Clone, Debug)]
pub struct Daemon {
    /// What it is at.
    pub status: watch::Receiver<Status>,
    /// What has happened.
    pub journal: Journal,
    /// What it counts.
    pub metrics: Metrics,
    /// What it is asked.
    pub triggers: mpsc::Sender<Trigger>,
    /// What it is told of who is used.
    pub uses: Uses,
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

/// Serves the socket until it is dropped.
///
/// # Errors
/// Where the socket breaks.
pub async fn serve(listener: UnixListener, daemon: Daemon) -> io::Result<()> {
    let routes: Router = told().merge(asked()).with_state(daemon).into();
    let routes = routes.into_make_service_with_connect_info::<caller::Caller>();
    axum::serve(listener, routes).await
}

/// Serves other machines until it is dropped: what may be told to anybody, and, where there is a secret, notices of a git
/// server.
///
/// # Errors
/// Where the socket breaks.
pub async fn serve_web(listener: TcpListener, daemon: Daemon, secret: Option<Secret>) -> io::Result<()> {
    let mut routes: Router = told().with_state(daemon.clone()).into();
    if let Some(secret) = secret {
        let hooks: Router = hooks().with_state(operations::Hooks { daemon, secret }).into();
        routes = routes.merge(hooks);
    }
    axum::serve(peer::Bounded::new(listener), routes).await
}

/// What changes nothing and tells nothing of anybody's work.
fn told() -> OpenApiRouter<Daemon> {
    OpenApiRouter::new()
        .routes(routes!(operations::healthz))
        .routes(routes!(operations::readyz))
        .routes(routes!(operations::metrics))
}

fn asked() -> OpenApiRouter<Daemon> {
    OpenApiRouter::new()
        .routes(routes!(operations::status))
        .routes(routes!(operations::events))
        .routes(routes!(operations::sync))
        .routes(routes!(operations::sync_now))
        .routes(routes!(operations::pause))
        .routes(routes!(operations::resume))
        .routes(routes!(operations::approve))
        .routes(routes!(operations::used))
}

fn hooks() -> OpenApiRouter<operations::Hooks> {
    OpenApiRouter::new().routes(routes!(operations::hook))
}

/// What can be asked, in the form of OpenAPI.
#[must_use]
pub fn description() -> OpenApi {
    let mut all = told().merge(asked()).into_openapi();
    all.merge(hooks().into_openapi());
    all.info = Info::new("The wharf daemon", super::FORMAT_VERSION);
    all.info.description = Some(
        "/v1 is served on the site's Unix socket alone; everything else on the address of --listen as well. With the same \
         version, operations and keys are only ever added."
            .to_owned(),
    );
    all
}
