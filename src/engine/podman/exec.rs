//! Commands in running containers, and what containers wrote.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use hyper::header::{CONNECTION, HeaderValue, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper::{Body, Method, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};

use super::Podman;
use super::fault::Call;
use super::frames;
use super::http::{Endpoint, MUTATE, READ, json, request};
use crate::engine::{EngineError, ExecRequest, ExecSession, LogOptions, Output, OutputStream, Result};
use crate::model::EngineId;

/// Typing the first of these keys is delayed by Podman until the next one, so the default (ctrl-p, the shell's
/// previous line) must go, and no detaching can be had only by keys that nobody types.
const DETACH_KEYS: &str = "ctrl-^,ctrl-_,ctrl-^,ctrl-_,ctrl-^,ctrl-_";
/// How often, and how long apart, a session that has just ended or not quite begun is asked again: its state follows
/// its streams by some milliseconds and no event announces it.
const PATIENCE: (u32, Duration) = (200, Duration::from_millis(25));

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SessionBody<'a> {
    cmd: &'a [String],
    env: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    working_dir: &'a Option<String>,
    tty: bool,
    attach_stdin: bool,
    attach_stdout: bool,
    attach_stderr: bool,
    detach_keys: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Session {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StartBody {
    detach: bool,
    tty: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SessionState {
    running: bool,
    exit_code: i32,
}

fn session_body(request: &ExecRequest) -> SessionBody<'_> {
    SessionBody {
        cmd: &request.argv,
        env: request.env.iter().map(|(k, v)| format!("{k}={v}")).collect(),
        working_dir: &request.working_dir,
        tty: request.tty,
        attach_stdin: request.stdin,
        attach_stdout: true,
        attach_stderr: true,
        detach_keys: DETACH_KEYS,
    }
}

impl Podman {
    pub(super) async fn run(&self, id: &EngineId, request: &ExecRequest) -> Result<ExecSession> {
        let call = Call::new("run a command in container", &id.0);
        let endpoint = Endpoint::new(&["containers", &id.0, "exec"]);
        let session: Session = self.api.post(call, &endpoint, &session_body(request)).await?;
        let (reader, writer) = tokio::io::split(self.attach(call, &session.id, request.tty).await?);

        let (stdin, input) = mpsc::channel(16);
        if request.stdin {
            tokio::spawn(feed(input, writer));
        }
        let (resize, sizes) = mpsc::channel(4);
        tokio::spawn(self.clone().follow_size(session.id.clone(), sizes));
        let (output, received) = mpsc::channel(64);
        let (tell, exit) = oneshot::channel();
        let (podman, tty, name) = (self.clone(), request.tty, id.0.clone());
        tokio::spawn(async move {
            forward(reader, tty, &name, output).await;
            // Nobody need be listening any more.
            let _ = tell.send(podman.exit_code(&session.id).await);
        });
        let output = stream::unfold(received, |mut received| async move {
            let piece = received.recv().await?;
            Some((piece, received))
        });
        Ok(ExecSession {
            stdin,
            output: output.boxed(),
            resize,
            exit,
        })
    }

    async fn attach(&self, call: Call<'_>, session: &str, tty: bool) -> Result<Upgraded> {
        let mut request = json(call, &StartBody { detach: false, tty })?;
        let headers = request.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("tcp"));
        let endpoint = Endpoint::new(&["exec", session, "start"]);
        let response = self.api.open(call, MUTATE, request, &endpoint).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(call.failed("Podman did not open a stream"));
        }
        hyper::upgrade::on(response)
            .await
            .map_err(|error| call.failed(error))
    }

    async fn exit_code(&self, session: &str) -> Result<i32> {
        let call = Call::new("ask for the exit code of a command", "");
        let (times, pause) = PATIENCE;
        for _ in 0..times {
            let state: SessionState = self
                .api
                .get(call, &Endpoint::new(&["exec", session, "json"]))
                .await?;
            if !state.running {
                return Ok(state.exit_code);
            }
            tokio::time::sleep(pause).await;
        }
        Err(call.failed("its output has ended, but it still runs"))
    }

    /// Sets the terminal's size until nobody can tell a new one. A size told before the command runs is refused, so it
    /// is repeated.
    async fn follow_size(self, session: String, mut sizes: mpsc::Receiver<(u16, u16)>) {
        let call = Call::new("resize the terminal", "");
        while let Some((columns, rows)) = sizes.recv().await {
            let endpoint = Endpoint::new(&["exec", &session, "resize"])
                .query("w", &columns.to_string())
                .query("h", &rows.to_string());
            let (times, pause) = PATIENCE;
            for _ in 0..times {
                match self.api.act(call, READ, &endpoint).await {
                    Ok(_) => break,
                    Err(EngineError::NotFound(_) | EngineError::Unreachable { .. }) => return,
                    Err(_) if !sizes.is_empty() => break,
                    Err(_) if sizes.is_closed() => return,
                    Err(_) => tokio::time::sleep(pause).await,
                }
            }
        }
    }

    pub(super) async fn written_lines(&self, id: &EngineId, options: &LogOptions) -> Result<OutputStream> {
        let call = Call::new("read the logs of container", &id.0);
        let mut endpoint = Endpoint::new(&["containers", &id.0, "logs"])
            .query("stdout", "true")
            .query("stderr", "true")
            .query("follow", if options.follow { "true" } else { "false" });
        if let Some(tail) = options.tail {
            endpoint = endpoint.query("tail", &tail.to_string());
        }
        let get = request(Method::GET, Body::empty());
        if !options.follow {
            let response = self.api.open(call, READ, get, &endpoint).await?;
            return Ok(frames::decode(response.into_body(), call.to_string()).boxed());
        }
        // Podman begins to answer only with the first output, which may never come. So it is the stream that waits for
        // it; that the container is there is asked before.
        self.api.container("inspect container", &id.0).await?;
        let (podman, name) = (self.clone(), id.0.clone());
        let opened = async move {
            let call = Call::new("follow the logs of container", &name);
            let response = podman.api.stream(call, get, &endpoint).await?;
            Ok(frames::decode(response.into_body(), call.to_string()))
        };
        Ok(stream::once(opened).try_flatten().boxed())
    }
}

