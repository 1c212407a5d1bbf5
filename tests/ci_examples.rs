//! The pipelines under `examples/ci` are YAML, and the commands of wharf in them work.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // a test with processes

use std::path::Path;
use std::process::{Command, Output};

use wharf::document;

#[path = "support/place.rs"]
mod place;

use place::{binary, root};

/// The arguments of each `wharf validate` and `wharf diff` in a pipeline, up to what the shell takes for itself.
fn commands(text: &str) -> Vec<Vec<String>> {
    let own = |line: &str| line.trim_start().starts_with('#') || line.contains("name: ");
    let lines = text.lines().filter(|line| !own(line));
    let parts = lines.filter_map(|line| line.split_once("wharf ").map(|(_, rest)| rest));
    let words = parts.map(|rest| {
        let words = rest.split_whitespace();
        words.take_while(|word| !matches!(*word, ">" | "||" | "|" | ">>"))
    });
    let named = words.filter(|words| matches!(words.clone().next(), Some("validate" | "diff")));
    // The commits that a code host names are these here.
    named
        .map(|words| words.map(|word| if word.contains("..") { "HEAD~1..HEAD" } else { word }))
        .map(|words| words.map(str::to_owned).collect())
        .collect()
}

/// The example site as a repository of two commits.
fn repository(dir: &Path) {
    let run = |program: &str, arguments: &[&str]| -> Output {
        let output = Command::new(program).args(arguments).current_dir(dir).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
        output
    };
    let site = root().join("examples/site");
    run("cp", &["-rL", &format!("{}/.", site.display()), "."]);
    run("git", &["init", "-q"]);
    for message in ["first", "second"] {
        run("git", &["add", "."]);
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        run(
            "git",
            &[&identity[..], &["commit", "-q", "--allow-empty", "-m", message]].concat(),
        );
    }
}

#[test]
fn every_command_of_every_pipeline_accepts_a_valid_repository() {
    let dir = tempfile::tempdir().unwrap();
    repository(dir.path());
    let pipelines = [("github", 3), ("gitlab", 3), ("pre-commit", 1)];
    let folder = std::fs::read_dir(root().join("examples/ci")).unwrap();
    assert_eq!(folder.count(), pipelines.len(), "each is here");
    for (file, number) in pipelines {
        let path = format!("examples/ci/{file}.yaml");
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        let (_, problems) = document::parse(&path, text.as_bytes());
        assert!(!problems.has_errors(), "{problems:?}");
        let commands = commands(&text);
        assert_eq!(commands.len(), number, "{path}: {commands:?}");
        for arguments in commands {
            let output = Command::new(binary())
                .args(&arguments)
                .current_dir(dir.path())
                .output();
            let output = output.unwrap();
            assert!(output.status.success(), "{path}: {arguments:?}: {output:?}");
        }
    }
}
