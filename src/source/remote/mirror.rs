//! The mirror on disk, and the process that fills it.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, kill_process_group, set_parent_process_death_signal, setrlimit,
};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::tree::{TreeOrder, tree};
use super::{Order, fetch};
use crate::model::{Bytes, content_hash};

/// The subcommand that fetches.
pub const HELPER_COMMAND: &str = "fetch-helper";

/// The most that is read of what the process says, in bytes.
const MOST_SAID: u64 = 64 << 10;
/// How many packs there may be until all is fetched anew as one: each fetch leaves one behind.
const MOST_PACKS: usize = 200;
/// What the process may know of the environment: who it is, proxies, certificates and an agent of ssh.
const KEPT: [&str; 18] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "RUST_BACKTRACE",
];

/// The process that fetches: which program it is, and what it may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper {
    /// The program; it knows [`HELPER_COMMAND`].
    pub program: PathBuf,
    /// How long one fetch may take.
    pub time: Duration,
    /// How long the first one may take, which brings everything.
    pub first_time: Duration,
    /// What it may use of the machine.
    pub bounds: Bounds,
}

impl Default for Helper {
    fn default() -> Self {
        Self {
            // The program that runs, even where its file has been replaced since.
            program: "/proc/self/exe".into(),
            time: Duration::from_secs(120),
            first_time: Duration::from_secs(900),
            bounds: Bounds::default(),
        }
    }
}

/// The most that a fetch may use, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Of one file that it writes.
    pub file: u64,
    /// Of memory.
    pub memory: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            file: 2 << 30,
            memory: 2 << 30,
        }
    }
}

/// What the process reads: what to fetch, and what it may use for that.
#[derive(Serialize, Deserialize)]
struct Bounded<E> {
    bounds: Bounds,
    errand: E,
}

/// What the process is sent for.
#[derive(Debug, Serialize, Deserialize)]
pub enum Errand {
    /// Everything of a repository, into its mirror.
    Mirror(Order),
    /// One folder of a repository, for a build.
    Tree(TreeOrder),
}

/// The mirror of one repository, held by this process alone.
#[derive(Debug)]
pub struct Mirror {
    home: PathBuf,
    /// Who fetches.
    pub helper: Helper,
    _lock: File,
}

/// Why there is no mirror.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// Another process has it.
    #[error("another daemon follows that repository already; it holds {0}")]
    Held(PathBuf),
    /// Its directory can't be had.
    #[error("the mirror's directory {path} can't be used: {cause}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

impl Mirror {
    /// The mirror for what `key` tells apart, below the state directory.
    ///
    /// # Errors
    /// Where another process has it, or the directory can't be used.
    pub fn open(state: &Path, key: &str) -> Result<Self, MirrorError> {
        let home = state
            .join("repositories")
            .join(&content_hash(key.as_bytes())[..16]);
        let failed = |cause| MirrorError::Directory {
            path: home.clone(),
            cause,
        };
        let mut builder = DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(&home)
            .map_err(failed)?;
        let mut options = File::options();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(home.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                home,
                helper: Helper::default(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(MirrorError::Held(home)),
            Err(TryLockError::Error(cause)) => Err(failed(cause)),
        }
    }

    /// The bare repository; it is there once something has been fetched.
    #[must_use]
    pub fn repository(&self) -> PathBuf {
        self.home.join("mirror.git")
    }

    /// Whether nothing has ever been fetched.
    #[must_use]
    pub fn is_new(&self) -> bool {
        !self.repository().exists()
    }

    /// Whether it would better be fetched anew.
    #[must_use]
    pub fn is_worn(&self) -> bool {
        let packs = fs::read_dir(self.repository().join("objects/pack"));
        let is_pack = |entry: &fs::DirEntry| entry.path().extension().is_some_and(|e| e == "pack");
        packs.is_ok_and(|packs| packs.flatten().filter(is_pack).count() > MOST_PACKS)
    }

    /// The commit that was in force last, as far as that is known.
    #[must_use]
    pub fn in_force(&self) -> Option<String> {
        let text = fs::read_to_string(self.home.join("in-force")).ok()?;
        Some(text.trim().to_owned()).filter(|commit| !commit.is_empty())
    }

    /// Remembers the commit that is in force.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn remember(&self, commit: &str) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.home)?;
        writeln!(file, "{commit}")?;
        file.persist(self.home.join("in-force"))
            .map(drop)
            .map_err(|e| e.error)
    }

