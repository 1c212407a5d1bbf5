//! A daemon that follows a repository elsewhere, on an engine that is a file: the real binary, real git, and a state
//! directory of its own.

#![allow(dead_code)] // each test binary uses a part of it

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::place::binary;

/// Longer than anything takes on a slow machine.
pub(crate) const BOUND: Duration = Duration::from_secs(240);

/// A working tree, the bare repository that it pushes to, and where a daemon keeps things.
pub(crate) struct Lab {
    pub(crate) dir: tempfile::TempDir,
}

impl Lab {
    /// With a first commit that declares `alice/api`, pushed.
    pub(crate) fn new() -> Self {
        let lab = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        let images = json!({"images": {"localhost/a:1": "a"}});
        std::fs::write(lab.path("engine.json"), images.to_string()).unwrap();
        std::fs::create_dir(lab.path("work")).unwrap();
        lab.git(&["init", "-q", "-b", "main"]);
        let origin = lab.path("origin.git");
        lab.git(&["init", "-q", "--bare", "-b", "main", origin.to_str().unwrap()]);
        lab.git(&["remote", "add", "origin", origin.to_str().unwrap()]);
        lab.declare("", &["api"]);
        lab.commit("first");
        lab.push();
        lab
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The site's name: nobody else's.
    pub(crate) fn site(&self) -> String {
        let name = self.dir.path().file_name().unwrap().to_str().unwrap();
        let name = name.trim_start_matches('.').to_lowercase();
        format!("t-{}-{name}", std::process::id())
    }

    /// A program that sees nothing of its user's git.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path("work"))
            .env("HOME", self.dir.path())
            .env("WHARF_STATE_DIR", self.path("state/wharf"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("NO_COLOR", "1")
            .env_remove("SSH_AUTH_SOCK")
            .env_remove("GNUPGHOME")
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "Alice")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "alice@example.org")))
            .stdin(Stdio::null());
        command
    }

    /// Runs a program, which must succeed; what it printed.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.run("git", arguments)
    }

    /// Runs git in the bare repository.
    pub(crate) fn origin(&self, arguments: &[&str]) -> String {
        let origin = self.path("origin.git");
        let all = [&["-C", origin.to_str().unwrap()][..], arguments].concat();
        self.git(&all)
    }

    /// Writes a site with these workspaces of alice into a folder of the working tree.
    pub(crate) fn declare(&self, folder: &str, workspaces: &[&str]) {
        let engine = self.path("engine.json");
        let mut text = format!(
            "apiVersion: wharf/v1\nkind: Site\nmetadata: {{name: {}}}\nspec:\n  engine: simulated://{}\n  \
             defaults: {{class: small, power: on}}\n---\n\
             apiVersion: wharf/v1\nkind: Class\nmetadata: {{name: small}}\nspec: {{cpu: '1', memory: 1Gi}}\n---\n\
             apiVersion: wharf/v1\nkind: User\nmetadata: {{name: alice}}\nspec: {{}}\n",
            self.site(),
            engine.display()
        );
        for name in workspaces {
            text += &format!(
                "---\napiVersion: wharf/v1\nkind: Workspace\nmetadata: {{name: {name}}}\nspec:\n  owner: alice\n  \
                 devfile:\n    inline: {{schemaVersion: 2.2.2, components: [{{name: tools, container: {{image: \
                 'localhost/a:1'}}}}]}}\n"
            );
        }
        self.write(&Path::new(folder).join("wharf.yaml"), &text);
    }

    pub(crate) fn write(&self, path: &Path, text: &str) {
        let file = self.path("work").join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// Commits everything; the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn push(&self) {
        self.git(&["push", "-q", "--force", "origin", "HEAD:refs/heads/main"]);
    }

    /// Declares, commits and pushes; the commit.
    pub(crate) fn publish(&self, workspaces: &[&str]) -> String {
        self.declare("", workspaces);
        let commit = self.commit(&workspaces.join(" "));
        self.push();
        commit
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.path("origin.git").display())
    }

    /// The workspaces whose containers run.
    pub(crate) fn running(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("engine.json")).unwrap();
        let state: Value = serde_json::from_str(&text).unwrap();
        let containers = state["containers"].as_object().cloned().unwrap_or_default();
        let names = containers.keys().filter_map(|name| name.split('.').nth(2));
        names.map(str::to_owned).collect()
    }

    /// The mirror's bare repository.
    pub(crate) fn mirror(&self) -> PathBuf {
        let repositories = self.path("state/wharf/repositories");
        let mut homes = std::fs::read_dir(repositories).unwrap();
        let home = homes.next().unwrap().unwrap().path();
        assert!(homes.next().is_none(), "one mirror");
        home.join("mirror.git")
    }

    /// A file of that mode in the lab's own directory.
    pub(crate) fn file(&self, name: &str, text: &str, mode: u32) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Daemon<'_> {
        Daemon::start(self, arguments, &[])
    }
}

