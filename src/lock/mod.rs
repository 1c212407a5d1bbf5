//! `wharf.lock`: what a configuration repository uses from elsewhere, each pinned by its digest. Devfiles that others
//! import, and what images are built from, lie in the repository themselves, below [`FOLDER`]; images are named by digest
//! instead of by tag.
//!
//! In: [`Files`]. Out: a [`Lock`] and what is wrong with it; or the files that a lock is written as. What is needed is
//! told by [`crate::devfile`] and [`crate::resolve`], fetching it belongs to `source`.

mod build;
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

pub use build::{BuildPaths, BuildSource, OUTSIDE, within};
pub use rules::RULES;

/// The lock's file.
pub const FILE: &str = "wharf.lock";

/// Where the content of what is locked lies, each file named by its SHA-256.
pub const FOLDER: &str = ".wharf";

/// The largest of these files, in bytes: a build context is an archive of many.
pub const MAX_CONTENT: usize = 32 << 20;

/// The version of the file's form.
const VERSION: i64 = 1;

/// What is locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Each devfile's SHA-256 in hexadecimal digits, by its address.
    devfiles: BTreeMap<Url, String>,
    /// What images are built from.
    builds: BTreeMap<BuildSource, PinnedBuild>,
    /// Each image's digest, such as `sha256:…`, by its reference.
    images: BTreeMap<String, String>,
    /// The content of files by their paths, or why it is not what its name says.
    contents: BTreeMap<String, Content>,
}

type Content = Result<Arc<[u8]>, String>;

#[derive(Clone, Debug, PartialEq, Eq)]
struct PinnedBuild {
    /// The commit that it was taken from, for people; the digest says what it is.
    commit: Option<String>,
    sha256: String,
}

/// What was fetched for a build: a Containerfile's text, or an archive of a context as [`context::pack`] makes it.
///
/// [`context::pack`]: crate::model::context::pack
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildContent {
    /// The commit that it was taken from.
    pub commit: Option<String>,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

/// What a repository uses from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// The addresses of the devfiles that it imports.
    pub devfiles: BTreeSet<Url>,
    /// What its images are built from.
    pub builds: BTreeSet<BuildSource>,
    /// The references of its images that can be locked.
    pub images: BTreeSet<String>,
}

/// Whether a file belongs to the lock, and not to what the repository declares.
#[must_use]
pub fn is_part(path: &str) -> bool {
    path == FILE || folders().any(|folder| within(&folder, path).is_some())
}

/// Whether a path is that of the content of something locked.
#[must_use]
pub fn is_content(path: &str) -> bool {
    let name = path.strip_prefix(FOLDER).and_then(|rest| rest.strip_prefix('/'));
    name.and_then(|name| {
        PLACES.iter().find_map(|p| {
            name.strip_prefix(p.folder)?
                .strip_prefix('/')?
                .strip_suffix(p.end)
        })
    })
    .is_some_and(is_sha256)
}

/// The folders that contents are in.
pub fn folders() -> impl Iterator<Item = String> {
    PLACES.iter().map(|place| format!("{FOLDER}/{}", place.folder))
}

/// Where contents of one kind are.
struct Place {
    /// The folder, below [`FOLDER`].
    folder: &'static str,
    /// How their names end.
    end: &'static str,
}

const DEVFILES: Place = Place {
    folder: "devfiles",
    end: ".yaml",
};
const CONTAINERFILES: Place = Place {
    folder: "containerfiles",
    end: ".txt",
};
const CONTEXTS: Place = Place {
    folder: "contexts",
    end: ".tar",
};
const PLACES: [Place; 3] = [DEVFILES, CONTAINERFILES, CONTEXTS];

impl Place {
    fn of(source: &BuildSource) -> Self {
        match source {
            BuildSource::Web(_) => CONTAINERFILES,
            BuildSource::Git { .. } | BuildSource::Registry { .. } => CONTEXTS,
        }
    }

