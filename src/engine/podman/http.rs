//! Requests on podman-api's connector, for what that crate lacks or gets wrong: percent-encoded paths, bounds in time,
//! Podman's own words on failure, connections that are kept.
//!
//! A read whose kept connection turns out to be broken (the service was restarted) is sent once more; a mutation never
//! is. What the answers mean doesn't belong here.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use containers_api::conn::{self, Transport, get_unix_connector};
use hyper::{Body, Client, Method, Request, Response, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fault::{self, Call};
use crate::engine::{EngineError, Result};
use crate::model::UidRange;

/// The bound of a read.
pub(super) const READ: Duration = Duration::from_secs(30);
/// The bound of a mutation.
pub(super) const MUTATE: Duration = Duration::from_secs(60);
/// How long a stream of progress may stay silent.
pub(super) const IDLE: Duration = Duration::from_secs(300);
/// The oldest version of the API that both supported versions of Podman speak.
const VERSION: &str = "/v4.0.0/libpod";

/// Podman's socket.
#[derive(Debug)]
pub(super) struct Api {
    transport: Transport,
    socket: PathBuf,
    /// The uid ranges of pods that were seen, by the pods' ids: a range stays the same for as long as its pod is there.
    pub(super) ranges: Mutex<BTreeMap<String, Option<UidRange>>>,
    /// Containers that were created here and not started yet, by their ids.
    pub(super) unstarted: Mutex<BTreeSet<String>>,
}

/// Builds a path below the API's root from parts, which are percent-encoded one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint(String);

impl Endpoint {
    pub(super) fn new(parts: &[&str]) -> Self {
        let mut path = VERSION.to_owned();
        for part in parts {
            path.push('/');
            encode(part, &mut path);
        }
        Self(path)
    }

    pub(super) fn query(mut self, key: &str, value: &str) -> Self {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        encode(key, &mut self.0);
        self.0.push('=');
        encode(value, &mut self.0);
        self
    }
}

fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            into.push_str(&format!("%{byte:02X}"));
        }
    }
}

impl Api {
    pub(super) fn new(socket: &Path) -> Self {
        let client = Client::builder()
            .pool_max_idle_per_host(8)
            .build(get_unix_connector());
        Self {
            transport: Transport::Unix {
                client,
                path: socket.to_owned(),
            },
            socket: socket.to_owned(),
            ranges: Mutex::default(),
            unstarted: Mutex::default(),
        }
    }

    /// Reads and decodes.
    pub(super) async fn get<T: DeserializeOwned>(&self, call: Call<'_>, endpoint: &Endpoint) -> Result<T> {
        self.get_within(call, READ, endpoint).await
    }

    /// The same for an answer that may take longer than others.
    pub(super) async fn get_within<T: DeserializeOwned>(
        &self,
        call: Call<'_>,
        bound: Duration,
        endpoint: &Endpoint,
    ) -> Result<T> {
        let body =
            twice(|| self.bytes(call, bound, || Ok(request(Method::GET, Body::empty())), endpoint)).await?;
        decode(call, &body)
    }

