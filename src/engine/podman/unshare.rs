//! Podman without root keeps its network namespaces and its volumes' owners in a user namespace of its own. What needs
//! entering it is done there by a helper: this program, started by `podman unshare`. It reads one question at a time
//! from the socket that is its standard input, answers on it, and ends with it.
//!
//! A question is an object in JSON; the answer is `ok`, with a socket where one was asked
//! for, or `no`, the kind of error and its text.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use serde::{Deserialize, Serialize};

use super::adopted::Copying;
use super::{data, dial, owners};

/// The hidden subcommand that runs [`serve`].
pub const HELPER_COMMAND: &str = "podman-helper";
/// Helpers that are kept for the next question.
const KEPT: usize = 4;
/// The longest question or answer, in bytes: two paths and a volume.
const MESSAGE: usize = 3 * 4096 + 64;

/// What a helper does.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Question {
    /// Connect to a port on the loopback address within a process's network namespace.
    Dial { pid: u32, port: u16 },
    /// Move one volume's directory over another's.
    Move { from: PathBuf, to: PathBuf },
    /// Copy one volume's files beside another's directory.
    Copy(Copying),
    /// Put that copy in the directory's place.
    Keep(Copying),
    /// Put an entry into a volume's directory.
    Occupy(PathBuf),
    /// Remove it.
    Vacate(PathBuf),
}

impl Question {
    fn to_bytes(&self) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// Does it, in this process.
    pub(super) fn answer(&self) -> io::Result<Option<TcpStream>> {
        match self {
            Self::Dial { pid, port } => dial::connect_in_namespace(*pid, *port).map(Some),
            Self::Move { from, to } => data::move_directory(from, to).map(|()| None),
            Self::Copy(copying) => copying.copy().map(|()| None),
            Self::Keep(copying) => copying.keep().map(|()| None),
            Self::Occupy(directory) => owners::occupy(directory).map(|()| None),
            Self::Vacate(directory) => owners::vacate(directory).map(|()| None),
        }
    }
}

/// Idle helpers, and the program that they run.
#[derive(Debug, Default)]
pub(super) struct Helpers {
    program: Option<PathBuf>,
    idle: Mutex<Vec<Helper>>,
}

impl Helpers {
    pub(super) fn running(program: PathBuf) -> Self {
        Self {
            program: Some(program),
            idle: Mutex::default(),
        }
    }

    /// Has a helper answer. Blocks.
    pub(super) fn ask(&self, question: &Question) -> io::Result<Option<TcpStream>> {
        let kept = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        // A kept helper may have ended since; then a new one is asked.
        let answered = kept.and_then(|helper| Some((helper.ask(question).ok()?, helper)));
        let (answer, helper) = match answered {
            Some(answered) => answered,
            None => {
                let helper = self.start()?;
                let answer = helper.ask(question).map_err(|error| {
                    let text =
                        format!("the helper under `podman unshare` failed, see its message above: {error}");
                    io::Error::new(error.kind(), text)
                })?;
                (answer, helper)
            }
        };
        if let Ok(mut idle) = self.idle.lock()
            && idle.len() < KEPT
        {
            idle.push(helper);
        }
        answer
    }

    fn start(&self) -> io::Result<Helper> {
        match &self.program {
            Some(program) => Helper::start(program),
            None => Helper::start(&std::env::current_exe()?),
        }
    }
}

/// `podman unshare`. Podman refuses it where it takes itself for a client of some other Podman; whose namespace is entered
/// here is settled already.
pub(super) fn podman() -> Command {
    let mut command = Command::new("podman");
    command
        .env_remove("CONTAINER_HOST")
        .env_remove("CONTAINER_CONNECTION")
        // Podman refuses to start in a directory that its user can't enter.
        .current_dir("/")
        .arg("unshare");
    command
}

#[derive(Debug)]
struct Helper {
    child: Child,
    socket: OwnedFd,
}