    /// The path of the content with a digest.
    fn file(&self, digest: &str) -> String {
        format!("{FOLDER}/{}/{digest}{}", self.folder, self.end)
    }
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
        self.content(&DEVFILES.file(self.devfiles.get(url)?))
    }

    /// What an image is built from, where that is locked.
    #[must_use]
    pub fn build(&self, source: &BuildSource) -> Option<Result<Arc<[u8]>, Missing>> {
        let pinned = self.builds.get(source)?;
        self.content(&Place::of(source).file(&pinned.sha256))
    }

    fn content(&self, path: &str) -> Option<Result<Arc<[u8]>, Missing>> {
        let content = self.contents.get(path)?.clone();
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
        self.contents.insert(DEVFILES.file(&digest), Ok(content));
        self.devfiles.insert(url, digest);
    }

    /// Locks what an image is built from.
    pub fn insert_build(&mut self, source: BuildSource, content: BuildContent) {
        let sha256 = sha256(&content.bytes);
        let path = Place::of(&source).file(&sha256);
        self.contents.insert(path, Ok(content.bytes));
        let commit = content.commit;
        self.builds.insert(source, PinnedBuild { commit, sha256 });
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
        self.builds.retain(|source, _| needed.builds.contains(source));
        let devfiles = self.devfiles.values().map(|digest| DEVFILES.file(digest));
        let builds = self.builds.iter().map(|(s, b)| Place::of(s).file(&b.sha256));
        let paths: BTreeSet<String> = devfiles.chain(builds).collect();
        self.contents.retain(|path, _| paths.contains(path));
    }

    /// What is needed and not locked.
    #[must_use]
    pub fn missing(&self, needed: &Needed) -> Diagnostics {
        let devfiles = needed.devfiles.iter().filter(|u| !self.devfiles.contains_key(u));
        let images = needed.images.iter().filter(|i| !self.images.contains_key(*i));
        let devfiles = devfiles.map(|url| format!("the devfile {url} is not locked"));
        let builds = needed.builds.iter().filter(|b| !self.builds.contains_key(b));
        let builds = builds.map(|build| format!("{build} is not locked"));
        let images = images.map(|image| format!("the image {image} is not locked"));
        outdated(devfiles.chain(builds).chain(images))
    }

    /// What is needed and not locked, or locked and not needed.
    #[must_use]
    pub fn differences(&self, needed: &Needed) -> Diagnostics {
        let mut found = self.missing(needed);
        let devfiles = self.devfiles.keys().filter(|u| !needed.devfiles.contains(u));
        let images = self.images.keys().filter(|i| !needed.images.contains(*i));
        let devfiles = devfiles.map(|url| format!("the devfile {url} is locked, and nothing imports it"));
        let images = images.map(|image| format!("the image {image} is locked, and nothing uses it"));
        let builds = self.builds.keys().filter(|b| !needed.builds.contains(b));
        let builds = builds.map(|build| format!("{build} is locked, and nothing is built from it"));
        found.extend(outdated(devfiles.chain(builds).chain(images)));
        found
    }

    /// How many devfiles, builds and images are locked.
    #[must_use]
    pub fn counts(&self) -> [usize; 3] {
        [self.devfiles.len(), self.builds.len(), self.images.len()]
    }

    /// The files that it is written as, by their paths; none where nothing is locked.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Arc<[u8]>> {
        if self.counts() == [0; 3] {
            return BTreeMap::new();
        }
        let contents = self.contents.iter();
        let mut files: BTreeMap<String, Arc<[u8]>> = contents
            .filter_map(|(path, content)| Some((path.clone(), content.clone().ok()?)))
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
        let mut list = |name: &str, entries: Vec<Entry<'_>>| {
            if !entries.is_empty() {
                let _ = writeln!(text, "{name}:"); // a string takes everything
            }
            for entry in entries {
                let fields = entry
                    .iter()
                    .map(|(key, value)| format!("{key}: {}", quoted(value)));
                let fields: Vec<String> = fields.collect();
                let _ = writeln!(text, "  - {{{}}}", fields.join(", "));
            }
        };
        let devfiles = self.devfiles.iter();
        list(
            "devfiles",
            devfiles
                .map(|(url, d)| vec![("url", url.as_str()), ("sha256", d)])
                .collect(),
        );
        list("builds", self.builds.iter().map(build_entry).collect());
        let images = self.images.iter();
        list(
            "images",
            images
                .map(|(i, d)| vec![("image", i.as_str()), ("digest", d)])
                .collect(),
        );
        text
    }
}

/// One line of the file: keys and values.
type Entry<'a> = Vec<(&'static str, &'a str)>;

fn build_entry<'a>((source, pinned): (&'a BuildSource, &'a PinnedBuild)) -> Entry<'a> {
    let paths = |entry: &mut Entry<'a>, paths: &'a BuildPaths| {
        entry.push(("context", &paths.context));
        entry.push(("containerfile", &paths.containerfile));
    };
    let mut entry = Entry::new();
    match source {
        BuildSource::Web(url) => entry.push(("url", url.as_str())),
        BuildSource::Git {
            remote,
            revision,
            paths: used,
        } => {
            entry.push(("git", remote.as_str()));
            entry.extend(revision.as_deref().map(|revision| ("revision", revision)));
            paths(&mut entry, used);
        }
        BuildSource::Registry {
            registry,
            id,
            paths: used,
        } => {
            entry.push(("registry", registry.as_str()));
            entry.push(("id", id));
            paths(&mut entry, used);
        }
    }
    entry.extend(pinned.commit.as_deref().map(|commit| ("commit", commit)));
    entry.push(("sha256", &pinned.sha256));
    entry
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

/// Whether an image can be locked: it names its registry, and no digest yet. Where a short name leads is the engine's to
/// say, and images of `localhost` are in no registry.
#[must_use]
pub fn can_lock(reference: &str) -> bool {
    registry(reference).is_some() && !reference.contains('@')
}
