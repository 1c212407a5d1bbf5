//! The targets of fuzzing as property tests: the seeds, and the seeds spoiled at random. `make fuzz` runs the same
//! targets under libFuzzer, which looks for new ways through the code; this runs everywhere. `PROPTEST_CASES` sets how
//! many.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test may panic and reach out

mod seeds;
mod targets;

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// What is put in: what the grammar is made of, and what is awkward.
const WORDS: [&str; 24] = [
    "\n",
    "  ",
    "- ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "<<: *a",
    "|\n",
    "\"",
    "'",
    "#",
    "---\n",
    "!!binary ",
    "\t",
    "\u{1b}[31m",
    "\0",
    "{{x}}",
    "99999999999999999999",
    "\u{feff}",
    "é",
];

/// One way to spoil an input.
#[derive(Clone, Debug)]
enum Spoil {
    Insert(Index, usize),
    Flip(Index, u8),
    Remove(Index, usize),
    Repeat(Index, usize),
    Splice(Index, Index, Index),
    Nest(Index, usize),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), 0..WORDS.len()).prop_map(|(at, word)| Spoil::Insert(at, word)),
        2 => (at(), any::<u8>()).prop_map(|(at, by)| Spoil::Flip(at, by)),
        2 => (at(), 1..40_usize).prop_map(|(at, length)| Spoil::Remove(at, length)),
        2 => (at(), 1..200_usize).prop_map(|(at, length)| Spoil::Repeat(at, length)),
        2 => (at(), at(), at()).prop_map(|(at, seed, from)| Spoil::Splice(at, seed, from)),
        1 => (at(), 1..300_usize).prop_map(|(at, depth)| Spoil::Nest(at, depth)),
    ]
}

fn spoiled(seeds: &[Vec<u8>], first: Index, spoils: &[Spoil]) -> Vec<u8> {
    let mut bytes = first.get(seeds).clone();
    for spoil in spoils {
        let place = |at: &Index| at.index(bytes.len() + 1);
        let end = |at: usize, length: usize| (at + length).min(bytes.len());
        match spoil {
            Spoil::Insert(at, word) => {
                let at = place(at);
                bytes.splice(at..at, WORDS[*word].bytes());
            }
            Spoil::Flip(at, by) => {
                let at = place(at);
                bytes.iter_mut().skip(at).take(1).for_each(|b| *b ^= by);
            }
            Spoil::Remove(at, length) => {
                let at = place(at);
                bytes.drain(at..end(at, *length));
            }
            Spoil::Repeat(at, length) => {
                let at = place(at);
                let again = bytes[at..end(at, *length)].to_vec();
                bytes.splice(at..at, again);
            }
            Spoil::Splice(at, seed, from) => {
                let at = place(at);
                let other = seed.get(seeds);
                bytes.splice(at..at, other[from.index(other.len() + 1)..].iter().copied());
            }
            Spoil::Nest(at, depth) => {
                let at = place(at);
                bytes.splice(at..at, std::iter::repeat_n(b'[', *depth));
            }
        }
    }
    bytes
}

/// Where `WHARF_FUZZ_SEEDS` names a directory, the seeds are written there, for libFuzzer.
#[test]
fn every_seed_holds() {
    let directory = std::env::var_os("WHARF_FUZZ_SEEDS").map(std::path::PathBuf::from);
    for (name, target) in targets::TARGETS {
        let seeds = seeds::seeds(name);
        assert!(seeds.len() > 2, "{name}");
        for (number, seed) in seeds.iter().enumerate() {
            target(seed);
            if let Some(directory) = &directory {
                let directory = directory.join(name);
                std::fs::create_dir_all(&directory).unwrap();
                std::fs::write(directory.join(format!("seed-{number}")), seed).unwrap();
            }
        }
    }
}

macro_rules! holds {
    ($($test:ident: $target:literal;)+) => {
        proptest! {
            #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
            $(#[test]
            fn $test(first in any::<Index>(), spoils in vec(spoil(), 1..8)) {
                static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| seeds::seeds($target));
                let target = targets::TARGETS.iter().find(|(name, _)| *name == $target).unwrap().1;
                target(&spoiled(&SEEDS, first, &spoils));
            })+
        }
    };
}

holds! {
    any_text_is_read_or_refused: "yaml";
    any_manifest_is_read_or_refused: "manifest";
    any_devfile_is_read_or_refused: "devfile";
    any_import_is_merged_or_refused: "flatten";
    any_repository_has_a_plan_that_can_be_shown: "plan";
}
