//! `wharf.lock`: what a configuration repository uses from elsewhere, each pinned by its digest. Devfiles that others
//! import lie in the repository themselves, below [`FOLDER`]; images are named by digest instead of by tag.
//!
//! In: [`Files`]. Out: a [`Lock`] and what is wrong with it; or the files that a lock is written as. What is needed is
//! told by [`crate::devfile`] and [`crate::resolve`], fetching it belongs to `source`.

mod read;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use url::Url;

use crate::devfile::Missing;
use crate::document::{Diagnostic, Diagnostics, Files};
use crate::model::reference::registry;

pub use rules::RULES;

/// The lock's file.
pub const FILE: &str = "wharf.lock";

/// Where the content of locked devfiles lies, each named by its SHA-256.
pub const FOLDER: &str = ".wharf/devfiles";

/// The version of the file's form.
const VERSION: i64 = 1;

/// What is locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Each devfile's SHA-256 in hexadecimal digits, by its address.
    devfiles: BTreeMap<Url, String>,
    /// Each image's digest, such as `sha256:…`, by its reference.
    images: BTreeMap<String, String>,
    /// The content of devfiles by their SHA-256, or why it is not what its name says.
    contents: BTreeMap<String, Result<Arc<[u8]>, String>>,
}

/// What a repository uses from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// The addresses of the devfiles that it imports.
    pub devfiles: BTreeSet<Url>,
    /// The references of its images that can be locked.
    pub images: BTreeSet<String>,
}

