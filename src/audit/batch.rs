//! Lines that are about to be appended, chained to each other.

use super::record::{Event, Record, seal};

/// Which file a line goes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    /// Its number.
    pub(super) file: u32,
    /// The oldest that is kept beside it.
    pub(super) first: u32,
}

/// Lines to be appended.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) text: String,
    pub(super) site: String,
    /// The number of the last line so far.
    pub(super) seq: u64,
    /// Its hash.
    pub(super) hash: String,
    pub(super) begun: Begun,
}

impl Batch {
    pub(super) fn push(&mut self, time: &str, event: Event) {
        self.seq += 1;
        let record = Record {
            seq: self.seq,
            time: time.to_owned(),
            site: self.site.clone(),
            event,
            previous: std::mem::take(&mut self.hash),
        };
        let (line, hash) = seal(&record);
        self.text.push_str(&line);
        self.text.push('\n');
        self.hash = hash;
    }
}
