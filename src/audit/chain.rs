//! Whether lines are still those that were written: a pure walk over the files of a log, the oldest first.
//!
//! Each fault names a file and a line. After a fault the walk goes on from there, so that one change is one fault and
//! not one for every line behind it.

use std::fmt;

use super::head::Head;
use super::record::{Event, NO_HASH, Opened, open, sha256};

/// What became of a log.
#[must_use]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How many intact lines there are.
    pub lines: u64,
    /// In how many files.
    pub files: usize,
    /// The number of the last line.
    pub last: u64,
    /// The hash of the last line; whoever keeps it elsewhere can tell later that nothing before it has changed.
    pub hash: String,
    /// What is not as it was written.
    pub faults: Vec<Fault>,
    /// What went wrong while it was written, and is accounted for.
    pub notes: Vec<Note>,
    /// Whether an intact line has the hash that was asked for.
    pub holds: bool,
}

impl Verdict {
    /// Whether everything is as it was written.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file's name.
    pub file: String,
    /// Which line of it, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is no record.
    NoRecord,
    /// Its hash is not that of what it says.
    Changed,
    /// So many lines before it are gone.
    Missing(u64),
    /// Its number came before.
    OutOfOrder,
    /// It names another hash than that of the line before it.
    Unlinked,
    /// It has no line break: a write that did not come to its end, or a cut.
    Incomplete,
    /// It should say which file begins.
    NoBeginning,
    /// Files before this one are gone that were to be kept.
    FilesGone,
    /// So many lines after it are gone.
    CutOff(u64),
    /// The head, which says how far the log goes, is missing or can't be read.
    NoHead,
}

/// Something that went wrong while the log was written, and that the log itself tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The file's name.
    pub file: String,
    /// Which line of it tells, counted from 1.
    pub line: usize,
    /// What.
    pub text: String,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = |n: u64| {
            if n == 1 {
                "1 line is".to_owned()
            } else {
                format!("{n} lines are")
            }
        };
        match self {
            Self::NoRecord => f.write_str("this is no record of the log"),
            Self::Changed => f.write_str("it was changed: its hash is another one"),
            Self::Missing(n) => write!(f, "{} missing before it", lines(*n)),
            Self::OutOfOrder => f.write_str("it was moved or inserted: its number came before"),
            Self::Unlinked => f.write_str("it does not continue the line before it: it or that one was replaced"),
            Self::Incomplete => f.write_str(
                "it is incomplete: its writer or the machine stopped, or it was cut; the next apply sets it aside",
            ),
            Self::NoBeginning => f.write_str("the file does not begin here: lines before it are missing"),
            Self::FilesGone => f.write_str("files before this one are missing, and were to be kept"),
            Self::CutOff(n) => write!(f, "{} missing after it", lines(*n)),
            Self::NoHead => f.write_str("the file that says where the log ends is missing or can't be read"),
        }
    }
}

/// The line that the next one has to continue.
#[derive(Debug)]
struct Link {
    /// Its number.
    seq: u64,
    /// What the next line may name: its hash, and where it was changed also the one that it carries now.
    hashes: Vec<String>,
    /// Whether that line was damaged, so that its number means little.
    damaged: bool,
}

/// A line that is no record, until the next one has explained it.
#[derive(Debug)]
struct Torn {
    file: String,
    line: usize,
    bytes: u64,
    sha256: String,
}

/// The walk. Files are given to it one after another, the oldest first.
#[derive(Debug)]
pub struct Verifier<'a> {
    verdict: Verdict,
    /// What was noted beside the log.
    head: Option<Head>,
    /// A line's hash that the log is to hold.
    wanted: Option<&'a str>,
    link: Option<Link>,
    torn: Option<Torn>,
    /// The oldest file that was seen, and what the newest beginning says of it.
    oldest: Option<(String, Option<u32>)>,
    kept: Option<u32>,
    /// Where it is.
    file: String,
    line: usize,
}

impl<'a> Verifier<'a> {
    /// Before the first file. `head` is what was noted beside the log, `wanted` a line's hash that it is to hold.
    #[must_use]
    pub fn new(head: Option<Head>, wanted: Option<&'a str>) -> Self {
        Self {
            verdict: Verdict::default(),
            head,
            wanted,
            link: None,
            torn: None,
            oldest: None,
            kept: None,
            file: String::new(),
            line: 0,
        }
    }

