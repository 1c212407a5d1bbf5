//! What users see: the real binary, a real git repository, real Podman. Each test is a site of its own.

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

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use client::{podman, remove_by_hand};
use machine::enforces_limits;
use site::{Site, image, rootful, wharf};

#[test]
fn a_repository_becomes_workspaces_and_a_second_apply_finds_nothing_to_do() {
    let site = Site::new("first");
    site.plain("alice", "api", "one");
    site.plain("bob", "web", "one");
    site.commit("two workspaces");
    assert_eq!(
        site.changes().iter().filter(|c| c.starts_with("create ")).count(),
        10
    );
    site.apply();
    site.converged();
    let before = site.containers();
    site.apply();
    assert_eq!(site.containers(), before);
    assert_eq!(
        site.shell("alice/api", "echo $MARK $PROJECTS_ROOT $HOME"),
        "one /projects /home/user"
    );
    let commit = podman(&[
        "inspect",
        "--format",
        "{{index .Config.Labels \"dev.wharf.commit\"}}",
        &site.name("alice.api.tools"),
    ]);
    assert_eq!(commit.len(), 40);
}

#[test]
fn changing_one_workspace_replaces_exactly_one_container() {
    let site = Site::new("one");
    for name in ["a", "b", "c"] {
        site.plain("alice", name, "one");
    }
    site.apply();
    let before = site.containers();
    site.plain("alice", "b", "two");
    let plan = site.plan();
    assert_eq!(plan["summary"]["replace"], 1);
    assert_eq!(plan["changes"][0]["fields"][0]["path"], "env.MARK");
    assert_eq!(plan["changes"][0]["impact"], "recreate");
    site.apply();
    let after = site.containers();
    let changed: Vec<&String> = after
        .iter()
        .filter(|(name, id)| before.get(*name) != Some(*id))
        .map(|(n, _)| n)
        .collect();
    assert_eq!(changed, [&site.name("alice.b.tools")]);
    assert_eq!(site.shell("alice/b", "echo $MARK"), "two");
    site.converged();
}

/// The memory limit that the kernel enforces on a container, as seen on the host.
fn enforced(container: &str) -> u64 {
    let pid = podman(&["inspect", "--format", "{{.State.Pid}}", container]);
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let v1 = groups
        .lines()
        .find_map(|l| l.split_once(":memory:"))
        .map(|(_, path)| path);
    let file = match v1 {
        Some(path) => format!("/sys/fs/cgroup/memory{path}/memory.limit_in_bytes"),
        None => {
            let path = groups.lines().find_map(|l| l.strip_prefix("0::")).unwrap();
            // The container's own group is above the one that its processes are moved into.
            let path = path.strip_suffix("/container").unwrap_or(path);
            format!("/sys/fs/cgroup{path}/memory.max")
        }
    };
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file}: {e}"));
    text.trim().parse().unwrap_or(u64::MAX)
}

/// Whether Podman ignores limits here. Then wharf says so, and a limit that nothing enforces is no difference.
fn limits_are_ignored(site: &Site) -> bool {
    let output = site.run(&["plan"]);
    let warned = String::from_utf8_lossy(&output.stderr).contains("limits are not enforced here");
    assert_eq!(warned, !enforces_limits());
    if warned {
        site.class("1Gi");
        site.converged();
    }
    warned
}

#[test]
fn a_class_is_resized_live_and_the_size_survives_a_restart() {
    let site = Site::new("resize");
    site.plain("alice", "api", "one");
    site.apply();
    let tools = site.name("alice.api.tools");
    let before = site.containers();
    if limits_are_ignored(&site) {
        return;
    }
    assert_eq!(enforced(&tools), 512 << 20);
    site.class("1Gi");
    assert_eq!(site.changes(), ["update container/alice.api.tools"]);
    site.apply();
    assert_eq!((enforced(&tools), site.containers()), (1 << 30, before.clone()));
    site.class("256Mi");
    site.apply();
    assert_eq!((enforced(&tools), site.containers()), (256 << 20, before.clone()));
    site.converged();
    // Podman starts it with the limits of its creation; the next apply sets them back.
    podman(&["restart", "-t", "1", &tools]);
    site.apply();
    assert_eq!((enforced(&tools), site.containers()), (256 << 20, before));
    site.ok(&["restart", "alice/api"]);
    assert_eq!(enforced(&tools), 256 << 20);
    site.converged();
}

