//! A configuration repository and the real binary on the real Podman, for tests of what users see. The site's name is
//! this run's own; everything of it is removed by label at the end.

#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::client::podman;
use super::labelled::{labelled, remove_labelled};

static NEXT: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Site {
    dir: tempfile::TempDir,
    pub(crate) name: String,
}

/// The image that the tests' workspaces run.
pub(crate) fn image() -> String {
    std::env::var("WHARF_TEST_IMAGE").unwrap_or_else(|_| "localhost/wharf-busybox:1".to_owned())
}

/// The binary under test.
pub(crate) fn wharf() -> Command {
    let path = std::env::var_os("WHARF_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_wharf").into());
    let mut command = Command::new(path);
    command.env("WHARF_STATE_DIR", state());
    command
}

/// Where the binary keeps its logs, in place of this machine's own.
fn state() -> PathBuf {
    let user = rustix::process::getuid().as_raw();
    std::env::temp_dir().join(format!("wharf-test-state-{user}"))
}

/// Whether Podman has root here: ids of its own for each user, and limits even on old control groups.
pub(crate) fn rootful() -> bool {
    podman(&["info", "--format", "{{.Host.Security.Rootless}}"]) == "false"
}

impl Site {
    pub(crate) fn new(topic: &str) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("e2e-{topic}-{}-{number}", std::process::id());
        let dir = tempfile::tempdir().unwrap();
        let site = Self { dir, name };
        site.git(&["init", "-q"]);
        site.site("");
        site.class("512Mi");
        site
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let file = self.dir.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        file
    }

    /// The Site with two users; `spec` is added to its spec.
    pub(crate) fn site(&self, spec: &str) {
        let user = |name: &str| {
            format!("---\napiVersion: wharf/v1\nkind: User\nmetadata: {{name: {name}}}\nspec: {{}}\n")
        };
        let text = format!(
            "apiVersion: wharf/v1\nkind: Site\nmetadata: {{name: {}}}\nspec:\n  defaults: {{class: small, power: on}}\n{spec}",
            self.name
        );
        self.write("wharf.yaml", &(text + &user("alice") + &user("bob")));
    }

    pub(crate) fn class(&self, memory: &str) {
        let text = "apiVersion: wharf/v1\nkind: Class\nmetadata: {name: small}\nspec: {cpu: \"1\", memory: MEMORY, pids: 200}\n";
        self.write("classes.yaml", &text.replace("MEMORY", memory));
    }

    /// A workspace with the devfile below it.
    pub(crate) fn workspace(&self, owner: &str, name: &str, spec: &str, devfile: &str) {
        let head = format!(
            "apiVersion: wharf/v1\nkind: Workspace\nmetadata: {{name: {name}}}\nspec:\n  owner: {owner}\n{spec}  devfile:\n    inline:\n"
        );
        let body: String = devfile.lines().map(|line| format!("      {line}\n")).collect();
        self.write(&format!("workspaces/{owner}-{name}.yaml"), &(head + &body));
    }

    /// A workspace of one container that idles, with the environment variable `MARK`.
    pub(crate) fn plain(&self, owner: &str, name: &str, mark: &str) {
        let devfile = format!(
            "schemaVersion: 2.2.2\ncomponents:\n  - name: tools\n    container:\n      image: {}\n      env: [{{name: MARK, value: {mark}}}]\n",
            image()
        );
        self.workspace(owner, name, "", &devfile);
    }

    pub(crate) fn remove(&self, owner: &str, name: &str) {
        std::fs::remove_file(self.dir().join(format!("workspaces/{owner}-{name}.yaml"))).unwrap();
    }

    pub(crate) fn git(&self, args: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        let status = Command::new("git")
            .args(identity)
            .args(args)
            .current_dir(self.dir())
            .status()
            .unwrap();
        assert!(status.success(), "git {args:?}");
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        wharf()
            .args(args)
            .current_dir(self.dir())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Runs wharf, which must succeed, and returns what it printed.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "wharf {args:?}: {}\n{stdout}{stderr}",
            output.status
        );
        stdout
    }

    pub(crate) fn apply(&self) {
        self.ok(&["apply", "--yes"]);
    }

    /// The plan as JSON.
    pub(crate) fn plan(&self) -> serde_json::Value {
        serde_json::from_str(&self.ok(&["plan", "--format", "json"])).unwrap()
    }

    /// The plan's changes, each as `action object`.
    pub(crate) fn changes(&self) -> Vec<String> {
        let plan = self.plan();
        let text = |change: &serde_json::Value, key: &str| change[key].as_str().unwrap().to_owned();
        let stem = format!("{}.", self.name);
        let line =
            |c: &serde_json::Value| format!("{} {}", text(c, "action"), text(c, "object").replace(&stem, ""));
        plan["changes"].as_array().unwrap().iter().map(line).collect()
    }

    pub(crate) fn converged(&self) {
        let output = self.run(&["plan", "--detailed-exitcode"]);
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{stdout}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// The engine's name of an object of this site.
    pub(crate) fn name(&self, rest: &str) -> String {
        format!("{}.{rest}", self.name)
    }

    /// The ids of this site's containers, by name.
    pub(crate) fn containers(&self) -> std::collections::BTreeMap<String, String> {
        let filter = format!("label=dev.wharf.site={}", self.name);
        let list = podman(&[
            "ps",
            "-a",
            "--no-trunc",
            "--filter",
            &filter,
            "--format",
            "{{.Names}} {{.ID}}",
        ]);
        let pair = |line: &str| line.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()));
        // A pod's infra container inherits its labels.
        list.lines()
            .filter(|line| !line.contains("-infra "))
            .filter_map(pair)
            .collect()
    }

    /// Runs a shell command in a workspace through `wharf exec`, which must succeed.
    pub(crate) fn shell(&self, workspace: &str, script: &str) -> String {
        self.ok(&["exec", workspace, "--", "/bin/sh", "-c", script])
            .trim()
            .to_owned()
    }

    /// What is labelled with this site, of every kind.
    pub(crate) fn left(&self) -> Vec<String> {
        labelled(&self.label())
    }

    fn label(&self) -> String {
        format!("dev.wharf.site={}", self.name)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        remove_labelled(&self.label());
        let stem = format!("{}.", self.name);
        for file in std::fs::read_dir(state().join("audit"))
            .into_iter()
            .flatten()
            .flatten()
        {
            if file.file_name().to_string_lossy().starts_with(&stem) {
                let _ = std::fs::remove_file(file.path());
            }
        }
    }
}
