//! The audit log of what is done on real Podman, by hand and by the daemon.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test may panic and reach out

#[path = "support/client.rs"]
mod client;
#[path = "support/labelled.rs"]
mod labelled;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/site.rs"]
mod site;

use std::process::Stdio;

use client::remove_by_hand;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use site::{Site, wharf};

/// The steps of a workspace in the log: by whom, what, and how it ended.
fn recorded(site: &Site, workspace: &str) -> Vec<(String, String, String)> {
    let shown: Value = serde_json::from_str(&site.ok(&["audit", "show", workspace, "-o", "json"])).unwrap();
    let text = |record: &Value, key: &str| record[key].as_str().unwrap().to_owned();
    let steps = shown["records"].as_array().unwrap().iter();
    steps
        .map(|step| (text(step, "by"), text(step, "step"), text(step, "outcome")))
        .collect()
}

#[test]
fn what_people_and_the_daemon_do_is_one_chain() {
    let site = Site::new("audit");
    site.plain("alice", "api", "one");
    site.commit("first");
    site.apply();
    let api = site.name("alice.api.tools");
    let done = |by: &str, step: String| (by.to_owned(), step, "done".to_owned());
    let by_hand = recorded(&site, "api");
    assert!(
        by_hand.contains(&done("apply", format!("create container/{api}"))),
        "{by_hand:?}"
    );

    let mut daemon = wharf()
        .args(["daemon", site.dir().to_str().unwrap()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Before it listens, and where it has just begun, there is nobody to ask.
    while !site.run(&["sync", "--wait"]).status.success() {
        assert!(daemon.try_wait().unwrap().is_none(), "the daemon goes on");
    }
    remove_by_hand(&["rm", "-f", "-t", "0", &api]);
    site.ok(&["sync", "--wait"]);
    kill_process(Pid::from_raw(daemon.id().cast_signed()).unwrap(), Signal::TERM).unwrap();
    assert!(daemon.wait().unwrap().success());

    let all = recorded(&site, "alice/api");
    assert!(
        all.contains(&done("daemon", format!("create container/{api}"))),
        "{all:?}"
    );
    assert_eq!(&all[..by_hand.len()], by_hand);
    let verdict: Value = serde_json::from_str(&site.ok(&["audit", "verify", "-o", "json"])).unwrap();
    assert_eq!(verdict["faults"], Value::Array(Vec::new()));
}
