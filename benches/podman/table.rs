//! What was measured: samples, medians, ratios and bounds.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

/// The order of the rows.
const ROWS: [&str; 5] = [
    "first apply",
    "no-op plan",
    "change of one",
    "resize of a class",
    "repair of one",
];

/// The most that a row's median may be.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    /// So many times the floor of the same run.
    TimesFloor(f64),
    /// So many seconds.
    Seconds(f64),
}

pub(crate) struct Table {
    count: usize,
    rounds: usize,
    /// Seconds, by row and side.
    samples: BTreeMap<(&'static str, &'static str), Vec<f64>>,
    bounds: BTreeMap<&'static str, Bound>,
    /// Peaks of the no-op plan, in MiB.
    memory: Vec<f64>,
    memory_bound: f64,
}

impl Table {
    pub(crate) fn new(count: usize, rounds: usize) -> Self {
        Self {
            count,
            rounds,
            samples: BTreeMap::new(),
            bounds: BTreeMap::new(),
            memory: Vec::new(),
            memory_bound: f64::INFINITY,
        }
    }

    pub(crate) fn add(&mut self, row: &'static str, side: &'static str, elapsed: Duration) {
        eprintln!("  {row}, {side}: {:.3} s", elapsed.as_secs_f64());
        self.samples
            .entry((row, side))
            .or_default()
            .push(elapsed.as_secs_f64());
    }

    pub(crate) fn add_memory(&mut self, mebibytes: f64) {
        self.memory.push(mebibytes);
    }

    pub(crate) fn bound(&mut self, row: &'static str, bound: Bound) {
        self.bounds.insert(row, bound);
    }

    pub(crate) fn bound_memory(&mut self, mebibytes: f64) {
        self.memory_bound = mebibytes;
    }

    fn median(&self, row: &'static str, side: &'static str) -> Option<f64> {
        self.samples.get(&(row, side)).map(|samples| median(samples))
    }

    fn peak(&self) -> f64 {
        self.memory.iter().copied().fold(0.0, f64::max)
    }

    fn row_holds(&self, row: &'static str) -> bool {
        let (wharf, floor) = (self.median(row, "wharf"), self.median(row, "floor"));
        match (self.bounds.get(row), wharf, floor) {
            (Some(Bound::TimesFloor(times)), Some(wharf), Some(floor)) => wharf <= times * floor,
            (Some(Bound::Seconds(seconds)), Some(wharf), _) => wharf <= *seconds,
            (Some(_), _, _) => false,
            (None, _, _) => true,
        }
    }

    /// Whether every bound holds.
    pub(crate) fn holds(&self) -> bool {
        ROWS.iter().all(|row| self.row_holds(row)) && self.peak() <= self.memory_bound
    }

    pub(crate) fn to_json(&self) -> Value {
        let rows: Vec<Value> = ROWS
            .iter()
            .map(|row| {
                let of_row = self.samples.iter().filter(|((r, _), _)| r == row);
                let sides: BTreeMap<&str, Value> = of_row
                    .map(|((_, side), seconds)| {
                        (*side, json!({"median": median(seconds), "samples": seconds}))
                    })
                    .collect();
                json!({"row": row, "seconds": sides, "holds": self.row_holds(row)})
            })
            .collect();
        json!({
            "workspaces": self.count, "rounds": self.rounds, "rows": rows,
            "peakMiB": self.peak(), "holds": self.holds(),
        })
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} workspaces, medians of {} rounds, seconds",
            self.count, self.rounds
        )?;
        writeln!(
            f,
            "{:<18} {:>9} {:>9} {:>6}  bound",
            "", "wharf", "floor", "ratio"
        )?;
        for row in ROWS {
            let (wharf, floor) = (self.median(row, "wharf"), self.median(row, "floor"));
            let number = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3}"));
            let ratio = wharf
                .zip(floor)
                .map(|(w, f)| w / f)
                .map_or("-".to_owned(), |r| format!("{r:.2}"));
            let verdict = if self.row_holds(row) { "holds" } else { "MISSED" };
            let bound = match self.bounds.get(row) {
                Some(Bound::TimesFloor(times)) => format!("{times} x floor: {verdict}"),
                Some(Bound::Seconds(seconds)) => format!("{seconds} s: {verdict}"),
                None => String::new(),
            };
            writeln!(
                f,
                "{row:<18} {:>9} {:>9} {ratio:>6}  {bound}",
                number(wharf),
                number(floor)
            )?;
        }
        for ((row, side), seconds) in &self.samples {
            if !["wharf", "floor"].contains(side) {
                writeln!(f, "{row} by {side}: {:.3} s", median(seconds))?;
            }
        }
        let verdict = if self.peak() <= self.memory_bound {
            "holds"
        } else {
            "MISSED"
        };
        write!(
            f,
            "no-op plan's memory: {:.1} MiB at most; bound {} MiB: {verdict}",
            self.peak(),
            self.memory_bound
        )
    }
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    }
}