    /// Fetches; `afresh`, or where there is nothing yet, into a new directory that then takes the mirror's place. Dropped in
    /// the middle, it ends all that it has begun.
    ///
    /// # Errors
    /// What happened, in words.
    pub async fn fetch(&self, order: &Order, afresh: bool) -> Result<(), String> {
        let is_new = self.is_new();
        let fresh = self.home.join("fresh.git");
        let mut order = order.clone();
        if is_new || afresh {
            remove(&fresh)?;
            order.mirror.clone_from(&fresh);
        } else {
            order.mirror = self.repository();
            sweep(&order.mirror);
        }
        let bound = match is_new || afresh {
            true => self.helper.first_time,
            false => self.helper.time,
        };
        let into = order.mirror.clone();
        let fetched = self.helper.run(&Errand::Mirror(order), bound).await;
        if fetched.is_err() && into == fresh {
            // What is left of it would only take room until the next one.
            let _ = remove(&fresh);
        } else if fetched.is_err() {
            sweep(&into);
        }
        fetched?;
        let text = |e: io::Error| format!("the mirror can't be put in place: {e}");
        if is_new {
            fs::rename(&fresh, self.repository()).map_err(text)?;
        } else if afresh {
            let swapped = renameat_with(CWD, &fresh, CWD, self.repository(), RenameFlags::EXCHANGE);
            swapped.map_err(|e| text(e.into()))?;
            remove(&fresh)?;
        }
        Ok(())
    }
}

fn remove(directory: &Path) -> Result<(), String> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("{} can't be removed: {error}", directory.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes what a fetch that was ended in the middle has left: locks of refs, which nobody holds, and halves of packs.
fn sweep(repository: &Path) {
    let mut folders = vec![repository.join("refs"), repository.join("objects/pack")];
    let mut files = vec![repository.join("HEAD.lock"), repository.join("packed-refs.lock")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if name.ends_with(".lock") || name.starts_with(".tmp") {
                files.push(path);
            }
        }
    }
    for file in files {
        // One that stays is in the way of the fetch, which says so.
        let _ = fs::remove_file(file);
    }
}

/// Ends a process and all that it has started, unless they have ended by themselves.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Helper {
    /// Sends it, for so long at most.
    ///
    /// # Errors
    /// What happened, in words.
    pub async fn run(&self, errand: &Errand, bound: Duration) -> Result<(), String> {
        let mut command = Command::new(&self.program);
        command.arg(HELPER_COMMAND).env_clear().env("LC_ALL", "C");
        command.envs(
            KEPT.iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        );
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| format!("no process can be started to fetch: {e}"))?;
        let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
        let bounds = self.bounds;
        let Ok(said) = timeout(bound, talk(&mut child, &Bounded { bounds, errand })).await else {
            return Err(format!("it takes longer than {} s", bound.as_secs()));
        };
        group.0 = None;
        let (status, answer, complaint) = said.map_err(|e| format!("the process that fetches: {e}"))?;
        judge(status, &answer, &complaint, bounds)
    }
}

async fn talk(child: &mut Child, asked: &Bounded<&Errand>) -> io::Result<(ExitStatus, String, String)> {
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    if let Some(mut input) = input {
        input.write_all(&serde_json::to_vec(asked)?).await?;
    }
    let (answer, complaint) = tokio::join!(said(output), said(errors));
    Ok((child.wait().await?, answer?, complaint?))
}

