//! How long wharf takes on real Podman, beside the least that its work can take: the same objects made through raw API
//! calls, four at a time, in the same run.
//!
//! `cargo bench --bench podman`. Rounds alternate which side goes first, and medians are compared. It prints a table,
//! writes `target/bench/podman.json`, and ends with 1 where a bound is missed. `WHARF_BENCH_COUNT` (50) and
//! `WHARF_BENCH_ROUNDS` (3) set the size, `WHARF_BIN` and `WHARF_TEST_IMAGE` what is measured.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)] // a benchmark stops where it can't go on
#![allow(clippy::disallowed_methods)] // the clock, files and child processes are what it is about

mod floor;
mod others;
#[path = "../../tests/support/raw.rs"]
mod raw;
mod site;
mod table;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use floor::Floor;
use site::{Change, Site};
use table::{Bound, Table};

/// How often the reads are measured in one round: they are short.
const READS: usize = 7;

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |v| v.parse().expect(variable))
}

/// How long the machine gets to become idle.
const SETTLE: Duration = Duration::from_secs(60);

/// The repository's root.
fn root() -> PathBuf {
    std::env::var_os("WHARF_ROOT").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let (count, rounds) = (number("WHARF_BENCH_COUNT", 50), number("WHARF_BENCH_ROUNDS", 3));
    let mut table = Table::new(count, rounds);
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        let (ours, theirs) = (Site::new("hcb", count), Site::new("hcf", count));
        if round % 2 == 0 {
            measure_floor(&theirs, &mut table).await;
            measure_wharf(&ours, &mut table).await;
        } else {
            measure_wharf(&ours, &mut table).await;
            measure_floor(&theirs, &mut table).await;
        }
        settle();
        others::kube_play(&ours, &mut table);
        settle();
        others::compose(&ours, &mut table);
    }
    table.bound("first apply", Bound::TimesFloor(1.15));
    table.bound("no-op plan", Bound::TimesFloor(1.5));
    table.bound("change of one", Bound::Seconds(0.8));
    table.bound_memory(25.0);
    println!("{table}");
    let path = root().join("target/bench/podman.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, serde_json::to_vec_pretty(&table.to_json()).unwrap()).unwrap();
    println!("written to {}", path.display());
    if table.holds() { 0.into() } else { 1.into() }
}

/// Waits until the machine has nothing left to do: Podman cleans up after a removed container in processes of its own,
/// which would slow down whatever is measured next.
fn settle() {
    let idle = || {
        let text = std::fs::read_to_string("/proc/stat").unwrap();
        let times = text.lines().next().unwrap().split_whitespace().skip(1);
        let times: Vec<u64> = times.map(|t| t.parse().unwrap()).collect();
        (times[3], times.iter().sum::<u64>())
    };
    let deadline = Instant::now() + SETTLE;
    loop {
        let before = idle();
        std::thread::park_timeout(Duration::from_millis(500));
        let after = idle();
        if (after.0 - before.0) * 10 >= (after.1 - before.1) * 9 {
            return;
        }
        if Instant::now() > deadline {
            eprintln!("  other programs keep this machine busy; the figures suffer from it");
            return;
        }
    }
}

/// The same objects through raw calls.
async fn measure_floor(site: &Site, table: &mut Table) {
    settle();
    let floor = Floor::new(site);
    let start = Instant::now();
    floor.create().await;
    table.add("first apply", "floor", start.elapsed());
    let start = Instant::now();
    floor.replace_one(0).await;
    table.add("change of one", "floor", start.elapsed());
    let start = Instant::now();
    floor.resize().await;
    table.add("resize of a class", "floor", start.elapsed());
    floor.lose_one(1).await;
    let start = Instant::now();
    floor.repair_one(1).await;
    table.add("repair of one", "floor", start.elapsed());
    floor.remove().await;
}

async fn measure_wharf(site: &Site, table: &mut Table) {
    settle();
    let floor = Floor::new(site);
    site.declare(Change::None);
    table.add("first apply", "wharf", site.apply());
    let first = floor.containers().await;
    assert_eq!(first.len(), site.count, "every container runs");
    for read in 0..READS {
        // Whoever comes second finds caches warm.
        if read % 2 == 0 {
            table.add("no-op plan", "floor", floor.read().await);
            site.plan(table);
        } else {
            site.plan(table);
            table.add("no-op plan", "floor", floor.read().await);
        }
    }
    site.declare(Change::Environment);
    table.add("change of one", "wharf", site.apply());
    let changed = floor.containers().await;
    assert_eq!(
        first.difference(&changed).count(),
        1,
        "exactly one container changes"
    );
    assert!(
        floor.environment(0).await.iter().any(|v| v == "CHANGED=yes"),
        "to the new value"
    );
    site.declare(Change::Class);
    table.add("resize of a class", "wharf", site.apply());
    assert_eq!(floor.containers().await, changed, "a resize changes no container");
    floor.lose_one(1).await;
    table.add("repair of one", "wharf", site.apply());
    assert_eq!(
        floor.containers().await.intersection(&changed).count(),
        site.count - 1,
        "one is repaired"
    );
    floor.remove().await;
}
