//! The devfile reader beside the reference implementation: its verdict on every devfile of a corpus, what it makes of
//! each once parents are merged and variables replaced, and its own test data for overriding, merging and variables.
//!
//! `make conformance` runs it and says where the material is, in `WHARF_CORPUS`; it is no part of `cargo test`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout
)]
// a test that reads files and says what it found

#[path = "../support/corpus.rs"]
mod corpus;
mod flat;
mod oracles;
mod places;
mod variables;
mod verdicts;

use std::path::PathBuf;
use std::process::ExitCode;

/// What was compared, and where wharf differs without a stated reason.
#[derive(Default)]
struct Outcome {
    same: usize,
    /// Differences that are meant, and why.
    meant: Vec<String>,
    wrong: Vec<String>,
}

impl Outcome {
    fn compare(&mut self, same: bool, difference: impl FnOnce() -> String) {
        if same {
            self.same += 1;
        } else {
            self.wrong.push(difference());
        }
    }
}

fn main() -> ExitCode {
    let Some(root) = std::env::var_os("WHARF_CORPUS").map(PathBuf::from) else {
        println!("WHARF_CORPUS names no corpus");
        return ExitCode::FAILURE;
    };
    let verbose = std::env::args().any(|argument| argument == "--all");
    let parts = [
        ("verdicts", verdicts::verdicts(&root)),
        ("flattened", flat::flattened(&root)),
        ("oracles", oracles::all(&root)),
        ("places", places::places(&root)),
        ("variables", variables::all(&root)),
    ];
    let mut wrong = 0;
    for (name, outcome) in &parts {
        for line in &outcome.wrong {
            println!("{name}: {line}");
        }
        for line in outcome.meant.iter().filter(|_| verbose) {
            println!("{name}: meant: {line}");
        }
        wrong += outcome.wrong.len();
    }
    for (name, outcome) in &parts {
        let (same, meant, wrong) = (outcome.same, outcome.meant.len(), outcome.wrong.len());
        println!("{name}: {same} as the reference, {meant} otherwise on purpose, {wrong} wrong");
    }
    let same: usize = parts.iter().map(|(_, outcome)| outcome.same).sum();
    println!("{same} passed, {wrong} failed");
    if wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
