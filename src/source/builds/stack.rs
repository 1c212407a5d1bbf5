//! The files of a stack in a devfile registry.
//!
//! The registry's index says where a stack is: `devfile-catalog/NAME:VERSION` of the OCI registry at the same address, whose
//! layers are the stack's files; those beside the devfile are in one of them, a compressed archive.
//! Protocols: <https://github.com/devfile/registry-support> and <https://distribution.github.io/distribution/spec/api/>.

use std::io::Read as _;
use std::sync::Arc;

use reqwest::header::ACCEPT;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use url::{Host, Url};

use crate::document::parse::MAX_BYTES;
use crate::lock::{BuildContent, BuildPaths, MAX_CONTENT};
use crate::model::ContextFile;
use crate::model::context::unpack;
use crate::source::fetch::{Web, body};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The layer with the files beside the devfile.
const ARCHIVE: &str = "archive.tar";
/// How a compressed file begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

#[derive(Deserialize)]
struct Stack {
    name: String,
    links: Links,
}

#[derive(Deserialize)]
struct Links {
    #[serde(rename = "self")]
    own: String,
}

#[derive(Deserialize)]
struct Manifest {
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    digest: String,
    #[serde(default)]
    annotations: Annotations,
}

#[derive(Default, Deserialize)]
struct Annotations {
    #[serde(rename = "org.opencontainers.image.title", default)]
    title: String,
}

/// The files of a stack that a build uses.
pub(super) async fn context(
    registry: &Url,
    id: &str,
    paths: &BuildPaths,
    private: Vec<Host>,
) -> Result<BuildContent, String> {
    let web = Web::new(private)?;
    let stacks: Vec<Stack> = json(&web, within(registry, "index")?, "*/*").await?;
    let stack = stacks.into_iter().find(|stack| stack.name == id);
    let stack = stack.ok_or_else(|| format!("the registry has no stack {id}"))?;
    let (name, version) = (stack.links.own.rsplit_once(':')).ok_or_else(|| {
        format!(
            "the registry has {id} at {:?}, which is no image",
            stack.links.own
        )
    })?;
    let manifest = within(registry, &format!("v2/{name}/manifests/{version}"))?;
    let manifest: Manifest = json(&web, manifest, MANIFEST).await?;
    let mut files = Vec::new();
    let mut left = MAX_CONTENT;
    for layer in &manifest.layers {
        let title = layer.annotations.title.as_str();
        if title != ARCHIVE && paths.in_context(title).is_none() {
            continue;
        }
        let url = within(registry, &format!("v2/{name}/blobs/{}", layer.digest))?;
        let bytes = get(&web, url, "*/*", left).await?;
        left -= bytes.len();
        let digits: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if layer.digest != format!("sha256:{digits}") {
            return Err(format!("its layer {} is not what its digest says", layer.digest));
        }
        if title == ARCHIVE {
            let plain = plain(bytes, left)?;
            left -= plain.len();
            files.extend(unpack(&plain)?);
        } else {
            files.push(ContextFile {
                path: title.to_owned(),
                executable: false,
                content: bytes.into(),
            });
        }
    }
    let archive = paths.pack(files);
    let archive = archive.map_err(|why| format!("its version {version}: {why}"))?;
    Ok(BuildContent {
        commit: None,
        bytes: Arc::from(archive),
    })
}

/// An address below the registry's.
fn within(registry: &Url, path: &str) -> Result<Url, String> {
    let mut url = registry.clone();
    url.path_segments_mut()
        .map_err(|()| format!("{registry} is no address of a registry"))?
        .pop_if_empty()
        .extend(path.split('/'));
    Ok(url)
}

async fn json<T: serde::de::DeserializeOwned>(web: &Web, url: Url, accept: &str) -> Result<T, String> {
    let bytes = get(web, url.clone(), accept, MAX_BYTES).await?;
    serde_json::from_slice(&bytes).map_err(|error| format!("{url} can't be read: {error}"))
}

async fn get(web: &Web, url: Url, accept: &str, most: usize) -> Result<Vec<u8>, String> {
    let request = |client: &reqwest::Client, url| client.get(url).header(ACCEPT, accept);
    let at = |why: String| format!("{url}: {why}");
    let response = web.ask(url.clone(), request).await.map_err(at)?;
    body(response, most).await.map_err(at)
}

/// What was compressed, or is not; at most so many bytes.
fn plain(bytes: Vec<u8>, most: usize) -> Result<Vec<u8>, String> {
    if !bytes.starts_with(&GZIP) {
        return Ok(bytes);
    }
    let mut plain = Vec::new();
    let read = flate2::read::GzDecoder::new(bytes.as_slice())
        .take(most as u64 + 1)
        .read_to_end(&mut plain);
    read.map_err(|error| format!("its archive can't be read: {error}"))?;
    match plain.len() > most {
        true => Err(format!("it has more than {MAX_CONTENT} bytes")),
        false => Ok(plain),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&[0; 10_000]).unwrap();
        let packed = packed.finish().unwrap();
        assert!(packed.len() < 1000);
        assert_eq!(plain(packed.clone(), 10_000).unwrap().len(), 10_000);
        assert!(plain(packed, 9_999).unwrap_err().contains("more than"));
    }
}
