//! The files of a site's log, and how lines are appended to them by several processes in turn.
//!
//! `SITE.jsonl` is written; when it is full it is renamed to `SITE.000001.jsonl`, and the next one goes on with the
//! chain. `SITE.head` says how far the log goes, `SITE.lock` is held while lines are appended and means nothing else.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::batch::{Batch, Begun};
use super::files::{lock, path, rotated, rotated_path};
use super::head::Head;
use super::place;
use super::record::{Begin, Event, FORMAT_VERSION, Gap, NO_HASH, Opened, Recovered, open, sha256};
use super::tail::Tail;
use crate::model::Name;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// A file that has so many bytes gets no more lines.
    pub bytes: u64,
    /// So many full files are kept.
    pub files: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            bytes: 16 << 20,
            files: 16,
        }
    }
}

/// Something that happened, not yet in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When: RFC 3339, UTC.
    pub time: String,
    /// What.
    pub event: Event,
}

/// Records that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the audit log {path} can't be written: {cause}")]
pub struct Lost {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub cause: io::Error,
}

/// The log of a site.
#[derive(Debug)]
pub struct Log {
    directory: PathBuf,
    site: Name,
    bounds: Bounds,
    end: Option<End>,
    /// What was lost and could not even be noted.
    lost: Head,
}

/// Where the next line goes.
#[derive(Debug)]
struct End {
    file: File,
    length: u64,
    seq: u64,
    hash: String,
    /// Which file it is; nothing where it has no first line yet.
    begun: Option<Begun>,
    /// What stands behind the last line break.
    rest: Rest,
}

/// What stands behind the last line break.
#[derive(Debug)]
enum Rest {
    Nothing,
    /// A whole line, but for its line break.
    Line,
    /// A line that never came to its end.
    Torn(Vec<u8>),
}

impl Log {
    /// The log of `site` in `directory`; nothing is made yet.
    #[must_use]
    pub fn new(directory: &Path, site: &Name, bounds: Bounds) -> Self {
        Self {
            directory: directory.to_owned(),
            site: site.clone(),
            bounds,
            end: None,
            lost: Head::default(),
        }
    }

