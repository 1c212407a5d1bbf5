//! Having an image: there, pulled, or built.

use futures_util::StreamExt;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Body, Method};
use serde::Deserialize;

use super::fault::Call;
use super::http::{Api, Endpoint, IDLE, request};
use crate::engine::{EngineError, Result};
use crate::model::context::pack;
use crate::model::reference::{is_loopback, registry};
use crate::model::{ImageSource, ImageSpec, Labels};

/// Images of this registry exist only where they were built or loaded.
const LOCAL: &str = "localhost/";
/// How much of the output a failure repeats.
const TAIL: usize = 5;

/// One line of a pull's or a build's progress.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Row {
    stream: String,
    error: String,
}

impl Api {
    pub(super) async fn ensure_image(
        &self,
        image: &ImageSpec,
        labels: &Labels,
        progress: &(dyn for<'line> Fn(&'line str) + Send + Sync),
    ) -> Result<()> {
        let reference = image.reference.as_str();
        if self.has_image(reference).await? {
            return Ok(());
        }
        match &image.source {
            ImageSource::Pull if reference.starts_with(LOCAL) => {
                return Err(unavailable(
                    reference,
                    "it is not on this machine and localhost/ is no registry: build it with `podman build -t`, or load \
                     it with `podman load`",
                ));
            }
            ImageSource::Pull => self.pull(reference, progress).await?,
            ImageSource::Build {
                containerfile,
                context,
                args,
            } => {
                let endpoint = build_endpoint(reference, containerfile, args, labels);
                let context =
                    pack(context).map_err(|error| unavailable(reference, format!("its context: {error}")))?;
                let mut post = request(Method::POST, Body::from(context));
                post.headers_mut()
                    .insert(CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
                self.follow(Call::new("build image", reference), post, &endpoint, progress)
                    .await?;
            }
        }
        if self.has_image(reference).await? {
            Ok(())
        } else {
            Err(unavailable(
                reference,
                "Podman reported success, but it is not there",
            ))
        }
    }

    async fn has_image(&self, reference: &str) -> Result<bool> {
        let endpoint = Endpoint::new(&["images", reference, "exists"]);
        self.exists(Call::new("look for image", reference), &endpoint)
            .await
    }

    async fn pull(
        &self,
        reference: &str,
        progress: &(dyn for<'line> Fn(&'line str) + Send + Sync),
    ) -> Result<()> {
        let mut endpoint = Endpoint::new(&["images", "pull"])
            .query("reference", reference)
            .query("policy", "missing");
        if registry(reference).is_some_and(is_loopback) {
            endpoint = endpoint.query("tlsVerify", "false");
        }
        let post = request(Method::POST, Body::empty());
        self.follow(Call::new("pull image", reference), post, &endpoint, progress)
            .await
    }

    /// Passes progress on until the end. There is no bound for the whole, but none of the silences may be too long.
    async fn follow(
        &self,
        call: Call<'_>,
        post: hyper::Request<Body>,
        endpoint: &Endpoint,
        progress: &(dyn for<'line> Fn(&'line str) + Send + Sync),
    ) -> Result<()> {
        let reference = call.object();
        let silent = || EngineError::Timeout {
            call: format!("{call}: the next sign of progress"),
            seconds: IDLE.as_secs(),
        };
        let failed = |error: EngineError| match error {
            EngineError::Failed { message, .. } | EngineError::Conflict(message) => {
                unavailable(reference, message)
            }
            other => other,
        };
        let response = self.open(call, IDLE, post, endpoint).await.map_err(failed)?;
        let mut body = response.into_body();
        let mut lines = Lines::default();
        let mut recent = Vec::new();
        loop {
            let chunk = tokio::time::timeout(IDLE, body.next())
                .await
                .map_err(|_| silent())?;
            let rows = match chunk {
                None => lines.finish(),
                Some(Ok(ref bytes)) => lines.push(bytes),
                Some(Err(error)) => return Err(unavailable(reference, error)),
            };
            for row in rows {
                let row: Row = serde_json::from_slice(&row).unwrap_or_default();
                if !row.error.is_empty() {
                    return Err(unavailable(reference, explained(&row.error, &recent)));
                }
                for line in row.stream.lines().filter(|line| !line.trim().is_empty()) {
                    progress(line);
                    recent.push(line.to_owned());
                    recent.drain(..recent.len().saturating_sub(TAIL));
                }
            }
            if chunk.is_none() {
                return Ok(());
            }
        }
    }
}

fn unavailable(reference: &str, cause: impl std::fmt::Display) -> EngineError {
    EngineError::Image {
        reference: reference.to_owned(),
        cause: cause.to_string(),
    }
}

/// A failed step says little without the output just before it.
fn explained(error: &str, recent: &[String]) -> String {
    let error = error.trim();
    if recent.is_empty() {
        return error.to_owned();
    }
    format!("{error}\nthe last output was:\n  {}", recent.join("\n  "))
}

fn build_endpoint(reference: &str, containerfile: &str, args: &[String], labels: &Labels) -> Endpoint {
    let args: serde_json::Map<String, serde_json::Value> = args
        .iter()
        .map(|arg| arg.split_once('=').unwrap_or((arg.as_str(), "")))
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect();
    Endpoint::new(&["build"])
        .query("t", reference)
        .query("dockerfile", containerfile)
        .query("buildargs", &serde_json::Value::Object(args).to_string())
        .query("labels", &serde_json::json!(labels).to_string())
        .query("layers", "true")
        .query("forcerm", "true")
        .query("outputformat", "application/vnd.oci.image.manifest.v1+json")
}

/// Cuts a stream of bytes into its lines.
#[derive(Debug, Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn push(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.0.extend_from_slice(bytes);
        let end = self
            .0
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |last| last + 1);
        let whole: Vec<u8> = self.0.drain(..end).collect();
        whole
            .split(|b| *b == b'\n')
            .filter(|l| !l.is_empty())
            .map(<[u8]>::to_vec)
            .collect()
    }

    fn finish(&mut self) -> Vec<Vec<u8>> {
        let rest = std::mem::take(&mut self.0);
        if rest.is_empty() { Vec::new() } else { vec![rest] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_wherever_chunks_end() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"a\nb"), [b"a".to_vec()]);
        assert_eq!(lines.push(b"c\n\nd\n"), [b"bc".to_vec(), b"d".to_vec()]);
        assert!(lines.push(b"e").is_empty());
        assert_eq!(lines.finish(), [b"e".to_vec()]);
        assert!(lines.finish().is_empty());
    }

    #[test]
    fn a_build_is_asked_for_in_encoded_form() {
        let labels = Labels::from([("a".to_owned(), "b c".to_owned())]);
        let endpoint = build_endpoint("localhost/x:1", "Containerfile", &["K=v=w".to_owned()], &labels);
        let text = format!("{endpoint:?}");
        assert!(text.contains("t=localhost%2Fx%3A1&dockerfile=Containerfile"));
        assert!(text.contains("buildargs=%7B%22K%22%3A%22v%3Dw%22%7D&labels=%7B%22a%22%3A%22b%20c%22%7D"));
    }
}