/// Lines, whether more may come, and who waits for them.
type Lines = (Mutex<(Vec<String>, bool)>, Condvar);

/// A daemon that runs; dropped, it is killed.
pub(crate) struct Daemon<'l> {
    lab: &'l Lab,
    process: Child,
    /// What it has said; nothing once it has ended.
    lines: Arc<Lines>,
}

impl<'l> Daemon<'l> {
    /// It fetches when it is asked, unless the arguments say otherwise.
    pub(crate) fn start(lab: &'l Lab, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = lab.command(binary());
        command
            .arg("daemon")
            .args(arguments)
            .envs(environment.iter().copied());
        Self::run(lab, command)
    }

    /// What `command` becomes in the end.
    pub(crate) fn run(lab: &'l Lab, mut command: Command) -> Self {
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines: Arc<Lines> = Arc::default();
        let (heard, errors) = (Arc::clone(&lines), process.stderr.take().unwrap());
        std::thread::spawn(move || {
            let (said, changed) = &*heard;
            for line in BufReader::new(errors).lines() {
                said.lock().unwrap().0.push(line.unwrap());
                changed.notify_all();
            }
            said.lock().unwrap().1 = true;
            changed.notify_all();
        });
        Self { lab, process, lines }
    }

    /// Everything that it has said so far.
    pub(crate) fn log(&self) -> String {
        self.lines.0.lock().unwrap().0.join("\n")
    }

    /// Waits until it says something.
    pub(crate) fn says(&self, what: &str) {
        let (said, changed) = &*self.lines;
        let missing = |(lines, ended): &mut (Vec<String>, bool)| {
            !*ended && !lines.iter().any(|line| line.contains(what))
        };
        let waited = changed.wait_timeout_while(said.lock().unwrap(), BOUND, missing);
        drop(waited.unwrap());
        assert!(
            self.log().contains(what),
            "it never says {what:?}:\n{}",
            self.log()
        );
    }

    /// Waits until it has ended; its exit code and all that it has said.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let (said, changed) = &*self.lines;
        let waited = changed.wait_timeout_while(said.lock().unwrap(), BOUND, |(_, ended)| !*ended);
        assert!(!waited.unwrap().1.timed_out(), "it does not end");
        (self.process.wait().unwrap().code(), unbroken(&self.log()))
    }

    /// Asks it to end, and waits.
    pub(crate) fn stop(self) -> String {
        let pid = Pid::from_raw(self.process.id().cast_signed()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let (code, log) = self.ended();
        assert_eq!(code, Some(0), "{log}");
        log
    }

    /// `wharf sync --wait` and others for this daemon's site.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Output {
        let mut command = self.lab.command(binary());
        command.args(arguments).args(["--site", &self.lab.site()]);
        command.output().unwrap()
    }

    /// Lets it look, which must end well.
    pub(crate) fn synced(&self) {
        let output = self.ask(&["sync", "--wait"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{}", self.log());
    }

    /// Lets it look, which must end in an error; what that says.
    pub(crate) fn stuck(&self) -> String {
        let output = self.ask(&["sync", "--wait"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}\n{}", self.log());
        unbroken(&said)
    }

    pub(crate) fn status(&self) -> Value {
        let answer = self.get("/v1/status");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The answer to a request on its socket.
    pub(crate) fn get(&self, path: &str) -> String {
        let directory = match rustix::process::getuid().is_root() {
            true => PathBuf::from("/run/wharf"),
            false => self.lab.path("run/wharf"),
        };
        let socket = directory.join(format!("{}.sock", self.lab.site()));
        self.says("answering");
        let mut stream = UnixStream::connect(socket).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: wharf\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A message without the breaks between its words, which depend on the width.
fn unbroken(said: &str) -> String {
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}
