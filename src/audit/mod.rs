//! The audit log: every step that was carried out on a site, one JSON line each, chained by hashes.
//!
//! In: what an apply reports while it goes on, to a [`Recorder`]. Out: lines in a file of the state directory ([`log`]),
//! their records again ([`read`]), and whether they are still what was written ([`verify`]). What a line says and how
//! it is sealed is [`record`], what a sound chain is [`chain`]; both are pure.
//! Nothing is decided by what the log says, and nothing waits for it: losing it changes no desired state.
#![allow(clippy::disallowed_methods)] // the log is a file, and its lines have times

mod batch;
pub mod chain;
mod files;
mod head;
pub mod log;
pub mod place;
pub mod record;
pub mod recorder;
mod tail;

use std::io;
use std::path::Path;

pub use chain::{Fault, Flaw, Note, Verdict};
pub use head::Head;
pub use log::{Bounds, Entry, Log, Lost};
pub use record::{Approval, Approved, Event, Opened, Origin, Record, User};
pub use recorder::{Missing, Recorder, Shared};

use crate::model::Name;

/// Whether the log of `site` is as it was written, and holds a line with the hash `wanted`. Nothing where there is no
/// log.
///
/// # Errors
/// A file that can't be read.
pub fn verify(directory: &Path, site: &Name, wanted: Option<&str>) -> io::Result<Option<Verdict>> {
    let Some(snapshot) = files::snapshot(directory, site)? else {
        return Ok(None);
    };
    let mut verifier = chain::Verifier::new(snapshot.head, wanted);
    for part in snapshot.parts {
        let name = part.name.clone();
        verifier.file(&name, part.number, &part.read()?);
    }
    Ok(Some(verifier.end()))
}

/// Every record of the log of `site`, the oldest first, lines that hold none left out. Nothing where there is no log.
///
/// # Errors
/// A file that can't be read.
pub fn read(directory: &Path, site: &Name, mut each: impl FnMut(Opened)) -> io::Result<Option<()>> {
    let Some(snapshot) = files::snapshot(directory, site)? else {
        return Ok(None);
    };
    for part in snapshot.parts {
        let bytes = part.read()?;
        let lines = bytes.split(|byte| *byte == b'\n');
        lines.filter_map(record::open).for_each(&mut each);
    }
    Ok(Some(()))
}

/// The sites that have a log in `directory`.
///
/// # Errors
/// The directory is there and can't be read.
pub fn sites(directory: &Path) -> io::Result<Vec<Name>> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut sites = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let site = name.to_str().and_then(|name| name.strip_suffix(".head"));
        sites.extend(site.and_then(|site| site.parse().ok()));
    }
    sites.sort();
    Ok(sites)
}
