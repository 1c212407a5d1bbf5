//! The real binary killed with SIGKILL in the middle of an apply: one more apply ends where no kill would have, nothing
//! is left over, and the plan after it is empty. On the simulated engine at every call; on Podman at moments at random.
//!
//! `WHARF_CRASH_ROUNDS` sets how many kills on Podman (20), `WHARF_CRASH_SEED` repeats a run. `WHARF_BIN` names another
//! binary, `WHARF_TEST_IMAGE` another image.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods
)] // files and child processes

#[path = "../support/client.rs"]
mod client;
#[path = "../support/labelled.rs"]
mod labelled;
mod podman;
#[path = "../support/random.rs"]
mod random;
#[path = "../support/raw.rs"]
mod raw;
#[path = "../support/repository.rs"]
mod repository;
mod simulated;

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Writes a configuration repository in place of what was there.
fn write(directory: &Path, files: &[(&str, String)]) {
    if directory.exists() {
        std::fs::remove_dir_all(directory).unwrap();
    }
    for (path, text) in files {
        let path = directory.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// The binary on an engine; where none is given, on the one that the environment names.
fn wharf(engine: Option<&Path>, arguments: &[&str]) -> Command {
    let binary =
        std::env::var_os("WHARF_BIN").map_or_else(|| env!("CARGO_BIN_EXE_wharf").into(), PathBuf::from);
    let mut command = Command::new(binary);
    let state = std::env::temp_dir().join(format!("wharf-test-state-{}", rustix::process::getuid().as_raw()));
    command
        .args(arguments)
        .env("WHARF_STATE_DIR", state)
        .stdin(Stdio::null());
    if let Some(file) = engine {
        command.env("CONTAINER_HOST", format!("simulated://{}", file.display()));
    }
    command
}

fn apply(engine: Option<&Path>, repository: &Path) -> Command {
    wharf(engine, &["apply", "--yes", repository.to_str().unwrap()])
}

fn output(mut command: Command) -> Output {
    command.output().expect("the binary runs")
}

fn was_killed(output: &Output) -> bool {
    output.status.signal() == Some(9)
}

fn words(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{}\n{}\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    )
}

/// One more apply succeeds, and leaves nothing to do.
fn recover(engine: Option<&Path>, repository: &Path, where_: &str) {
    let rerun = output(apply(engine, repository));
    assert!(rerun.status.success(), "{where_}: the rerun\n{}", words(&rerun));
    let path = repository.to_str().unwrap();
    let plan = output(wharf(engine, &["plan", "--detailed-exitcode", path]));
    assert_eq!(
        plan.status.code(),
        Some(0),
        "{where_}: the plan after the rerun\n{}",
        words(&plan)
    );
}