/// What comes out of a pipe until it ends; what is too much is read and forgotten.
async fn said(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let Some(pipe) = pipe else {
        return Ok(String::new());
    };
    let mut kept = Vec::new();
    let mut pipe = pipe.take(MOST_SAID);
    pipe.read_to_end(&mut kept).await?;
    tokio::io::copy(&mut pipe.into_inner(), &mut tokio::io::sink()).await?;
    Ok(String::from_utf8_lossy(&kept).into_owned())
}

fn judge(status: ExitStatus, answer: &str, complaint: &str, bounds: Bounds) -> Result<(), String> {
    if status.success() && answer.is_empty() {
        return Ok(());
    }
    let signal = status.signal().map(|signal| match signal {
        signal if signal == Signal::XFSZ.as_raw() => {
            format!("it is larger than {}", Bytes(bounds.file))
        }
        signal => format!("the process that fetches was ended by signal {signal}"),
    });
    let mut why = signal.unwrap_or_else(|| answer.trim().to_owned());
    // What ssh says stands there. A server may have put anything into it.
    for line in complaint.lines().rev().take(3) {
        let line: String = line.chars().filter(|c| !c.is_control()).take(200).collect();
        let line = line.trim();
        if !line.is_empty() && !why.contains(line) {
            why = format!("{why}; {line}");
        }
    }
    Err(why)
}

/// What the process does: it reads an [`Errand`] and answers nothing, or what went wrong.
///
/// # Errors
/// Where it can't be asked, or can't answer.
pub fn serve() -> io::Result<()> {
    // A daemon that was killed leaves nobody behind.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut asked = Vec::new();
    io::stdin().lock().read_to_end(&mut asked)?;
    let Bounded { bounds, errand } = serde_json::from_slice::<Bounded<Errand>>(&asked)?;
    for (resource, most) in [
        (Resource::Fsize, bounds.file),
        (Resource::Data, bounds.memory),
        (Resource::Core, 0),
    ] {
        setrlimit(
            resource,
            Rlimit {
                current: Some(most),
                maximum: Some(most),
            },
        )?;
    }
    let done = match errand {
        Errand::Mirror(order) => fetch(&order),
        Errand::Tree(order) => tree(&order),
    };
    if let Err(why) = done {
        io::stdout().lock().write_all(why.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_has_one_holder_and_remembers_what_is_in_force() {
        let state = tempfile::tempdir().unwrap();
        let mirror = Mirror::open(state.path(), "a").unwrap();
        let error = Mirror::open(state.path(), "a").unwrap_err();
        assert!(matches!(error, MirrorError::Held(_)), "{error}");
        assert!(Mirror::open(state.path(), "b").is_ok());
        assert_eq!(mirror.in_force(), None);
        mirror.remember("1234").unwrap();
        mirror.remember("5678").unwrap();
        drop(mirror);
        let mirror = Mirror::open(state.path(), "a").unwrap();
        assert_eq!(mirror.in_force().as_deref(), Some("5678"));
    }

    #[test]
    fn what_a_fetch_has_left_in_the_middle_is_removed_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let left = ["HEAD.lock", "refs/heads/a/b.lock", "objects/pack/.tmpX"];
        let kept = ["HEAD", "refs/heads/a/b", "objects/pack/pack-1.pack"];
        for path in left.iter().chain(&kept) {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        sweep(home.path());
        assert!(left.iter().all(|path| !home.path().join(path).exists()));
        assert!(kept.iter().all(|path| home.path().join(path).exists()));
    }

    #[test]
    fn a_failure_says_what_the_programs_say_without_control_characters() {
        let why = judge(
            ExitStatus::from_raw(0),
            "no handshake",
            "\n\u{1b}[31mHost key verification failed.\r\n",
            Bounds::default(),
        );
        assert_eq!(
            why,
            Err("no handshake; [31mHost key verification failed.".to_owned())
        );
        let too_large = ExitStatus::from_raw(Signal::XFSZ.as_raw());
        let why = judge(too_large, "", "", Bounds::default()).unwrap_err();
        assert!(why.contains("larger than 2Gi"), "{why}");
        let warned = judge(ExitStatus::from_raw(0), "", "a warning", Bounds::default());
        assert_eq!(warned, Ok(()));
    }
}
