//! What images are built from, had from where it may be: the repository's lock, the web, git repositories and devfile
//! registries. What the repository holds itself is read with its other files.

use std::collections::{BTreeMap, BTreeSet};

use super::error::Error;
use super::imports;
use crate::devfile::Missing;
use crate::lock::{BuildContent, BuildSource, Lock};
use crate::manifest::Site;
use crate::resolve::Builds;
use crate::source::builds;

/// What was fetched, or why it can't be had.
pub(super) type FetchedBuilds = BTreeMap<BuildSource, Result<BuildContent, String>>;

/// Fetches what `lock` does not hold, unless `offline`.
pub(super) async fn fetch(
    needed: &BTreeSet<BuildSource>,
    site: Option<&Site>,
    lock: &Lock,
    offline: bool,
) -> Result<FetchedBuilds, Error> {
    let missing: BTreeSet<_> = needed.iter().filter(|b| lock.build(b).is_none()).collect();
    if offline || missing.is_empty() {
        return Ok(FetchedBuilds::new());
    }
    builds::fetch(missing, imports::private_hosts(site))
        .await
        .map_err(|why| Error::new(format!("what images are built from can't be fetched: {why}")))
}

/// All that is needed: from the lock where it is there, else as it was fetched.
pub(super) fn all(needed: &BTreeSet<BuildSource>, lock: &Lock, fetched: &FetchedBuilds) -> Builds {
    let one = |source: &BuildSource| {
        lock.build(source).unwrap_or_else(|| match fetched.get(source) {
            Some(Ok(content)) => Ok(content.bytes.clone()),
            Some(Err(why)) => Err(Missing::Failed(why.clone())),
            None => Err(Missing::NotFetched),
        })
    };
    needed
        .iter()
        .map(|source| (source.clone(), one(source)))
        .collect()
}
