//! Streams: commands, logs, connections.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wharf::engine::{ExecRequest, LogOptions};
use wharf::model::EngineId;

use crate::yard::{Finished, Plot, Yard, assert_conflict, collect, shell};

/// How long a container may take to do what it was started for.
const PATIENCE: Duration = Duration::from_secs(10);

async fn running(yard: &Yard<'_>) -> EngineId {
    yard.ground().await;
    yard.running(&Plot::default()).await
}

fn finished(exit_code: i32, stdout: &str, stderr: &str) -> Finished {
    Finished {
        exit_code,
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
    }
}

pub(crate) async fn a_command_returns_its_exit_code(yard: &Yard<'_>) {
    let id = running(yard).await;
    for code in [0, 1, 42, 255] {
        let command = format!("exit {code}");
        yard.fixture.teach(&command, code, "", "");
        assert_eq!(yard.exec(&id, shell(&command), "").await, finished(code, "", ""));
        // The simulated engine takes the first script that matches.
    }
}

pub(crate) async fn output_and_errors_stay_apart(yard: &Yard<'_>) {
    let id = running(yard).await;
    yard.fixture.teach("echo out", 3, "out\n", "err\n");
    let done = yard.exec(&id, shell("echo out; echo err >&2; exit 3"), "").await;
    assert_eq!(done, finished(3, "out\n", "err\n"));
}

pub(crate) async fn a_terminal_joins_output_and_errors(yard: &Yard<'_>) {
    let id = running(yard).await;
    yard.fixture.teach("echo out", 0, "out\r\n", "err\r\n");
    let request = ExecRequest {
        tty: true,
        ..shell("echo out; echo err >&2")
    };
    assert_eq!(
        yard.exec(&id, request, "").await,
        finished(0, "out\r\nerr\r\n", "")
    );
}

pub(crate) async fn a_command_reads_what_it_is_fed_to_the_end(yard: &Yard<'_>) {
    let id = running(yard).await;
    let text = "line\n".repeat(40_000);
    let request = ExecRequest {
        stdin: true,
        ..shell("cat")
    };
    assert_eq!(yard.exec(&id, request, &text).await, finished(0, &text, ""));
}

pub(crate) async fn a_command_that_is_not_fed_reads_nothing(yard: &Yard<'_>) {
    let id = running(yard).await;
    assert_eq!(yard.exec(&id, shell("cat"), "").await, finished(0, "", ""));
}

pub(crate) async fn a_command_gets_its_environment_and_folder(yard: &Yard<'_>) {
    let id = running(yard).await;
    yard.fixture.teach("echo \"$A", 0, "b c /tmp\n", "");
    let request = ExecRequest {
        env: vec![("A".to_owned(), "b c".to_owned())],
        working_dir: Some("/tmp".to_owned()),
        ..shell("echo \"$A $PWD\"")
    };
    assert_eq!(yard.exec(&id, request, "").await, finished(0, "b c /tmp\n", ""));
}

pub(crate) async fn a_command_needs_a_running_container(yard: &Yard<'_>) {
    yard.ground().await;
    for id in idle(yard).await {
        assert_conflict(&yard.engine().exec(&id, &shell("true")).await.map(drop));
    }
}

/// A container that was never started, and one that has ended.
async fn idle(yard: &Yard<'_>) -> [EngineId; 2] {
    [
        yard.container(&Plot::default()).await.unwrap(),
        yard.ended("true").await,
    ]
}

/// The logs of a container that wrote three lines and ended.
async fn logs(yard: &Yard<'_>, options: LogOptions) -> (String, String) {
    yard.fixture.teach("echo one", 0, "one\ntwo\nthree\n", "");
    yard.ground().await;
    let id = yard.ended("echo one; echo two; echo three").await;
    collect(yard.engine().logs(&id, &options).await.unwrap()).await
}

pub(crate) async fn logs_hold_what_was_written(yard: &Yard<'_>) {
    let (stdout, stderr) = logs(yard, LogOptions::default()).await;
    assert_eq!((stdout.as_str(), stderr.as_str()), ("one\ntwo\nthree\n", ""));
}

pub(crate) async fn logs_can_be_cut_to_their_last_lines(yard: &Yard<'_>) {
    let options = LogOptions {
        tail: Some(2),
        ..LogOptions::default()
    };
    assert_eq!(logs(yard, options).await.0, "two\nthree\n");
}

pub(crate) async fn logs_that_are_followed_end_with_the_container(yard: &Yard<'_>) {
    let id = running(yard).await;
    let options = LogOptions {
        follow: true,
        ..LogOptions::default()
    };
    let followed = collect(yard.engine().logs(&id, &options).await.unwrap());
    let stopped = yard.engine().stop_container(&id);
    let both = async { tokio::join!(followed, stopped) };
    let (_, stopped) = tokio::time::timeout(PATIENCE, both)
        .await
        .expect("the stream ends");
    stopped.unwrap();
}

/// Sends a line and reads it back.
async fn echoed(mut stream: TcpStream) -> std::io::Result<String> {
    stream.write_all(b"hello\n").await?;
    let mut line = [0; 6];
    stream.read_exact(&mut line).await?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

pub(crate) async fn a_port_on_the_loopback_address_can_be_dialled(yard: &Yard<'_>) {
    yard.ground().await;
    let plot = Plot {
        script: "exec nc -ll -p 7777 127.0.0.1 -e cat",
        ..Plot::default()
    };
    let id = yard.running(&plot).await;
    let answered = async {
        loop {
            if let Ok(stream) = yard.engine().dial(&id, 7777).await {
                return echoed(stream).await;
            }
            // The server in the container has yet to open its port, and nothing tells when.
            tokio::task::yield_now().await;
        }
    };
    let line = tokio::time::timeout(PATIENCE, answered)
        .await
        .expect("the server starts");
    assert_eq!(line.unwrap(), "hello\n");
}

pub(crate) async fn a_port_on_which_nothing_listens_is_an_error(yard: &Yard<'_>) {
    let id = running(yard).await;
    assert!(yard.engine().dial(&id, 1).await.is_err());
}

pub(crate) async fn a_container_that_does_not_run_can_not_be_dialled(yard: &Yard<'_>) {
    yard.ground().await;
    for id in idle(yard).await {
        assert_conflict(&yard.engine().dial(&id, 7777).await);
    }
}
