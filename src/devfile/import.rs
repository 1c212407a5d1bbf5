//! Parents and plugins: which devfiles a devfile imports, and where they are.
//!
//! In: devfiles, and a [`Shelf`] with what has been read or fetched so far. Out: [`Imports`], every devfile that these
//! import, directly or not, and the addresses that have to be fetched first. Fetching belongs to `source`, putting a
//! devfile and its imports together to [`super::flatten`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use url::Url;

use super::page;
use crate::document::diagnostic::nearest;
use crate::document::{self, Content, Diagnostics, Document, Files, Node, files};

/// The most devfiles that one devfile imports, each counted as often as it is imported.
pub const MAX_IMPORTS: usize = 100;

/// Where a devfile is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Location {
    /// A file of the repository, by its path.
    File(String),
    /// A web address.
    Address(Url),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(path),
            Self::Address(url) => f.write_str(url.as_str()),
        }
    }
}

/// Why a devfile is not on a [`Shelf`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// There is no such file; perhaps this one was meant.
    NoFile(Option<String>),
    /// It has not been fetched.
    NotFetched,
    /// It can't be had, and why.
    Failed(String),
}

/// What imported devfiles are read from.
pub trait Shelf: Sync {
    /// The bytes of the devfile at `location`.
    ///
    /// # Errors
    /// See [`Missing`].
    fn read(&self, location: &Location) -> Result<Arc<[u8]>, Missing>;
}

/// A shelf with nothing on it.
#[derive(Clone, Copy, Debug)]
pub struct Empty;

impl Shelf for Empty {
    fn read(&self, location: &Location) -> Result<Arc<[u8]>, Missing> {
        Err(match location {
            Location::File(_) => Missing::NoFile(None),
            Location::Address(_) => Missing::NotFetched,
        })
    }
}

impl Shelf for Files {
    fn read(&self, location: &Location) -> Result<Arc<[u8]>, Missing> {
        let Location::File(path) = location else {
            return Empty.read(location);
        };
        let near = || nearest(path, self.0.keys().map(String::as_str)).map(str::to_owned);
        let file = self.get(path).ok_or_else(|| Missing::NoFile(near()))?;
        match &file.content {
            Content::Bytes(bytes) => Ok(Arc::clone(bytes)),
            Content::TooLarge(bytes) => Err(Missing::Failed(format!("it has {bytes} bytes"))),
            Content::OutsideLink(_) => Err(Missing::Failed("it is a link out of the repository".to_owned())),
            Content::Unreadable(why) => Err(Missing::Failed(why.clone())),
        }
    }
}

/// Devfiles that others import.
#[derive(Clone, Debug)]
pub struct Imports {
    /// Where a devfile is that is named by its id alone.
    registry: Option<Url>,
    found: BTreeMap<Location, Imported>,
    /// What has to be fetched before these are complete.
    pub wanted: BTreeSet<Url>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) enum Imported {
    /// The devfile, and what is wrong with its YAML.
    Read(Option<Arc<Document>>, Diagnostics),
    /// It is not there.
    Missing(Missing),
}

/// What a parent or a plugin component names.
pub(super) enum Named {
    /// A devfile at that place; the node says so.
    At(Location),
    /// Nothing that wharf can look up: why not.
    Nowhere(String),
}

