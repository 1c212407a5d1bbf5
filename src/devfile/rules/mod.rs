//! What a devfile must keep to beyond its shape, one rule a file: its code, why it exists, an example that trips it,
//! and its test.
//!
//! Most rules look at the whole [`Devfile`](super::Devfile) through a [`Subject`]. Those that decide how a single value
//! is read (a quantity, a name, a version) are called while it is read and have no `check`.

pub(super) mod endpoint_port;
pub(super) mod key_version;
pub(super) mod name;
pub(super) mod one_of;
pub(super) mod quantity;
pub(super) mod schema_version;
pub(super) mod undefined_variable;
pub(super) mod unsupported;
pub(super) mod value;

use super::findings::Findings;
use super::read::Unread;
use super::root::Devfile;
use crate::document::Code;

/// A rule, for whoever asks what a code means.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its stable name.
    pub code: Code,
    /// Why it exists and what to do.
    pub why: &'static str,
    /// A devfile that breaks this rule and no other.
    pub example: &'static str,
}

/// What the rules look at.
pub(super) struct Subject<'a> {
    /// The devfile, as far as it could be read.
    pub(super) devfile: &'a Devfile,
    /// What could not.
    pub(super) unread: &'a Unread,
}

/// Runs every rule.
pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let _ = (subject, found);
}