    /// Whether something is there: Podman's `…/exists` endpoints.
    pub(super) async fn exists(&self, call: Call<'_>, endpoint: &Endpoint) -> Result<bool> {
        match twice(|| self.bytes(call, READ, || Ok(request(Method::GET, Body::empty())), endpoint)).await {
            Ok(_) => Ok(true),
            Err(EngineError::NotFound(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Posts a body and decodes the answer.
    pub(super) async fn post<B: Serialize + Sync, T: DeserializeOwned>(
        &self,
        call: Call<'_>,
        endpoint: &Endpoint,
        body: &B,
    ) -> Result<T> {
        let answer = self.bytes(call, MUTATE, || json(call, body), endpoint).await?;
        decode(call, &answer)
    }

    /// Posts without a body and returns what came back. Already done (304) is done.
    pub(super) async fn act(&self, call: Call<'_>, bound: Duration, endpoint: &Endpoint) -> Result<Vec<u8>> {
        self.bytes(call, bound, || Ok(request(Method::POST, Body::empty())), endpoint)
            .await
    }

    /// Deletes.
    pub(super) async fn delete(&self, call: Call<'_>, endpoint: &Endpoint) -> Result<Vec<u8>> {
        self.bytes(
            call,
            MUTATE,
            || Ok(request(Method::DELETE, Body::empty())),
            endpoint,
        )
        .await
    }

    /// Sends a request whose answer is a stream: returns as soon as the answer begins, within `bound`.
    pub(super) async fn open(
        &self,
        call: Call<'_>,
        bound: Duration,
        request: Request<Body>,
        endpoint: &Endpoint,
    ) -> Result<Response<Body>> {
        within(call, bound, self.stream(call, request, endpoint)).await
    }

    /// The same without a bound, for an answer that may not begin for as long as nothing happens.
    pub(super) async fn stream(
        &self,
        call: Call<'_>,
        request: Request<Body>,
        endpoint: &Endpoint,
    ) -> Result<Response<Body>> {
        let response = self.send(call, request, endpoint).await?;
        let status = response.status();
        if status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response);
        }
        let body = within(call, READ, collect(call, response)).await?;
        Err(fault::of_answer(call, status, &body))
    }

    async fn bytes(
        &self,
        call: Call<'_>,
        bound: Duration,
        request: impl FnOnce() -> Result<Request<Body>> + Send,
        endpoint: &Endpoint,
    ) -> Result<Vec<u8>> {
        let request = request()?;
        let begun = Instant::now();
        let answer = within(call, bound, async {
            let response = self.send(call, request, endpoint).await?;
            let status = response.status();
            let body = collect(call, response).await?;
            if status.is_success() || status == StatusCode::NOT_MODIFIED {
                Ok(body)
            } else {
                Err(fault::of_answer(call, status, &body))
            }
        })
        .await;
        let milliseconds = begun.elapsed().as_millis();
        tracing::trace!(milliseconds, failed = answer.is_err(), "{call}");
        answer
    }

    async fn send(
        &self,
        call: Call<'_>,
        mut request: Request<Body>,
        endpoint: &Endpoint,
    ) -> Result<Response<Body>> {
        let failed = |error: conn::Error| fault::of_connection(call, &self.socket, &error);
        *request.uri_mut() = self.transport.make_uri(&endpoint.0).map_err(failed)?;
        self.transport.request(request).await.map_err(failed)
    }
}

/// A request without its address, which [`Api`] fills in.
pub(super) fn request(method: Method, body: Body) -> Request<Body> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    request
        .headers_mut()
        .insert(header::HOST, header::HeaderValue::from_static("podman"));
    request
}

/// A POST request with a JSON body.
pub(super) fn json<B: Serialize>(call: Call<'_>, body: &B) -> Result<Request<Body>> {
    let body = serde_json::to_vec(body).map_err(|error| call.failed(error))?;
    let mut request = request(Method::POST, Body::from(body));
    request.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    Ok(request)
}

/// Runs `call`, at most `bound` long.
pub(super) async fn within<T>(
    call: Call<'_>,
    bound: Duration,
    future: impl Future<Output = Result<T>>,
) -> Result<T> {
    match tokio::time::timeout(bound, future).await {
        Ok(result) => result,
        Err(_) => Err(EngineError::Timeout {
            call: call.to_string(),
            seconds: bound.as_secs(),
        }),
    }
}

/// Reads once more where the connection broke before the answer was there.
pub(super) async fn twice<T, F>(read: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    match read().await {
        Err(error) if fault::is_broken_connection(&error) => read().await,
        other => other,
    }
}

async fn collect(call: Call<'_>, response: Response<Body>) -> Result<Vec<u8>> {
    match hyper::body::to_bytes(response.into_body()).await {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(error) => Err(call.failed(format!("{}: {error}", fault::BROKEN))),
    }
}

fn decode<T: DeserializeOwned>(call: Call<'_>, body: &[u8]) -> Result<T> {
    serde_json::from_slice(body)
        .map_err(|error| call.failed(format!("Podman answered in an unknown form: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_path_is_percent_encoded() {
        let endpoint =
            Endpoint::new(&["images", "localhost/a:1", "exists"]).query("filters", "{\"a\":[\"b c\"]}");
        assert_eq!(
            endpoint.0,
            "/v4.0.0/libpod/images/localhost%2Fa%3A1/exists?filters=%7B%22a%22%3A%5B%22b%20c%22%5D%7D"
        );
        assert_eq!(Endpoint::new(&["../x"]).0, "/v4.0.0/libpod/..%2Fx");
    }
}
