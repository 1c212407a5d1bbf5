//! The daemon with 50 workspaces on real Podman while nothing happens: what it costs by the minute. Bounds are under 1 % of a
//! processor, under 40 MiB, and no growth of memory or open files from the second quarter of the time to the last.
//!
//! `cargo bench --bench idle`. `WHARF_IDLE_MINUTES` sets how long (60); it ends with 1 where a bound is missed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // a benchmark stops where it can't go on
#![allow(clippy::disallowed_methods)] // the clock, files and child processes are what it is about

#[path = "../tests/support/client.rs"]
mod client;
#[path = "../tests/support/labelled.rs"]
mod labelled;
#[path = "../tests/support/raw.rs"]
mod raw;
#[path = "../tests/support/site.rs"]
mod site;

use std::fs;
use std::process::{Child, ExitCode, Stdio};
use std::thread::sleep;
use std::time::Duration;

use site::{Site, wharf};

const WORKSPACES: usize = 50;
const MINUTE: Duration = Duration::from_secs(60);
/// Bounds: a share of a processor, mebibytes, and how much of both memory and files may come on top.
const CPU: f64 = 0.01;
const MEMORY: f64 = 40.0;
const GROWTH: f64 = 1.05;

/// The ticks of a second: Linux shows processor time in hundredths to every program.
const TICKS: f64 = 100.0;

/// Ends with the benchmark, however that ends.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a process has used and holds.
#[derive(Clone, Copy)]
struct Sample {
    /// Seconds of processor time.
    cpu: f64,
    /// Mebibytes.
    memory: f64,
    files: f64,
}

impl Sample {
    fn of(process: &Child) -> Self {
        let proc = format!("/proc/{}", process.id());
        let status = fs::read_to_string(format!("{proc}/status")).unwrap();
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        let resident = resident.trim().trim_end_matches(" kB").parse::<f64>().unwrap();
        // User and system time are the 14th and 15th field; the second one, in parentheses, may hold spaces.
        let stat = fs::read_to_string(format!("{proc}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        #[allow(clippy::cast_precision_loss)]
        let files = fs::read_dir(format!("{proc}/fd")).unwrap().count() as f64;
        Self {
            cpu: ticks / TICKS,
            memory: resident / 1024.0,
            files,
        }
    }
}

fn median(samples: &[Sample], value: fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> ExitCode {
    let minutes = std::env::var("WHARF_IDLE_MINUTES").map_or(60, |text| text.parse().expect("minutes"));
    let site = Site::new("idle-bench");
    // Together they are promised more than many a machine has.
    site.site("  policy: {promisedMemory: 10000}\n");
    for number in 0..WORKSPACES {
        site.plain("alice", &format!("w{number}"), "idle");
    }
    site.commit("all");
    let log = fs::File::create(site.dir().join(".git/daemon.log")).unwrap();
    let started = wharf()
        .arg("daemon")
        .current_dir(site.dir())
        .stdin(Stdio::null())
        .stderr(log)
        .spawn();
    let daemon = Daemon(started.unwrap());
    while !site.run(&["sync", "--wait"]).status.success() {
        sleep(Duration::from_secs(1));
    }
    println!("{WORKSPACES} workspaces; processor time in percent, memory in MiB, open files");
    let begun = Sample::of(&daemon.0);
    let mut last = begun;
    let mut samples = Vec::new();
    for minute in 1..=minutes {
        sleep(MINUTE);
        let sample = Sample::of(&daemon.0);
        let share = (sample.cpu - last.cpu) / MINUTE.as_secs_f64();
        println!(
            "{minute:>3} min  {:>6.2} %  {:>6.1} MiB  {:>3} files",
            share * 100.0,
            sample.memory,
            sample.files
        );
        samples.push(sample);
        last = sample;
    }
    let share =
        (last.cpu - begun.cpu) / (MINUTE.as_secs_f64() * f64::from(u32::try_from(samples.len()).unwrap()));
    // A connection more or less at one moment is no growth, so a quarter of the time is compared with another.
    let quarters: Vec<&[Sample]> = samples.chunks((samples.len() / 4).max(1)).collect();
    let (settled, end) = (quarters[1.min(quarters.len() - 1)], quarters[quarters.len() - 1]);
    let grows = |value: fn(&Sample) -> f64| median(end, value) > median(settled, value) * GROWTH;
    let most = samples.iter().map(|sample| sample.memory).fold(0.0, f64::max);
    let holds = [
        ("processor", share <= CPU),
        ("memory", most <= MEMORY),
        ("no more memory", !grows(|sample| sample.memory)),
        ("no more files", !grows(|sample| sample.files)),
    ];
    println!(
        "on average {:.2} % of a processor, at most {most:.1} MiB",
        share * 100.0
    );
    for (what, is) in holds {
        println!("{what}: {}", if is { "holds" } else { "MISSED" });
    }
    if holds.iter().all(|(_, is)| *is) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