    /// The file that is written.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        path(&self.directory, &self.site, "jsonl")
    }

    /// Appends what happened, all or nothing. On the disk when it returns.
    ///
    /// # Errors
    /// Nothing was appended. How much that is will be in the log as soon as it can be written again.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), Lost> {
        let now = entries.first().map_or("", |entry| &entry.time);
        let result = self.try_append(now, entries);
        result.map_err(|cause| {
            self.note_lost(entries, &cause);
            self.lost(cause)
        })
    }

    /// Appends what is due without anything having happened: where the log begins, and what could not be written before.
    ///
    /// # Errors
    /// It still can't be.
    pub fn catch_up(&mut self, now: &str) -> Result<(), Lost> {
        let result = self.try_append(now, &[]);
        result.map_err(|cause| self.lost(cause))
    }

    fn lost(&mut self, cause: io::Error) -> Lost {
        self.end = None;
        let path = self.path();
        Lost { path, cause }
    }

    fn try_append(&mut self, now: &str, entries: &[Entry]) -> io::Result<()> {
        place::prepare(&self.directory)?;
        let _lock = lock(&self.directory, &self.site)?;
        let head_path = path(&self.directory, &self.site, "head");
        let head = match Head::read(&head_path)? {
            Some(head) => head,
            None => {
                let head = Head::default();
                head.write(&head_path)?;
                head
            }
        };
        let mut end = self.end()?;
        if end.length >= self.bounds.bytes && matches!(end.rest, Rest::Nothing) && end.begun.is_some() {
            end = self.rotate(end)?;
        }
        // Where lines were cut off, their numbers stay free for ever.
        let batch = self.batch(&end, (now, head.seq.max(end.seq)), (&head, entries));
        let written = end
            .file
            .write_all_at(batch.text.as_bytes(), end.length)
            .and_then(|()| end.file.sync_data());
        if let Err(error) = written {
            // What is there of it is no line. Where this fails too, the next writer sets it aside.
            let _ = end.file.set_len(end.length);
            return Err(error);
        }
        self.lost = Head::default();
        let noted = Head {
            seq: batch.seq,
            hash: batch.hash.clone(),
            ..Head::default()
        };
        // One that lags behind says less, and nothing wrong.
        let _ = noted.write(&head_path);
        if end.begun.is_none() {
            // What stays is in nobody's way, and goes with the next one.
            let _ = self.remove_before(batch.begun.first);
        }
        end.length += batch.text.len() as u64;
        (end.seq, end.hash, end.begun) = (batch.seq, batch.hash, Some(batch.begun));
        end.rest = Rest::Nothing;
        self.end = Some(end);
        Ok(())
    }

    /// Where the next line goes: where the last one of this process ended, if nobody has written since.
    fn end(&mut self) -> io::Result<End> {
        if let Some(end) = self.end.take() {
            let is_same = |now: fs::Metadata| -> io::Result<bool> {
                let own = end.file.metadata()?;
                Ok((now.dev(), now.ino(), now.len()) == (own.dev(), own.ino(), end.length))
            };
            if fs::symlink_metadata(self.path())
                .and_then(is_same)
                .unwrap_or(false)
            {
                return Ok(end);
            }
        }
        let is_new = fs::symlink_metadata(self.path()).is_err();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(self.path())?;
        if is_new {
            File::open(&self.directory)?.sync_all()?;
        }
        let length = file.metadata()?.len();
        let Tail { line, rest } = Tail::of(&file, length)?;
        let (line, begun) = match line {
            Some(line) => (Some(line), Some(self.begun(&file, length)?)),
            None => (self.last_of_rotated()?, None),
        };
        let (seq, hash) = match line.as_deref().map(|line| (line, open(line))) {
            None => (0, NO_HASH.to_owned()),
            Some((_, Some(opened))) => (opened.record.seq, opened.claimed),
            // A damaged line; the chain goes on from what is there, and its number is known from the head.
            Some((line, None)) => (0, sha256(line)),
        };
        let end = End {
            file,
            length,
            seq,
            hash,
            begun,
            rest: Rest::Nothing,
        };
        Ok(if rest.is_empty() { end } else { end.with(rest) })
    }

    /// Which file it is, as its first line says.
    fn begun(&self, file: &File, length: u64) -> io::Result<Begun> {
        let mut first = vec![0; usize::try_from(length.min(4096)).unwrap_or_default()];
        file.read_exact_at(&mut first, 0)?;
        let line = first.split(|byte| *byte == b'\n').find_map(open);
        if let Some(Event::Begin(begin)) = line.map(|line| line.record.event) {
            return Ok(Begun {
                file: begin.file,
                first: begin.first,
            });
        }
        // It was damaged; the files beside it tell.
        let rotated = rotated(&self.directory, &self.site)?;
        Ok(Begun {
            file: rotated.last().map_or(1, |last| last + 1),
            first: rotated.first().copied().unwrap_or(1),
        })
    }

    fn last_of_rotated(&self) -> io::Result<Option<Vec<u8>>> {
        let Some(last) = rotated(&self.directory, &self.site)?.pop() else {
            return Ok(None);
        };
        let file = File::open(rotated_path(&self.directory, &self.site, last))?;
        let length = file.metadata()?.len();
        Ok(Tail::of(&file, length)?.line)
    }

    /// Puts a full file aside; the next one begins with the next line.
    fn rotate(&self, full: End) -> io::Result<End> {
        let Some(begun) = full.begun else { return Ok(full) };
        // Where numbers were meddled with, nothing is overwritten.
        let last = rotated(&self.directory, &self.site)?.pop();
        let number = begun.file.max(last.map_or(1, |last| last + 1));
        fs::rename(self.path(), rotated_path(&self.directory, &self.site, number))?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.path())?;
        File::open(&self.directory)?.sync_all()?;
        Ok(End {
            file,
            length: 0,
            begun: None,
            ..full
        })
    }

    /// The lines to write: what must be said first, then what happened.
    fn batch(&self, end: &End, (now, seq): (&str, u64), (head, entries): (&Head, &[Entry])) -> Batch {
        let begun = end.begun.unwrap_or_else(|| self.beginning());
        let mut batch = Batch {
            text: String::new(),
            site: self.site.to_string(),
            seq,
            hash: end.hash.clone(),
            begun,
        };
        if !matches!(end.rest, Rest::Nothing) {
            batch.text.push('\n');
        }
        if end.begun.is_none() {
            let begin = Begin {
                format_version: FORMAT_VERSION.to_owned(),
                file: begun.file,
                first: begun.first,
            };
            batch.push(now, Event::Begin(begin));
        }
        if let Rest::Torn(torn) = &end.rest {
            let recovered = Recovered {
                bytes: torn.len() as u64,
                sha256: sha256(torn),
            };
            batch.push(now, Event::Recovered(recovered));
        }
        let earliest = [head, &self.lost].into_iter().find(|lost| lost.lost > 0);
        if let Some(earliest) = earliest {
            let gap = Gap {
                lost: head.lost + self.lost.lost,
                since: earliest.since.clone(),
                cause: earliest.cause.clone(),
            };
            batch.push(now, Event::Gap(gap));
        }
        for entry in entries {
            batch.push(&entry.time, entry.event.clone());
        }
        batch
    }

    /// The file that is about to begin, and the oldest that is kept beside it.
    fn beginning(&self) -> Begun {
        // Where the directory can't be read, nothing can be written either.
        let rotated = rotated(&self.directory, &self.site).unwrap_or_default();
        let file = rotated.last().map_or(1, |last| last + 1);
        let first = rotated.first().copied().unwrap_or(1);
        Begun {
            file,
            first: first.max(file.saturating_sub(self.bounds.files)),
        }
    }

    fn remove_before(&self, first: u32) -> io::Result<()> {
        let old = rotated(&self.directory, &self.site)?;
        for number in old.into_iter().take_while(|number| *number < first) {
            fs::remove_file(rotated_path(&self.directory, &self.site, number))?;
        }
        Ok(())
    }

    /// Keeps count of what is missing, beside the log where that can be, else here.
    fn note_lost(&mut self, entries: &[Entry], cause: &io::Error) {
        let lost = Head {
            lost: entries.len() as u64,
            since: entries
                .first()
                .map(|entry| entry.time.clone())
                .unwrap_or_default(),
            cause: cause.to_string(),
            ..Head::default()
        };
        let noted = self.note_beside(&lost);
        if noted.is_err() {
            self.lost = add(&self.lost, &lost);
        }
    }

    fn note_beside(&mut self, lost: &Head) -> io::Result<()> {
        let _lock = lock(&self.directory, &self.site)?;
        let head_path = path(&self.directory, &self.site, "head");
        let head = Head::read(&head_path)?.unwrap_or_default();
        let noted = add(&add(&head, &self.lost), lost);
        noted.write(&head_path)?;
        self.lost = Head::default();
        Ok(())
    }
}

