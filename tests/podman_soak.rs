//! The daemon for a long time, on real Podman: commits at random, and at random somebody else's hands: containers removed,
//! stopped and resized, networks disconnected, Podman's service stopped and started again, the daemon killed, its clock moved.
//! In the end everything is as declared, no data is lost and nothing is left over.
//!
//! `WHARF_SOAK_COMMITS` sets how many commits (30), `WHARF_SOAK_SEED` repeats a run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods
)] // a test may panic and reach out

#[path = "support/client.rs"]
mod client;
#[path = "support/labelled.rs"]
mod labelled;
#[path = "support/random.rs"]
mod random;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/service.rs"]
mod service;
#[path = "support/site.rs"]
mod site;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use client::try_podman;
use random::Random;
use service::{Process, service};
use site::{Site, wharf};

/// Longer than any commit takes on a slow machine, an outage before it included.
const BOUND: Duration = Duration::from_secs(300);
const OWNERS: [&str; 2] = ["alice", "bob"];
/// How far the daemon's clock is from the machine's.
const CLOCKS: [&str; 4] = ["+0", "+3600", "-172800", "+259200"];
const NAMES: [&str; 3] = ["api", "db", "web"];

/// What is declared of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Declared {
    mark: u64,
    on: bool,
}

struct Lab {
    site: Site,
    random: Random,
    bare: PathBuf,
    socket: PathBuf,
    service: Process,
    daemon: Process,
    declared: BTreeMap<(&'static str, &'static str), Declared>,
    memory: u64,
    /// What was written into each workspace's volume, once it ran.
    written: BTreeMap<(&'static str, &'static str), String>,
    /// What was done, for who reads of a failure.
    history: Vec<String>,
}

