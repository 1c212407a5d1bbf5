//! The audit log as the binary writes it: what an apply leaves, what is found when somebody has been at it, and what
//! happens to it when a process is killed, when there are two of them, and when there is no room.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // tests with processes

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

#[path = "support/place.rs"]
mod place;

use place::{binary, root};

/// The scenarios' repository, committed, and a state directory; each engine is a file of its own.
struct Lab(tempfile::TempDir);

const IMAGES: &str = r#""images": {"localhost/tools:1": "image-a", "localhost/db:1": "image-b"}"#;

impl Lab {
    fn new() -> Self {
        let lab = Self(tempfile::tempdir().unwrap());
        copy(&root().join("tests/scenarios/lab"), &lab.repository());
        lab.engine("engine", "");
        lab.git(&["init", "-q", "-b", "main"]);
        lab.commit("first");
        lab
    }

    fn repository(&self) -> PathBuf {
        self.0.path().join("repo")
    }

    fn engine(&self, name: &str, more: &str) {
        fs::write(self.0.path().join(name), format!("{{{more}{IMAGES}}}")).unwrap();
    }

    fn git(&self, arguments: &[&str]) {
        let mut command = Command::new("git");
        command.args([
            "-c",
            "user.name=Alice Example",
            "-c",
            "user.email=alice@example.org",
        ]);
        let status = command.args(arguments).current_dir(self.repository()).status();
        assert!(status.unwrap().success(), "git {arguments:?}");
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    /// A program that finds the site on that engine.
    fn command(&self, engine: &str, program: &Path, arguments: &[&str]) -> Command {
        let engine = self.0.path().join(engine);
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.repository())
            .env("XDG_RUNTIME_DIR", self.0.path().join("run"))
            .env("WHARF_STATE_DIR", self.0.path().join("state"))
            .env("CONTAINER_HOST", format!("simulated://{}", engine.display()))
            .stdin(Stdio::null());
        command
    }