impl End {
    /// With what stands behind the last line break: where that is the next line as a whole, it counts.
    fn with(self, rest: Vec<u8>) -> Self {
        let continues = |opened: &Opened| {
            opened.is_intact() && opened.record.seq == self.seq + 1 && opened.record.previous == self.hash
        };
        let Some(opened) = open(&rest).filter(continues) else {
            let rest = Rest::Torn(rest);
            return Self { rest, ..self };
        };
        let begun = match &opened.record.event {
            Event::Begin(begin) => Some(Begun {
                file: begin.file,
                first: begin.first,
            }),
            Event::Apply(_)
            | Event::Step(_)
            | Event::Ended(_)
            | Event::Approval(_)
            | Event::Gap(_)
            | Event::Recovered(_) => self.begun,
        };
        Self {
            seq: opened.record.seq,
            hash: opened.claimed,
            begun,
            rest: Rest::Line,
            ..self
        }
    }
}

/// What is lost in all; the first of it says since when and why.
fn add(before: &Head, more: &Head) -> Head {
    let mut sum = before.clone();
    if before.lost == 0 {
        sum.since.clone_from(&more.since);
        sum.cause.clone_from(&more.cause);
    }
    sum.lost += more.lost;
    sum
}

#[cfg(test)]
mod tests;
