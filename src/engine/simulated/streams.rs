//! Streams into a running container: commands, logs and connections.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use super::Simulated;
use super::objects::{conflict, not_found, refused};
use super::state::{Container, Script, State};
use crate::engine::{EngineError, ExecRequest, ExecSession, LogOptions, Output, OutputStream, Result};
use crate::model::{EngineId, Kind};

/// How often an engine that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Runs a command whose answer is known: feeds back its input where nothing is scripted.
pub(super) fn session(request: &ExecRequest, script: Option<Script>) -> ExecSession {
    let (stdin, mut input) = mpsc::channel::<Vec<u8>>(16);
    let (output, written) = mpsc::channel(16);
    let (resize, _) = mpsc::channel(1);
    let (done, exit) = oneshot::channel();
    let (feeds, tty) = (request.stdin, request.tty);
    tokio::spawn(async move {
        let echoes = script.is_none();
        let script = script.unwrap_or_default();
        while feeds && let Some(bytes) = input.recv().await {
            if echoes {
                // Whoever no longer listens misses it.
                let _ = output.send(Ok(Output::Stdout(bytes))).await;
            }
        }
        let stderr = if tty { Output::Stdout } else { Output::Stderr };
        for (text, stream) in [
            (script.stdout, Output::Stdout as fn(_) -> _),
            (script.stderr, stderr),
        ] {
            if !text.is_empty() {
                let _ = output.send(Ok(stream(text.into_bytes()))).await;
            }
        }
        if script.hangs {
            output.closed().await;
        }
        drop(output);
        let _ = done.send(Ok(script.exit_code));
    });
    ExecSession {
        stdin,
        output: received(written),
        resize,
        exit,
    }
}

fn received(receiver: mpsc::Receiver<Result<Output>>) -> OutputStream {
    futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|output| (output, receiver))
    })
    .boxed()
}

impl State {
    /// The running container of that name.
    pub(super) fn running(&self, name: &str) -> Result<&Container> {
        let container = (self.containers.get(name)).ok_or_else(|| not_found(Kind::Container, name))?;
        match container.run.is_running() {
            true => Ok(container),
            false => Err(conflict(format!("container {name} does not run"))),
        }
    }
}

impl Simulated {
    /// Waits until a container has ended.
    pub(super) async fn wait_for_end(&self, id: &EngineId, seconds: u64) -> Result<i32> {
        let ended = async {
            loop {
                if let crate::model::RunState::Exited { code } = self.container(id)?.run {
                    return Ok(code);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let timeout = |_| EngineError::Timeout {
            call: "wait_container".to_owned(),
            seconds,
        };
        tokio::time::timeout(Duration::from_secs(seconds), ended)
            .await
            .map_err(timeout)?
    }

    /// The container of this id.
    fn container(&self, id: &EngineId) -> Result<Container> {
        let mut held = self.lock();
        let found = held.store.state()?.containers.values().find(|c| c.id == *id);
        found.cloned().ok_or_else(|| not_found(Kind::Container, &id.0))
    }

    /// What a container wrote, and what it goes on to write while it runs.
    pub(super) fn log_of(&self, id: &EngineId, options: LogOptions) -> Result<OutputStream> {
        let log = self.container(id)?.log;
        let lines: Vec<_> = log.split_inclusive('\n').collect();
        let tail = options
            .tail
            .and_then(|t| usize::try_from(t).ok())
            .unwrap_or(lines.len());
        let first = lines[lines.len().saturating_sub(tail)..].concat();
        let start = (self.clone(), id.clone(), Some(first), log.len());
        let stream = futures_util::stream::unfold(start, move |(engine, id, first, mut seen)| async move {
            if let Some(first) = first.filter(|text| !text.is_empty()) {
                return Some((Ok(Output::Stdout(first.into_bytes())), (engine, id, None, seen)));
            }
            if !options.follow {
                return None;
            }
            loop {
                let container = engine.container(&id).ok()?;
                if let Some(more) = container.log.get(seen..).filter(|text| !text.is_empty()) {
                    let more = more.as_bytes().to_vec();
                    seen += more.len();
                    return Some((Ok(Output::Stdout(more)), (engine, id, None, seen)));
                }
                if !container.run.is_running() {
                    return None;
                }
                tokio::time::sleep(LOOK).await;
            }
        });
        Ok(stream.boxed())
    }
}

/// A connection to somebody who sends back what they get.
pub(super) async fn echo() -> Result<TcpStream> {
    let failed = |e: std::io::Error| refused("dial", e.to_string());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tokio::spawn(async move {
        if let Ok((mut stream, _)) = listener.accept().await {
            let (mut read, mut write) = stream.split();
            // The other end is free to go away at any time.
            let _ = tokio::io::copy(&mut read, &mut write).await;
        }
    });
    TcpStream::connect(address).await.map_err(failed)
}
