//! The daemon with 1,000 workspaces on the simulated engine: how long a round takes where nothing is to do, the first one and
//! later ones, and how much memory it needs.
//!
//! `cargo bench --bench scale`. The median of 20; it ends with 1 where a bound is missed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // a benchmark stops where it can't go on
#![allow(clippy::disallowed_methods)] // the clock, files and child processes are what it is about

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Instant;

use serde_json::Value;
use wharf::apply::{Cancellation, Options, Unobserved, apply};
use wharf::devfile::Imports;
use wharf::document::Files;
use wharf::engine::Engine as _;
use wharf::engine::simulated::Simulated;
use wharf::lock::Lock;
use wharf::model::EngineId;
use wharf::plan::{Request, plan};

const USERS: usize = 20;
const EACH: usize = 50;
const ROUNDS: usize = 20;
/// Bounds: seconds for a later round, seconds for the first one above the engine's own listing, and mebibytes.
const WARM: f64 = 0.1;
const COLD: f64 = 0.5;
const MEMORY: f64 = 60e6 / 1_048_576.0;

fn repository(engine: &Path) -> Vec<(String, String)> {
    let mut site = format!(
        "apiVersion: wharf/v1\nkind: Site\nmetadata: {{name: scale}}\nspec:\n  engine: simulated://{}\n  defaults: {{class: small, power: on}}\n  policy: {{promisedMemory: 10000}}\n\
         ---\napiVersion: wharf/v1\nkind: Class\nmetadata: {{name: small}}\nspec: {{cpu: '1', memory: 1Gi, pids: 500}}\n",
        engine.display()
    );
    let mut files = Vec::new();
    for user in 0..USERS {
        site += &format!("---\napiVersion: wharf/v1\nkind: User\nmetadata: {{name: u{user}}}\nspec: {{}}\n");
        for number in 0..EACH {
            let text = format!(
                "apiVersion: wharf/v1\nkind: Workspace\nmetadata: {{name: w{number}}}\nspec:\n  owner: u{user}\n  devfile: {{path: devfiles/d{number}.yaml}}\n"
            );
            files.push((format!("workspaces/u{user}-w{number}.yaml"), text));
        }
    }
    for number in 0..EACH {
        let text = format!(
            "schemaVersion: 2.2.2\nmetadata: {{name: d{number}}}\ncomponents:\n  - name: tools\n    container: {{image: 'localhost/a:1', memoryLimit: 512Mi, \
             env: [{{name: NUMBER, value: '{number}'}}], endpoints: [{{name: web, targetPort: 8080}}]}}\n"
        );
        files.push((format!("devfiles/d{number}.yaml"), text));
    }
    files.push(("wharf.yaml".to_owned(), site));
    files
}

/// An engine on which all of it has been applied, in a file; returns what its own listing takes, the file's reading included.
async fn applied(file: &Path, repository: &[(String, String)]) -> f64 {
    let engine = Simulated::in_memory();
    let image = ("localhost/a:1".to_owned(), EngineId("a".to_owned()));
    engine.edit(|state| state.images.extend([image])).unwrap();
    let files = Files::of(
        repository
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str())),
    );
    let loaded = wharf::manifest::load(&files);
    let (workspaces, _) = wharf::resolve::read(&loaded, &Imports::none());
    let (desired, _) = workspaces.unwrap().resolve(&files, &Lock::default());
    let observed = engine.observe(&desired.site).await.unwrap();
    let plan = plan(&desired, &observed, &Request::default()).unwrap();
    let report = apply(
        &engine,
        &plan,
        &Options::default(),
        &Unobserved,
        Cancellation::never(),
    )
    .await;
    assert_eq!(report.failures().count(), 0);
    let mut state = engine.state().unwrap();
    state.calls.clear();
    Simulated::open(file).unwrap().edit(|held| *held = state).unwrap();
    let begun = Instant::now();
    Simulated::open(file)
        .unwrap()
        .observe(&desired.site)
        .await
        .unwrap();
    begun.elapsed().as_secs_f64()
}

fn git(dir: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
    let done = Command::new("git")
        .args(identity)
        .args(arguments)
        .current_dir(dir)
        .status();
    assert!(done.unwrap().success());
}

/// Ends with the benchmark, however that ends.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many rounds there were without a change, and how long they took together.
fn rounds(address: &str) -> (u64, f64) {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = "GET /metrics HTTP/1.1\r\nhost: wharf\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let value = |name: &str| -> f64 {
        let line = format!("wharf_round_duration_seconds_{name}{{outcome=\"unchanged\"}} ");
        let found = text.lines().find_map(|found| found.strip_prefix(&line));
        found.map_or(0.0, |number| number.parse().unwrap())
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (value("count") as u64, value("sum"))
}

/// The most memory that a process has held, in mebibytes.
fn memory(process: &Child) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

#[tokio::main]
async fn main() -> ExitCode {
    let dir = tempfile::tempdir().unwrap();
    let engine = dir.path().join("engine.json");
    let files = repository(&engine);
    let listing = applied(&engine, &files).await;
    let config = dir.path().join("config");
    for (path, text) in &files {
        let path = config.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    git(&config, &["init", "-q", "-b", "main"]);
    git(&config, &["add", "-A"]);
    git(&config, &["commit", "-q", "-m", "all"]);
    let mut process = Command::new(env!("CARGO_BIN_EXE_wharf"))
        .args(["daemon", "--log", "json", "--listen", "127.0.0.1:0"])
        .current_dir(&config)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(process.stderr.take().unwrap());
    let daemon = Daemon(process);
    let mut address = String::new();
    let mut lines = log.lines();
    for line in lines.by_ref() {
        let entry: Value = serde_json::from_str(&line.unwrap()).unwrap();
        match entry["fields"]["message"].as_str() {
            Some("listening") => address = entry["fields"]["address"].as_str().unwrap().to_owned(),
            Some("applied") => break,
            _ => {}
        }
    }
    let (mut count, mut sum) = (0, 0.0);
    let mut next = || {
        loop {
            let (now, all) = rounds(&address);
            if now > count {
                let took = all - sum;
                (count, sum) = (now, all);
                return took;
            }
        }
    };
    let cold = next();
    let mut warm: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let synced = Command::new(env!("CARGO_BIN_EXE_wharf"))
                .args(["sync", "--wait", "--site", "scale"])
                .current_dir(&config)
                .status();
            assert!(synced.unwrap().success());
            next()
        })
        .collect();
    warm.sort_by(f64::total_cmp);
    let rows = [
        ("a later round", warm[ROUNDS / 2], WARM, "s"),
        ("the first round", cold, COLD + listing, "s"),
        ("  the engine's own listing", listing, f64::INFINITY, "s"),
        ("the most memory", memory(&daemon.0), MEMORY, "MiB"),
    ];
    let mut holds = true;
    println!(
        "the daemon with {} workspaces on the simulated engine",
        USERS * EACH
    );
    for (what, value, bound, unit) in rows {
        let verdict = if value <= bound { "holds" } else { "MISSED" };
        holds &= value <= bound;
        println!("{what:<28} {value:.3} {unit} (bound {bound:.3}): {verdict}");
    }
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
