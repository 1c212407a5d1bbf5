//! Requests to addresses that may be asked, redirects included; answers of a bounded size.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use url::{Host, Url};

use super::reach::Reach;

/// The longest that a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_REDIRECTS: usize = 5;

/// A client that goes to public addresses, and to whatever address some hosts have.
#[derive(Clone, Debug)]
pub(in crate::source) struct Web {
    client: Client,
    reach: Arc<Reach>,
}

impl Web {
    /// One for public addresses and the hosts `private`.
    pub(in crate::source) fn new(private: impl IntoIterator<Item = Host>) -> Result<Self, String> {
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

    /// The answer of `url`, or of where it redirects to; `request` makes the request to each address.
    pub(in crate::source) async fn ask(
        &self,
        mut url: Url,
        request: impl Fn(&Client, Url) -> RequestBuilder,
    ) -> Result<Response, String> {
        for _ in 0..=MAX_REDIRECTS {
            self.reach.check(&url)?;
            tracing::debug!(%url, "ask");
            let response = request(&self.client, url.clone()).send().await;
            let response = response.map_err(|error| why(&error))?;
            let status = response.status();
            if !status.is_redirection() || status == StatusCode::NOT_MODIFIED {
                return Ok(response);
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

/// The provider of what TLS needs, for this process: no client is built without one.
pub(crate) fn use_ring() {
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

/// The body of a good answer, of at most so many bytes. What a server says beside a bad one is not passed on.
pub(in crate::source) async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, String> {
    let status = response.status();
    if !status.is_success() {
        return Err(format!("the server answers {status}"));
    }
    let too_large = || format!("it has more than {most} bytes");
    let announced = response.content_length().unwrap_or_default();
    if announced > most as u64 {
        return Err(too_large());
    }
    let mut bytes: Vec<u8> = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| why(&error))? {
        if bytes.len() + chunk.len() > most {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What an error says at the bottom of its causes: those above only name the layers.
fn why(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    deepest.to_string()
}