#[test]
fn a_limit_changed_behind_wharfs_back_is_seen_and_set_back() {
    let site = Site::new("drift");
    site.plain("alice", "api", "one");
    site.apply();
    let tools = site.name("alice.api.tools");
    if limits_are_ignored(&site) {
        return;
    }
    podman(&["update", "--memory", "300m", "--memory-swap", "300m", &tools]);
    assert_eq!(enforced(&tools), 300 << 20);
    let plan = site.plan();
    assert_eq!(plan["changes"][0]["fields"][0]["path"], "limits.memory");
    assert_eq!(plan["changes"][0]["fields"][0]["before"], "300Mi");
    site.apply();
    assert_eq!(enforced(&tools), 512 << 20);
    site.converged();
}

#[test]
fn what_was_removed_or_stopped_by_hand_is_repaired_and_nothing_else() {
    let site = Site::new("repair");
    site.plain("alice", "api", "one");
    site.plain("alice", "web", "one");
    site.apply();
    let before = site.containers();
    site.shell("alice/api", "echo work > $PROJECTS_ROOT/file");
    let (api, web) = (site.name("alice.api.tools"), site.name("alice.web.tools"));
    remove_by_hand(&["rm", "-f", "-t", "0", &api]);
    assert_eq!(site.changes(), ["create container/alice.api.tools"]);
    site.apply();
    assert_eq!(site.shell("alice/api", "cat $PROJECTS_ROOT/file"), "work");
    assert_eq!(site.containers()[&web], before[&web]);
    remove_by_hand(&["pod", "rm", "-f", "-t", "0", &site.name("alice.web")]);
    assert_eq!(
        site.changes(),
        ["create pod/alice.web", "create container/alice.web.tools"]
    );
    site.apply();
    podman(&["stop", "-t", "1", &api]);
    assert_eq!(site.changes(), ["start container/alice.api.tools"]);
    site.apply();
    site.converged();
}

#[test]
fn processes_are_confined_and_write_as_the_images_user() {
    let site = Site::new("confined");
    site.plain("alice", "api", "one");
    site.plain("bob", "api", "one");
    site.apply();
    let status = site.shell("alice/api", "cat /proc/self/status");
    let field = |name: &str| {
        status
            .lines()
            .find_map(|l| l.strip_prefix(&format!("{name}:\t")))
            .unwrap()
            .trim()
            .to_owned()
    };
    assert_eq!(field("NoNewPrivs"), "1");
    assert_eq!(u64::from_str_radix(&field("CapEff"), 16).unwrap(), 0);
    assert_eq!(u64::from_str_radix(&field("CapBnd"), 16).unwrap(), 0);
    assert_ne!(site.shell("alice/api", "id -u"), "0");
    site.shell(
        "alice/api",
        "echo ok > $PROJECTS_ROOT/x && echo ok > $HOME/x && cat $HOME/x",
    );
    if rootful() {
        let range = |owner: &str| {
            let map = site.shell(&format!("{owner}/api"), "cat /proc/self/uid_map");
            map.split_whitespace()
                .map(|n| n.parse::<u64>().unwrap())
                .collect::<Vec<_>>()
        };
        let (alice, bob) = (range("alice"), range("bob"));
        assert_eq!((alice[0], alice[2], bob[2]), (0, 65_536, 65_536));
        assert!(
            alice[1] >= 1_048_576 && alice[1].abs_diff(bob[1]) >= 65_536,
            "{alice:?} {bob:?}"
        );
    }
}

const TWO: &str = "schemaVersion: 2.2.2
components:
  - name: tools
    container: {image: IMAGE}
  - name: server
    container:
      image: IMAGE
      command: [/bin/sh, -c]
      args: ['mkdir -p /tmp/www && echo SAID > /tmp/www/index.html && exec httpd -f -p 127.0.0.1:8080 -h /tmp/www']
      endpoints: [{name: web, targetPort: 8080}]
";

/// Asks the server, which is up a moment after its container.
const FETCH: &str =
    "for i in $(seq 50); do wget -q -O - http://127.0.0.1:8080 && exit; usleep 100000; done; exit 1";

fn two(said: &str) -> String {
    TWO.replace("IMAGE", &image()).replace("SAID", said)
}

