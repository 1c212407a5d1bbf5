//! A sound log of a few files, and what is found when somebody has been at it.

use proptest::prelude::*;

use super::*;
use crate::audit::record::{Begin, FORMAT_VERSION, Gap, Origin, Outcome, Record, Recovered, Step, seal};

/// The files of a log that is being made.
struct Lines {
    files: Vec<Vec<Vec<u8>>>,
    seq: u64,
    hash: String,
    first: u32,
}

impl Lines {
    fn new() -> Self {
        let mut lines = Self {
            files: Vec::new(),
            seq: 0,
            hash: NO_HASH.to_owned(),
            first: 1,
        };
        lines.begin();
        lines
    }

    fn begin(&mut self) {
        self.files.push(Vec::new());
        let file = self.files.len().try_into().unwrap();
        self.push(Event::Begin(Begin {
            format_version: FORMAT_VERSION.to_owned(),
            file,
            first: self.first,
        }));
    }

    fn push(&mut self, event: Event) {
        self.seq += 1;
        let record = Record {
            seq: self.seq,
            time: "2026-01-02T03:04:05.678Z".to_owned(),
            site: "lab".to_owned(),
            event,
            previous: std::mem::take(&mut self.hash),
        };
        let (line, hash) = seal(&record);
        self.hash = hash;
        self.files.last_mut().unwrap().push(line.into_bytes());
    }

    fn step(&mut self, number: u64) {
        self.push(Event::Step(Step {
            origin: Origin::default(),
            workspace: Some("alice/api".to_owned()),
            object: "pod/lab.alice.api".to_owned(),
            step: format!("step {number}"),
            outcome: Outcome::Done,
            cause: None,
            milliseconds: number,
        }));
    }

    /// Two files of four lines each.
    fn sound() -> Self {
        let mut lines = Self::new();
        (1..=3).for_each(|n| lines.step(n));
        lines.begin();
        (4..=6).for_each(|n| lines.step(n));
        lines
    }

    fn head(&self) -> Head {
        Head {
            seq: self.seq,
            hash: self.hash.clone(),
            ..Head::default()
        }
    }

    fn bytes(&self) -> Vec<Vec<u8>> {
        let file = |lines: &Vec<Vec<u8>>| {
            lines
                .iter()
                .flat_map(|l| [l.as_slice(), b"\n"].concat())
                .collect()
        };
        self.files.iter().map(file).collect()
    }

    fn verdict(&self) -> Verdict {
        verdict(&self.bytes(), Some(self.head()), 0)
    }
}

/// What is found in these files, the first `without` left out; the last one is the one that is written.
fn verdict(files: &[Vec<u8>], head: Option<Head>, without: usize) -> Verdict {
    let mut verifier = Verifier::new(head, None);
    for (at, bytes) in files.iter().enumerate().skip(without) {
        let number = (at + 1 < files.len()).then(|| u32::try_from(at + 1).unwrap());
        verifier.file(&format!("{}", at + 1), number, bytes);
    }
    verifier.end()
}

/// `file:line flaw` of each fault.
fn faults(verdict: &Verdict) -> Vec<String> {
    let line = |f: &Fault| format!("{}:{} {:?}", f.file, f.line, f.flaw);
    verdict.faults.iter().map(line).collect()
}

#[test]
fn a_log_that_nobody_touched_is_sound() {
    let lines = Lines::sound();
    let verdict = lines.verdict();
    assert_eq!(faults(&verdict), [""; 0]);
    assert_eq!((verdict.lines, verdict.files, verdict.last), (8, 2, 8));
    assert_eq!(verdict.hash, lines.hash);
}

#[test]
fn each_line_that_was_touched_is_named() {
    type Edit = fn(&mut Vec<Vec<u8>>);
    let cases: [(Edit, &[&str]); 9] = [
        (
            |lines| {
                lines[2] = String::from_utf8(lines[2].clone())
                    .unwrap()
                    .replace("step 2", "step 9")
                    .into()
            },
            &["1:3 Changed"],
        ),
        (|lines| drop(lines.remove(2)), &["1:3 Missing(1)"]),
        (|lines| drop(lines.drain(1..3)), &["1:2 Missing(2)"]),
        (|lines| drop(lines.pop()), &["2:1 Missing(1)"]),
        (|lines| drop(lines.remove(0)), &["1:1 NoBeginning"]),
        (|lines| lines.swap(1, 2), &["1:2 Missing(1)", "1:3 OutOfOrder"]),
        (|lines| lines.insert(3, lines[1].clone()), &["1:4 OutOfOrder"]),
        (
            |lines| lines.insert(2, b"something else".to_vec()),
            &["1:3 NoRecord"],
        ),
        (|lines| lines[2] = b"something else".to_vec(), &["1:3 NoRecord"]),
    ];
    for (edit, expected) in cases {
        let mut lines = Lines::sound();
        edit(&mut lines.files[0]);
        assert_eq!(faults(&lines.verdict()), expected);
    }
}

