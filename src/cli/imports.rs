//! What devfiles import, gathered from where it may be: the repository, its lock, and the web.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use url::{Host, Url};

use super::error::Error;
use crate::devfile::{Imports, Location, MAX_IMPORTS, Missing, Shelf};
use crate::document::{Diagnostics, Document, Node};
use crate::lock::Lock;
use crate::manifest::{self, Site};
use crate::source::{self, Fetched, Fetcher, Source};

/// Whether things may be used that the repository does not hold.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(super) struct Access {
    /// Fail where wharf.lock does not name exactly what is used from elsewhere
    #[arg(long)]
    pub(super) locked: bool,
    /// Fetch nothing: use what the repository holds
    #[arg(long)]
    pub(super) offline: bool,
}

/// The repository's files, what its lock holds, and what was fetched.
struct Library<'a> {
    files: &'a dyn Shelf,
    lock: &'a Lock,
    fetched: &'a Fetched,
}

impl Shelf for Library<'_> {
    fn read(&self, location: &Location) -> Result<Arc<[u8]>, Missing> {
        let Location::Address(url) = location else {
            return self.files.read(location);
        };
        if let Some(locked) = self.lock.devfile(url) {
            return locked;
        }
        match self.fetched.get(url) {
            Some(Ok(bytes)) => Ok(Arc::clone(bytes)),
            Some(Err(why)) => Err(Missing::Failed(why.clone())),
            None => Err(Missing::NotFetched),
        }
    }
}

/// Devfiles, and everything that they import.
pub(super) struct Gathered {
    pub(super) imports: Imports,
    pub(super) fetched: Fetched,
}

/// Gathers all that `devfiles` import; what is neither in `files` nor in `lock` is fetched, unless `offline`.
pub(super) async fn gather(
    devfiles: &[(&Document, &Node)],
    site: Option<&Site>,
    files: &dyn Shelf,
    lock: &Lock,
    offline: bool,
) -> Result<Gathered, Error> {
    let registry = site.and_then(|site| site.devfile_registry.as_ref());
    let mut fetched = Fetched::new();
    let mut imports = Imports::gather(
        devfiles.iter().copied(),
        registry.map(|registry| &registry.value),
        &Library {
            files,
            lock,
            fetched: &fetched,
        },
    );
    if offline || imports.wanted.is_empty() {
        return Ok(Gathered { imports, fetched });
    }
    let fetcher = open(site)?;
    // What is reached later than this is imported by way of more than a devfile may import, which is said of it.
    for _ in 0..MAX_IMPORTS {
        if imports.wanted.is_empty() {
            break;
        }
        fetcher.fetch(&imports.wanted, &mut fetched).await;
        imports.resume(&Library {
            files,
            lock,
            fetched: &fetched,
        });
    }
    Ok(Gathered { imports, fetched })
}

fn open(site: Option<&Site>) -> Result<Fetcher, Error> {
    Fetcher::new(private_hosts(site)).map_err(|why| Error::new(format!("devfiles can't be fetched: {why}")))
}

/// The hosts that may be asked though their addresses are not public.
pub(super) fn private_hosts(site: Option<&Site>) -> Vec<Host> {
    let private = site
        .map(|site| site.policy.private_hosts.as_slice())
        .unwrap_or_default();
    private.iter().map(|host| host.value.clone()).collect()
}

/// The addresses of what `imports` holds from elsewhere.
pub(super) fn addresses(imports: &Imports) -> BTreeSet<Url> {
    let address = |location: &Location| match location {
        Location::Address(url) => Some(url.clone()),
        Location::File(_) => None,
    };
    imports.locations().filter_map(address).collect()
}

/// What a configuration repository has for single devfiles in it.
#[derive(Default)]
pub(super) struct Surroundings {
    pub(super) lock: Lock,
    pub(super) site: Option<Site>,
    /// What is wrong with the lock.
    pub(super) diagnostics: Diagnostics,
}

impl Surroundings {
    /// Those of the files in the repository at `root`.
    pub(super) fn read(root: &Path) -> Result<Self, Error> {
        let mut files = source::load(root, &Source::WorkingTree)?.files;
        let (lock, diagnostics) = Lock::take(&mut files);
        Ok(Self {
            lock,
            site: manifest::load(&files).site,
            diagnostics,
        })
    }
}
