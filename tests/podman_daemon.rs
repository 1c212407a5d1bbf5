//! The daemon as its users have it: the real binary follows a bare repository, to which somebody pushes, on real Podman.

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
#[path = "support/machine.rs"]
mod machine;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/service.rs"]
mod service;
#[path = "support/site.rs"]
mod site;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use client::{podman, remove_by_hand, try_podman};
use rustix::process::{Pid, Signal, kill_process};
use site::{Site, wharf};

/// Longer than anything takes on a slow machine.
const BOUND: Duration = Duration::from_secs(120);

/// A daemon on a bare repository, to which a site's working tree pushes.
struct Daemon {
    process: Child,
    log: PathBuf,
}

impl Daemon {
    /// It may be there before anything has been pushed.
    fn start(site: &Site) -> Self {
        let bare = site.dir().join(".git/pushed-to");
        let is_new = !bare.exists();
        if is_new {
            site.git(&["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
        }
        let log = site.dir().join(".git/daemon.log");
        let process = wharf()
            .args(["daemon", bare.to_str().unwrap()])
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let daemon = Self { process, log };
        if is_new {
            daemon.until("it follows", || daemon.log().contains("following"));
            site.commit("first");
            Self::push(site);
        }
        daemon
    }

    fn push(site: &Site) {
        site.git(&["push", "-q", ".git/pushed-to", "HEAD:refs/heads/main"]);
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Asks until it is so; each question is a process.
    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < BOUND, "{what}: {}", self.log());
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.process.id().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_running(container: &str) -> bool {
    let state = try_podman(&["inspect", "--format", "{{.State.Status}}", container]);
    state.is_ok_and(|state| state == "running")
}

/// What a container was created with.
fn mark(container: &str) -> Option<String> {
    let found = try_podman(&["exec", container, "/bin/sh", "-c", "echo $MARK"]);
    found.ok()
}

#[test]
fn what_is_pushed_runs_and_what_is_taken_away_comes_back() {
    let site = Site::new("daemon");
    site.plain("alice", "api", "one");
    let mut daemon = Daemon::start(&site);
    let api = site.name("alice.api.tools");
    daemon.until("the first commit runs", || is_running(&api));
    site.ok(&["sync", "--wait"]);
    site.converged();

    site.plain("alice", "api", "two");
    site.plain("bob", "web", "one");
    site.commit("second");
    Daemon::push(&site);
    let web = site.name("bob.web.tools");
    daemon.until("the second one does", || {
        is_running(&web) && mark(&api).as_deref() == Some("two")
    });
    site.ok(&["sync", "--wait"]);

    podman(&["kill", "--signal", "KILL", &api]);
    daemon.until("a killed container runs again", || is_running(&api));
    remove_by_hand(&["rm", "-f", "-t", "0", &web]);
    daemon.until("a removed one is there again", || is_running(&web));
    site.ok(&["sync", "--wait"]);
    site.converged();

    let before = site.containers();
    daemon.signal(Signal::TERM);
    assert!(daemon.process.wait().unwrap().success(), "{}", daemon.log());
    assert_eq!(site.containers(), before, "what runs goes on without it");
    assert!(is_running(&api) && is_running(&web));
    let nobody = site.run(&["sync"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("no daemon of site"));
}

#[test]
fn a_broken_commit_changes_nothing_and_everyone_can_see_why() {
    let site = Site::new("broken");
    site.plain("alice", "api", "one");
    let daemon = Daemon::start(&site);
    let api = site.name("alice.api.tools");
    daemon.until("the first commit runs", || is_running(&api));
    site.ok(&["sync", "--wait"]);
    let before = site.containers();

    let good = std::fs::read_to_string(site.dir().join("workspaces/alice-api.yaml")).unwrap();
    site.write(
        "workspaces/alice-api.yaml",
        &good.replace("owner: alice", "owner: alcie"),
    );
    site.commit("broken");
    Daemon::push(&site);
    let refused = || {
        let sync = site.run(&["sync", "--wait"]);
        sync.status.code() == Some(1) && String::from_utf8_lossy(&sync.stderr).contains("changes nothing")
    };
    daemon.until("the commit is refused", refused);
    assert!(daemon.log().contains("no User is named"), "{}", daemon.log());
    let status = site.ok(&["status"]);
    assert!(status.contains("changes nothing"), "{status}");
    assert_eq!(site.containers(), before);

    site.write(
        "workspaces/alice-api.yaml",
        &good.replace("value: one", "value: two"),
    );
    site.commit("good");
    Daemon::push(&site);
    daemon.until("the next one applies", || mark(&api).as_deref() == Some("two"));
    site.ok(&["sync", "--wait"]);
    site.converged();
}

#[test]
fn a_second_daemon_of_a_site_is_refused_and_a_killed_one_leaves_nothing_in_the_way() {
    let site = Site::new("second");
    site.plain("alice", "api", "one");
    let mut first = Daemon::start(&site);
    first.until("it answers", || site.run(&["sync", "--wait"]).status.success());
    // It follows something else, and must not even begin with it.
    site.plain("alice", "api", "two");
    site.commit("not pushed");
    let second = wharf()
        .args(["daemon", "."])
        .current_dir(site.dir())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("runs already"));
    assert_eq!(mark(&site.name("alice.api.tools")).as_deref(), Some("one"));
    first.signal(Signal::KILL);
    first.process.wait().unwrap();
    let third = Daemon::start(&site);
    third.until("another takes over", || {
        site.run(&["sync", "--wait"]).status.success()
    });
}

#[test]
fn while_podmans_service_is_gone_it_says_so_and_afterwards_it_goes_on() {
    let site = Site::new("outage");
    let socket = site.dir().join(".git/podman.sock");
    let mut podman_service = service::service(&socket);
    site.site(&format!("  engine: unix://{}\n", socket.display()));
    site.plain("alice", "api", "one");
    let daemon = Daemon::start(&site);
    let api = site.name("alice.api.tools");
    daemon.until("it runs", || is_running(&api));
    site.ok(&["sync", "--wait"]);

    podman_service.stop();
    let told = |phase: &str| {
        let status = site.run(&["status"]);
        let shown = String::from_utf8_lossy(&status.stdout).into_owned();
        status.status.code() == Some(1) && shown.contains("podman.sock") && shown.contains(phase)
    };
    daemon.until("the status says what is wrong", || {
        told("Daemon: everything was as declared at the last look")
    });
    site.plain("alice", "api", "two");
    site.commit("meanwhile");
    Daemon::push(&site);
    daemon.until("it knows the commit", || {
        told("Daemon: not everything is as declared")
    });
    assert!(is_running(&api), "what runs goes on");

    let _again = service::service(&socket);
    daemon.until("what was declared meanwhile runs", || {
        mark(&api).as_deref() == Some("two")
    });
    site.ok(&["sync", "--wait"]);
    site.converged();
}

/// What the daemon says of a workspace: its state and the reason.
fn health(site: &Site, workspace: &str) -> Option<(String, String)> {
    let status: serde_json::Value = serde_json::from_str(&site.ok(&["status", "-o", "json"])).unwrap();
    let all = status["workspaces"].as_array().unwrap();
    let health = &all.iter().find(|w| w["workspace"] == workspace)?["health"];
    let text = |key: &str| health[key].as_str().map(str::to_owned);
    Some((text("state")?, text("reason").unwrap_or_default()))
}

#[test]
fn what_ends_again_and_again_disturbs_nobody_and_a_commit_mends_it() {
    let site = Site::new("crash");
    let devfile = |script: &str| {
        format!(
            "schemaVersion: 2.2.2\ncomponents:\n  - name: tools\n    container:\n      image: {}\n      command: [/bin/sh, -c]\n      args: [{script:?}]\n",
            site::image()
        )
    };
    let stays = "trap 'exit 0' TERM; sleep 1000 & wait";
    site.workspace("alice", "api", "", &devfile("exit 3"));
    site.workspace("alice", "web", "", &devfile(stays));
    let daemon = Daemon::start(&site);
    let api = site.name("alice.api.tools");
    let web = site.name("alice.web.tools");
    let starts = RefCell::new(BTreeSet::new());
    daemon.until("it is started again and again", || {
        starts
            .borrow_mut()
            .extend(try_podman(&["inspect", "--format", "{{.State.StartedAt}}", &api]));
        starts.borrow().len() > 2
    });
    daemon.until("it is in error", || {
        health(&site, "alice/api").is_some_and(|(state, reason)| {
            state == "error" && reason.contains("tools has ended with exit code 3")
        })
    });
    assert_eq!(health(&site, "alice/web").unwrap().0, "running");
    assert!(
        is_running(&web) && site.containers().contains_key(&api),
        "nothing is removed"
    );

    site.workspace("alice", "api", "", &devfile(stays));
    site.commit("mended");
    Daemon::push(&site);
    daemon.until("it runs", || is_running(&api));
    site.ok(&["sync", "--wait"]);
    assert_eq!(
        health(&site, "alice/api").unwrap(),
        ("running".to_owned(), String::new())
    );
}

#[test]
fn a_reboot_brings_back_what_was_on_and_nothing_else() {
    let site = Site::new("reboot");
    let devfile = format!(
        "schemaVersion: 2.2.2\ncomponents:\n  - name: tools\n    container: {{image: {}}}\n",
        site::image()
    );
    for (name, power) in [("always", "on"), ("used", "auto"), ("unused", "auto")] {
        site.workspace("alice", name, &format!("  power: {power}\n"), &devfile);
    }
    let mut daemon = Daemon::start(&site);
    let container = |name: &str| site.name(&format!("alice.{name}.tools"));
    let all = ["always", "used", "unused"];
    daemon.until("all run", || all.iter().all(|name| is_running(&container(name))));
    site.ok(&["sync", "--wait"]);
    site.ok(&["stop", "alice/unused"]);
    site.ok(&["sync", "--wait"]);
    assert_eq!(health(&site, "alice/unused").unwrap().0, "suspended");
    assert!(!is_running(&container("unused")));
    let before = site.containers();
    daemon.signal(Signal::TERM);
    assert!(daemon.process.wait().unwrap().success());

    // All processes are gone at once, those that hold the pods' networks included, as after a power failure.
    let label = format!("label=dev.wharf.site={}", site.name);
    let ids = podman(&["ps", "-q", "--filter", &label]);
    let ids: Vec<&str> = ids.lines().collect();
    podman(&[&["kill", "--signal", "KILL"], ids.as_slice()].concat());
    podman(&[&["wait"], ids.as_slice()].concat());
    assert_eq!(podman(&["ps", "-q", "--filter", &label]), "");

    let daemon = Daemon::start(&site);
    daemon.until("what was on is back", || {
        is_running(&container("always")) && is_running(&container("used"))
    });
    site.ok(&["sync", "--wait"]);
    site.converged();
    assert!(!is_running(&container("unused")));
    let state = |name: &str| health(&site, &format!("alice/{name}")).unwrap().0;
    assert_eq!(all.map(state), ["running", "running", "suspended"]);
    assert_eq!(site.containers(), before, "nothing was made anew");
    site.ok(&["start", "alice/unused"]);
    site.ok(&["sync", "--wait"]);
    assert_eq!(state("unused"), "running");
    daemon.until("its state is known", || state("unused") == "running");
}

#[test]
fn who_is_not_used_is_suspended_and_who_works_or_is_used_is_not() {
    let site = Site::new("idle");
    let text = std::fs::read_to_string(site.dir().join("wharf.yaml")).unwrap();
    // Long enough for a few commands on an emulated machine.
    let text = text.replace("power: on", "power: auto, idleTimeout: 40s");
    site.write("wharf.yaml", &text);
    let devfile = |script: &str| {
        format!(
            "schemaVersion: 2.2.2\ncomponents:\n  - name: tools\n    container:\n      image: {}\n      command: [/bin/sh, -c]\n      args: [{script:?}]\n",
            site::image()
        )
    };
    let waits = "trap 'exit 0' TERM; sleep 100000 & wait";
    for (name, script) in [
        ("quiet", waits),
        ("used", waits),
        ("works", "trap 'exit 0' TERM; while :; do :; done"),
    ] {
        site.workspace("alice", name, "", &devfile(script));
    }
    let daemon = Daemon::start(&site);
    let container = |name: &str| site.name(&format!("alice.{name}.tools"));
    daemon.until("the one to be used runs", || is_running(&container("used")));
    // It reads until the end of its input.
    let session = wharf()
        .args(["exec", "-T", "alice/used", "--", "cat"])
        .current_dir(site.dir())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut session = Session(session);
    let started = |name: &str| {
        let started = try_podman(&[
            "inspect",
            "--format",
            "{{.State.StartedAt.Unix}}",
            &container(name),
        ]);
        started.ok()?.parse::<u64>().ok()
    };
    let now = || {
        let epoch = std::time::SystemTime::UNIX_EPOCH;
        std::time::SystemTime::now()
            .duration_since(epoch)
            .unwrap()
            .as_secs()
    };
    let suspended = ("suspended".to_owned(), "nobody has used it for 40s".to_owned());
    if machine::measures_processors() {
        daemon.until("the quiet one is suspended", || {
            health(&site, "alice/quiet").as_ref() == Some(&suspended)
        });
        assert!(!is_running(&container("quiet")));
    }
    // Where nobody knows who works, nobody is suspended.
    daemon.until("more than one time-out has passed", || {
        ["used", "works"]
            .iter()
            .all(|name| started(name).is_some_and(|at| now() > at + 60))
    });
    for name in ["used", "works"] {
        assert!(is_running(&container(name)), "{name}: {}", daemon.log());
    }
    if machine::measures_processors() {
        let before = started("quiet");
        site.ok(&["start", "alice/quiet"]);
        assert!(started("quiet") > before, "{}", daemon.log());
    } else {
        assert!(is_running(&container("quiet")), "{}", daemon.log());
    }
    drop(session.0.stdin.take());
    assert!(session.0.wait().unwrap().success());
}

/// A command that ends with the test.
struct Session(Child);

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
