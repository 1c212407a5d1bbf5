//! Asking the daemon of a site, where one runs.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Error;
use crate::apply::lock;
use crate::daemon::{Status, api};
use crate::model::Name;
use crate::source;

/// A daemon answers from memory.
const BOUND: Duration = Duration::from_secs(10);

/// The daemon of a site.
pub(super) struct Client {
    socket: PathBuf,
    http: reqwest::Client,
}

impl Client {
    /// The daemon of `site`; nothing where none has run as this user.
    pub(super) fn of(site: &Name) -> Result<Option<Self>, Error> {
        let socket = api::socket(&lock::directory(), site);
        if !socket.exists() {
            return Ok(None);
        }
        source::use_ring();
        let http = reqwest::Client::builder()
            .unix_socket(socket.clone())
            .no_proxy()
            .timeout(BOUND)
            .build()
            .map_err(|e| Error::new(format!("the daemon can't be asked: {e}")))?;
        Ok(Some(Self { socket, http }))
    }

    /// The same, where there must be one.
    pub(super) fn required(site: &Name) -> Result<Self, Error> {
        Self::of(site)?.ok_or_else(|| not_running(site))
    }

    /// What it is at; nothing where the one that left its socket has ended.
    pub(super) async fn status(&self) -> Result<Option<Status>, Error> {
        let answer = match self.http.get("http://daemon/v1/status").send().await {
            Err(error) if error.is_connect() => return Ok(None),
            other => other
                .and_then(reqwest::Response::error_for_status)
                .map_err(|e| self.failed(&e))?,
        };
        let bytes = answer.bytes().await.map_err(|e| self.failed(&e))?;
        self.decoded(&bytes).map(Some)
    }

    /// What an answer says.
    pub(super) fn decoded<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|e| {
            Error::new(format!(
                "the daemon at {} answers in another form: {e}",
                self.socket.display()
            ))
            .hint("Restart it: it is of another version.")
        })
    }

    /// An answer that comes line by line, for as long as it takes.
    pub(super) async fn lines(&self, site: &Name, what: &str) -> Result<Lines<'_>, Error> {
        let request = self
            .http
            .get(format!("http://daemon/v1/{what}"))
            .timeout(Duration::MAX);
        let answer = match request.send().await {
            Err(error) if error.is_connect() => return Err(not_running(site)),
            other => other
                .and_then(reqwest::Response::error_for_status)
                .map_err(|e| self.failed(&e))?,
        };
        Ok(Lines {
            client: self,
            answer,
            read: Vec::new(),
        })
    }

    /// Asks it to do something.
    pub(super) async fn post(&self, site: &Name, what: &str, body: &impl Serialize) -> Result<(), Error> {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let request = self
            .http
            .post(format!("http://daemon/v1/{what}"))
            .header("content-type", "application/json")
            .body(body);
        match request.send().await {
            Err(error) if error.is_connect() => Err(not_running(site)),
            other => other
                .and_then(reqwest::Response::error_for_status)
                .map(drop)
                .map_err(|e| self.failed(&e)),
        }
    }

    fn failed(&self, error: &reqwest::Error) -> Error {
        Error::new(format!(
            "the daemon at {} does not answer: {error}",
            self.socket.display()
        ))
    }
}

/// An answer that comes line by line.
pub(super) struct Lines<'c> {
    client: &'c Client,
    answer: reqwest::Response,
    read: Vec<u8>,
}

impl Lines<'_> {
    /// The next line; nothing once the daemon has said all, or has ended.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line = self.read.drain(..=end).take(end).collect();
                return Ok(Some(line));
            }
            match self.answer.chunk().await {
                Ok(Some(chunk)) => self.read.extend_from_slice(&chunk),
                Ok(None) => return Ok(None),
                // It was killed in the middle of a line.
                Err(error) if error.is_body() || error.is_decode() => return Ok(None),
                Err(error) => return Err(self.client.failed(&error)),
            }
        }
    }
}

fn not_running(site: &Name) -> Error {
    Error::new(format!("no daemon of site {site} runs as this user"))
        .hint("wharf daemon DIR starts one; wharf apply applies without one.")
}