    /// Walks over a file; `number` is that in its name.
    pub fn file(&mut self, name: &str, number: Option<u32>, bytes: &[u8]) {
        self.verdict.files += 1;
        name.clone_into(&mut self.file);
        self.line = 0;
        self.oldest.get_or_insert((name.to_owned(), number));
        let mut begun = false;
        let mut rest = bytes;
        while !rest.is_empty() {
            self.line += 1;
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                self.fault(Flaw::Incomplete);
                break;
            };
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            rest = after;
            match open(line) {
                Some(opened) => {
                    self.beginning(&opened, number, &mut begun);
                    self.record(&opened);
                }
                None => self.no_record(line),
            }
        }
        // What comes after it in another file does not explain it.
        self.unexplained();
    }

    /// How it went.
    pub fn end(mut self) -> Verdict {
        if let (Some((file, Some(oldest))), Some(kept)) = (self.oldest.take(), self.kept)
            && oldest > kept
        {
            let flaw = Flaw::FilesGone;
            self.verdict.faults.insert(0, Fault { file, line: 1, flaw });
        }
        match self.head.take() {
            None => self.fault(Flaw::NoHead),
            Some(head) if head.seq > self.verdict.last => {
                self.fault(Flaw::CutOff(head.seq - self.verdict.last));
            }
            Some(head) if head.lost > 0 => self.note(format!(
                "{} records since {} are not in it yet: {}",
                head.lost, head.since, head.cause
            )),
            Some(_) => {}
        }
        self.verdict
    }

    /// The first record of a file says which one it is.
    fn beginning(&mut self, opened: &Opened, number: Option<u32>, begun: &mut bool) {
        let first = !std::mem::replace(begun, true);
        // A changed line is a fault of its own.
        if !first || !opened.is_intact() {
            return;
        }
        let begin = match &opened.record.event {
            Event::Begin(begin) if number.is_none_or(|number| number == begin.file) => begin,
            Event::Begin(_)
            | Event::Apply(_)
            | Event::Step(_)
            | Event::Ended(_)
            | Event::Approval(_)
            | Event::Gap(_)
            | Event::Recovered(_) => return self.fault(Flaw::NoBeginning),
        };
        self.kept = Some(begin.first);
        if let Some((file, oldest @ None)) = &mut self.oldest
            && *file == self.file
        {
            *oldest = Some(begin.file);
        }
    }

    fn record(&mut self, opened: &Opened) {
        self.explain(&opened.record.event);
        let record = &opened.record;
        let intact = opened.is_intact();
        let flaw = if intact {
            self.place(opened)
        } else {
            Some(Flaw::Changed)
        };
        if let Some(flaw) = flaw.clone() {
            self.fault(flaw);
        }
        if intact {
            self.verdict.lines += 1;
            self.verdict.holds |= self.wanted == Some(opened.claimed.as_str());
        }
        if flaw == Some(Flaw::OutOfOrder) {
            return;
        }
        let seq = match &self.link {
            Some(link) if !intact => link.seq + 1,
            Some(_) | None => record.seq,
        };
        self.verdict.last = seq;
        self.verdict.hash.clone_from(&opened.claimed);
        self.link = Some(Link {
            seq,
            hashes: vec![opened.claimed.clone(), opened.computed.clone()],
            damaged: !intact,
        });
    }

    /// Whether an intact line stands where it was written.
    fn place(&self, opened: &Opened) -> Option<Flaw> {
        let record = &opened.record;
        let Some(link) = &self.link else {
            // The first of all, or of those that are kept.
            let is_first = record.seq == 1;
            return (is_first != (record.previous == NO_HASH)).then_some(Flaw::Unlinked);
        };
        let next = link.seq + 1;
        if record.seq > next {
            return Some(Flaw::Missing(record.seq - next));
        }
        if record.seq < next && !(link.damaged && record.seq + 1 == next) {
            return Some(Flaw::OutOfOrder);
        }
        let continues = link.hashes.is_empty() || link.hashes.contains(&record.previous);
        let noted = |head: &Head| head.seq != record.seq || head.hash == opened.claimed;
        let as_noted = self.head.as_ref().is_none_or(noted);
        (!continues || !as_noted).then_some(Flaw::Unlinked)
    }

    /// A line that is no record: what a killed writer left, where the next record says so.
    fn no_record(&mut self, line: &[u8]) {
        self.unexplained();
        self.torn = Some(Torn {
            file: self.file.clone(),
            line: self.line,
            bytes: line.len() as u64,
            sha256: sha256(line),
        });
    }

    fn explain(&mut self, event: &Event) {
        match event {
            Event::Recovered(recovered) => {
                let torn = self.torn.take();
                let same = |torn: &Torn| torn.sha256 == recovered.sha256 && torn.bytes == recovered.bytes;
                match torn {
                    Some(torn) if same(&torn) => self.note(format!(
                        "line {} of {} bytes was never finished; it was set aside and counts for nothing",
                        torn.line, torn.bytes
                    )),
                    other => {
                        self.torn = other;
                        self.unexplained();
                    }
                }
            }
            Event::Gap(gap) => {
                self.unexplained();
                self.note(format!(
                    "{} records since {} could not be written: {}",
                    gap.lost, gap.since, gap.cause
                ));
            }
            // Where the first line of a file was never finished, the file begins behind it.
            Event::Begin(_) => {}
            Event::Apply(_) | Event::Step(_) | Event::Ended(_) | Event::Approval(_) => self.unexplained(),
        }
    }

    /// The line that is no record stays one.
    fn unexplained(&mut self) {
        let Some(torn) = self.torn.take() else { return };
        self.verdict.faults.push(Fault {
            file: torn.file,
            line: torn.line,
            flaw: Flaw::NoRecord,
        });
        // Whether it has replaced a record or was put between two can't be known.
        if let Some(link) = &mut self.link {
            link.seq += 1;
            link.hashes.clear();
            link.damaged = true;
        }
    }

    fn fault(&mut self, flaw: Flaw) {
        self.verdict.faults.push(Fault {
            file: self.file.clone(),
            line: self.line,
            flaw,
        });
    }

    fn note(&mut self, text: String) {
        self.verdict.notes.push(Note {
            file: self.file.clone(),
            line: self.line,
            text,
        });
    }
}

#[cfg(test)]
mod tests;
