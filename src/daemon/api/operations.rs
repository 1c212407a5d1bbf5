//! What can be asked of the daemon, one function an operation.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::super::journal::Event;
use super::super::metrics::MEDIA_TYPE;
use super::super::{Obstacle, Phase, Status, Trigger};
use super::caller::Caller;
use super::hook::{self, Secret};
use super::{Approve, Daemon, Use};

/// Whether what is asked for goes on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Watch {
    /// Whether to go on: another line each time it changes.
    #[serde(default)]
    watch: bool,
}

/// What the daemon is at
///
/// One object; with `watch`, one a line, the present one first.
#[utoipa::path(get, path = "/v1/status", params(Watch), responses(
    (status = 200, description = "What it is at", body = Status)))]
pub(super) async fn status(State(daemon): State<Daemon>, Query(query): Query<Watch>) -> Response {
    if !query.watch {
        return Json(daemon.status.borrow().clone()).into_response();
    }
    let mut status = daemon.status;
    status.mark_changed();
    lines(stream::unfold(status, |mut status| async move {
        status.changed().await.ok()?;
        let line = line(&*status.borrow_and_update());
        Some((line, status))
    }))
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Those whose number is greater.
    #[serde(default)]
    after: u64,
    /// Whether to go on: another line with each one.
    #[serde(default)]
    follow: bool,
}

/// What has happened
///
/// One object a line, the oldest first. The newest 2,000 are kept, until the daemon ends.
#[utoipa::path(get, path = "/v1/events", params(Which), responses(
    (status = 200, description = "Events, one a line", body = Event, content_type = "application/x-ndjson")))]
pub(super) async fn events(State(daemon): State<Daemon>, Query(query): Query<Which>) -> Response {
    let journal = daemon.journal;
    let mut newest = journal.newest();
    newest.mark_changed();
    let Which { after, follow } = query;
    lines(stream::unfold(
        Some((journal, newest, after)),
        move |state| async move {
            let (journal, mut newest, after) = state?;
            newest.changed().await.ok()?;
            newest.mark_unchanged();
            let events = journal.after(after);
            let after = events.last().map_or(after, |event| event.number);
            let text: Vec<u8> = events.iter().flat_map(line).collect();
            Some((text, follow.then_some((journal, newest, after))))
        },
    ))
}

/// Look at the repository now, and try failed workspaces again
#[utoipa::path(post, path = "/v1/sync", responses((status = 202, description = "It looks")))]
pub(super) async fn sync(State(daemon): State<Daemon>) -> StatusCode {
    tell(&daemon, Trigger::Sync).await
}

/// Look now, and wait for no maintenance window
#[utoipa::path(post, path = "/v1/sync/now", responses((status = 202, description = "It looks")))]
pub(super) async fn sync_now(State(daemon): State<Daemon>) -> StatusCode {
    tell(&daemon, Trigger::Now).await
}

/// Look on and change nothing
#[utoipa::path(post, path = "/v1/pause", responses((status = 202, description = "It pauses")))]
pub(super) async fn pause(State(daemon): State<Daemon>) -> StatusCode {
    tell(&daemon, Trigger::Pause(true)).await
}

/// Act again
#[utoipa::path(post, path = "/v1/resume", responses((status = 202, description = "It acts again")))]
pub(super) async fn resume(State(daemon): State<Daemon>) -> StatusCode {
    tell(&daemon, Trigger::Pause(false)).await
}

/// Approve of what a plan asks for, or of a commit that rewrites history
///
/// Who asks is recorded with it.
#[utoipa::path(post, path = "/v1/approve", request_body = Approve, responses(
    (status = 202, description = "It is carried out as soon as a plan has that digest"),
    (status = "4XX", description = "The body is something else")))]
pub(super) async fn approve(
    State(daemon): State<Daemon>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    Json(Approve { digest }): Json<Approve>,
) -> StatusCode {
    match caller.user() {
        Some(user) => tell(&daemon, Trigger::Approve(digest, user)).await,
        // Nobody approves namelessly.
        None => StatusCode::FORBIDDEN,
    }
}

/// Somebody uses a workspace
///
/// It is not suspended for idleness within the next half minute, nor within its time-out after that.
#[utoipa::path(post, path = "/v1/use", request_body = Use, responses(
    (status = 202, description = "It is noted"),
    (status = "4XX", description = "The body is something else")))]
pub(super) async fn used(State(daemon): State<Daemon>, Json(Use { workspace }): Json<Use>) -> StatusCode {
    match workspace.parse() {
        Ok(workspace) => {
            daemon.uses.note(workspace);
            StatusCode::ACCEPTED
        }
        Err(_) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

async fn tell(daemon: &Daemon, trigger: Trigger) -> StatusCode {
    match daemon.triggers.send(trigger).await {
        Ok(()) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Whether it lives
#[utoipa::path(get, path = "/healthz", responses((status = 204, description = "It does")))]
pub(super) async fn healthz() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Whether it has looked once and can look again
#[utoipa::path(get, path = "/readyz", responses(
    (status = 204, description = "It has, and can"),
    (status = 503, description = "What stands in the way", body = String)))]
pub(super) async fn readyz(State(daemon): State<Daemon>) -> Response {
    let status = daemon.status.borrow();
    let in_the_way = [Obstacle::Engine, Obstacle::Repository]
        .into_iter()
        .find(|obstacle| status.problems.contains_key(obstacle));
    // Whoever may ask this need not know what is in the message: a path, an address.
    let why = match (status.phase, in_the_way) {
        (Phase::Starting, _) => "the first round has not ended".to_owned(),
        (_, Some(obstacle)) => format!("there is a problem: {}", obstacle.as_str()),
        (_, None) => return StatusCode::NO_CONTENT.into_response(),
    };
    (StatusCode::SERVICE_UNAVAILABLE, why + "\n").into_response()
}

/// What it counts, for Prometheus
#[utoipa::path(get, path = "/metrics", responses(
    (status = 200, description = "Metrics", body = String, content_type = "application/openmetrics-text")))]
pub(super) async fn metrics(State(daemon): State<Daemon>) -> Response {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], daemon.metrics.text()).into_response()
}

/// What a git server's notice needs.
#[derive(Clone)]
pub(super) struct Hooks {
    pub(super) daemon: Daemon,
    pub(super) secret: Secret,
}

/// A git server's notice that somebody has pushed
///
/// As GitHub, GitLab, Gitea and Forgejo send it. What it says is not read: it lets the daemon look.
#[utoipa::path(post, path = "/hooks/git", request_body(content = String, content_type = "application/json"), responses(
    (status = 202, description = "It looks"),
    (status = 401, description = "Neither a signature nor a token comes with it"),
    (status = 403, description = "Its sender does not know the secret"),
    (status = 408, description = "It did not come within ten seconds"),
    (status = 413, description = "It is larger than 25 MiB")))]
pub(super) async fn hook(State(hooks): State<Hooks>, headers: HeaderMap, body: Body) -> StatusCode {
    let code = hook::check(&hooks.secret, &headers, body).await;
    let accepted = code == StatusCode::ACCEPTED;
    hooks.daemon.metrics.hook(accepted);
    if accepted {
        // Where triggers wait already, a look is due.
        let _ = hooks.daemon.triggers.try_send(Trigger::Pushed);
    }
    code
}

/// A value as a line of its own.
fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}

fn lines(lines: impl Stream<Item = Vec<u8>> + Send + 'static) -> Response {
    use futures_util::StreamExt as _;
    let body = Body::from_stream(lines.map(|line| Ok::<Bytes, std::convert::Infallible>(line.into())));
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}