/// Writes what comes in; the end of it closes the command's standard input.
async fn feed(mut input: mpsc::Receiver<Vec<u8>>, mut writer: WriteHalf<Upgraded>) {
    while let Some(bytes) = input.recv().await {
        // The command may have ended, or closed its standard input: then nobody wants the rest.
        if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
    let _ = writer.shutdown().await;
}

/// Passes output on until it ends. Where nobody takes it any more it is still read: a command whose session was
/// dropped must not block on its output.
async fn forward(reader: ReadHalf<Upgraded>, tty: bool, name: &str, output: mpsc::Sender<Result<Output>>) {
    let chunks = stream::unfold(reader, |mut reader| async move {
        let mut buffer = vec![0; 16 * 1024];
        match reader.read(&mut buffer).await {
            Ok(0) => None,
            Ok(n) => {
                buffer.truncate(n);
                Some((Ok(buffer), reader))
            }
            Err(error) => Some((Err(error), reader)),
        }
    });
    let call = Call::new("read the output of a command in container", name);
    let chunks = Box::pin(chunks);
    let mut pieces = if tty {
        chunks
            .map(|chunk| chunk.map(Output::Stdout).map_err(|error| call.failed(error)))
            .boxed()
    } else {
        frames::decode(chunks, call.to_string()).boxed()
    };
    while let Some(piece) = pieces.next().await {
        let failed = piece.is_err();
        let _ = output.send(piece).await;
        if failed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_asks_for_what_the_request_says() {
        let request = ExecRequest {
            argv: vec!["sh".into()],
            env: vec![("A".into(), "b".into())],
            working_dir: Some("/w".into()),
            tty: true,
            stdin: false,
        };
        let body = serde_json::to_string(&session_body(&request)).unwrap();
        assert!(body.starts_with(
            r#"{"Cmd":["sh"],"Env":["A=b"],"WorkingDir":"/w","Tty":true,"AttachStdin":false,"AttachStdout":true,"AttachStderr":true,"#
        ));
    }
}
