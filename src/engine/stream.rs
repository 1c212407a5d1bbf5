//! What goes into and comes out of a running container: engine-independent ends of the streams.

use futures_util::stream::BoxStream;
use tokio::sync::{mpsc, oneshot};

use super::Result;
use crate::model::WorkspaceId;

/// A command to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecRequest {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Added to the container's environment.
    pub env: Vec<(String, String)>,
    /// Where; the container's own working directory where there is none.
    pub working_dir: Option<String>,
    /// Whether it gets a terminal (then standard error arrives with standard output).
    pub tty: bool,
    /// Whether its standard input is fed; otherwise it is at its end from the start.
    pub stdin: bool,
}

/// A piece of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// From standard output.
    Stdout(Vec<u8>),
    /// From standard error.
    Stderr(Vec<u8>),
}

/// A finite or endless stream of output.
pub type OutputStream = BoxStream<'static, Result<Output>>;

/// Something happened to one of the site's objects: where to look, not what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose it was, where the engine says so.
    pub workspace: Option<WorkspaceId>,
}

/// Endless, unless the engine ends.
pub type EventStream = BoxStream<'static, Result<Event>>;

/// A running command. Dropping `stdin` closes its standard input; dropping the session leaves it alone.
pub struct ExecSession {
    /// Its standard input.
    pub stdin: mpsc::Sender<Vec<u8>>,
    /// Its output; ends when the command has ended.
    pub output: OutputStream,
    /// Tells the terminal's new size, in columns and rows.
    pub resize: mpsc::Sender<(u16, u16)>,
    /// Its exit code, once the output has ended.
    pub exit: oneshot::Receiver<Result<i32>>,
}

/// Which part of the logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Go on as more is written.
    pub follow: bool,
    /// Only the last lines.
    pub tail: Option<u32>,
}
