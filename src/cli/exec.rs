//! `wharf exec`.

use std::io::{self, IsTerminal as _};

use futures_util::StreamExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use super::Context;
use super::error::{Error, Exit};
use super::presence::Presence;
use super::terminal::{self, RawMode};
use super::workspace;
use crate::engine::{self, ExecRequest, ExecSession, Output, OutputStream};

/// Run a command in a workspace
///
/// Standard input, output and error are the command's, and its exit code is wharf's. On a terminal the command gets a
/// terminal.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    workspace: workspace::Selector,
    /// The command gets no terminal, even on one
    #[arg(short = 'T', long)]
    no_tty: bool,
    /// The directory in the container
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<String>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<String>,
}

pub(super) async fn run(context: &Context, args: Args) -> Result<Exit, Error> {
    let found = workspace::find(context, &args.workspace).await?;
    let container = found.running()?;
    let tty = !args.no_tty && io::stdin().is_terminal() && io::stdout().is_terminal();
    let term = std::env::var("TERM").ok().filter(|_| tty);
    let request = ExecRequest {
        argv: args.command,
        env: term.map(|term| ("TERM".to_owned(), term)).into_iter().collect(),
        working_dir: args.workdir,
        tty,
        stdin: true,
    };
    let _presence = Presence::begin(&found.site.name, &found.workspace);
    let session = found.site.engine.exec(&container.id, &request).await?;
    Ok(exit(attend(context, session, tty).await?))
}

/// wharf's own exit code for a command's.
pub(super) fn exit(code: i32) -> Exit {
    Exit::Command(u8::try_from(code).unwrap_or(u8::MAX))
}

/// Connects this process to a command until that has ended, its terminal included; the command's exit code.
pub(super) async fn attend(context: &Context, session: ExecSession, tty: bool) -> Result<i32, Error> {
    let raw = if tty { Some(RawMode::enter()?) } else { None };
    let result = follow(context, session, tty).await;
    drop(raw);
    result
}

/// Shows what a command writes that reads nothing of this process's standard input; its exit code.
pub(super) async fn listen(context: &Context, session: ExecSession) -> Result<i32, Error> {
    drop(session.stdin);
    ended(context, session.output, session.exit).await
}

async fn follow(context: &Context, session: ExecSession, tty: bool) -> Result<i32, Error> {
    let ExecSession {
        stdin,
        output,
        resize,
        exit,
    } = session;
    let feeding = tokio::spawn(feed(stdin));
    let sizing = if tty {
        Some(tokio::spawn(follow_size(resize)))
    } else {
        None
    };
    let result = ended(context, output, exit).await;
    feeding.abort();
    if let Some(sizing) = sizing {
        sizing.abort();
    }
    result
}

/// Shows a command's output to its end; its exit code.
async fn ended(
    context: &Context,
    mut output: OutputStream,
    exit: oneshot::Receiver<engine::Result<i32>>,
) -> Result<i32, Error> {
    while let Some(piece) = output.next().await {
        match piece? {
            Output::Stdout(bytes) => context.out.bytes(&bytes)?,
            Output::Stderr(bytes) => context.out.error_bytes(&bytes)?,
        }
    }
    match exit.await {
        Ok(code) => Ok(code?),
        Err(_) => Err(Error::new("the engine did not say how the command ended")),
    }
}

/// Passes standard input on; at its end the command's input ends too.
async fn feed(stdin: mpsc::Sender<Vec<u8>>) {
    let mut input = tokio::io::stdin();
    let mut buffer = vec![0; 8192];
    loop {
        match input.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(n) => {
                if stdin.send(buffer[..n].to_vec()).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Tells the container's terminal the size of this one, now and whenever it changes.
async fn follow_size(resize: mpsc::Sender<(u16, u16)>) {
    let Ok(mut changes) = signal(SignalKind::window_change()) else {
        return;
    };
    loop {
        if let Some(size) = terminal::size()
            && resize.send(size).await.is_err()
        {
            return;
        }
        if changes.recv().await.is_none() {
            return;
        }
    }
}
