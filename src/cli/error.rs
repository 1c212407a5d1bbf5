//! What a command ends with: the one place that knows exit codes, and the hint that goes with each kind of error.

use std::io;
use std::process::ExitCode;

use super::output::Output;
use crate::apply::lock::LockError;
use crate::apply::planfile::PlanFileError;
use crate::engine::EngineError;
use crate::engine::address::AddressError;
use crate::plan::OrderError;
use crate::source::SourceError;
use crate::source::rollback::RollbackError;

/// How a command that did not fail ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// All is well.
    Success,
    /// It said itself what is not as it should be: invalid files, a step that failed.
    NotWell,
    /// `plan --detailed-exitcode`: there are changes.
    Changes,
    /// `exec`: what the command in the container ended with.
    Command(u8),
}

impl Exit {
    fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::NotWell => 1,
            Self::Changes => 2,
            Self::Command(code) => code,
        }
    }
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The command line is wrong.
    Usage,
    /// It can't be done, or was refused.
    Failed,
    /// Nobody reads the output any more: no reason to complain.
    Unread,
}

/// Why a command failed, and what to do about it.
#[derive(Debug)]
pub(super) struct Error {
    kind: Kind,
    message: String,
    hint: Option<String>,
}

/// What a shell reports for a program that Ctrl-C ended.
pub(super) const INTERRUPTED: i32 = 130;

/// Wrong usage, as in `sysexits.h`.
const USAGE: u8 = 64;

impl Error {
    /// It can't be done, or was refused.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Failed,
            message: message.into(),
            hint: None,
        }
    }

    /// The command line is wrong.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Usage,
            ..Self::new(message)
        }
    }

    /// With what to do.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With what to do, where there is something.
    pub(super) fn hint_opt(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    fn code(&self) -> u8 {
        match self.kind {
            Kind::Usage => USAGE,
            Kind::Failed => 1,
            Kind::Unread => 0,
        }
    }
}

/// Shows an error and returns the exit code.
pub(super) fn exit(out: &Output, result: Result<Exit, Error>) -> ExitCode {
    match result {
        Ok(exit) => exit.code().into(),
        Err(error) => {
            if error.kind != Kind::Unread {
                out.error(&error.message, error.hint.as_deref());
            }
            error.code().into()
        }
    }
}

/// Shows what clap says of the arguments: help and version are no errors, all else is wrong usage.
pub(super) fn of_arguments(error: &clap::Error) -> ExitCode {
    // Where nobody reads it there is nothing left to do.
    let _ = error.print();
    if error.use_stderr() {
        USAGE.into()
    } else {
        0.into()
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        let kind = if error.kind() == io::ErrorKind::BrokenPipe {
            Kind::Unread
        } else {
            Kind::Failed
        };
        Self {
            kind,
            ..Self::new(error.to_string())
        }
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        let hint = match &error {
            EngineError::Unreachable { address, .. } => Some(start_engine(address)),
            EngineError::Timeout { .. } => {
                Some("Whether it took effect is unknown; wharf plan shows what is there now.".to_owned())
            }
            EngineError::NotFound(_)
            | EngineError::Conflict(_)
            | EngineError::Image { .. }
            | EngineError::NotAsAsked { .. }
            | EngineError::Failed { .. }
            | EngineError::Unsupported(_) => None,
        };
        Self::new(error.to_string()).hint_opt(hint)
    }
}

/// How to start the engine's service at `address`.
fn start_engine(address: &str) -> String {
    if !address.starts_with("unix://") {
        return "The address comes from the Site's engine in wharf.yaml, else from CONTAINER_HOST."
            .to_owned();
    }
    let root = rustix::process::getuid().is_root();
    let systemctl = if root { "systemctl" } else { "systemctl --user" };
    format!(
        "Start Podman's API service: {systemctl} start podman.socket. Without systemd: podman system service \
         --time 0 {address} &. For another address, set CONTAINER_HOST or the Site's engine."
    )
}

impl From<AddressError> for Error {
    fn from(error: AddressError) -> Self {
        Self::new(error.to_string())
            .hint("The address comes from the Site's engine in wharf.yaml, else from CONTAINER_HOST.")
    }
}

impl From<SourceError> for Error {
    fn from(error: SourceError) -> Self {
        let hint = match &error {
            SourceError::NoDirectory(_) => Some("wharf init DIR writes a configuration repository."),
            SourceError::NoRepository(_) => {
                Some("git init, or leave out --rev to read the files as they are.")
            }
            SourceError::NoRevision { .. } => Some("git log shows the commits."),
            SourceError::Damaged { .. } => Some("git fsck shows what is damaged; fetch the repository anew."),
            SourceError::NoPath { .. } | SourceError::NotCommitted(_) | SourceError::Repository(_) => None,
        };
        Self::new(error.to_string()).hint_opt(hint.map(str::to_owned))
    }
}

impl From<RollbackError> for Error {
    fn from(error: RollbackError) -> Self {
        let hint = match error {
            RollbackError::Source(SourceError::NoRepository(_)) => {
                return Self::new(error.to_string())
                    .hint("Clone the configuration repository, and run it there.");
            }
            RollbackError::Source(error) => return error.into(),
            RollbackError::Bare(_) => Some("Run it in a clone."),
            RollbackError::Dirty(_) => Some("git status shows them; commit or stash them first."),
            RollbackError::Elsewhere(_) => {
                Some("git log shows the history; git pull where it is out of date.")
            }
            RollbackError::Branch { .. } => Some("--branch NAME names another one."),
            RollbackError::NoIdentity => Some("git config user.name and git config user.email tell it."),
            RollbackError::NoCommit | RollbackError::First(_) | RollbackError::Nothing(_) => None,
        };
        Self::new(error.to_string()).hint_opt(hint.map(str::to_owned))
    }
}

impl From<LockError> for Error {
    fn from(error: LockError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<PlanFileError> for Error {
    fn from(error: PlanFileError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<OrderError> for Error {
    fn from(error: OrderError) -> Self {
        Self::new(error.to_string()).hint("This is a mistake in wharf; please report it with the repository.")
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}