impl Lab {
    fn new(seed: u64) -> Self {
        let site = Site::new("soak");
        let bare = site.dir().join(".git/pushed-to");
        site.git(&["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
        let socket = site.dir().join(".git/podman.sock");
        site.site(&format!("  engine: unix://{}\n", socket.display()));
        let service = service(&socket);
        let daemon = daemon(&site, &bare);
        Self {
            site,
            random: Random(seed),
            bare,
            socket,
            service,
            daemon,
            declared: BTreeMap::new(),
            memory: 256,
            written: BTreeMap::new(),
            history: Vec::new(),
        }
    }

    /// Changes something in the repository.
    fn change(&mut self) {
        let owner = *self.random.one_of(&OWNERS);
        let name = *self.random.one_of(&NAMES);
        let id = (owner, name);
        let what = self.random.below(10);
        let mark = self.random.below(1_000_000);
        let several = self.declared.len() > 1;
        match (self.declared.get_mut(&id), what) {
            (None, _) => drop(self.declared.insert(id, Declared { mark, on: true })),
            (Some(_), 0..=1) if several => drop(self.declared.remove(&id)),
            (Some(declared), 2..=4) => declared.mark = mark,
            (Some(declared), 5..=6) => declared.on = !declared.on,
            (Some(_), _) => self.memory = [128, 256, 512][usize::try_from(mark % 3).unwrap()],
        }
        self.history.push(format!("commit: {owner}/{name} {what}"));
        self.write();
    }

    fn write(&self) {
        let folder = self.site.dir().join("workspaces");
        let _ = fs::remove_dir_all(folder);
        for ((owner, name), declared) in &self.declared {
            let power = if declared.on { "on" } else { "off" };
            let devfile = format!(
                "schemaVersion: 2.2.2\ncomponents:\n  - name: tools\n    container:\n      image: {}\n      \
                 env: [{{name: MARK, value: \"{}\"}}]\n",
                site::image(),
                declared.mark
            );
            self.site
                .workspace(owner, name, &format!("  power: {power}\n"), &devfile);
        }
        self.site.class(&format!("{}Mi", self.memory));
    }

    fn push(&self) {
        self.site.git(&["add", "-A"]);
        self.site.git(&["commit", "-q", "--allow-empty", "-m", "next"]);
        self.site
            .git(&["push", "-q", self.bare.to_str().unwrap(), "HEAD:refs/heads/main"]);
    }

    /// A commit that is not valid, which changes nothing.
    fn push_broken(&mut self) {
        self.history.push("broken commit".to_owned());
        self.site.write("workspaces/broken.yaml", "kind: [");
        self.push();
        fs::remove_file(self.site.dir().join("workspaces/broken.yaml")).unwrap();
    }

    /// Somebody else's hands.
    fn interfere(&mut self) {
        let owner = *self.random.one_of(&OWNERS);
        let name = *self.random.one_of(&NAMES);
        let container = self.site.name(&format!("{owner}.{name}.tools"));
        let network = self.site.name(&format!("{owner}.{name}"));
        let what = self.random.below(10);
        self.history.push(format!("interference {what}: {owner}/{name}"));
        let by_hand = |arguments: &[&str]| {
            // It may not be there, or be busy.
            let _ = try_podman(arguments);
        };
        match what {
            0 => by_hand(&["kill", &container]),
            1 => by_hand(&["rm", "-f", "-t", "0", &container]),
            2 => by_hand(&["stop", "-t", "0", &container]),
            3 => by_hand(&["update", "--memory", "64m", &container]),
            4 => {
                // The pod's own container has the network.
                let infra = ["pod", "inspect", "--format", "{{.InfraContainerID}}", &network];
                if let Ok(infra) = try_podman(&infra) {
                    by_hand(&["network", "disconnect", "-f", &network, &infra]);
                }
            }
            5 => by_hand(&["pod", "rm", "-f", "-t", "0", &network]),
            6 => {
                self.service.stop();
                self.service = service(&self.socket);
            }
            7 => {
                self.daemon.kill();
                self.daemon = daemon(&self.site, &self.bare);
            }
            8 => set_clock(&self.site, self.random.one_of::<&str>(&CLOCKS)),
            _ => {}
        }
    }

    /// Waits until the daemon has done what is declared.
    fn converge(&mut self) {
        let begun = Instant::now();
        loop {
            let synced = self.site.run(&["sync", "--wait"]);
            if synced.status.success() {
                break;
            }
            let said = String::from_utf8_lossy(&synced.stderr).into_owned();
            assert!(
                begun.elapsed() < BOUND,
                "{said}\n{:#?}\n{}",
                self.history,
                self.log()
            );
        }
        let plan = self.site.run(&["plan", "--detailed-exitcode"]);
        let shown = String::from_utf8_lossy(&plan.stdout).into_owned();
        assert_eq!(
            plan.status.code(),
            Some(0),
            "{shown}\n{:#?}\n{}",
            self.history,
            self.log()
        );
    }

    fn log(&self) -> String {
        fs::read_to_string(self.site.dir().join(".git/daemon.log")).unwrap()
    }

    /// What runs is what is declared, and what was written is there still.
    fn check(&mut self) {
        let prefix = format!("{}.", self.site.name);
        let containers: Vec<String> = self.site.containers().into_keys().collect();
        let expected: Vec<String> = self
            .declared
            .keys()
            .map(|(owner, name)| format!("{prefix}{owner}.{name}.tools"))
            .collect();
        assert_eq!(containers, expected, "{:#?}", self.history);
        for (id, declared) in self.declared.iter().filter(|(_, declared)| declared.on) {
            let workspace = format!("{}/{}", id.0, id.1);
            let shell = |script: &str| self.site.shell(&workspace, script);
            assert_eq!(shell("echo $MARK"), declared.mark.to_string(), "{workspace}");
            let data = "$PROJECTS_ROOT/kept";
            match self.written.get(id) {
                Some(text) => assert_eq!(shell(&format!("cat {data}")), *text, "{workspace} lost its data"),
                None => {
                    let text = format!("written at {}", self.history.len());
                    shell(&format!("echo '{text}' >{data}"));
                    self.written.insert(*id, text);
                }
            }
        }
    }
}

/// Moves the daemon's clock to so far from the machine's. It counts on as it did, as it does where somebody sets the time.
fn set_clock(site: &Site, offset: &str) {
    fs::write(site.dir().join(".git/clock"), format!("{offset}\n")).unwrap();
}

/// The library that shows a program another time.
fn faketime() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found
        .find(|path| path.is_file())
        .expect("libfaketime, which scripts/setup installs")
}

fn daemon(site: &Site, bare: &Path) -> Process {
    if !site.dir().join(".git/clock").exists() {
        set_clock(site, CLOCKS[0]);
    }
    let log = File::options()
        .create(true)
        .append(true)
        .open(site.dir().join(".git/daemon.log"));
    let started = wharf()
        .args(["daemon", "--resync", "5", bare.to_str().unwrap()])
        .env("LD_PRELOAD", faketime())
        .env("FAKETIME_TIMESTAMP_FILE", site.dir().join(".git/clock"))
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .stdin(Stdio::null())
        .stderr(log.unwrap())
        .spawn();
    Process(started.unwrap())
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect(name))
}

#[test]
fn months_in_minutes() {
    let commits = number("WHARF_SOAK_COMMITS").unwrap_or(30);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("WHARF_SOAK_SEED").unwrap_or(now.subsec_nanos().into());
    println!("WHARF_SOAK_SEED={seed} WHARF_SOAK_COMMITS={commits}");
    let mut lab = Lab::new(seed);
    for number in 0..commits {
        lab.change();
        lab.push();
        for _ in 0..lab.random.below(4) {
            lab.interfere();
        }
        if lab.random.below(8) == 0 {
            lab.push_broken();
            lab.interfere();
            lab.push();
        }
        // Some commits come before the one before them is applied.
        if number + 1 == commits || lab.random.below(3) > 0 {
            lab.converge();
            lab.check();
        }
    }
    let pods = try_podman(&[
        "pod",
        "ps",
        "-q",
        "--filter",
        &format!("label=dev.wharf.site={}", lab.site.name),
    ]);
    assert_eq!(
        pods.unwrap().lines().count(),
        lab.declared.len(),
        "no pod is left over"
    );
    println!("{} commits, {} things done", commits, lab.history.len());
}
