//! Approvals of the real daemon: who gave one is recorded, and one that was not used yet outlives a restart.

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

use remote::{Daemon, Lab};
use serde_json::Value;

fn follow(lab: &Lab) -> Daemon<'_> {
    lab.start(&[&lab.url(), "--interval", "86400"])
}

fn approve(daemon: &Daemon<'_>, what: &str) {
    assert!(daemon.ask(&["approve", what]).status.success());
    // Once it waits again, it has noted it.
    daemon.ask(&["sync", "--wait"]);
}

/// What the log says of approvals: digest and state, all by this user.
fn recorded(daemon: &Daemon<'_>) -> Vec<(String, String)> {
    let shown = daemon.ask(&["audit", "show", "-o", "json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let records = shown["records"].as_array().unwrap();
    let approvals = records.iter().filter(|r| r["event"] == "approval");
    let one = |record: &Value| {
        assert_eq!(record["user"]["uid"], rustix::process::getuid().as_raw());
        let text = |key: &str| record[key].as_str().unwrap().to_owned();
        (text("digest"), text("state"))
    };
    approvals.map(one).collect()
}

#[test]
fn an_approval_of_a_plan_outlives_a_restart_and_is_recorded_with_who_gave_it() {
    let lab = Lab::new();
    let daemon = follow(&lab);
    daemon.says("applied");
    assert!(daemon.ask(&["pause"]).status.success());
    lab.declare("", &[]);
    lab.commit("nothing");
    lab.push();
    assert!(daemon.stuck().contains("wait for an approval"));
    let digest = daemon.status()["digest"].as_str().unwrap().to_owned();
    approve(&daemon, &digest);
    let status = daemon.status();
    assert_eq!(status["approvals"][0]["digest"], digest.as_str(), "{status}");
    let shown = String::from_utf8(daemon.ask(&["status"]).stdout).unwrap();
    assert!(
        shown.contains(&format!("{digest} has been approved for")),
        "{shown}"
    );
    assert_eq!(recorded(&daemon), [(digest.clone(), "given".to_owned())]);
    assert_eq!(lab.running(), ["api"]);
    daemon.stop();

    // A restart resumes, and what was approved of is done.
    let daemon = follow(&lab);
    daemon.says("applied");
    daemon.synced();
    assert!(lab.running().is_empty());
    assert_eq!(daemon.status()["approvals"], Value::Array(Vec::new()));
    let states = ["given", "used"].map(|state| (digest.clone(), state.to_owned()));
    assert_eq!(recorded(&daemon), states);
    let table = String::from_utf8(daemon.ask(&["audit", "show"]).stdout).unwrap();
    assert!(
        table.contains("approve (") && table.contains(&format!("the approval of {digest}")),
        "{table}"
    );
    assert!(daemon.ask(&["audit", "verify"]).status.success());
}

#[test]
fn an_approval_of_a_commit_outlives_a_restart() {
    let lab = Lab::new();
    let daemon = follow(&lab);
    daemon.says("applied");
    lab.publish(&["api", "web"]);
    daemon.synced();
    lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    lab.declare("", &["api", "db"]);
    let rewritten = lab.commit("rewritten");
    approve(&daemon, &rewritten);
    daemon.stop();

    lab.push();
    let daemon = follow(&lab);
    daemon.says(&format!("applied commit=\"{rewritten}\""));
    assert_eq!(lab.running(), ["api", "db"]);
    daemon.synced();
    let states = ["given", "used"].map(|state| (rewritten.clone(), state.to_owned()));
    assert_eq!(recorded(&daemon), states);
}
