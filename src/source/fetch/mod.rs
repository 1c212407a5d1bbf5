//! Devfiles from web addresses: what a devfile imports and the repository does not hold.
//!
//! Whoever may write a devfile chooses the address, and whoever runs wharf stands inside the network; so only public
//! addresses are asked, after every name resolution and every redirect, unless the Site names the host. Time, size and
//! the number of redirects are bounded.

mod reach;
mod web;

pub(crate) use web::use_ring;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::header;
use tokio::time::Instant;
use url::{Host, Url};

use crate::document::parse::MAX_BYTES;
pub(super) use reach::Reach;
pub(super) use web::{Web, body};

/// The longest that one devfile may take, redirects included.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The longest that all of one repository may take.
const ALL_TIMEOUT: Duration = Duration::from_secs(120);
/// How many are fetched at a time.
const AT_ONCE: usize = 8;
/// The most that are fetched for one repository.
const MAX_FETCHED: usize = 500;

/// What was fetched, or why it can't be had.
pub type Fetched = BTreeMap<Url, Result<Arc<[u8]>, String>>;

/// Fetches the devfiles of one repository.
#[derive(Clone, Debug)]
pub struct Fetcher {
    web: Web,
    /// When there is no more time.
    end: Instant,
}

impl Fetcher {
    /// A fetcher that asks public addresses, and whatever address the hosts `private` have. Its time runs from now on.
    ///
    /// # Errors
    /// Why the TLS library or the system's certificates can't be used.
    pub fn new(private: impl IntoIterator<Item = Host>) -> Result<Self, String> {
        Ok(Self {
            web: Web::new(private)?,
            end: Instant::now() + ALL_TIMEOUT,
        })
    }

    /// Fetches all of `wanted` that `fetched` does not hold yet, and adds it.
    pub async fn fetch(&self, wanted: &BTreeSet<Url>, fetched: &mut Fetched) {
        let missing = wanted.iter().filter(|url| !fetched.contains_key(url));
        let room = MAX_FETCHED.saturating_sub(fetched.len());
        let (now, beyond): (Vec<_>, Vec<_>) = missing.cloned().enumerate().partition(|(n, _)| *n < room);
        let fetches = futures_util::stream::iter(now).map(|(_, url)| async move {
            let got = self.one(&url).await;
            (url, got)
        });
        let got: Vec<_> = fetches.buffer_unordered(AT_ONCE).collect().await;
        fetched.extend(got);
        for (_, url) in beyond {
            let why = format!("more than {MAX_FETCHED} devfiles would be fetched");
            fetched.insert(url, Err(why));
        }
    }

    async fn one(&self, url: &Url) -> Result<Arc<[u8]>, String> {
        let late = || {
            format!(
                "fetching all devfiles takes more than {} s",
                ALL_TIMEOUT.as_secs()
            )
        };
        let start = Instant::now();
        if start >= self.end {
            return Err(late());
        }
        let end = self.end.min(start + TIMEOUT);
        match tokio::time::timeout_at(end, self.get(url)).await {
            Ok(result) => result,
            Err(_) if end == self.end => Err(late()),
            Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
        }
    }

    async fn get(&self, url: &Url) -> Result<Arc<[u8]>, String> {
        let request = |client: &reqwest::Client, url| client.get(url).header(header::ACCEPT, "*/*");
        let response = self.web.ask(url.clone(), request).await?;
        body(response, MAX_BYTES).await.map(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_of_a_repository_together_take_a_bounded_time() {
        // It takes connections and never answers.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/", silent.local_addr().unwrap())).unwrap();
        let host = url.host().unwrap().to_owned();
        let mut fetcher = Fetcher::new([host]).unwrap();
        fetcher.end = Instant::now() + Duration::from_millis(50);
        for _ in ["while it waits", "from then on"] {
            let mut fetched = Fetched::new();
            fetcher.fetch(&[url.clone()].into(), &mut fetched).await;
            let why = fetched.remove(&url).unwrap().unwrap_err();
            assert!(why.contains("takes more than 120 s"), "{why}");
        }
    }
}
