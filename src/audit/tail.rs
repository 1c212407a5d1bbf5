//! The end of a file: its last whole line, and what stands behind it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// How much is read at a time, in bytes; a line is shorter.
const PIECE: u64 = 64 << 10;

/// The end of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    /// The last line that has a line break, without it.
    pub(super) line: Option<Vec<u8>>,
    /// What stands behind it: a line whose writer did not come to its end.
    pub(super) rest: Vec<u8>,
}

impl Tail {
    pub(super) fn of(file: &File, length: u64) -> io::Result<Self> {
        let mut from = length;
        let mut bytes = Vec::new();
        loop {
            let before = from;
            from = from.saturating_sub(PIECE);
            let mut piece = vec![0; usize::try_from(before - from).unwrap_or_default()];
            file.read_exact_at(&mut piece, from)?;
            piece.append(&mut bytes);
            bytes = piece;
            let mut breaks = bytes
                .iter()
                .enumerate()
                .rev()
                .filter(|(_, byte)| **byte == b'\n')
                .map(|(at, _)| at);
            let (last, before_last) = (breaks.next(), breaks.next());
            if before_last.is_none() && from > 0 {
                continue;
            }
            return Ok(match last {
                None => Self {
                    line: None,
                    rest: bytes,
                },
                Some(last) => Self {
                    line: Some(bytes[before_last.map_or(0, |at| at + 1)..last].to_vec()),
                    rest: bytes[last + 1..].to_vec(),
                },
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_whole_line_is_found_however_long_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        let long = "x".repeat(3 * usize::try_from(PIECE).unwrap());
        for (text, line, rest) in [
            ("", None, ""),
            ("torn", None, "torn"),
            ("one\n", Some("one"), ""),
            ("one\ntwo\nthr", Some("two"), "thr"),
            (&format!("one\n{long}\n{long}"), Some(&*long), &*long),
            ("\n", Some(""), ""),
        ] {
            std::fs::write(&path, text).unwrap();
            let file = File::open(&path).unwrap();
            let tail = Tail::of(&file, text.len() as u64).unwrap();
            assert_eq!(tail.line.as_deref(), line.map(str::as_bytes));
            assert_eq!(tail.rest, rest.as_bytes());
        }
    }
}