#[test]
fn containers_of_a_workspace_share_localhost_through_restarts_and_reach_no_other_workspace() {
    let site = Site::new("net");
    site.workspace("alice", "api", "", &two("alice"));
    site.plain("bob", "web", "one");
    site.apply();
    let _fetch =
        "for i in $(seq 50); do wget -q -O - http://127.0.0.1:8080 && exit; usleep 100000; done; exit 1";
    assert_eq!(site.shell("alice/api", FETCH), "alice");
    podman(&["restart", "-t", "1", &site.name("alice.api.server")]);
    assert_eq!(site.shell("alice/api", FETCH), "alice");
    podman(&["restart", "-t", "1", &site.name("alice.api.tools")]);
    assert_eq!(site.shell("alice/api", FETCH), "alice");
    // A server on all of the workspace's addresses answers there, and not to another workspace.
    let open = "mkdir -p /tmp/open && echo open > /tmp/open/index.html && httpd -p 9090 -h /tmp/open; \
                ip -4 -o addr show eth0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'";
    let address = site.shell("alice/api", open);
    // busybox's wget can't look up an address when it is linked statically.
    let get = format!("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 {address} 9090 | grep open");
    assert_eq!(site.shell("alice/api", &get), "open");
    let other = site.run(&["exec", "bob/web", "--", "/bin/sh", "-c", &get]);
    assert!(
        !other.status.success(),
        "{}",
        String::from_utf8_lossy(&other.stdout)
    );
}

#[test]
fn a_port_bound_to_localhost_is_forwarded() {
    let site = Site::new("forward");
    site.workspace("alice", "api", "", &two("forwarded"));
    site.apply();
    assert_eq!(site.shell("alice/api", FETCH), "forwarded");
    let mut forward = wharf()
        .args(["forward", "alice/api", "0:8080"])
        .current_dir(site.dir())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut stdout = BufReader::new(forward.stdout.take().unwrap());
    stdout.read_line(&mut said).unwrap();
    let address = said
        .split_whitespace()
        .find_map(|w| w.parse::<std::net::SocketAddr>().ok());
    let address = address.unwrap_or_else(|| panic!("no address in {said:?}"));
    let fetch = || {
        let mut stream = TcpStream::connect(address).ok()?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.contains("forwarded").then_some(answer)
    };
    let answer = fetch();
    forward.kill().unwrap();
    forward.wait().unwrap();
    assert!(answer.is_some());
}

#[test]
fn exec_has_the_commands_exit_code_and_streams() {
    let site = Site::new("exec");
    site.plain("alice", "api", "one");
    site.apply();
    let output = site.run(&[
        "exec",
        "alice/api",
        "--",
        "/bin/sh",
        "-c",
        "echo out; echo err >&2; exit 7",
    ]);
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "out\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("err"));
    let unknown = site.run(&["exec", "alice/apj", "--", "true"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("alice/api"));
}

#[test]
fn a_removed_workspace_keeps_its_volumes_and_an_empty_repository_removes_nothing() {
    let site = Site::new("remove");
    site.plain("alice", "api", "one");
    site.plain("alice", "web", "one");
    site.commit("two");
    site.apply();
    site.shell("alice/api", "echo work > $PROJECTS_ROOT/file");
    site.remove("alice", "api");
    site.apply();
    site.converged();
    let volume = site.name("alice.api.projects");
    assert_eq!(podman(&["volume", "exists", &volume]), "");
    assert!(!site.containers().contains_key(&site.name("alice.api.tools")));
    assert!(site.ok(&["volume", "list"]).contains(&volume));
    // Declared again, it has its data back.
    site.plain("alice", "api", "one");
    site.apply();
    assert_eq!(site.shell("alice/api", "cat $PROJECTS_ROOT/file"), "work");
    let before = site.left();
    for name in ["workspaces", "classes.yaml", "wharf.yaml"] {
        let path = site.dir().join(name);
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap()
        } else {
            std::fs::remove_file(path).unwrap()
        }
    }
    assert_eq!(site.run(&["apply", "--yes"]).status.code(), Some(1));
    assert_eq!(site.left(), before);
}