/// Whether a file belongs to the lock, and not to what the repository declares.
#[must_use]
pub fn is_part(path: &str) -> bool {
    path == FILE
        || path
            .strip_prefix(FOLDER)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a path is that of a locked devfile's content.
#[must_use]
pub fn is_content(path: &str) -> bool {
    let name = path.strip_prefix(FOLDER).and_then(|rest| rest.strip_prefix('/'));
    name.and_then(|name| name.strip_suffix(".yaml"))
        .is_some_and(is_sha256)
}

impl Lock {
    /// Takes the lock out of `files`; nothing is locked where there is none.
    pub fn take(files: &mut Files) -> (Self, Diagnostics) {
        let (own, rest) = std::mem::take(&mut files.0)
            .into_iter()
            .partition(|(path, _)| is_part(path));
        files.0 = rest;
        read::read(&Files(own))
    }

    /// The devfile at an address, where that is locked.
    #[must_use]
    pub fn devfile(&self, url: &Url) -> Option<Result<Arc<[u8]>, Missing>> {
        let digest = self.devfiles.get(url)?;
        let content = self.contents.get(digest)?.clone();
        Some(content.map_err(|why| {
            let what = format!("{FILE} pins it, and {why}; wharf lock --update fetches it again");
            Missing::Failed(what)
        }))
    }

    /// The digest of an image, where that is locked.
    #[must_use]
    pub fn image(&self, reference: &str) -> Option<&str> {
        self.images.get(reference).map(String::as_str)
    }

    /// Locks the devfile at an address.
    pub fn insert_devfile(&mut self, url: Url, content: Arc<[u8]>) {
        let digest = sha256(&content);
        self.devfiles.insert(url, digest.clone());
        self.contents.insert(digest, Ok(content));
    }

    /// Locks an image by the digest that its registry gives.
    ///
    /// # Errors
    /// Why it can't be locked by that: what is written must be what can be read again.
    pub fn insert_image(&mut self, reference: String, digest: String) -> Result<(), String> {
        if !is_digest(&digest) {
            return Err(format!(
                "its registry gives the digest {digest:?}, which is no SHA-256"
            ));
        }
        self.images.insert(reference, digest);
        Ok(())
    }

    /// Forgets what is not needed.
    pub fn retain(&mut self, needed: &Needed) {
        self.devfiles.retain(|url, _| needed.devfiles.contains(url));
        self.images
            .retain(|reference, _| needed.images.contains(reference));
        let digests: BTreeSet<&String> = self.devfiles.values().collect();
        self.contents.retain(|digest, _| digests.contains(digest));
    }

    /// What is needed and not locked.
    #[must_use]
    pub fn missing(&self, needed: &Needed) -> Diagnostics {
        let devfiles = needed.devfiles.iter().filter(|u| !self.devfiles.contains_key(u));
        let images = needed.images.iter().filter(|i| !self.images.contains_key(*i));
        let devfiles = devfiles.map(|url| format!("the devfile {url} is not locked"));
        outdated(devfiles.chain(images.map(|image| format!("the image {image} is not locked"))))
    }

    /// What is needed and not locked, or locked and not needed.
    #[must_use]
    pub fn differences(&self, needed: &Needed) -> Diagnostics {
        let mut found = self.missing(needed);
        let devfiles = self.devfiles.keys().filter(|u| !needed.devfiles.contains(u));
        let images = self.images.keys().filter(|i| !needed.images.contains(*i));
        let devfiles = devfiles.map(|url| format!("the devfile {url} is locked, and nothing imports it"));
        let images = images.map(|image| format!("the image {image} is locked, and nothing uses it"));
        found.extend(outdated(devfiles.chain(images)));
        found
    }

    /// How many devfiles and images are locked.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.devfiles.len(), self.images.len())
    }

    /// The files that it is written as, by their paths; none where nothing is locked.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Arc<[u8]>> {
        if self.devfiles.is_empty() && self.images.is_empty() {
            return BTreeMap::new();
        }
        let contents = self.contents.iter();
        let mut files: BTreeMap<String, Arc<[u8]>> = contents
            .filter_map(|(digest, content)| Some((file(digest), content.clone().ok()?)))
            .collect();
        files.insert(FILE.to_owned(), self.text().into_bytes().into());
        files
    }

    /// One line an entry, so that two branches' changes merge.
    fn text(&self) -> String {
        let mut text = format!(
            "# What this repository uses from elsewhere, pinned. wharf lock writes it; commit it with {FOLDER}.\nversion: {VERSION}\n"
        );
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut list = |name: &str, keys: (&str, &str), entries: Vec<(&str, &str)>| {
            if !entries.is_empty() {
                let _ = writeln!(text, "{name}:"); // a string takes everything
            }
            for (what, digest) in entries {
                let (what, digest) = (quoted(what), quoted(digest));
                let _ = writeln!(text, "  - {{{}: {what}, {}: {digest}}}", keys.0, keys.1);
            }
        };
        let devfiles = self.devfiles.iter().map(|(url, d)| (url.as_str(), d.as_str()));
        list("devfiles", ("url", "sha256"), devfiles.collect());
        let images = self.images.iter().map(|(image, d)| (image.as_str(), d.as_str()));
        list("images", ("image", "digest"), images.collect());
        text
    }
}

fn outdated(messages: impl Iterator<Item = String>) -> Diagnostics {
    let mut found = Diagnostics::default();
    for message in messages {
        let error = Diagnostic::of_file("lock/outdated", FILE, message);
        found.push(error.help("wharf lock brings it up to date"));
    }
    found
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a text is a SHA-256 as it is written here: 64 lowercase hexadecimal digits.
fn is_sha256(text: &str) -> bool {
    let is_hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    text.len() == 64 && text.bytes().all(is_hex)
}

/// Whether a text is an image's digest, as far as one is used here.
fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(is_sha256)
}

/// The path of a devfile's content.
fn file(digest: &str) -> String {
    format!("{FOLDER}/{digest}.yaml")
}

/// Whether an image can be locked: it names its registry, and no digest yet. Where a short name leads is the engine's to
/// say, and images of `localhost` are in no registry.
#[must_use]
pub fn can_lock(reference: &str) -> bool {
    registry(reference).is_some() && !reference.contains('@')
}
