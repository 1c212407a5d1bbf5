//! What a script of single commands can't show: commands that go on until they are ended, and the pages that describe
//! the command line.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // tests with processes

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

#[path = "support/place.rs"]
mod place;

use place::{binary, root};

/// The scenarios' repository and a simulated engine of its own.
struct Lab(tempfile::TempDir);

impl Lab {
    fn new(engine: &str) -> Self {
        let lab = Self(tempfile::tempdir().unwrap());
        fs::write(lab.0.path().join("engine.json"), engine).unwrap();
        copy(&root().join("tests/scenarios/lab"), &lab.dir());
        lab
    }

    fn dir(&self) -> PathBuf {
        self.0.path().join("repo")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.dir())
            .env("XDG_RUNTIME_DIR", self.0.path().join("run"))
            .env("WHARF_STATE_DIR", self.0.path().join("state"))
            .env(
                "CONTAINER_HOST",
                format!("simulated://{}/engine.json", self.0.path().display()),
            )
            .stdin(Stdio::null());
        command
    }

    fn wharf(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Running {
            stdout: BufReader::new(child.stdout.take().unwrap()),
            stderr: BufReader::new(child.stderr.take().unwrap()),
            child,
        }
    }
}

/// A command that goes on; ended with the test.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    fn interrupt(&self) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
    }

    /// Reads lines up to one that contains `text`.
    fn wait_for(lines: &mut impl std::io::BufRead, text: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            assert!(
                lines.read_line(&mut line).unwrap() > 0,
                "{text:?} never came: {all}"
            );
            all.push_str(&line);
            if line.contains(text) {
                return all;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already is as it should be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

const IMAGES: &str = r#"{"images": {"localhost/tools:1": "image-a", "localhost/db:1": "image-b"}}"#;

#[test]
fn forward_tells_its_address_and_carries_both_directions() {
    let lab = Lab::new(IMAGES);
    assert_eq!(lab.wharf(&["-q", "apply", "--yes"]).0, 0);
    let mut forward = lab.start(&["forward", "api", "0:8080"]);
    let mut address = String::new();
    forward.stdout.read_line(&mut address).unwrap();
    for _ in 0..2 {
        let mut connection = TcpStream::connect(address.trim()).unwrap();
        connection.write_all(b"ping").unwrap();
        connection.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "ping");
    }
    Running::wait_for(&mut forward.stderr, "Ctrl-C");
    forward.interrupt();
    assert_eq!(forward.child.wait().unwrap().code(), Some(0));
}

#[test]
fn validate_watches_until_it_is_ended() {
    let lab = Lab::new("{}");
    let mut watch = lab.start(&["validate", "--watch"]);
    Running::wait_for(&mut watch.stdout, "no problems");
    Running::wait_for(&mut watch.stderr, "Watching");
    fs::write(lab.dir().join("broken.yaml"), "kind: [").unwrap();
    let shown = Running::wait_for(&mut watch.stdout, "1 error");
    assert!(shown.contains("broken.yaml:1:7"), "{shown}");
    fs::remove_file(lab.dir().join("broken.yaml")).unwrap();
    Running::wait_for(&mut watch.stdout, "no problems");
    watch.interrupt();
    assert_eq!(watch.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_watched_check_ends_while_it_waits_for_what_it_fetches() {
    let lab = Lab::new("{}");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let site = lab.dir().join("wharf.yaml");
    let policy = "policy: {imports: {privateHosts: [127.0.0.1]}, maxDeletions: 5}";
    let text = fs::read_to_string(&site).unwrap();
    fs::write(&site, text.replace("policy: {maxDeletions: 5}", policy)).unwrap();
    let devfile = format!("schemaVersion: 2.2.0\nparent: {{uri: 'http://{address}/base.yaml'}}\n");
    fs::write(lab.dir().join("devfiles/tools.yaml"), devfile).unwrap();
    let mut watch = lab.start(&["validate", "--watch"]);
    let _asked = silent.accept().unwrap();
    watch.interrupt();
    assert_eq!(watch.child.wait().unwrap().code(), Some(0));
    let mut shown = String::new();
    watch.stdout.read_to_string(&mut shown).unwrap();
    assert_eq!(shown, "", "the check did not come to its end");
}

#[test]
fn an_interrupted_apply_finishes_what_is_under_way_and_the_next_one_does_the_rest() {
    let engine = IMAGES.replacen('{', r#"{"latencyMillis": 300, "#, 1);
    let lab = Lab::new(&engine);
    let mut apply = lab.start(&["apply", "--yes", "--parallelism", "1"]);
    Running::wait_for(&mut apply.stderr, "[1/");
    apply.interrupt();
    let rest = Running::wait_for(&mut apply.stderr, "not converged");
    assert!(rest.contains("waiting for the steps under way"), "{rest}");
    assert!(rest.contains("skipped, interrupted"), "{rest}");
    assert!(!rest.contains("failed"), "{rest}");
    assert_eq!(apply.child.wait().unwrap().code(), Some(1));
    assert_eq!(lab.wharf(&["-q", "apply", "--yes"]).0, 0);
    assert_eq!(lab.wharf(&["plan", "--detailed-exitcode"]).0, 0);
}

#[test]
fn two_applies_of_one_site_keep_apart() {
    let engine = IMAGES.replacen('{', r#"{"latencyMillis": 300, "#, 1);
    let lab = Lab::new(&engine);
    let mut first = lab.start(&["apply", "--yes", "--parallelism", "1"]);
    Running::wait_for(&mut first.stderr, "[1/");
    let (code, _, stderr) = lab.wharf(&["apply", "--yes"]);
    assert_eq!(code, 1);
    let holder = format!("process {}", first.child.id());
    assert!(
        stderr.contains("being applied already") && stderr.contains(&holder),
        "{stderr}"
    );
}

#[test]
fn exec_feeds_standard_input_and_returns_the_commands_exit_code() {
    let lab = Lab::new(IMAGES);
    assert_eq!(lab.wharf(&["-q", "apply", "--yes"]).0, 0);
    let mut command = lab.command(&["exec", "api", "--", "cat"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"typed\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"typed\n");
    assert!(output.status.success());
}

#[test]
fn logs_of_a_command_leave_standard_input_to_whoever_comes_next() {
    let engine = r#"{"images": {"localhost/tools:1": "image-a", "localhost/db:1": "image-b"},
        "scripts": [{"matches": "/tmp/wharf-seed.log", "stdout": "seeded\n"}]}"#;
    let lab = Lab::new(engine);
    assert_eq!(lab.wharf(&["-q", "apply", "--yes"]).0, 0);
    let list = lab.dir().join("list");
    fs::write(&list, "api\nweb\n").unwrap();
    let mut list = fs::File::open(&list).unwrap();
    let mut command = lab.command(&["logs", "api", "--command", "seed"]);
    let output = command.stdin(list.try_clone().unwrap()).output().unwrap();
    assert_eq!(output.stdout, b"seeded\n", "{output:?}");
    // The two share their place in the file.
    let mut rest = String::new();
    list.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "api\nweb\n");
}

#[test]
fn logs_take_no_path_for_a_command() {
    let lab = Lab::new(IMAGES);
    let (code, _, said) = lab.wharf(&["logs", "api", "--command", "x/../../etc/passwd"]);
    assert_eq!(code, 64);
    let expected = "for '--command <ID>': a name has lower-case letters, digits and inner hyphens only";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn output_that_nobody_reads_is_no_error() {
    let lab = Lab::new(IMAGES);
    let mut command = lab.command(&["completions", "bash"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}

#[test]
fn colours_are_shown_where_they_are_wanted() {
    let lab = Lab::new(IMAGES);
    let coloured = |arguments: &[&str]| lab.wharf(arguments).1.contains('\u{1b}');
    assert!(!coloured(&["plan"]));
    assert!(coloured(&["plan", "--color", "always"]));
    assert!(!coloured(&["plan", "--color", "never"]));
}

/// The names under `Commands:` in the help.
fn listed_commands() -> BTreeSet<String> {
    let output = Command::new(binary()).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let lines = commands.lines().take_while(|line| line.starts_with("  "));
    lines
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .filter(|name| name != "help")
        .collect()
}

#[test]
fn the_page_lists_the_binarys_commands() {
    let page = fs::read_to_string(root().join("docs/cli.md")).unwrap();
    let described: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("## wharf "))
        .map(|rest| rest.split_whitespace().next().unwrap().to_owned())
        .collect();
    assert_eq!(described, listed_commands());
}

#[test]
fn the_page_names_every_option() {
    let page = fs::read_to_string(root().join("docs/cli.md")).unwrap();
    for command in listed_commands() {
        let output = Command::new(binary())
            .args([&command, "--help"])
            .output()
            .unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        let section = page
            .split("\n## ")
            .find(|s| {
                s.strip_prefix("wharf ")
                    .is_some_and(|s| s.split_whitespace().next() == Some(&command))
            })
            .unwrap();
        let (own, _) = help.split_once("Everywhere:").unwrap();
        for line in own.lines().map(str::trim_start).filter(|l| l.starts_with('-')) {
            let Some(option) = line.split([' ', ',']).find(|word| word.starts_with("--")) else {
                continue;
            };
            let missing = !["--help", "--version"].contains(&option) && !section.contains(option);
            assert!(!missing, "docs/cli.md says nothing of wharf {command} {option}");
        }
    }
}