impl Imports {
    /// All that `devfiles` import. A parent that is named by its id alone is looked up in `registry`.
    pub fn gather<'d>(
        devfiles: impl IntoIterator<Item = (&'d Document, &'d Node)>,
        registry: Option<&Url>,
        shelf: &dyn Shelf,
    ) -> Self {
        let mut imports = Self {
            registry: registry.cloned(),
            found: BTreeMap::new(),
            wanted: BTreeSet::new(),
        };
        let mut todo: Vec<Location> = Vec::new();
        for (document, node) in devfiles {
            todo.extend(imports.named_by(node, &base(document)));
        }
        imports.follow(todo, shelf);
        imports
    }

    /// Goes on with what was wanted, which is on the shelf by now, and with what that imports.
    pub fn resume(&mut self, shelf: &dyn Shelf) {
        let wanted = std::mem::take(&mut self.wanted);
        let todo: Vec<Location> = wanted.into_iter().map(Location::Address).collect();
        for location in &todo {
            self.found.remove(location);
        }
        self.follow(todo, shelf);
    }

    fn follow(&mut self, mut todo: Vec<Location>, shelf: &dyn Shelf) {
        while let Some(location) = todo.pop() {
            if self.found.contains_key(&location) {
                continue;
            }
            let imported = match shelf.read(&location) {
                Ok(bytes) => read(&location, &bytes),
                Err(missing) => Imported::Missing(missing),
            };
            match (&imported, &location) {
                (Imported::Read(Some(document), _), _) => {
                    todo.extend(self.named_by(&document.root, &location));
                }
                (Imported::Missing(Missing::NotFetched), Location::Address(url)) => {
                    self.wanted.insert(url.clone());
                }
                (Imported::Read(None, _) | Imported::Missing(_), _) => {}
            }
            self.found.insert(location, imported);
        }
    }

    /// For devfiles that import nothing.
    #[must_use]
    pub fn none() -> Self {
        Self {
            registry: None,
            found: BTreeMap::new(),
            wanted: BTreeSet::new(),
        }
    }

    /// Where everything is that is imported, there or not.
    pub fn locations(&self) -> impl Iterator<Item = &Location> {
        self.found.keys()
    }

    pub(super) fn get(&self, location: &Location) -> Option<&Imported> {
        self.found.get(location)
    }

    fn named_by(&self, devfile: &Node, base: &Location) -> Vec<Location> {
        let named = parents_and_plugins(devfile).filter_map(|node| match self.named(node, base)?.1 {
            Named::At(location) => Some(location),
            Named::Nowhere(_) => None,
        });
        named.collect()
    }

    /// What `node`, a parent or a plugin of a devfile at `base`, names, and the node that says so. `None` where it says
    /// nothing, or nothing readable: the shape is checked elsewhere.
    pub(super) fn named<'n>(&self, node: &'n Node, base: &Location) -> Option<(&'n Node, Named)> {
        if let Some(at) = node.get("uri") {
            return Some((at, address(at.as_str()?, base)));
        }
        if let Some(at) = node.get("id") {
            let registry = match node.get("registryUrl") {
                Some(url) => match Url::parse(url.as_str()?) {
                    Ok(parsed) => parsed,
                    Err(error) => {
                        return Some((url, Named::Nowhere(format!("the address can't be read: {error}"))));
                    }
                },
                None => match &self.registry {
                    Some(registry) => registry.clone(),
                    None => {
                        return Some((
                            at,
                            Named::Nowhere("no registry is known; give its registryUrl".to_owned()),
                        ));
                    }
                },
            };
            let version = node.get("version").and_then(Node::as_str).unwrap_or("latest");
            return Some((at, in_registry(registry, at.as_str()?, version)));
        }
        let at = node.get("kubernetes")?;
        let why = "there is no cluster to take it from; name it by uri or id".to_owned();
        Some((at, Named::Nowhere(why)))
    }
}

/// The place that a document's paths are relative to.
pub(super) fn base(document: &Document) -> Location {
    let path = &document.source.path;
    match path.contains("://").then(|| Url::parse(path)) {
        Some(Ok(url)) => Location::Address(url),
        Some(Err(_)) | None => Location::File(path.clone()),
    }
}

/// Whether a devfile imports any other.
#[must_use]
pub fn has_imports(devfile: &Node) -> bool {
    parents_and_plugins(devfile).next().is_some()
}

/// The nodes of a devfile that import another one.
pub(super) fn parents_and_plugins(devfile: &Node) -> impl Iterator<Item = &Node> {
    let components = devfile.get("components").and_then(Node::as_list);
    let plugins = components
        .unwrap_or_default()
        .iter()
        .filter_map(|c| c.get("plugin"));
    devfile.get("parent").into_iter().chain(plugins)
}

fn read(location: &Location, bytes: &[u8]) -> Imported {
    let (documents, diagnostics) = document::parse(&location.to_string(), bytes);
    let devfile = documents.into_iter().find(|d| d.root.as_map().is_some());
    Imported::Read(devfile.map(Arc::new), diagnostics)
}

fn address(uri: &str, base: &Location) -> Named {
    let joined = match (Url::parse(uri), base) {
        (Ok(url), _) => Ok(url),
        (Err(url::ParseError::RelativeUrlWithoutBase), Location::Address(base)) => base.join(uri),
        (Err(url::ParseError::RelativeUrlWithoutBase), Location::File(path)) => {
            return match files::join(path, uri) {
                Some(path) => Named::At(Location::File(path)),
                None => Named::Nowhere(format!("{uri:?} lies outside the repository")),
            };
        }
        (Err(error), _) => Err(error),
    };
    match joined {
        Ok(url) => web(url),
        Err(error) => Named::Nowhere(format!("the address can't be read: {error}")),
    }
}

/// `REGISTRY/devfiles/ID/VERSION`, as devfile registries serve them.
fn in_registry(mut registry: Url, id: &str, version: &str) -> Named {
    if let Ok(mut segments) = registry.path_segments_mut() {
        segments.pop_if_empty().extend(["devfiles", id, version]);
    } // what has no path has no scheme of the web either
    web(registry)
}

