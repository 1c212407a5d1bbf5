//! How long the daemon takes on real Podman: from a commit to the container that it declares, beside what the engine itself
//! takes for that, and from a kill to the container that runs again.
//!
//! `cargo bench --bench daemon`. Medians of 20 each; it ends with 1 where a bound is missed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // a benchmark stops where it can't go on
#![allow(clippy::disallowed_methods)] // the clock, files and child processes are what it is about

#[path = "../tests/support/client.rs"]
mod client;
#[path = "../tests/support/labelled.rs"]
mod labelled;
#[path = "../tests/support/raw.rs"]
mod raw;
#[path = "../tests/support/site.rs"]
mod site;

use std::process::{Child, ExitCode, Stdio};
use std::time::Instant;

use hyper::Method;
use raw::Raw;
use serde_json::Value;
use site::{Site, wharf};

const ROUNDS: usize = 20;
/// The most seconds above what the engine takes, from a commit to its container.
const COMMIT: f64 = 0.7;
/// The most seconds from a kill to the container that runs again.
const KILL: f64 = 0.8;

/// Ends with the benchmark, however that ends.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks until the container runs, as another process than `before` and with that mark.
async fn runs(raw: &mut Raw, container: &str, mark: &str, before: i64) -> i64 {
    loop {
        let (status, body) = raw
            .try_call(Method::GET, &format!("containers/{container}/json"), None)
            .await;
        if status == 200 {
            let found: Value = serde_json::from_slice(&body).unwrap();
            let pid = found["State"]["Pid"].as_i64().unwrap_or_default();
            let env = found["Config"]["Env"].as_array().cloned().unwrap_or_default();
            let marked = env.iter().any(|e| e.as_str() == Some(&format!("MARK={mark}")));
            if found["State"]["Status"] == "running" && pid != before && marked {
                return pid;
            }
        }
    }
}

/// What the engine took for the steps of the newest commit, in seconds, as the daemon's log says.
fn engines_own(log: &std::path::Path, commit: &str) -> f64 {
    let text = std::fs::read_to_string(log).unwrap();
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let own = lines.filter(|line| line["fields"]["commit"] == commit);
    own.filter_map(|line| line["fields"]["milliseconds"].as_f64())
        .sum::<f64>()
        / 1000.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main]
async fn main() -> ExitCode {
    let site = Site::new("daemon-bench");
    site.plain("alice", "api", "m0");
    site.commit("first");
    let log = site.dir().join(".git/daemon.log");
    let daemon = wharf()
        .args(["daemon", "--log", "json"])
        .current_dir(site.dir())
        .stdin(Stdio::null())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn();
    let _daemon = Daemon(daemon.unwrap());
    let api = site.name("alice.api.tools");
    let mut raw = Raw::connect().await;
    let mut pid = runs(&mut raw, &api, "m0", 0).await;
    let (mut commits, mut above, mut kills) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        site.ok(&["sync", "--wait"]);
        let mark = format!("m{round}");
        site.plain("alice", "api", &mark);
        site.commit(&mark);
        let begun = Instant::now();
        pid = runs(&mut raw, &api, &mark, pid).await;
        let seconds = begun.elapsed().as_secs_f64();
        site.ok(&["sync", "--wait"]);
        let head = std::process::Command::new("git")
            .args(["rev-parse", "HEAD"])
            .current_dir(site.dir())
            .output();
        let head = String::from_utf8(head.unwrap().stdout).unwrap();
        commits.push(seconds);
        above.push(seconds - engines_own(&log, head.trim()));
        let begun = Instant::now();
        raw.try_call(Method::POST, &format!("containers/{api}/kill?signal=KILL"), None)
            .await;
        pid = runs(&mut raw, &api, &mark, pid).await;
        kills.push(begun.elapsed().as_secs_f64());
    }
    let rows = [
        ("commit to container", median(commits), f64::INFINITY),
        ("  above the engine's own", median(above), COMMIT),
        ("kill to container", median(kills), KILL),
    ];
    let mut holds = true;
    println!("the daemon on Podman, medians of {ROUNDS}");
    for (what, seconds, bound) in rows {
        let verdict = if seconds <= bound { "holds" } else { "MISSED" };
        holds &= seconds <= bound;
        println!("{what:<26} {seconds:.3} s (bound {bound} s): {verdict}");
    }
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
