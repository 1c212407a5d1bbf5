//! How long wharf takes to validate and flatten devfiles, many in one process, and how much memory.
//!
//! `cargo bench --bench devfiles`. The devfiles are the valid ones of the corpus that `WHARF_CORPUS` names, else those of
//! the project's own fixtures, repeated as often as it takes. Each number is measured in processes of its own; medians.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods
)] // a benchmark stops where it can't go on; the clock, files and child processes are what it is about

#[path = "../tests/support/corpus.rs"]
mod corpus;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Instant;

use corpus::Disk;
use wharf::devfile::{self, Imports};
use wharf::document;

/// How many devfiles, the longest that they may take in seconds, and the most memory in MiB.
const SIZES: [(usize, f64, f64); 2] = [(1_000, 0.150, 30.0), (10_000, 1.5, f64::INFINITY)];
const ROUNDS: usize = 7;
/// The exit code where a bound is missed; a panic has another one.
const MISSED: u8 = 3;
/// What a process of its own is told by.
const CHILD: &str = "WHARF_BENCH_DEVFILES";

/// The directory, and the paths of the devfiles in it.
fn devfiles() -> (PathBuf, Vec<String>) {
    if let Some(corpus) = std::env::var_os("WHARF_CORPUS").map(PathBuf::from) {
        let rows = corpus::rows(&corpus).into_iter();
        let valid = rows.filter(|row| row.expected == "VALID").map(|row| row.path);
        return (corpus.join("corpus"), valid.collect());
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/devfile");
    let cases = std::fs::read_dir(&fixtures)
        .unwrap()
        .map(|case| case.unwrap().file_name());
    let valid = cases.map(|case| format!("{}/valid.yaml", case.to_str().unwrap()));
    let mut valid: Vec<String> = valid.filter(|path| fixtures.join(path).is_file()).collect();
    valid.sort();
    (fixtures, valid)
}

/// Seconds and peak memory in MiB for `number` devfiles, read from the disk one by one.
fn measure(number: usize) -> (f64, f64) {
    let (root, paths) = devfiles();
    let shelf = Disk(root.clone());
    let mut read = 0;
    let start = Instant::now();
    for path in paths.iter().cycle().take(number) {
        let bytes = std::fs::read(root.join(path)).unwrap();
        let (documents, _) = document::parse(path, &bytes);
        for document in documents.into_iter().map(Arc::new) {
            let imports = Imports::gather([(&*document, &document.root)], None, &shelf);
            let found = devfile::read(&document, &document.root, &BTreeMap::new(), &imports);
            read += usize::from(std::hint::black_box(found).devfile.is_some());
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    assert!(read * 10 > number * 9, "{read} of {number} could be read");
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kib: f64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    (seconds, kib / 1024.0)
}

fn in_a_process(number: usize) -> (f64, f64) {
    let output = Command::new(std::env::current_exe().unwrap())
        .env(CHILD, number.to_string())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let (seconds, memory) = text.trim().split_once(' ').unwrap();
    (seconds.parse().unwrap(), memory.parse().unwrap())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> ExitCode {
    if let Ok(number) = std::env::var(CHILD) {
        let (seconds, memory) = measure(number.parse().unwrap());
        println!("{seconds} {memory}");
        return ExitCode::SUCCESS;
    }
    let mut holds = true;
    println!("devfiles validated and flattened, medians of {ROUNDS} processes");
    for (number, longest, most) in SIZES {
        let (seconds, memory): (Vec<f64>, Vec<f64>) = (0..ROUNDS).map(|_| in_a_process(number)).unzip();
        let (seconds, memory) = (median(seconds), median(memory));
        let verdict = if seconds <= longest && memory <= most {
            "holds"
        } else {
            "MISSED"
        };
        holds &= verdict == "holds";
        println!(
            "{number:>6}: {seconds:.3} s (bound {longest} s), {memory:.1} MiB at most (bound {most} MiB): {verdict}"
        );
    }
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(MISSED)
    }
}
