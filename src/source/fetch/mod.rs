//! Devfiles from web addresses: what a devfile imports and the repository does not hold.
//!
//! Whoever may write a devfile chooses the address, and whoever runs wharf stands inside the network; so only public
//! addresses are asked, after every name resolution and every redirect, unless the Site names the host. Time, size and
//! the number of redirects are bounded.

mod reach;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, header};
use url::Url;

use crate::document::parse::MAX_BYTES;
use reach::Reach;

/// The longest that one devfile may take, redirects included.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The longest that a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_REDIRECTS: usize = 5;
/// How many are fetched at a time.
const AT_ONCE: usize = 8;
/// The most that are fetched for one repository.
const MAX_FETCHED: usize = 500;

/// What was fetched, or why it can't be had.
pub type Fetched = BTreeMap<Url, Result<Arc<[u8]>, String>>;

/// Fetches devfiles.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: Client,
    reach: Arc<Reach>,
}

impl Fetcher {
    /// A fetcher that asks public addresses, and whatever address the hosts `private` have.
    ///
    /// # Errors
    /// Why the TLS library or the system's certificates can't be used.
    pub fn new(private: impl IntoIterator<Item = String>) -> Result<Self, String> {
        use_ring();
        let reach = Arc::new(Reach::new(private));
        let client = Client::builder()
            .user_agent(concat!("wharf/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::clone(&reach))
            .redirect(Policy::none()) // each is looked at below
            .no_proxy() // a proxy would resolve names itself
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| why(&error))?;
        Ok(Self { client, reach })
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
        tracing::debug!(%url, "fetch");
        match tokio::time::timeout(TIMEOUT, self.follow(url.clone())).await {
            Ok(result) => result,
            Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
        }
    }

    async fn follow(&self, mut url: Url) -> Result<Arc<[u8]>, String> {
        for _ in 0..=MAX_REDIRECTS {
            self.reach.check(&url)?;
            let request = self.client.get(url.clone()).header(header::ACCEPT, "*/*");
            let response = request.send().await.map_err(|error| why(&error))?;
            let status = response.status();
            if !status.is_redirection() || status == StatusCode::NOT_MODIFIED {
                return body(response).await;
            }
            let next = redirect(&url, &response)?;
            if url.scheme() == "https" && next.scheme() != "https" {
                return Err(format!(
                    "it redirects to {next}, which is not protected as the address is"
                ));
            }
            url = next;
        }
        Err(format!("it redirects more than {MAX_REDIRECTS} times"))
    }
}

/// The provider of what TLS needs, for this process.
pub(super) fn use_ring() {
    // Another part of the process may have been first; the provider is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn redirect(url: &Url, response: &Response) -> Result<Url, String> {
    let location = response.headers().get(header::LOCATION);
    let location = location.and_then(|value| value.to_str().ok());
    let location = location.ok_or_else(|| "it redirects without saying where to".to_owned())?;
    let next = url.join(location);
    next.map_err(|error| format!("it redirects to {location:?}, which can't be read: {error}"))
}

async fn body(response: Response) -> Result<Arc<[u8]>, String> {
    let status = response.status();
    if !status.is_success() {
        return Err(format!("the server answers {status}"));
    }
    let too_large = || format!("it has more than {MAX_BYTES} bytes");
    let announced = response.content_length().unwrap_or_default();
    if announced > MAX_BYTES as u64 {
        return Err(too_large());
    }
    let mut response = response;
    let mut bytes: Vec<u8> = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| why(&error))? {
        if bytes.len() + chunk.len() > MAX_BYTES {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

/// What an error says at the bottom of its causes: those above only name the layers.
pub(super) fn why(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    deepest.to_string()
}
