//! `wharf adopt` on real Podman: what somebody has set by hand is declared, and volumes that somebody has made are taken
//! over; nothing is left to do.

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
#[path = "support/site.rs"]
mod site;

use client::podman;
use machine::enforces_limits;
use site::Site;

#[test]
fn limits_set_by_hand_are_declared_and_nothing_is_left_to_do() {
    let site = Site::new("adopt");
    site.plain("alice", "api", "one");
    site.git(&["config", "user.name", "t"]);
    site.git(&["config", "user.email", "t@example.org"]);
    let class = "\
apiVersion: wharf/v1
kind: Class
metadata: {name: small}
# What people asked for.
spec: {cpu: \"1\", memory: 512Mi, pids: 200} # see the wiki
";
    site.write("classes.yaml", class);
    site.commit("one workspace");
    site.apply();
    let before = site.containers();
    let tools = site.name("alice.api.tools");
    let memory = (768 << 20).to_string();
    if enforces_limits() {
        let sizes = ["--memory", &memory, "--memory-swap", &memory, "--cpus", "0.5"];
        podman(&[&["update"], &sizes[..], &[tools.as_str()]].concat());
        assert_eq!(site.changes(), ["update container/alice.api.tools"]);
    }
    let diff = site.ok(&["adopt", "drift", "api"]);
    if !enforces_limits() {
        assert_eq!(diff, "", "what nothing enforces has not drifted");
        return;
    }
    assert!(
        diff.contains("\n-spec: {cpu: \"1\", memory: 512Mi, pids: 200} # see the wiki\n"),
        "{diff}"
    );
    let written = std::fs::read_to_string(site.dir().join("classes.yaml")).unwrap();
    let expected = class.replace("512Mi", "768Mi").replace("\"1\"", "\"500m\"");
    assert_eq!(written, expected);
    site.converged();
    site.apply();
    assert_eq!(site.containers(), before);
    // The same as a commit: the files here stay as they are.
    site.git(&["checkout", "-q", "."]);
    assert_eq!(site.changes(), ["update container/alice.api.tools"]);
    site.ok(&["adopt", "drift", "alice/api", "--commit"]);
    site.git(&["diff", "--exit-code", "--quiet"]);
    site.git(&["merge", "-q", "--ff-only", "wharf/adopt-alice-api"]);
    assert_eq!(
        std::fs::read_to_string(site.dir().join("classes.yaml")).unwrap(),
        expected
    );
    site.converged();
}

#[test]
fn a_workspace_stopped_by_hand_is_declared_off() {
    let site = Site::new("adopt-power");
    site.plain("alice", "api", "one");
    site.apply();
    podman(&["pod", "stop", "-t", "1", &site.name("alice.api")]);
    assert!(!site.changes().is_empty());
    let diff = site.ok(&["adopt", "drift", "api"]);
    assert!(diff.contains("\n+  power: off\n"), "{diff}");
    site.converged();
}

/// A volume of somebody else's, removed at the end.
struct Theirs(String);

impl Theirs {
    /// Files of root and of user 1000, among them links and one that is mostly a hole.
    fn new(name: String) -> Self {
        podman(&["volume", "create", &name]);
        let theirs = Self(name);
        theirs.run(
            "cd /data && mkdir d && echo root > d/r && echo user > u && ln u again && ln -s d/r link \
             && dd if=/dev/zero of=hole bs=1 count=1 seek=64M 2> /dev/null && chmod 2750 d && touch -t 202001020304 d/r u \
             && chown 1000:1000 u hole && chmod 644 u",
        );
        theirs
    }

    /// Runs a script as root with the volume at /data.
    fn run(&self, script: &str) -> String {
        let mount = format!("{}:/data", self.0);
        podman(&[
            "run",
            "--rm",
            "--user",
            "0",
            "-v",
            &mount,
            &site::image(),
            "/bin/sh",
            "-c",
            script,
        ])
    }

    fn listing(&self) -> String {
        self.run(&listing("/data"))
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        client::remove_by_hand(&["volume", "rm", "-f", &self.0]);
    }
}

/// Everything in a directory but the directory itself, whose owner Podman sets.
fn listing(directory: &str) -> String {
    let every = "find . -mindepth 1 | sort | while read -r f; do stat -c '%n %u:%g %a %h %s %b %Y' \"$f\"";
    format!("cd {directory} && {every}; done && readlink link && cat u again")
}

/// A workspace with a volume of its own at /store.
fn store(site: &Site, owner: &str, name: &str) {
    let devfile = format!(
        "schemaVersion: 2.2.2\ncomponents:\n  - name: tools\n    container:\n      image: {}\n      volumeMounts: \
         [{{name: store, path: /store}}]\n  - name: store\n    volume: {{}}\n",
        site::image()
    );
    site.workspace(owner, name, "", &devfile);
}

#[test]
fn a_volume_of_somebody_elses_is_adopted_once_and_left_as_it_is() {
    let site = Site::new("adopt-volume");
    store(&site, "alice", "api");
    let theirs = Theirs::new(site.name("theirs"));
    let before = theirs.listing();
    let diff = site.ok(&["adopt", "volume", "api", &theirs.0, "--as", "data/store"]);
    let entry = format!("\n+  adopt: [{{volume: {}, as: data/store}}]\n", theirs.0);
    assert!(diff.contains(&entry), "{diff}");
    site.apply();
    site.converged();
    // The workspace's user may list what root keeps to itself as little as anybody else without root's capabilities.
    let within = site.name("alice.api.tools");
    let seen = podman(&[
        "exec",
        "--user",
        "0",
        "--privileged",
        &within,
        "/bin/sh",
        "-c",
        &listing("/store"),
    ]);
    let same = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(same(&seen), same(&before));
    assert_eq!(site.shell("api", "cat /store/u"), "user");
    assert!(
        seen.contains("./u 1000:1000 644 2 ") && seen.contains("./d/r 0:0 "),
        "{seen}"
    );
    assert_eq!(theirs.listing(), before, "it is only read");
    // It may change and go; what was adopted stays.
    theirs.run("echo changed > /data/u");
    site.converged();
    podman(&["volume", "rm", &theirs.0]);
    site.converged();
    site.apply();
    assert_eq!(site.shell("api", "cat /store/again"), "user");
}

#[test]
fn a_volume_that_something_runs_with_waits_and_others_go_on() {
    let site = Site::new("adopt-used");
    store(&site, "alice", "api");
    site.plain("bob", "web", "one");
    let theirs = Theirs::new(site.name("theirs"));
    let mount = format!("{}:/data", theirs.0);
    let (user, label) = (site.name("user"), format!("dev.wharf.site={}", site.name));
    // The label is for cleaning up; wharf takes it for nobody's without the others.
    podman(&[
        "run",
        "-d",
        "--name",
        &user,
        "--label",
        &label,
        "-v",
        &mount,
        &site::image(),
        "sleep",
        "1000",
    ]);
    site.ok(&["adopt", "volume", "api", &theirs.0, "--as", "data/store"]);
    let blocked = |site: &Site| site.plan()["blocked"].as_array().unwrap().clone();
    let held = blocked(&site);
    assert_eq!(held.len(), 1, "{held:?}");
    let reason = held[0]["reason"].as_str().unwrap();
    assert!(
        reason.contains(&format!("is used by {user}, which runs")),
        "{reason}"
    );
    site.run(&["apply", "--yes"]);
    let there: Vec<String> = site
        .containers()
        .into_keys()
        .filter(|name| *name != user)
        .collect();
    assert_eq!(there, [site.name("bob.web.tools")]);
    podman(&["stop", "-t", "0", &user]);
    site.apply();
    site.converged();
    assert_eq!(site.shell("api", "cat /store/u"), "user");
}

#[test]
fn a_volume_that_lies_elsewhere_is_refused() {
    let site = Site::new("adopt-elsewhere");
    store(&site, "alice", "api");
    let device = format!("device={}", site.dir().display());
    let theirs = Theirs(site.name("bound"));
    podman(&[
        "volume",
        "create",
        "-o",
        "type=none",
        "-o",
        "o=bind",
        "-o",
        &device,
        &theirs.0,
    ]);
    for (volume, why) in [
        (theirs.0.clone(), "is not in the engine's own storage"),
        (site.name("missing"), "there is no volume"),
    ] {
        let refused = site.run(&["adopt", "volume", "api", &volume, "--as", "data/store"]);
        let said = String::from_utf8_lossy(&refused.stderr).replace('\n', " ");
        assert!(!refused.status.success() && said.contains(why), "{said}");
    }
}