    fn wharf(&self, arguments: &[&str]) -> Output {
        self.command("engine", &binary(), arguments).output().unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.wharf(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn log(&self) -> PathBuf {
        self.0.path().join("state/audit/lab.jsonl")
    }

    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.log()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// What a check has found: whether all is well, and what was said.
    fn verify(&self) -> (bool, Value) {
        let output = self.wharf(&["audit", "verify", "-o", "json"]);
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found["sound"], output.status.success(), "{found}");
        (output.status.success(), found)
    }

    /// Replaces text in the log, which must be there.
    fn edit(&self, old: &str, new: &str) {
        let text = fs::read_to_string(self.log()).unwrap();
        assert!(text.contains(old), "{old}");
        fs::write(self.log(), text.replacen(old, new, 1)).unwrap();
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

fn steps(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line["event"] == "step").collect()
}

#[test]
fn an_apply_leaves_each_step_with_its_commit_author_plan_and_outcome() {
    let lab = Lab::new();
    let plan: Value = serde_json::from_str(&lab.ok(&["plan", "--format", "json"])).unwrap();
    lab.ok(&["-q", "apply", "--yes"]);
    let lines = lab.lines();
    let steps = steps(&lines);
    assert!(steps.len() > 10);
    let create = |step: &&&Value| step["step"] == "create pod/lab.alice.api";
    let pod = steps.iter().find(create).unwrap();
    assert_eq!(pod["site"], "lab");
    assert_eq!(pod["commit"], plan["commit"]);
    assert_eq!(pod["author"], "Alice Example <alice@example.org>");
    assert_eq!(pod["by"], "apply");
    assert_eq!(pod["user"]["uid"], rustix::process::getuid().as_raw());
    assert_eq!(pod["digest"], plan["digest"]);
    assert_eq!(
        (&pod["workspace"], &pod["object"]),
        (&"alice/api".into(), &"pod/lab.alice.api".into())
    );
    assert_eq!(pod["outcome"], "done");
    assert!(pod["milliseconds"].is_u64() && pod["time"].as_str().unwrap().ends_with('Z'));
    let ended = lines.last().unwrap();
    assert_eq!(
        (&ended["event"], &ended["done"]),
        (&"ended".into(), &steps.len().into())
    );
    for (number, line) in lines.iter().enumerate() {
        assert_eq!(line["seq"], number + 1);
    }
    let (sound, found) = lab.verify();
    assert!(sound, "{found}");
    assert_eq!(found["lines"], lines.len());
}

#[test]
fn each_command_that_changes_the_engine_is_recorded_and_a_workspace_that_is_gone_can_be_asked_for() {
    let lab = Lab::new();
    lab.ok(&["-q", "apply", "--yes"]);
    lab.ok(&["-q", "stop", "bob/web"]);
    lab.ok(&["-q", "start", "web"]);
    let text = fs::read_to_string(lab.repository().join("workspaces.yaml")).unwrap();
    let (api, _) = text.split_once("---").unwrap();
    fs::write(lab.repository().join("workspaces.yaml"), api).unwrap();
    lab.ok(&["-q", "apply", "--yes"]);
    lab.ok(&["-q", "volume", "purge", "--all-retained", "--yes"]);
    let shown: Value = serde_json::from_str(&lab.ok(&["audit", "show", "web", "-o", "json"])).unwrap();
    let records = shown["records"].as_array().unwrap();
    assert!(records.iter().all(|r| r["workspace"] == "bob/web"));
    let mut by: Vec<&str> = records.iter().map(|r| r["by"].as_str().unwrap()).collect();
    by.dedup();
    assert_eq!(by, ["apply", "stop", "start", "apply", "volume purge"]);
    let purged = records.last().unwrap();
    assert_eq!(purged["digest"], Value::Null);
    assert!(
        purged["step"]
            .as_str()
            .unwrap()
            .starts_with("remove volume/lab.bob.web.")
    );
    assert_eq!(purged["dirty"], true);
    let table = lab.ok(&["audit", "show", "web", "-n", "2"]);
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(
        table
            .lines()
            .all(|l| l.contains("volume purge") || l.starts_with("TIME")),
        "{table}"
    );
    assert_eq!(
        lab.ok(&["audit", "show", "--since", "2999-01-01"]),
        "Nothing is recorded.\n"
    );
    let missing = lab.wharf(&["audit", "show", "wbe"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("Did you mean web?"));
    // Elsewhere, the only log there is.
    let elsewhere = lab
        .command("engine", &binary(), &["-C", "/", "audit", "verify"])
        .output();
    assert!(elsewhere.unwrap().status.success());
}

#[test]
fn what_house_keeping_removes_is_recorded_with_the_commit_that_declares_it_no_more() {
    let lab = Lab::new();
    // An image that this site has built for nobody knows whom.
    let engine = r#"{"images": {"localhost/tools:1": "a", "localhost/db:1": "b", "localhost/wharf/own:0123": "c"},
        "imageLabels": {"c": {"dev.wharf.site": "lab"}}}"#;
    fs::write(lab.0.path().join("engine"), engine).unwrap();
    lab.ok(&["-q", "apply", "--yes"]);
    let text = fs::read_to_string(lab.repository().join("workspaces.yaml")).unwrap();
    let (api, _) = text.split_once("---").unwrap();
    fs::write(lab.repository().join("workspaces.yaml"), api).unwrap();
    lab.commit("without web");
    lab.ok(&["-q", "apply", "--yes"]);
    let before = lab.lines().len();
    let asked = ["gc", "--older-than", "0s", "-o", "json"];
    let list: Value = serde_json::from_str(&lab.ok(&[&asked[..], &["--dry-run"]].concat())).unwrap();
    assert_eq!(lab.lines().len(), before, "looking is no step");
    let digest = list["digest"].as_str().unwrap();
    lab.ok(&[&asked[..], &["--yes", "--allow-data-loss", digest]].concat());
    let lines = lab.lines();
    let gone = &lines[before..];
    let steps: Vec<&str> = gone.iter().map(|line| line["step"].as_str().unwrap()).collect();
    let expected = [
        "image/localhost/wharf/own:0123",
        "volume/lab.bob.web.home",
        "volume/lab.bob.web.projects",
    ];
    assert_eq!(steps, expected.map(|object| format!("remove {object}")));
    for line in gone {
        assert_eq!(
            (&line["by"], &line["outcome"]),
            (&Value::from("gc"), &Value::from("done"))
        );
        assert_eq!(line["author"], "Alice Example <alice@example.org>");
        assert_eq!(
            (line["commit"].is_string(), &line["digest"]),
            (true, &Value::Null)
        );
    }
    assert_eq!(
        (&gone[0]["workspace"], &gone[1]["workspace"]),
        (&Value::Null, &Value::from("bob/web"))
    );
    let web = lab.ok(&["audit", "show", "web", "-n", "2"]);
    assert_eq!(web.matches("gc (").count(), 2, "{web}");
    assert!(lab.verify().0);
}

#[test]
fn a_failure_is_recorded_with_its_cause_and_without_what_a_command_wrote() {
    let lab = Lab::new();
    let devfile = lab.repository().join("devfiles/tools.yaml");
    let text = fs::read_to_string(&devfile).unwrap();
    let hook = "commands:\n  - {id: boot, exec: {component: tools, commandLine: boot}}\nevents: {postStart: [boot]}\n";
    assert!(!text.contains("commands:"), "the scenarios' devfile has none");
    fs::write(&devfile, text + hook).unwrap();
    let script = r#""scripts": [{"matches": "boot", "exitCode": 3, "stdout": "token=hunter2\n"}], "#;
    lab.engine("engine", script);
    let output = lab.wharf(&["apply", "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("hunter2"),
        "its reader sees it: {output:?}"
    );
    let lines = lab.lines();
    let failed = |step: &&&Value| step["outcome"] == "failed";
    let steps = steps(&lines);
    let failed = steps.iter().find(failed).unwrap();
    let cause = failed["cause"].as_str().unwrap();
    assert_eq!(cause, "command boot in component tools ended with exit code 3");
    assert!(!fs::read_to_string(lab.log()).unwrap().contains("hunter2"));
}

#[test]
fn a_change_is_named_by_file_and_line() {
    let lab = Lab::new();
    lab.ok(&["-q", "apply", "--yes"]);
    let (_, found) = lab.verify();
    let hash = found["last"]["hash"].as_str().unwrap().to_owned();
    lab.ok(&["audit", "verify", "--holds", &hash]);
    let whole = fs::read_to_string(lab.log()).unwrap();
    let line = whole
        .lines()
        .position(|l| l.contains("create pod/lab.alice.api\""))
        .unwrap()
        + 1;

    lab.edit("create pod/lab.alice.api\"", "create pod/lab.alice.abi\"");
    let output = lab.wharf(&["audit", "verify"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains(&format!("lab.jsonl:{line}: it was changed")),
        "{said}"
    );
    let shown = lab.wharf(&["audit", "show", "api"]);
    assert!(String::from_utf8_lossy(&shown.stderr).contains("were changed"));

    let lines: Vec<&str> = whole.lines().collect();
    let without = |gone: usize| {
        let kept = lines.iter().enumerate().filter(|(at, _)| at + 1 != gone);
        kept.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    for (gone, expected) in [
        (line, format!("lab.jsonl:{line}: 1 line is missing before it")),
        (
            lines.len(),
            format!("lab.jsonl:{}: 1 line is missing after it", lines.len() - 1),
        ),
    ] {
        fs::write(lab.log(), without(gone)).unwrap();
        let said = String::from_utf8(lab.wharf(&["audit", "verify"]).stdout).unwrap();
        assert!(said.contains(&expected), "{said}");
    }
    fs::write(lab.log(), &whole).unwrap();
    assert!(lab.verify().0);
    assert_eq!(
        lab.wharf(&["audit", "verify", "--holds", "0a1b"]).status.code(),
        Some(1)
    );
}

#[test]
fn a_killed_apply_leaves_a_log_that_goes_on() {
    let lab = Lab::new();
    for round in 0..8 {
        // Another engine each time, so that there is something to do.
        let name = format!("engine-{round}");
        lab.engine(&name, r#""latencyMillis": 5, "#);
        let mut apply = lab.command(&name, &binary(), &["apply", "--yes", "--parallelism", "2"]);
        let mut child = apply
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        for _ in lines.take(round + 1) {}
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // What a killed machine leaves: a line that never came to its end.
    let last = fs::read_to_string(lab.log()).unwrap();
    let torn = last.lines().last().unwrap();
    fs::write(lab.log(), format!("{last}{}", &torn[..torn.len() / 2])).unwrap();
    assert!(!lab.verify().0);
    lab.ok(&["-q", "apply", "--yes"]);
    let (sound, found) = lab.verify();
    assert!(sound, "{found}");
    assert!(
        found["notes"][0]["message"]
            .as_str()
            .unwrap()
            .contains("never finished"),
        "{found}"
    );
    let shown: Value = serde_json::from_str(&lab.ok(&["audit", "show", "-o", "json"])).unwrap();
    let count = |event: &str| {
        shown["records"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|r| r["event"] == event)
            .count()
    };
    assert!(
        count("ended") < count("apply"),
        "those that were killed have no end"
    );
}

#[test]
fn two_applies_at_once_make_one_chain() {
    let lab = Lab::new();
    let started: Vec<_> = ["one", "two", "three"]
        .iter()
        .map(|name| {
            lab.engine(name, r#""latencyMillis": 2, "#);
            let mut apply = lab.command(name, &binary(), &["-q", "apply", "--yes"]);
            apply.stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in started {
        assert!(child.wait().unwrap().success());
    }
    let (sound, found) = lab.verify();
    assert!(sound, "{found}");
    let lines = lab.lines();
    assert_eq!(lines.iter().filter(|line| line["event"] == "ended").count(), 3);
    let digests: Vec<&Value> = steps(&lines).iter().map(|line| &line["step"]).collect();
    assert_eq!(digests.len() % 3, 0);
}

#[test]
fn without_room_an_apply_goes_on_and_the_gap_is_told_later() {
    let lab = Lab::new();
    lab.ok(&["-q", "apply", "--yes"]);
    // The log is the largest of the files that are written, so a limit on the size of files is full for it alone.
    while fs::metadata(lab.log()).unwrap().len() < 100_000 {
        lab.ok(&["-q", "stop", "api"]);
        lab.ok(&["-q", "start", "api"]);
    }
    let before = lab.lines().len();
    let full = fs::metadata(lab.log()).unwrap().len() + 100;
    let limited = format!("trap '' XFSZ; exec prlimit --fsize={full} \"$@\"");
    let binary = binary();
    let arguments = ["-c", &limited, "sh", binary.to_str().unwrap(), "stop", "api"];
    let output = lab
        .command("engine", Path::new("sh"), &arguments)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("lab.jsonl can't be written: File too large"),
        "{said}"
    );
    assert!(said.contains("alice/api is stopped"), "{said}");
    assert_eq!(lab.lines().len(), before, "nothing is there in part");
    let (sound, found) = lab.verify();
    assert!(sound, "{found}");
    assert!(
        found["notes"][0]["message"]
            .as_str()
            .unwrap()
            .contains("are not in it yet"),
        "{found}"
    );

    lab.ok(&["-q", "start", "api"]);
    let lines = lab.lines();
    let gap = &lines[before];
    assert_eq!(gap["event"], "gap");
    assert!(gap["lost"].as_u64().unwrap() >= 3, "{gap}");
    assert!(gap["cause"].as_str().unwrap().contains("File too large"), "{gap}");
    let (sound, found) = lab.verify();
    assert!(sound, "{found}");
    assert!(
        found["notes"][0]["message"]
            .as_str()
            .unwrap()
            .contains("could not be written"),
        "{found}"
    );
}

#[test]
fn where_nothing_was_recorded_it_says_so() {
    let lab = Lab::new();
    for command in [["audit", "show"], ["audit", "verify"]] {
        let output = lab.wharf(&command);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("there is no audit log of site lab"));
    }
    // A place that can't be written stops no apply.
    fs::write(lab.0.path().join("state"), "in the way").unwrap();
    let output = lab.wharf(&["apply", "--yes"]);
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("lab.jsonl can't be written"), "{said}");
}
