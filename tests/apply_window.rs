//! `wharf apply` while its maintenance window closes: nothing more is begun that interrupts somebody, what was begun is
//! finished, and the rest says until when it waits. The window is a real one of this very minute.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test with processes

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

#[path = "support/place.rs"]
mod place;

/// More than can be replaced before the window closes.
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
/// How long the window is open at least, in seconds.
const OPEN: u64 = 8;

struct Lab(tempfile::TempDir);

impl Lab {
    /// Six workspaces that run, and now a maintenance window.
    fn new() -> Self {
        let lab = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(lab.path("repo")).unwrap();
        std::fs::write(
            lab.path("engine"),
            json!({"images": {"localhost/a:1": "a"}}).to_string(),
        )
        .unwrap();
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Declares the workspaces with that in their environment; `from` and `to` are minutes of the day.
    fn declare(&self, value: &str, (from, to): (u64, u64)) {
        let clock = |minute: u64| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
        let mut text = format!(
            "apiVersion: wharf/v1\nkind: Site\nmetadata: {{name: lab}}\nspec:\n  defaults: {{class: small, power: on}}\n  \
             maintenance: {{windows: [{{from: '{}', to: '{}'}}]}}\n---\n\
             apiVersion: wharf/v1\nkind: Class\nmetadata: {{name: small}}\nspec: {{cpu: '1', memory: 1Gi}}\n---\n\
             apiVersion: wharf/v1\nkind: User\nmetadata: {{name: alice}}\nspec: {{}}\n",
            clock(from),
            clock(to)
        );
        for name in NAMES {
            text += &format!(
                "---\napiVersion: wharf/v1\nkind: Workspace\nmetadata: {{name: {name}}}\nspec:\n  owner: alice\n  \
                 env: {{VALUE: '{value}'}}\n  devfile:\n    inline: {{schemaVersion: 2.2.2, components: [{{name: tools, \
                 container: {{image: 'localhost/a:1'}}}}]}}\n"
            );
        }
        std::fs::write(self.path("repo/wharf.yaml"), text).unwrap();
    }

    fn wharf(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(place::binary());
        command
            .args(arguments)
            .current_dir(self.path("repo"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("WHARF_STATE_DIR", self.path("state"))
            .env(
                "CONTAINER_HOST",
                format!("simulated://{}", self.path("engine").display()),
            );
        command.output().unwrap()
    }

    fn engine(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.path("engine")).unwrap()).unwrap()
    }

    /// From now on each change on the engine takes so long.
    fn slow(&self, milliseconds: u64) {
        let mut engine = self.engine();
        engine["latencyMillis"] = json!(milliseconds);
        std::fs::write(self.path("engine"), engine.to_string()).unwrap();
    }

    /// The workspaces whose containers have that value; all of them must run.
    fn with(&self, value: &str) -> usize {
        let engine = self.engine();
        let containers = engine["containers"].as_object().unwrap();
        assert_eq!(containers.len(), NAMES.len(), "none is left half done");
        let has = |container: &&Value| {
            assert!(container["run"]["running"].is_object(), "{container}");
            container.to_string().contains(value)
        };
        containers.values().filter(has).count()
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn said(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn saved(lab: &Lab, file: &Path) -> Output {
    lab.wharf(&["plan", "--out", file.to_str().unwrap()])
}

#[test]
fn a_window_that_closes_in_the_midst_lets_the_rest_wait_and_leaves_nothing_half_done() {
    let lab = Lab::new();
    // Another day's minute: what is made anew waits for none.
    let minute = now() / 60 + 720;
    lab.declare("value-one", (minute, minute + 1));
    let first = lab.wharf(&["apply", "--yes"]);
    assert!(first.status.success(), "{}", said(&first));
    assert_eq!(lab.with("value-one"), NAMES.len());

    // The full minute after the next few seconds.
    let closes = (now() + OPEN).div_ceil(60);
    lab.declare("value-two", (closes - 2, closes));
    let plan = lab.path("saved");
    let output = saved(&lab, &plan);
    assert!(output.status.success(), "{}", said(&output));
    lab.slow((closes * 60 - now()) * 1000 / 10);
    let arguments = ["apply", "--yes", "--parallelism", "1", "--format", "json"];
    let output = lab.wharf(&arguments);
    let said_then = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said_then}");
    assert!(
        said_then.contains("the maintenance window has closed; what was begun is finished"),
        "{said_then}"
    );
    assert!(
        said_then.contains("waits for its maintenance window") && said_then.contains("it opens"),
        "{said_then}"
    );
    let changed = lab.with("value-two");
    assert!((1..NAMES.len()).contains(&changed), "{changed}: {said_then}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let waits = result["waits"].as_array().unwrap();
    assert_eq!(waits.len(), NAMES.len() - changed, "{result}");
    for wait in waits {
        assert!(wait["until"].as_u64().unwrap() > closes * 60, "{wait}");
    }
    assert_eq!(
        (&result["converged"], &result["failed"]),
        (&json!(false), &json!(0))
    );

    // What was saved while it was open is not carried out now.
    lab.slow(0);
    let output = lab.wharf(&["apply", "--yes", plan.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("the maintenance window for it has closed"));
    assert_eq!(lab.with("value-two"), changed);
    // A person may say that it does not wait.
    let output = lab.wharf(&["apply", "--yes", "--now"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(lab.with("value-two"), NAMES.len());
}
