//! Podman's failures in the engine's terms.
//!
//! Status codes differ between versions for the same failure (a missing image is 500 on 4.3.1 and 404 on 5.4.2, a taken
//! name is 500 or 409), so the message decides where it can.

use std::path::Path;

use containers_api::conn;
use hyper::StatusCode;
use serde::Deserialize;

use crate::engine::EngineError;

/// How a failure begins that a fresh connection may cure.
pub(super) const BROKEN: &str = "the connection broke before the answer was there";

/// Which call this is, for messages: `create container` and the object's name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    verb: &'a str,
    object: &'a str,
}

impl<'a> Call<'a> {
    pub(super) fn new(verb: &'a str, object: &'a str) -> Self {
        Self { verb, object }
    }

    /// The object's name.
    pub(super) fn object(&self) -> &'a str {
        self.object
    }

    /// What the call is about, for errors that name nothing else: never empty.
    fn subject(&self) -> String {
        if self.object.is_empty() {
            format!("what \"{}\" is about", self.verb)
        } else {
            self.object.to_owned()
        }
    }

    /// The engine's refusal, in its own words.
    pub(super) fn failed(&self, message: impl std::fmt::Display) -> EngineError {
        EngineError::Failed {
            call: self.to_string(),
            message: message.to_string(),
        }
    }
}

impl std::fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.object.is_empty() {
            f.write_str(self.verb)
        } else {
            write!(f, "{} {}", self.verb, self.object)
        }
    }
}

/// Podman's error body: `{"cause", "message", "response"}`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    cause: String,
    message: String,
}

/// What an answer that reports a failure means.
pub(super) fn of_answer(call: Call<'_>, status: StatusCode, body: &[u8]) -> EngineError {
    let read: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    let text = String::from_utf8_lossy(body);
    let message = [read.message.trim(), read.cause.trim(), text.trim()]
        .into_iter()
        .find(|candidate| !candidate.is_empty())
        .unwrap_or(status.canonical_reason().unwrap_or("no reason given"));
    of_message(call, status, message)
}

/// What a failure with this status and these words means.
pub(super) fn of_message(call: Call<'_>, status: StatusCode, message: &str) -> EngineError {
    let lower = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let image = says(&["image not known", "no such image"]);
    if image {
        return EngineError::Image {
            reference: call.subject(),
            cause: message.to_owned(),
        };
    }
    let missing = says(&[
        "no such container",
        "no such pod",
        "no such volume",
        "no such network",
        "no such exec session",
        "no container with",
        "no pod with",
        "no volume with",
        "network not found",
        "unable to find network",
    ]);
    if missing || (status == StatusCode::NOT_FOUND && !lower.contains("executable file")) {
        return EngineError::NotFound(call.subject());
    }
    let taken = says(&[
        "already in use",
        "already exists",
        "already used",
        "is in use",
        "is being used",
        "being used by",
        "has associated containers",
        "has dependent containers",
        "as it is running",
        "running or paused containers",
        "exec sessions on running containers",
    ]);
    if taken || status == StatusCode::CONFLICT {
        return EngineError::Conflict(format!("{call}: {message}"));
    }
    call.failed(message)
}

/// What a connection's failure means.
pub(super) fn of_connection(call: Call<'_>, socket: &Path, error: &conn::Error) -> EngineError {
    if let conn::Error::Hyper(inner) = error {
        if inner.is_connect() {
            return unreachable_at(socket, &root_cause(inner));
        }
        if inner.is_closed()
            || inner.is_canceled()
            || inner.is_incomplete_message()
            || inner.is_body_write_aborted()
        {
            return call.failed(format!("{BROKEN}: {}", root_cause(inner)));
        }
        return call.failed(root_cause(inner));
    }
    call.failed(error)
}

/// What podman-api's failure means.
pub(super) fn of_client(call: Call<'_>, socket: &Path, error: podman_api::Error) -> EngineError {
    match error {
        podman_api::Error::Fault { code, message } => of_message(call, code, &message),
        podman_api::Error::Error(inner) => of_connection(call, socket, &inner),
        other => call.failed(other),
    }
}

/// Nothing answers; what to do about it.
pub(super) fn unreachable_at(socket: &Path, cause: &str) -> EngineError {
    EngineError::Unreachable {
        address: format!("unix://{}", socket.display()),
        cause: cause.to_owned(),
    }
}

/// Whether a read may be sent once more.
pub(super) fn is_broken_connection(error: &EngineError) -> bool {
    matches!(error, EngineError::Failed { message, .. } if message.starts_with(BROKEN))
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> EngineError {
        let status = StatusCode::from_u16(status).unwrap();
        of_answer(
            Call::new("create container", "lab.a.b.c"),
            status,
            body.as_bytes(),
        )
    }

    #[test]
    fn a_message_outweighs_its_status() {
        let taken = r#"{"cause":"that name is already in use","message":"creating container storage: the container name \"x\" is already in use by 1. You have to remove that container to be able to reuse that name: that name is already in use","response":500}"#;
        assert!(
            matches!(of(500, taken), EngineError::Conflict(m) if m.contains("create container lab.a.b.c"))
        );
        let image =
            r#"{"cause":"image not known","message":"localhost/x:1: image not known","response":500}"#;
        assert!(matches!(of(500, image), EngineError::Image { .. }));
        assert!(matches!(of(404, image), EngineError::Image { .. }));
        let gone = r#"{"cause":"no such container","message":"no container with ID x found in database: no such container","response":500}"#;
        assert!(matches!(of(500, gone), EngineError::NotFound(o) if o == "lab.a.b.c"));
        let ended = r#"{"cause":"container state improper","message":"can only create exec sessions on running containers: container state improper","response":500}"#;
        assert!(matches!(of(500, ended), EngineError::Conflict(_)));
    }

    #[test]
    fn no_error_is_about_nothing() {
        for body in [
            r#"{"message":"no such container"}"#,
            r#"{"message":"image not known"}"#,
            "",
        ] {
            let error = of_answer(Call::new("list pods", ""), StatusCode::NOT_FOUND, body.as_bytes());
            assert!(
                error.to_string().contains("what \"list pods\" is about"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_command_that_is_missing_is_no_missing_container() {
        let body = r#"{"cause":"OCI runtime attempted to invoke a command that was not found","message":"crun: executable file `x` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found","response":404}"#;
        assert!(matches!(of(404, body), EngineError::Failed { .. }));
    }

    #[test]
    fn an_answer_without_a_form_is_passed_on() {
        assert_eq!(of(500, "boom\n").to_string(), "create container lab.a.b.c: boom");
        assert_eq!(
            of(500, "").to_string(),
            "create container lab.a.b.c: Internal Server Error"
        );
    }
}