#[test]
fn six_removals_at_once_need_the_approval_that_the_plan_names() {
    let site = Site::new("six");
    for n in 0..7 {
        site.plain("alice", &format!("w{n}"), "one");
    }
    site.apply();
    for n in 0..6 {
        site.remove("alice", &format!("w{n}"));
    }
    let before = site.containers();
    let refused = site.run(&["apply", "--yes"]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(site.containers(), before);
    let plan = site.plan();
    let digest = plan["blocked"][0]["approve"].as_str().unwrap();
    assert_eq!(digest, plan["digest"]);
    assert_eq!(site.run(&["plan", "--detailed-exitcode"]).status.code(), Some(2));
    site.ok(&["apply", "--yes", "--allow-deletions", digest]);
    assert_eq!(site.containers().len(), 1);
    site.converged();
}

#[test]
fn a_second_site_and_other_peoples_objects_are_never_touched() {
    let site = Site::new("mine");
    let other = Site::new("theirs");
    site.plain("alice", "api", "one");
    other.plain("alice", "api", "one");
    site.apply();
    other.apply();
    let foreign = format!("{}-foreign", site.name);
    podman(&[
        "volume",
        "create",
        "--label",
        &format!("test={foreign}"),
        &foreign,
    ]);
    let theirs = other.containers();
    site.plain("alice", "api", "two");
    site.apply();
    site.remove("alice", "api");
    site.plain("bob", "x", "one");
    site.apply();
    assert_eq!(other.containers(), theirs);
    other.converged();
    remove_by_hand(&["volume", "rm", &foreign]);
}

#[test]
fn a_workspace_handed_over_keeps_its_data_and_gets_new_owners() {
    let site = Site::new("move");
    site.plain("alice", "api", "one");
    site.apply();
    site.shell(
        "alice/api",
        "echo work > $PROJECTS_ROOT/file && mkdir $HOME/d && echo mine > $HOME/d/x",
    );
    site.remove("alice", "api");
    let devfile = format!(
        "schemaVersion: 2.2.2\ncomponents:\n  - name: tools\n    container: {{image: {}}}\n",
        image()
    );
    site.workspace("bob", "service", "  movedFrom: alice/api\n", &devfile);
    site.apply();
    site.converged();
    assert_eq!(
        site.shell(
            "bob/service",
            "cat $PROJECTS_ROOT/file $HOME/d/x && echo more >> $HOME/d/x"
        ),
        "work\nmine"
    );
    assert!(
        site.left().iter().all(|name| !name.contains("alice")),
        "{:?}",
        site.left()
    );
}

const CLONES: &str = "schemaVersion: 2.2.2
projects:
  - name: hello
    git:
      remotes: {origin: 'URL', fork: 'https://git.example.org/fork.git'}
      checkoutFrom: {remote: origin, revision: v1}
components:
  - name: tools
    container: {image: IMAGE}
commands:
  - id: note
    exec: {component: tools, commandLine: 'echo started >> $HOME/starts'}
events:
  postStart: [note]
";

#[test]
fn projects_are_cloned_once_with_their_remotes_and_post_start_runs_once_a_start() {
    let site = Site::new("clone");
    let git = std::env::var("WHARF_TEST_GIT_IMAGE").unwrap_or_else(|_| "localhost/wharf-demo:1".to_owned());
    let devfile = CLONES
        .replace("IMAGE", &git)
        .replace("URL", "file:///srv/git/hello.git")
        .replace(", revision: v1", "");
    site.workspace("alice", "api", "", &devfile);
    site.apply();
    site.converged();
    let head = site.shell(
        "alice/api",
        "cd $PROJECT_SOURCE && git status --short && git rev-parse HEAD && ls",
    );
    assert!(head.lines().count() >= 2, "{head}");
    let remotes = site.shell("alice/api", "cd $PROJECT_SOURCE && git remote -v");
    assert!(
        remotes.contains("origin\tfile:///srv/git/hello.git")
            && remotes.contains("fork\thttps://git.example.org/fork.git")
    );
    site.shell("alice/api", "cd $PROJECT_SOURCE && echo work > mine");
    assert_eq!(site.shell("alice/api", "cat $HOME/starts"), "started");
    podman(&["restart", "-t", "1", &site.name("alice.api.tools")]);
    site.apply();
    assert_eq!(
        site.shell("alice/api", "cat $HOME/starts; cat $PROJECT_SOURCE/mine"),
        "started\nstarted\nwork"
    );
    site.converged();
}

#[test]
fn an_image_without_git_clones_with_the_tools_image_and_a_missing_image_fails_alone() {
    let site = Site::new("tools");
    let git = std::env::var("WHARF_TEST_GIT_IMAGE").unwrap_or_else(|_| "localhost/wharf-demo:1".to_owned());
    site.site(&format!("  toolsImage: {git}\n"));
    let devfile = CLONES
        .replace("IMAGE", &image())
        .replace("URL", "file:///srv/git/hello.git")
        .replace(", revision: v1", "");
    site.workspace("alice", "api", "", &devfile);
    let missing =
        "schemaVersion: 2.2.2\ncomponents:\n  - name: tools\n    container: {image: localhost/not-there:1}\n";
    site.workspace("alice", "broken", "", missing);
    let output = site.run(&["apply", "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("localhost/not-there:1"), "{stderr}");
    let owners = site.shell(
        "alice/api",
        "ls -A $PROJECT_SOURCE && stat -c %u $PROJECT_SOURCE && id -u && touch $PROJECT_SOURCE/x",
    );
    let lines: Vec<&str> = owners.lines().rev().collect();
    assert_eq!(lines[0], lines[1], "{owners}");
}

#[test]
fn power_off_stops_and_start_and_stop_are_for_people() {
    let site = Site::new("power");
    site.plain("alice", "api", "one");
    site.apply();
    let refused = site.run(&["stop", "alice/api"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("power"));
    let devfile = format!(
        "schemaVersion: 2.2.2\ncomponents:\n  - name: tools\n    container: {{image: {}}}\n",
        image()
    );
    site.workspace("alice", "api", "  power: auto\n", &devfile);
    site.apply();
    site.ok(&["stop", "api"]);
    let state = || {
        podman(&[
            "pod",
            "inspect",
            "--format",
            "{{.State}}",
            &site.name("alice.api"),
        ])
    };
    assert_eq!(state(), "Exited");
    site.converged();
    site.ok(&["start", "api"]);
    assert_eq!(state(), "Running");
    site.workspace("alice", "api", "  power: off\n", &devfile);
    site.apply();
    assert_eq!(state(), "Exited");
    site.converged();
}

#[test]
fn a_saved_plan_is_applied_as_it_is_and_refused_when_stale() {
    let site = Site::new("saved");
    site.plain("alice", "api", "one");
    let file = site.dir().join("a.plan");
    let file = file.to_str().unwrap();
    site.ok(&["plan", "--out", file]);
    site.ok(&["apply", "--yes", file]);
    site.converged();
    site.plain("alice", "api", "two");
    site.ok(&["plan", "--out", file]);
    remove_by_hand(&["rm", "-f", "-t", "0", &site.name("alice.api.tools")]);
    let stale = site.run(&["apply", "--yes", file]);
    assert_eq!(stale.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&stale.stderr).contains("stale"),
        "{}",
        String::from_utf8_lossy(&stale.stderr)
    );
    assert!(site.containers().is_empty());
}

#[test]
fn a_commit_is_read_with_rev_whatever_the_working_tree_says() {
    let site = Site::new("rev");
    site.plain("alice", "api", "one");
    site.commit("one");
    site.plain("alice", "api", "two");
    let dirty = site.plan();
    let clean: serde_json::Value =
        serde_json::from_str(&site.ok(&["plan", "--rev", "HEAD", "--format", "json"])).unwrap();
    assert_ne!(dirty["digest"], clean["digest"]);
    site.ok(&["apply", "--yes", "--rev", "HEAD"]);
    assert_eq!(site.shell("alice/api", "echo $MARK"), "one");
}

/// A service of Podman that ends with the test, however that ends.
struct Service(std::process::Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_engines_service_may_restart() {
    let site = Site::new("service");
    let socket = site.dir().join("podman.sock");
    let address = format!("unix://{}", socket.display());
    let serve = || {
        let mut command = std::process::Command::new("podman");
        // With an address in the environment podman is a client, which has no such command.
        command
            .env_remove("CONTAINER_HOST")
            .args(["system", "service", "-t", "0", &address]);
        let service = Service(
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        let asks = || {
            std::process::Command::new("podman")
                .args(["--url", &address, "version"])
                .output()
        };
        assert!((0..200).any(|_| asks().is_ok_and(|o| o.status.success())));
        service
    };
    let service = serve();
    site.site(&format!("  engine: {address}\n"));
    site.plain("alice", "api", "one");
    site.apply();
    let before: BTreeMap<_, _> = site.containers();
    drop(service);
    let gone = site.run(&["plan"]);
    assert_eq!(gone.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&gone.stderr);
    assert!(
        stderr.contains("podman.sock") && stderr.contains("podman system service"),
        "{stderr}"
    );
    let _ = std::fs::remove_file(&socket);
    let _service = serve();
    site.converged();
    assert_eq!(site.containers(), before);
}
