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
use tokio::time::Instant;
use url::{Host, Url};

use super::fetch::Fetcher;
use super::remote::{ARCHIVE, COMMIT, Errand, Helper, TreeOrder};
use crate::lock::{BuildContent, BuildPaths, BuildSource};

/// How many are fetched at a time.
const AT_ONCE: usize = 4;
/// How long one of them may take.
const TIME: Duration = Duration::from_secs(120);
/// How long all of one configuration repository may take.
const ALL_TIME: Duration = Duration::from_secs(300);
/// The most that are fetched for one configuration repository, and the most bytes that these may have.
const MOST: usize = 100;
const MOST_BYTES: usize = 256 << 20;
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
    fetch_until(Instant::now() + ALL_TIME, wanted, private).await
}

async fn fetch_until(
    end: Instant,
    wanted: BTreeSet<&BuildSource>,
    private: Vec<Host>,
) -> Result<BTreeMap<BuildSource, Result<BuildContent, String>>, String> {
    let fetcher = Fetcher::new(private.iter().cloned())?;
    let mut got = BTreeMap::new();
    let mut now: Vec<&BuildSource> = wanted.into_iter().collect();
    let beyond = now.split_off(now.len().min(MOST));
    let one = |source: &BuildSource| {
        let (source, fetcher, private) = (source.clone(), fetcher.clone(), private.clone());
        async move {
            let end = end.min(Instant::now() + TIME);
            let content = tokio::time::timeout_at(end, one(&source, &fetcher, private)).await;
            (
                source,
                content.unwrap_or_else(|_| Err("it takes too long".to_owned())),
            )
        }
    };
    let now: Vec<_> = now.into_iter().map(one).collect();
    let mut fetches = futures_util::stream::iter(now).buffer_unordered(AT_ONCE);
    let mut left = MOST_BYTES;
    while let Some((source, content)) = fetches.next().await {
        let content = content.and_then(|content| {
            let rest = left.checked_sub(content.bytes.len());
            left = rest.ok_or_else(|| format!("all of them together have more than {MOST_BYTES} bytes"))?;
            Ok(content)
        });
        got.insert(source, content);
    }
    let why = format!("more than {MOST} would be fetched");
    got.extend(
        beyond
            .into_iter()
            .map(|source| (source.clone(), Err(why.clone()))),
    );
    Ok(got)
}

async fn one(source: &BuildSource, fetcher: &Fetcher, private: Vec<Host>) -> Result<BuildContent, String> {
    match source {
        BuildSource::Web(url) => containerfile(url, fetcher).await,
        BuildSource::Git {
            remote,
            revision,
            paths,
        } => tree(remote, revision.as_deref(), paths, &private).await,
        BuildSource::Registry { registry, id, paths } => stack::context(registry, id, paths, private).await,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_never_answers_holds_nothing_up() {
        // It takes connections and never answers.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/", silent.local_addr().unwrap())).unwrap();
        let host = url.host().unwrap().to_owned();
        let paths = BuildPaths {
            context: String::new(),
            containerfile: "Dockerfile".to_owned(),
        };
        let sources = [
            BuildSource::Web(url.clone()),
            BuildSource::Registry {
                registry: url,
                id: "go".to_owned(),
                paths,
            },
        ];
        let end = Instant::now() + Duration::from_millis(50);
        let fetched = fetch_until(end, sources.iter().collect(), vec![host])
            .await
            .unwrap();
        for source in sources {
            let why = fetched[&source].as_ref().unwrap_err();
            assert!(why.contains("takes"), "{why}");
        }
    }

    #[tokio::test]
    async fn only_so_many_are_fetched() {
        let url = |n: usize| BuildSource::Web(Url::parse(&format!("http://10.0.0.1/{n}")).unwrap());
        let sources: Vec<BuildSource> = (0..=MOST).map(url).collect();
        let fetched = fetch(sources.iter().collect(), Vec::new()).await.unwrap();
        let beyond = fetched.values().filter_map(|got| got.as_ref().err());
        let beyond = beyond.filter(|why| why.contains("more than 100")).count();
        assert_eq!((fetched.len(), beyond), (MOST + 1, 1));
    }
}
