//! A configuration repository that uses something from elsewhere, and the real binary on it.

#![allow(dead_code)] // each test binary uses a part of it

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A configuration repository of one workspace, and a simulated engine.
pub(crate) struct Repository(tempfile::TempDir);

impl Repository {
    pub(crate) fn new(site: &str, devfile: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = format!(
            "apiVersion: wharf/v1\nkind: Site\nmetadata: {{name: lab}}\nspec:\n  engine: simulated://{}\n  defaults: {{class: small}}\n{site}---\n\
             apiVersion: wharf/v1\nkind: Class\nmetadata: {{name: small}}\nspec: {{cpu: '1', memory: 1Gi}}\n---\n\
             apiVersion: wharf/v1\nkind: User\nmetadata: {{name: alice}}\nspec: {{}}\n---\n\
             apiVersion: wharf/v1\nkind: Workspace\nmetadata: {{name: api}}\nspec: {{owner: alice, devfile: {{path: devfile.yaml}}}}\n",
            dir.path().join("engine.json").display()
        );
        fs::write(dir.path().join("engine.json"), "{}").unwrap();
        fs::create_dir(dir.path().join("repo")).unwrap();
        let repository = Self(dir);
        repository.write("wharf.yaml", &text);
        repository.write("devfile.yaml", devfile);
        repository
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join("repo").join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::write(self.path(path), text).unwrap();
    }

    pub(crate) fn vendored(&self) -> Vec<PathBuf> {
        self.below(".wharf/devfiles")
    }

    /// The files in a folder of it.
    pub(crate) fn below(&self, folder: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path(folder));
        entries.map_or_else(
            |_| Vec::new(),
            |entries| entries.map(|e| e.unwrap().path()).collect(),
        )
    }

    pub(crate) fn command(&self, program: &Path, arguments: &[&str]) -> Output {
        Command::new(program)
            .args(arguments)
            .current_dir(self.path("."))
            .env("XDG_RUNTIME_DIR", self.0.path())
            .output()
            .unwrap()
    }

    /// The exit code, and all that was said.
    pub(crate) fn wharf(&self, arguments: &[&str]) -> (i32, String) {
        said(&self.command(&binary(), arguments))
    }

    /// The same with these variables.
    pub(crate) fn wharf_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.path("."));
        command.env("XDG_RUNTIME_DIR", self.0.path());
        said(&command.envs(variables.iter().copied()).output().unwrap())
    }

    pub(crate) fn validate(&self) -> (i32, String) {
        self.wharf(&["validate", "--format", "github"])
    }
}

pub(crate) fn binary() -> PathBuf {
    std::env::var_os("WHARF_BIN").map_or_else(|| env!("CARGO_BIN_EXE_wharf").into(), PathBuf::from)
}

pub(crate) fn said(output: &Output) -> (i32, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// The Site's permission to ask `hosts`.
pub(crate) fn private(hosts: &str) -> String {
    format!("  policy: {{imports: {{privateHosts: [{hosts}]}}}}\n")
}

#[track_caller]
pub(crate) fn assert_says((code, text): (i32, String), expected_code: i32, expected: &str) {
    assert!(text.contains(expected), "{expected:?} is not in: {text}");
    assert_eq!(code, expected_code, "{text}");
}