fn web(url: Url) -> Named {
    if !url.username().is_empty() || url.password().is_some() {
        // Said without the address, so that nobody reads it where this is shown.
        return Named::Nowhere(
            "its address has a user or a password in it, and such are not asked".to_owned(),
        );
    }
    match url.scheme() {
        "https" | "http" => match page::file(url) {
            Ok(file) => Named::At(Location::Address(file)),
            Err(why) => Named::Nowhere(why),
        },
        other => Named::Nowhere(format!("devfiles are fetched by https or http, not by {other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str, base: &str) -> Result<String, String> {
        let (documents, _) = document::parse(base, text.as_bytes());
        let registry = Url::parse("https://registry.example.org/").unwrap();
        let imports = Imports::gather([], Some(&registry), &Empty);
        match imports
            .named(&documents[0].root, &super::base(&documents[0]))
            .unwrap()
            .1
        {
            Named::At(location) => Ok(location.to_string()),
            Named::Nowhere(why) => Err(why),
        }
    }

    #[test]
    fn a_uri_is_relative_to_the_file_or_the_address_that_says_it() {
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(named("uri: ../base.yaml", "a/b/devfile.yaml"), ok("a/base.yaml"));
        assert_eq!(
            named("uri: https://x.org/d.yaml", "a.yaml"),
            ok("https://x.org/d.yaml")
        );
        assert_eq!(
            named("uri: ../base.yaml", "https://x.org/a/b/d.yaml"),
            ok("https://x.org/a/base.yaml")
        );
        assert!(
            named("uri: ../base.yaml", "devfile.yaml")
                .unwrap_err()
                .contains("outside")
        );
        assert!(
            named("uri: file:///etc/passwd", "devfile.yaml")
                .unwrap_err()
                .contains("\"file\"")
        );
        assert!(named("uri: /etc/passwd", "devfile.yaml").is_err());
    }

    #[test]
    fn an_id_names_a_devfile_of_a_registry() {
        let of_registry = "https://registry.example.org/devfiles/go/latest";
        assert_eq!(named("id: go", "a.yaml").as_deref(), Ok(of_registry));
        let text = "{id: a/../b, version: 1.0.0, registryUrl: 'https://r.org/v2'}";
        assert_eq!(
            named(text, "a.yaml").as_deref(),
            Ok("https://r.org/v2/devfiles/a%2F..%2Fb/1.0.0")
        );
        assert!(named("{id: go, registryUrl: 'nonsense'}", "a.yaml").is_err());
        assert!(
            named("kubernetes: {name: x}", "a.yaml")
                .unwrap_err()
                .contains("cluster")
        );
    }

    #[test]
    fn an_address_with_a_password_names_nothing_and_is_not_repeated() {
        for text in [
            "uri: https://bob:s3cret@x.org/d.yaml",
            "uri: https://s3cret@github.com/o/r/blob/main/d.yaml",
            "{id: go, registryUrl: 'https://bob:s3cret@x.org'}",
        ] {
            let why = named(text, "a.yaml").unwrap_err();
            assert!(
                why.contains("a password in it") && !why.contains("s3cret"),
                "{why}"
            );
        }
        assert!(named("uri: //bob:s3cret@x.org/d.yaml", "https://x.org/a.yaml").is_err());
    }

    #[test]
    fn what_is_imported_is_followed_and_what_is_not_there_is_wanted() {
        struct Two;
        impl Shelf for Two {
            fn read(&self, location: &Location) -> Result<Arc<[u8]>, Missing> {
                match location.to_string().as_str() {
                    "b.yaml" => Ok(b"parent: {uri: https://x.org/c.yaml}".as_slice().into()),
                    "https://x.org/c.yaml" => Ok(b"parent: {uri: d.yaml}".as_slice().into()),
                    _ => Empty.read(location),
                }
            }
        }
        let (documents, _) = document::parse("a.yaml", b"parent: {uri: b.yaml}");
        let registry = Url::parse("https://registry.example.org").unwrap();
        let imports = Imports::gather([(&documents[0], &documents[0].root)], Some(&registry), &Two);
        let wanted: Vec<&str> = imports.wanted.iter().map(Url::as_str).collect();
        assert_eq!(wanted, ["https://x.org/d.yaml"]);
        assert_eq!(imports.found.len(), 3);

        struct Last;
        impl Shelf for Last {
            fn read(&self, location: &Location) -> Result<Arc<[u8]>, Missing> {
                assert_eq!(
                    location.to_string(),
                    "https://x.org/d.yaml",
                    "what was read is not read again"
                );
                Ok(b"schemaVersion: 2.2.0".as_slice().into())
            }
        }
        let mut imports = imports;
        imports.resume(&Last);
        assert!(imports.wanted.is_empty());
        assert_eq!(imports.found.len(), 3);
    }
}
