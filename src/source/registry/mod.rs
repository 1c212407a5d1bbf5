//! Images' digests, asked of their registries: what `wharf lock` pins. Nothing is pulled.
//!
//! The registry that an image names is asked wherever it is, for the engine pulls from it as well. Where it leads on, by
//! a redirect or to whoever gives out its tokens, is its own host or a public address, unless the Site names the host.
//! Protocol: <https://distribution.github.io/distribution/spec/api/> and `spec/auth/token` there.

mod login;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use http_auth::parse_challenges;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Client, Method, Response, StatusCode};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use url::{Host, Url};

use super::fetch::{Web, body};
use crate::document::parse::MAX_BYTES;
use crate::model::reference::{Tagged, is_loopback};
use login::Login;

/// The longest that one registry may take for one image, the search for a login included.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many are asked at a time.
const AT_ONCE: usize = 8;
/// The largest answer with a token, in bytes.
const MAX_TOKEN: usize = 1 << 20;

/// What a tag may lead to.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json";

/// The digest of each image, or why it can't be had. The hosts `private` may be led to though they are not public.
pub async fn digests(
    references: BTreeSet<String>,
    private: &[Host],
) -> BTreeMap<String, Result<String, String>> {
    let ask = |reference: String| async move {
        let digest = match tokio::time::timeout(TIMEOUT, digest(&reference, private)).await {
            Ok(digest) => digest,
            Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
        };
        (reference, digest)
    };
    futures_util::stream::iter(references)
        .map(ask)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

async fn digest(reference: &str, private: &[Host]) -> Result<String, String> {
    let image = Tagged::of(reference).ok_or("the reference can't be read")?;
    let (login, problem) = login::find(image.registry.to_owned()).await;
    let asked = async {
        let registry = Registry::of(&image, private)?;
        registry.digest(&image, &login).await
    };
    // Most registries give digests to anyone, so that a login that can't be had is worth no word until one does not.
    asked.await.map_err(|why| match problem {
        Some(problem) => format!("{why}; {problem}"),
        None => why,
    })
}

/// A registry.
struct Registry {
    web: Web,
    /// Its address.
    base: Url,
}

/// Who gives out a registry's tokens.
struct Realm {
    url: Url,
    service: Option<String>,
}

/// An answer with a token; servers use either key.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Registry {
    fn of(image: &Tagged<'_>, private: &[Host]) -> Result<Self, String> {
        let host = image.host();
        // As container tools have it, this machine's own needs no TLS.
        let scheme = if is_loopback(host) { "http" } else { "https" };
        let base = Url::parse(&format!("{scheme}://{host}/"));
        let base = base.map_err(|error| format!("the reference can't be read: {error}"))?;
        let own = base.host().map(|host| host.to_owned());
        Ok(Self {
            web: Web::new(private.iter().cloned().chain(own))?,
            base,
        })
    }

    async fn digest(&self, image: &Tagged<'_>, login: &Login) -> Result<String, String> {
        let mut authorization = None;
        let mut answer = self.manifest(Method::HEAD, image, None).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            authorization = self.authorize(&answer, image, login).await?;
            answer = self.manifest(Method::HEAD, image, authorization.as_ref()).await?;
        }
        if !answer.status().is_success() {
            return Err(format!("the registry answers {}", answer.status()));
        }
        if let Some(digest) = answer.headers().get("docker-content-digest") {
            let digest = digest.to_str();
            return digest
                .map(str::to_owned)
                .map_err(|_| "its digest can't be read".to_owned());
        }
        let answer = self.manifest(Method::GET, image, authorization.as_ref()).await?;
        let digest = Sha256::digest(body(answer, MAX_BYTES).await?);
        let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(format!("sha256:{digits}"))
    }

    async fn manifest(
        &self,
        method: Method,
        image: &Tagged<'_>,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, String> {
        let path = format!("v2/{}/manifests/{}", image.repository, image.tag);
        let url = self.base.join(&path);
        let url = url.map_err(|error| format!("the reference can't be read: {error}"))?;
        let request = |client: &Client, url: Url| {
            let is_own = url.origin() == self.base.origin();
            let request = client.request(method.clone(), url).header(ACCEPT, MANIFESTS);
            match authorization.filter(|_| is_own) {
                Some(value) => request.header(AUTHORIZATION, value),
                None => request,
            }
        };
        self.web.ask(url, request).await
    }

    /// What to send, after the answer 401 that asks for it; nothing where nothing would help.
    async fn authorize(
        &self,
        answer: &Response,
        image: &Tagged<'_>,
        login: &Login,
    ) -> Result<Option<HeaderValue>, String> {
        let (realm, takes_password) = challenge(answer)?;
        let value = match (realm, login) {
            (Some(realm), _) => {
                let scope = format!("repository:{}:pull", image.repository);
                format!("Bearer {}", self.token(&realm, &scope, login).await?)
            }
            (None, Login::Basic(basic)) if takes_password => basic.clone(),
            (None, Login::None | Login::Basic(_) | Login::Refresh(_)) => return Ok(None),
        };
        let mut value = HeaderValue::try_from(value).map_err(|_| "its token can't be sent".to_owned())?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    async fn token(&self, realm: &Realm, scope: &str, login: &Login) -> Result<String, String> {
        if self.base.scheme() == "https" && realm.url.scheme() != "https" {
            return Err(format!(
                "its tokens are at {}, which is not protected as the registry is",
                realm.url
            ));
        }
        let mut fields = vec![("scope", scope)];
        fields.extend(realm.service.as_deref().map(|service| ("service", service)));
        let mut url = realm.url.clone();
        let mut form = None;
        if let Login::Refresh(token) = login {
            let more = [
                ("grant_type", "refresh_token"),
                ("client_id", "wharf"),
                ("refresh_token", token),
            ];
            let mut text = url::form_urlencoded::Serializer::new(String::new());
            form = Some(text.extend_pairs(fields).extend_pairs(more).finish());
        } else {
            url.query_pairs_mut().extend_pairs(fields);
        }
        let request = |client: &Client, url: Url| {
            // A login is for whom the registry names, and not for where that redirects to.
            let is_named = url.origin() == realm.url.origin();
            match (login, &form) {
                (Login::Refresh(_), Some(form)) if is_named => client
                    .post(url)
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(form.clone()),
                (Login::Basic(basic), _) if is_named => client.get(url).header(AUTHORIZATION, basic),
                (Login::None | Login::Basic(_) | Login::Refresh(_), _) => client.get(url),
            }
        };
        let failed = |why: String| format!("its token can't be had: {why}");
        let answer = self.web.ask(url, request).await.map_err(failed)?;
        let bytes = body(answer, MAX_TOKEN).await.map_err(failed)?;
        let token: Option<Token> = serde_json::from_slice(&bytes).ok();
        let token = token.and_then(|token| token.token.or(token.access_token));
        token.ok_or_else(|| failed("the answer holds none".to_owned()))
    }
}

/// Who gives out tokens, and whether a password is taken directly.
fn challenge(answer: &Response) -> Result<(Option<Realm>, bool), String> {
    let mut takes_password = false;
    for header in answer.headers().get_all(WWW_AUTHENTICATE) {
        let text = header.to_str().unwrap_or_default();
        for challenge in parse_challenges(text).unwrap_or_default() {
            takes_password |= challenge.scheme.eq_ignore_ascii_case("basic");
            if !challenge.scheme.eq_ignore_ascii_case("bearer") {
                continue;
            }
            let param = |name: &str| {
                let found = challenge
                    .params
                    .iter()
                    .find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.to_unescaped())
            };
            let Some(realm) = param("realm") else { continue };
            let url = Url::parse(&realm);
            let url =
                url.map_err(|error| format!("its tokens are at {realm:?}, which can't be read: {error}"))?;
            let service = param("service");
            return Ok((Some(Realm { url, service }), takes_password));
        }
    }
    Ok((None, takes_password))
}