impl Helper {
    fn start(program: &Path) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        let child = podman()
            .arg(program)
            .arg(HELPER_COMMAND)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| {
                io::Error::new(error.kind(), format!("podman unshare can't be started: {error}"))
            })?;
        Ok(Self { child, socket: ours })
    }

    /// The inner result is the answer; an outer error means that the helper is broken.
    fn ask(&self, question: &Question) -> io::Result<io::Result<Option<TcpStream>>> {
        rustix::net::send(&self.socket, &question.to_bytes()?, SendFlags::NOSIGNAL)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut text = vec![0; MESSAGE];
        let mut parts = [IoSliceMut::new(&mut text)];
        let received = rustix::net::recvmsg(&self.socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
        let socket = control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut sockets) => sockets.next(),
            _ => None,
        });
        text.truncate(received.bytes);
        read_answer(&text, socket).ok_or_else(|| io::Error::other("it ended without an answer"))
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // Its socket is closed only after this; without the kill, waiting for it would never end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_answer(text: &[u8], socket: Option<OwnedFd>) -> Option<io::Result<Option<TcpStream>>> {
    if text == b"ok" {
        return Some(Ok(socket.map(TcpStream::from)));
    }
    let text = String::from_utf8_lossy(text);
    let (kind, message) = text.strip_prefix("no ")?.split_once(' ')?;
    let kind = match kind {
        "refused" => io::ErrorKind::ConnectionRefused,
        "denied" => io::ErrorKind::PermissionDenied,
        "missing" => io::ErrorKind::NotFound,
        "taken" => io::ErrorKind::AlreadyExists,
        "busy" => io::ErrorKind::WouldBlock,
        "unfit" => io::ErrorKind::InvalidData,
        _ => io::ErrorKind::Other,
    };
    Some(Err(io::Error::new(kind, message)))
}

fn written_error(error: &io::Error) -> String {
    let kind = match error.kind() {
        io::ErrorKind::ConnectionRefused => "refused",
        io::ErrorKind::PermissionDenied => "denied",
        io::ErrorKind::NotFound => "missing",
        io::ErrorKind::AlreadyExists => "taken",
        io::ErrorKind::WouldBlock => "busy",
        io::ErrorKind::InvalidData => "unfit",
        _ => "other",
    };
    format!("no {kind} {error}").chars().take(MESSAGE / 4).collect()
}

/// The helper's main loop, on the socket that is its standard input. Ends when the other end closes.
///
/// # Errors
/// The socket fails.
pub fn serve() -> io::Result<()> {
    let stdin = io::stdin();
    let socket = stdin.as_fd();
    let mut question = vec![0; MESSAGE];
    loop {
        let (length, _) = rustix::net::recv(socket, &mut question[..], RecvFlags::empty())?;
        if length == 0 {
            return Ok(());
        }
        let answer = match Question::from_bytes(&question[..length]) {
            Some(question) => question.answer(),
            None => Err(io::Error::other("not a question that this version understands")),
        };
        match answer {
            Ok(None) => rustix::net::send(socket, b"ok", SendFlags::NOSIGNAL)?,
            Ok(Some(stream)) => {
                let sockets = [stream.as_fd()];
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
                let mut control = SendAncillaryBuffer::new(&mut space);
                control.push(SendAncillaryMessage::ScmRights(&sockets));
                rustix::net::sendmsg(socket, &[IoSlice::new(b"ok")], &mut control, SendFlags::NOSIGNAL)?
            }
            Err(error) => rustix::net::send(socket, written_error(&error).as_bytes(), SendFlags::NOSIGNAL)?,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Reown;
    use crate::model::UidRange;

    #[test]
    fn questions_read_back_and_others_are_refused() {
        let questions = [
            Question::Occupy("/a".into()),
            Question::Vacate("/a b".into()),
            Question::Dial { pid: 7, port: 8080 },
            Question::Copy(Copying {
                from: "/a b/_data".into(),
                to: "/c".into(),
                origin: "a b 2026-01-01".to_owned(),
                reown: None,
            }),
            Question::Keep(Copying {
                from: "/a".into(),
                to: "/c".into(),
                origin: String::new(),
                reown: Some(Reown {
                    from: UidRange { first: 0, count: 1 },
                    to: UidRange { first: 2, count: 3 },
                }),
            }),
            Question::Move {
                from: "/a b/_data".into(),
                to: "/c".into(),
            },
        ];
        for question in questions {
            assert_eq!(
                Question::from_bytes(&question.to_bytes().unwrap()),
                Some(question)
            );
        }
        for bad in [
            "",
            "dial",
            r#"{"dial": {"pid": 1, "port": 70000}}"#,
            r#"{"move": {"from": "/a"}}"#,
            r#"{"run": "/bin/sh"}"#,
        ] {
            assert_eq!(Question::from_bytes(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn podman_works_on_this_machine_whatever_the_environment_names() {
        let command = podman();
        let cleared: Vec<_> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name.to_owned())
            .collect();
        assert_eq!(cleared, ["CONTAINER_CONNECTION", "CONTAINER_HOST"]);
        assert_eq!(command.get_args().collect::<Vec<_>>(), ["unshare"]);
    }

    #[test]
    fn an_answer_keeps_its_kind() {
        let error = io::Error::new(io::ErrorKind::ConnectionRefused, "nothing listens");
        let read = read_answer(written_error(&error).as_bytes(), None)
            .unwrap()
            .unwrap_err();
        assert_eq!((read.kind(), read.to_string()), (error.kind(), error.to_string()));
        assert!(read_answer(b"ok", None).unwrap().is_ok());
        assert!(read_answer(b"", None).is_none());
    }
}
