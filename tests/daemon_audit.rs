//! Trouble with the audit log is the daemon's problem, stops nothing, and is over once it is mended: on a disk that is really
//! full, and where somebody has been at the lines.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test with processes

#[path = "support/place.rs"]
mod place;
#[path = "support/remote.rs"]
mod remote;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use remote::{Daemon, Lab};

/// A daemon that keeps its state on a disk of 40 KiB, which nobody else sees.
fn on_a_small_disk(lab: &Lab) -> Daemon<'_> {
    let script = "mount -t tmpfs -o size=40k none \"$1\" && shift && exec \"$@\"";
    std::fs::create_dir_all(lab.path("state")).unwrap();
    let mut command = lab.command("unshare");
    if !rustix::process::getuid().is_root() {
        command.args(["--user", "--map-current-user", "--keep-caps"]);
    }
    command.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]);
    command.arg(lab.path("state")).arg(place::binary());
    command.arg("daemon").arg(lab.path("origin.git"));
    Daemon::run(lab, command)
}

/// Writes until there is no room any more.
fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).unwrap();
    while file.write_all(&[0; 512]).is_ok() {}
}

fn problem(daemon: &Daemon<'_>) -> Option<String> {
    let status = daemon.status();
    status["problems"]["audit"]["message"].as_str().map(str::to_owned)
}

fn is_ready(daemon: &Daemon<'_>) -> bool {
    daemon.get("/readyz").starts_with("HTTP/1.1 204 ")
}

fn counted(daemon: &Daemon<'_>) -> bool {
    let metrics = daemon.get("/metrics");
    let value = |number| format!("\nwharf_problem{{kind=\"audit\"}} {number}\n");
    assert!(
        metrics.contains(&value(0)) || metrics.contains(&value(1)),
        "{metrics}"
    );
    metrics.contains(&value(1))
}

fn said(output: &Output) -> String {
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_full_disk_is_a_problem_until_there_is_room_and_everything_else_goes_on() {
    let lab = Lab::new();
    let daemon = on_a_small_disk(&lab);
    daemon.says("applied");
    daemon.synced();
    assert_eq!(problem(&daemon), None);
    assert!(!counted(&daemon));
    let state = PathBuf::from(format!("/proc/{}/root", daemon.id()));
    let state = state.join(lab.path("state").strip_prefix("/").unwrap());
    fill(&state.join("filler"));

    // What is free in a page that the log has already takes a line or two yet, and may take the one that tells of others.
    let why = (0..64).find_map(|number| {
        let workspaces: &[&str] = if number % 2 == 0 {
            &["api", "web"]
        } else {
            &["api"]
        };
        lab.publish(workspaces);
        daemon.synced();
        assert_eq!(lab.running(), workspaces);
        problem(&daemon)
    });
    let why = why.unwrap();
    assert!(why.contains("can't be written: No space left on device"), "{why}");
    assert!(is_ready(&daemon) && counted(&daemon));
    let shown = said(&daemon.ask(&["status"]));
    assert!(shown.contains("No space left on device"), "{shown}");
    // It stays the same problem, and is told once.
    lab.publish(&["api", "web", "db"]);
    daemon.synced();
    assert_eq!(lab.running(), ["api", "db", "web"]);
    assert_eq!(problem(&daemon), Some(why.clone()));
    let log = daemon.log();
    let told = log
        .lines()
        .filter(|line| line.contains(&why) && !line.contains("applying goes on"));
    assert_eq!(told.count(), 1, "{log}");

    std::fs::remove_file(state.join("filler")).unwrap();
    daemon.synced();
    assert_eq!(problem(&daemon), None);
    assert!(!counted(&daemon));
    let mut audit = lab.command(place::binary());
    audit.args(["audit", "show", "-o", "json", "--site", &lab.site()]);
    let shown = audit
        .env("WHARF_STATE_DIR", state.join("wharf"))
        .output()
        .unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    let last = shown["records"].as_array().unwrap().last().unwrap();
    assert_eq!(last["event"], "gap");
    assert!(last["lost"].as_u64().unwrap() > 3, "{last}");
    let log = daemon.stop();
    assert!(log.contains("over: the audit log"), "{log}");
}

#[test]
fn lines_that_somebody_has_changed_are_a_problem_from_the_start_until_a_new_log_is_begun() {
    let lab = Lab::new();
    let bare = lab.path("origin.git");
    let bare = bare.to_str().unwrap();
    let daemon = lab.start(&[bare]);
    daemon.says("applied");
    daemon.stop();
    let audit = lab.path("state/wharf/audit");
    let log = audit.join(format!("{}.jsonl", lab.site()));
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.contains("create pod/"));
    std::fs::write(&log, text.replacen("create pod/", "remove pod/", 1)).unwrap();

    let daemon = lab.start(&[bare]);
    daemon.says("applied");
    daemon.synced();
    let why = problem(&daemon).unwrap();
    assert!(why.contains("it was changed: its hash is another one"), "{why}");
    assert!(is_ready(&daemon) && counted(&daemon));
    lab.publish(&["api", "web"]);
    daemon.synced();
    assert_eq!(lab.running(), ["api", "web"]);
    std::fs::rename(&audit, lab.path("aside")).unwrap();
    while problem(&daemon).is_some() {
        daemon.synced();
    }
    assert!(!counted(&daemon));
    lab.publish(&["api"]);
    daemon.synced();
    assert!(daemon.ask(&["audit", "verify"]).status.success());
}
