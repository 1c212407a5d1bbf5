//! What images are built from and the configuration repository does not hold: Containerfiles from the web, folders of git
//! repositories and of stacks in devfile registries.
//!
//! As with devfiles, whoever writes one chooses the address: only public ones are asked, unless the Site names the host, and
//! time and size are bounded.

mod stack;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use url::{Host, Url};

use super::fetch::Fetcher;
use super::remote::{ARCHIVE, COMMIT, Errand, Helper, TreeOrder};
use crate::lock::{BuildContent, BuildPaths, BuildSource};

/// How many are fetched at a time.
const AT_ONCE: usize = 4;
/// How long one repository may take.
const TIME: Duration = Duration::from_secs(120);
/// The largest pack that is received, in bytes.
const MAX_PACK: u64 = 512 << 20;

/// Fetches all of `wanted`; the hosts `private` may be asked though their addresses are not public.
///
/// # Errors
/// Why nothing can be asked at all.
pub async fn fetch(
    wanted: BTreeSet<&BuildSource>,
    private: Vec<Host>,
) -> Result<BTreeMap<BuildSource, Result<BuildContent, String>>, String> {
    let fetcher = Fetcher::new(private.iter().cloned())?;
    let one = |source: &BuildSource| {
        let (source, fetcher, private) = (source.clone(), fetcher.clone(), private.clone());
        async move {
            let content = match &source {
                BuildSource::Web(url) => containerfile(url, &fetcher).await,
                BuildSource::Git {
                    remote,
                    revision,
                    paths,
                } => tree(remote, revision.as_deref(), paths, &private).await,
                BuildSource::Registry { registry, id, paths } => {
                    stack::context(registry, id, paths, private).await
                }
            };
            (source, content)
        }
    };
    let fetches = futures_util::stream::iter(wanted.into_iter().map(one));
    Ok(fetches.buffer_unordered(AT_ONCE).collect().await)
}

async fn containerfile(url: &Url, fetcher: &Fetcher) -> Result<BuildContent, String> {
    let mut fetched = BTreeMap::new();
    fetcher.fetch(&BTreeSet::from([url.clone()]), &mut fetched).await;
    let bytes = fetched
        .remove(url)
        .unwrap_or_else(|| Err("it was not fetched".to_owned()))?;
    Ok(BuildContent { commit: None, bytes })
}

async fn tree(
    remote: &Url,
    revision: Option<&str>,
    paths: &BuildPaths,
    private: &[Host],
) -> Result<BuildContent, String> {
    let failed = |error: std::io::Error| format!("no directory to fetch into: {error}");
    let scratch = tempfile::Builder::new()
        .prefix("wharf-build-")
        .tempdir()
        .map_err(failed)?;
    let mut helper = Helper::default();
    helper.bounds.file = MAX_PACK;
    let order = TreeOrder {
        remote: remote.to_string(),
        revision: revision.map(str::to_owned),
        context: paths.context.clone(),
        containerfile: paths.containerfile.clone(),
        private: private.iter().map(ToString::to_string).collect(),
        scratch: scratch.path().to_owned(),
    };
    helper.run(&Errand::Tree(order), TIME).await?;
    let read = |name: &str| fs::read(scratch.path().join(name)).map_err(failed);
    let commit = read(COMMIT)?;
    Ok(BuildContent {
        commit: Some(String::from_utf8_lossy(&commit).into_owned()),
        bytes: Arc::from(read(ARCHIVE)?),
    })
}
