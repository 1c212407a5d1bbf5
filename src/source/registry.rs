//! Images' digests, asked of their registries: what `wharf lock` pins. Nothing is pulled.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use docker_credential::DockerCredential;
use futures_util::StreamExt as _;
use oci_client::Reference;
use oci_client::client::{Client, ClientConfig, ClientProtocol};
use oci_client::secrets::RegistryAuth;

use crate::model::reference::is_loopback;

/// The longest that one registry may take for one image.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many are asked at a time.
const AT_ONCE: usize = 8;

/// The digest of each image, or why it can't be had.
pub async fn digests(references: BTreeSet<String>) -> BTreeMap<String, Result<String, String>> {
    super::fetch::use_ring();
    let ask = |reference: String| async move {
        let digest = match tokio::time::timeout(TIMEOUT, digest(&reference)).await {
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

async fn digest(text: &str) -> Result<String, String> {
    let reference: Reference = text
        .parse()
        .map_err(|error| format!("the reference can't be read: {error}"))?;
    let registry = reference.resolve_registry();
    let config = ClientConfig {
        protocol: if is_loopback(registry) {
            ClientProtocol::HttpsExcept(vec![registry.to_owned()])
        } else {
            ClientProtocol::Https
        },
        user_agent: concat!("wharf/", env!("CARGO_PKG_VERSION")),
        ..ClientConfig::default()
    };
    let client = Client::try_from(config).map_err(|error| error.to_string())?;
    let login = login(reference.registry());
    tracing::debug!(reference = text, "digest");
    let digest = client.fetch_manifest_digest(&reference, &login).await;
    digest.map_err(|error| super::fetch::why(&error))
}

/// What `podman login` or `docker login` left.
fn login(registry: &str) -> RegistryAuth {
    let found = docker_credential::get_podman_credential(registry)
        .or_else(|_| docker_credential::get_credential(registry));
    match found {
        Ok(DockerCredential::UsernamePassword(user, password)) => RegistryAuth::Basic(user, password),
        Ok(DockerCredential::IdentityToken(token)) => RegistryAuth::Bearer(token),
        Err(_) => RegistryAuth::Anonymous, // most registries give digests to anyone
    }
}
