//! The pipelines under `examples/ci` are YAML, and the commands of wharf in them work.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // a test with processes

use std::path::PathBuf;
use std::process::Command;

use wharf::document;

fn root() -> PathBuf {
    std::env::var_os("WHARF_ROOT").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// The arguments of each `wharf …` in a pipeline, up to what the shell takes for itself.
fn commands(text: &str) -> Vec<Vec<&str>> {
    let own = |line: &str| line.trim_start().starts_with('#');
    let lines = text.lines().filter(|line| !own(line));
    lines
        .filter_map(|line| line.split_once("wharf validate"))
        .filter(|(before, _)| !before.contains("name:"))
        .map(|(_, rest)| {
            let words = rest.split_whitespace();
            let arguments = words.take_while(|word| !matches!(*word, ">" | "||" | "|" | ">>"));
            std::iter::once("validate").chain(arguments).collect()
        })
        .collect()
}

#[test]
fn every_command_of_every_pipeline_accepts_a_valid_repository() {
    let binary =
        std::env::var_os("WHARF_BIN").map_or_else(|| env!("CARGO_BIN_EXE_wharf").into(), PathBuf::from);
    for (file, number) in [("github", 2), ("gitlab", 2), ("pre-commit", 1)] {
        let path = format!("examples/ci/{file}.yaml");
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        let (_, problems) = document::parse(&path, text.as_bytes());
        assert!(!problems.has_errors(), "{problems:?}");
        let commands = commands(&text);
        assert_eq!(commands.len(), number, "{path}: {commands:?}");
        for arguments in commands {
            let output = Command::new(&binary)
                .args(&arguments)
                .current_dir(root().join("examples/site"))
                .output()
                .unwrap();
            assert!(output.status.success(), "{path}: {arguments:?}: {output:?}");
        }
    }
}