#[test]
fn a_line_that_was_written_anew_does_not_fit() {
    for (at, expected) in [(2, "1:4 Unlinked"), (3, "2:1 Unlinked")] {
        let mut lines = Lines::sound();
        let mut opened = open(&lines.files[0][at]).unwrap();
        opened.record.time = "2020-01-02T03:04:05.678Z".to_owned();
        lines.files[0][at] = seal(&opened.record).0.into_bytes();
        assert_eq!(faults(&lines.verdict()), [expected]);
    }
    // The last one fits what is before it; the head knows better.
    let mut lines = Lines::sound();
    let mut opened = open(&lines.files[1][3]).unwrap();
    opened.record.time = "2020-01-02T03:04:05.678Z".to_owned();
    lines.files[1][3] = seal(&opened.record).0.into_bytes();
    assert_eq!(faults(&lines.verdict()), ["2:4 Unlinked"]);
}

#[test]
fn a_cut_end_is_known_from_the_head() {
    let mut lines = Lines::sound();
    lines.files[1].truncate(2);
    assert_eq!(faults(&lines.verdict()), ["2:2 CutOff(2)"]);
    let mut files = lines.bytes();
    files[1].pop();
    assert_eq!(
        faults(&verdict(&files, Some(lines.head()), 0)),
        ["2:2 Incomplete", "2:2 CutOff(3)"]
    );
    assert_eq!(faults(&verdict(&Lines::sound().bytes(), None, 0)), ["2:4 NoHead"]);
    // One that lags behind is no fault: the machine may have stopped in between.
    let late = Lines::sound();
    let old = Head {
        seq: 3,
        hash: open(&late.files[0][2]).unwrap().claimed,
        ..Head::default()
    };
    assert!(verdict(&late.bytes(), Some(old), 0).is_sound());
}

#[test]
fn old_files_may_go_only_where_the_log_says_so() {
    let lines = Lines::sound();
    let cut = verdict(&lines.bytes(), Some(lines.head()), 1);
    assert_eq!(faults(&cut), ["2:1 FilesGone"]);
    let mut lines = Lines::new();
    lines.step(1);
    lines.first = 2;
    lines.begin();
    lines.step(2);
    let head = Some(lines.head());
    assert!(verdict(&lines.bytes(), head.clone(), 1).is_sound());
    // Not removed yet.
    assert!(verdict(&lines.bytes(), head, 0).is_sound());
}

#[test]
fn an_unfinished_line_is_explained_by_the_next_record_alone() {
    let torn = b"{\"seq\":5,\"ti".to_vec();
    let mut lines = Lines::new();
    lines.step(1);
    lines.files[0].push(torn.clone());
    lines.push(Event::Recovered(Recovered {
        bytes: torn.len() as u64,
        sha256: sha256(&torn),
    }));
    lines.step(2);
    let sound = lines.verdict();
    assert_eq!(faults(&sound), [""; 0]);
    assert_eq!((sound.notes.len(), sound.notes[0].line), (1, 4));
    lines.files[0][2][0] = b'x';
    assert_eq!(faults(&lines.verdict()), ["1:3 NoRecord"]);
}

#[test]
fn lost_records_are_told() {
    let mut lines = Lines::sound();
    lines.push(Event::Gap(Gap {
        lost: 3,
        since: "then".to_owned(),
        cause: "full".to_owned(),
    }));
    let head = Head {
        lost: 2,
        since: "now".to_owned(),
        ..lines.head()
    };
    let verdict = verdict(&lines.bytes(), Some(head), 0);
    assert!(verdict.is_sound());
    assert_eq!(verdict.notes.len(), 2);
}

proptest! {
    /// Whatever becomes of any byte is found, at its line or at the one behind it.
    #[test]
    fn any_edit_of_any_byte_is_found(at in any::<prop::sample::Index>(), kind in 0..3, byte in any::<u8>()) {
        let lines = Lines::sound();
        let mut files = lines.bytes();
        let whole: usize = files.iter().map(Vec::len).sum();
        let mut at = at.index(whole);
        let mut file = 0;
        while at >= files[file].len() {
            at -= files[file].len();
            file += 1;
        }
        let line = files[file][..at].iter().filter(|b| **b == b'\n').count() + 1;
        match kind {
            0 if files[file][at] == byte => return Ok(()),
            0 => files[file][at] = byte,
            1 => { files[file].remove(at); }
            _ => files[file].insert(at, byte),
        }
        if files == lines.bytes() {
            return Ok(());
        }
        let found = verdict(&files, Some(lines.head()), 0);
        prop_assert!(!found.is_sound());
        let first = &found.faults[0];
        let place = (first.file.parse::<usize>().unwrap(), first.line);
        let behind = [(file + 1, line), (file + 1, line + 1), (file + 2, 1)];
        prop_assert!(behind.contains(&place), "{:?} for {:?}", found.faults, behind[0]);
    }
}
