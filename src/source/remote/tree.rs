//! One folder of a repository at one revision, for a build; fetched without its history and without a login.

use std::fs;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gix::bstr::ByteSlice as _;
use gix::protocol::transport::client::blocking_io::http;
use gix::remote::fetch::{Shallow, Tags};
use gix::remote::{Direction, ref_map};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::fetch::text;
use crate::document::Content;
use crate::lock::{BuildPaths, MAX_CONTENT};
use crate::model::ContextFile;
use crate::source::commit::Repository;
use crate::source::fetch::Reach;
use crate::source::use_ring;

/// Where what was asked for is fetched to.
const OWN: &str = "refs/wharf";
/// The longest that one answer may take.
const ANSWER: Duration = Duration::from_secs(90);

/// What to fetch, and where to put it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TreeOrder {
    /// The repository's address.
    pub remote: String,
    /// Branch, tag or commit; the default branch where there is none.
    pub revision: Option<String>,
    /// The folder; empty for everything.
    pub context: String,
    /// The Containerfile, which may be elsewhere in the repository.
    pub containerfile: String,
    /// Hosts that may be asked though their addresses are not public.
    pub private: Vec<String>,
    /// An empty directory, in which [`ARCHIVE`] and [`COMMIT`] will be.
    pub scratch: PathBuf,
}

/// The archive, in an order's directory.
pub const ARCHIVE: &str = "context.tar";
/// The commit's id, in an order's directory.
pub const COMMIT: &str = "commit";

/// Fetches it.
///
/// # Errors
/// What happened, in words.
pub(super) fn tree(order: &TreeOrder) -> Result<(), String> {
    use_ring();
    let own = order.scratch.join("repository");
    receive(order, &own)?;
    let repository = Repository::required(&own).map_err(text)?;
    let commit = ["branch", "tag", "commit"]
        .iter()
        .find_map(|name| repository.find(&format!("{OWN}/{name}")).ok());
    let revision = order.revision.as_deref().unwrap_or("HEAD");
    let commit = commit.ok_or_else(|| format!("it has no branch, tag or commit {revision}"))?;
    let paths = BuildPaths {
        context: order.context.clone(),
        containerfile: order.containerfile.clone(),
    };
    let wanted = |path: &str| paths.in_context(path).is_some();
    let found = repository.files(&commit, &wanted, &|_| MAX_CONTENT as u64);
    let mut files = Vec::new();
    for (path, file) in found.map_err(text)?.0 {
        let why = match file.content {
            Content::Bytes(content) => {
                files.push(ContextFile {
                    path,
                    executable: file.executable,
                    content,
                });
                continue;
            }
            Content::TooLarge(bytes) => format!("it has {bytes} bytes"),
            Content::OutsideLink(target) => format!("it is a link to {target}, which is no file of it"),
            Content::Unreadable(why) => why,
        };
        return Err(format!("its file {path} can't be used: {why}"));
    }
    let archive = paths
        .pack(files)
        .map_err(|why| format!("commit {commit}: {why}"))?;
    fs::write(order.scratch.join(ARCHIVE), archive).map_err(text)?;
    fs::write(order.scratch.join(COMMIT), commit.to_string()).map_err(text)
}

fn receive(order: &TreeOrder, own: &PathBuf) -> Result<(), String> {
    let hosts = order.private.iter().map(|host| Host::parse(host));
    let reach = Reach::new(hosts.collect::<Result<Vec<_>, _>>().map_err(text)?);
    reach.check(&Url::parse(&order.remote).map_err(text)?)?;
    gix::init_bare(own).map_err(text)?;
    let settings = [
        "protocol.allow=never",
        "protocol.https.allow=always",
        "protocol.http.allow=always",
    ];
    let options = gix::open::Options::isolated().config_overrides(settings);
    let repository = gix::open_opts(own, options).map_err(text)?;
    let url = gix::url::parse(order.remote.as_bytes().as_bstr()).map_err(text)?;
    let remote = repository.remote_at(url).map_err(text)?;
    let specs = specs(order.revision.as_deref());
    let remote = remote
        .with_refspecs(specs.iter().map(String::as_str), Direction::Fetch)
        .map_err(text)?
        .with_fetch_tags(Tags::None);
    let connection = remote.connect(Direction::Fetch).map_err(text)?;
    let connection = connection
        .with_credentials(|_| Ok(None))
        .with_transport_options(Box::new(transport(reach)));
    let prepared = connection.prepare_fetch(gix::progress::Discard, ref_map::Options::default());
    let prepared = prepared.map_err(|error| no_git(text(error)))?;
    let never = AtomicBool::new(false);
    prepared
        .with_shallow(Shallow::DepthAtRemote(NonZeroU32::MIN))
        .receive(gix::progress::Discard, &never)
        .map_err(text)?;
    Ok(())
}

/// What is said of an answer that is none of git's: of a redirect, for one, which is not followed.
fn no_git(why: String) -> String {
    match why.contains("x-git-upload-pack-advertisement") {
        true => "there is no git repository, or it redirects; name where it leads to".to_owned(),
        false => why,
    }
}

/// What to fetch for a revision: a commit by its id, or what has that name.
fn specs(revision: Option<&str>) -> Vec<String> {
    match revision {
        None => vec![format!("+HEAD:{OWN}/branch")],
        Some(id) if id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit()) => {
            vec![format!("+{}:{OWN}/commit", id.to_ascii_lowercase())]
        }
        Some(name) if name.starts_with("refs/") => vec![format!("+{name}:{OWN}/branch")],
        Some(name) => vec![
            format!("+refs/heads/{name}:{OWN}/branch"),
            format!("+refs/tags/{name}:{OWN}/tag"),
        ],
    }
}

/// A client that asks only where `reach` lets it, and follows no redirect: those are not checked.
fn transport(reach: Reach) -> http::Options {
    let reach = Arc::new(reach);
    let backend = http::reqwest::Options {
        configure_client: Some(Box::new(move |builder| {
            Ok(builder
                .dns_resolver(Arc::clone(&reach))
                .no_proxy()
                .timeout(ANSWER))
        })),
        configure_request: None,
    };
    http::Options {
        follow_redirects: http::options::FollowRedirects::None,
        user_agent: Some(concat!("wharf/", env!("CARGO_PKG_VERSION")).to_owned()),
        backend: Some(Arc::new(Mutex::new(backend))),
        ..http::Options::default()
    }
}
