//! What the daemon tells and takes over HTTP: the real binary, on the simulated engine, asked as other machines, git servers
//! and commands ask it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test may panic and reach out

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac as _};
use serde_json::Value;
use sha2::Sha256;

const SECRET: &str = "a secret of more than sixteen bytes";
const PUSH: &str = r#"{"ref": "refs/heads/main"}"#;
/// Longer than anything takes on a slow machine.
const BOUND: Duration = Duration::from_secs(120);

fn wharf(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
    command.arg("-C").arg(dir).stdin(Stdio::null());
    command.env("WHARF_STATE_DIR", dir.join(".git/state"));
    command
}

fn git(dir: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
    let done = Command::new("git")
        .args(identity)
        .args(arguments)
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A daemon of a site without a workspace.
struct Daemon {
    dir: tempfile::TempDir,
    process: Child,
    /// Kept open, or its log would end it.
    _log: BufReader<ChildStderr>,
    address: String,
    site: String,
}

impl Daemon {
    fn start(topic: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let site = format!("http-{topic}-{}", std::process::id());
        let engine = dir.path().join("engine.json");
        let manifest = format!(
            "apiVersion: wharf/v1\nkind: Site\nmetadata: {{name: {site}}}\nspec:\n  engine: simulated://{}\n",
            engine.display()
        );
        std::fs::write(dir.path().join("wharf.yaml"), manifest).unwrap();
        git(dir.path(), &["init", "-q", "-b", "main"]);
        git(dir.path(), &["add", "wharf.yaml"]);
        git(dir.path(), &["commit", "-q", "-m", "first"]);
        let secret = dir.path().join("secret");
        std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let mut process = wharf(dir.path())
            .args([
                "daemon",
                "--listen",
                "127.0.0.1:0",
                "--hook-secret",
                "secret",
                "--log",
                "json",
            ])
            .current_dir(dir.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut address = None;
        let mut applied = false;
        while address.is_none() || !applied {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended");
            let entry: Value = serde_json::from_str(&line).unwrap();
            match entry["fields"]["message"].as_str().unwrap() {
                "listening" => address = Some(entry["fields"]["address"].as_str().unwrap().to_owned()),
                "applied" => applied = true,
                _ => {}
            }
        }
        let address = address.unwrap();
        Self {
            dir,
            process,
            _log: log,
            address,
            site,
        }
    }

    /// Sends bytes as they are and reads the answer to its end.
    fn ask(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(BOUND)).unwrap();
        stream.write_all(request).unwrap();
        answer(stream)
    }

    fn get(&self, path: &str) -> String {
        self.ask(format!("GET {path} HTTP/1.1\r\nhost: wharf\r\nconnection: close\r\n\r\n").as_bytes())
    }

    fn post(&self, headers: &str, body: &str) -> String {
        let length = body.len();
        self.ask(
            format!(
                "POST /hooks/git HTTP/1.1\r\nhost: wharf\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
            )
            .as_bytes(),
        )
    }

    fn status(&self) -> Value {
        let shown = wharf(self.dir.path())
            .args(["status", "-o", "json"])
            .output()
            .unwrap();
        assert!(
            shown.status.success(),
            "{}",
            String::from_utf8_lossy(&shown.stderr)
        );
        serde_json::from_slice::<Value>(&shown.stdout).unwrap()["daemon"].clone()
    }

    /// How many rounds there have been once it waits again.
    fn rounds(&self, at_least: u64) -> u64 {
        let begun = Instant::now();
        loop {
            let status = self.status();
            let rounds = status["rounds"].as_u64().unwrap();
            if status["phase"] == "idle" && rounds >= at_least {
                return rounds;
            }
            assert!(begun.elapsed() < BOUND, "{status}");
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What comes until the other side ends it.
fn answer(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => String::from_utf8(bytes).unwrap(),
    }
}

fn code(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or(answer)
}

fn signature(body: &str) -> String {
    let mut hash = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    hash.update(body.as_bytes());
    hash.finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[test]
fn a_git_server_that_knows_the_secret_lets_it_look() {
    let daemon = Daemon::start("hook");
    let mut rounds = daemon.rounds(1);
    let signed = signature(PUSH);
    for headers in [
        format!("x-github-event: push\r\nx-hub-signature-256: sha256={signed}\r\n"),
        format!("x-gitea-event: push\r\nx-gitea-signature: {signed}\r\n"),
        format!("x-gitlab-event: Push Hook\r\nx-gitlab-token: {SECRET}\r\n"),
    ] {
        assert_eq!(code(&daemon.post(&headers, PUSH)), "202", "{headers}");
        let now = daemon.rounds(rounds + 1);
        assert!(now > rounds);
        rounds = now;
    }
}

#[test]
fn nobody_else_costs_it_anything() {
    let daemon = Daemon::start("refused");
    let wrong = format!("x-hub-signature-256: sha256={}\r\n", signature("{}"));
    assert_eq!(code(&daemon.post(&wrong, PUSH)), "403");
    assert_eq!(code(&daemon.post("x-gitlab-token: guessed\r\n", PUSH)), "403");
    assert_eq!(code(&daemon.post("", PUSH)), "401");
    assert_eq!(code(&daemon.get("/hooks/git")), "405");
    let huge = "x".repeat((25 << 20) + 1);
    assert_eq!(code(&daemon.post(&wrong, &huge)), "413");

    // Both at once: each is given ten seconds.
    let mut slow_head = TcpStream::connect(&daemon.address).unwrap();
    slow_head
        .write_all(b"POST /hooks/git HTTP/1.1\r\nhost: wharf\r\nx-a: ")
        .unwrap();
    let mut slow_body = TcpStream::connect(&daemon.address).unwrap();
    let head = format!("POST /hooks/git HTTP/1.1\r\nhost: wharf\r\n{wrong}content-length: 1000\r\n\r\n{{");
    slow_body.write_all(head.as_bytes()).unwrap();
    for stream in [slow_head, slow_body] {
        stream.set_read_timeout(Some(BOUND)).unwrap();
        assert_eq!(code(&answer(stream)), "408");
    }

    let counted = daemon.get("/metrics");
    assert!(
        counted.contains("wharf_hooks_total{outcome=\"accepted\"} 0\n"),
        "{counted}"
    );
    assert!(!counted.contains("wharf_hooks_total{outcome=\"refused\"} 0\n"));
}

#[test]
fn other_machines_see_its_health_and_metrics_and_nothing_else() {
    let daemon = Daemon::start("web");
    assert_eq!(code(&daemon.get("/healthz")), "204");
    assert_eq!(code(&daemon.get("/readyz")), "204");
    let metrics = daemon.get("/metrics");
    assert!(
        metrics.contains("content-type: application/openmetrics-text"),
        "{metrics}"
    );
    assert!(metrics.contains("wharf_converged 1.0\n"), "{metrics}");
    for path in ["/v1/status", "/v1/events", "/v1/sync", "/", "/../v1/status"] {
        assert_eq!(code(&daemon.get(path)), "404", "{path}");
    }
    assert_eq!(daemon.status()["site"], daemon.site.as_str());
}

#[test]
fn what_has_happened_can_be_read_and_followed() {
    let daemon = Daemon::start("events");
    let events = wharf(daemon.dir.path())
        .args(["events", "-o", "json"])
        .output()
        .unwrap();
    assert!(
        events.status.success(),
        "{}",
        String::from_utf8_lossy(&events.stderr)
    );
    let text = String::from_utf8(events.stdout).unwrap();
    let kinds: Vec<String> = text
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["kind"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(kinds, ["declared", "applied"]);

    let mut following = wharf(daemon.dir.path())
        .args(["events", "-f"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert!(next().contains("declared"));
    assert!(next().contains("applied"));
    let paused = wharf(daemon.dir.path()).arg("pause").status().unwrap();
    assert!(paused.success());
    let line = next();
    assert!(line.ends_with("asked     -  change nothing"), "{line}");

    let mut daemon = daemon;
    daemon.process.kill().unwrap();
    let ended = following.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("has ended"));
}

#[test]
fn a_status_that_is_watched_is_shown_again_when_it_changes() {
    let daemon = Daemon::start("watch");
    let mut watching = wharf(daemon.dir.path())
        .args(["status", "--watch", "-o", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["daemon"]["paused"], false);
    assert!(wharf(daemon.dir.path()).arg("pause").status().unwrap().success());
    while next()["daemon"]["paused"] != true {}
    watching.kill().unwrap();
    watching.wait().unwrap();
}

#[test]
fn a_secret_that_others_can_read_or_guess_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    git(dir, &["init", "-q", "-b", "main"]);
    let refused = |content: &str, mode: u32| {
        let secret = dir.join("secret");
        std::fs::write(&secret, content).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).unwrap();
        let ended = wharf(dir)
            .args(["daemon", "--listen", "127.0.0.1:0", "--hook-secret"])
            .arg(&secret)
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(1));
        let said = String::from_utf8(ended.stderr).unwrap();
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(refused(SECRET, 0o644).contains("its mode 644 lets others read it"));
    let short = refused("hunter2\n", 0o600);
    assert!(
        short.contains("it holds 7 bytes") && !short.contains("hunter2"),
        "{short}"
    );
    let alone = wharf(dir)
        .args(["daemon", "--hook-secret", "x"])
        .output()
        .unwrap();
    assert_eq!(alone.status.code(), Some(64));
}

#[test]
fn the_checked_in_description_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/daemon.json");
    let printed = Command::new(env!("CARGO_BIN_EXE_wharf"))
        .args(["schema", "daemon"])
        .output()
        .unwrap();
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        std::fs::write(&path, &printed.stdout).unwrap();
    }
    let checked_in = std::fs::read(&path).unwrap_or_default();
    assert!(
        checked_in == printed.stdout,
        "{} is not current: `make schema` writes it",
        path.display()
    );
    let description: Value = serde_json::from_slice(&checked_in).unwrap();
    let paths: Vec<&String> = description["paths"].as_object().unwrap().keys().collect();
    assert!(paths.iter().any(|path| *path == "/v1/status") && paths.iter().any(|path| *path == "/hooks/git"));
}

#[test]
fn the_dashboard_and_the_docs_name_the_metrics_that_there_are() {
    let daemon = Daemon::start("metrics");
    let signed = format!("x-gitlab-token: {SECRET}\r\n");
    assert_eq!(code(&daemon.post(&signed, PUSH)), "202");
    let metrics = daemon.get("/metrics");
    let known: BTreeSet<&str> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["docs/operating.md", "examples/grafana/wharf.json"] {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        let named: BTreeSet<&str> = text
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .filter(|word| word.starts_with("wharf_"))
            .map(|word| {
                let stem = word
                    .strip_suffix("_total")
                    .or_else(|| word.strip_suffix("_count"));
                stem.or_else(|| word.strip_suffix("_bucket")).unwrap_or(word)
            })
            .collect();
        let unknown: Vec<&&str> = named.difference(&known).collect();
        assert!(
            unknown.is_empty(),
            "{file} names {unknown:?}, and there are {known:?}"
        );
        if file.ends_with(".md") {
            let missing: Vec<&&str> = known.difference(&named).collect();
            assert!(missing.is_empty(), "{file} lacks {missing:?}");
        }
    }
}
