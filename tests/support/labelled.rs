//! What carries a label on the real Podman, of every kind, and its removal: how tests clean up. Through the API, because
//! the podman client takes seconds a call on an emulated machine.

#![allow(dead_code)] // each test binary uses a part of it

use hyper::Method;
use serde_json::Value;

use super::raw::Raw;

/// A kind: how it is listed, what addresses an object of it, how that is removed.
struct Kind {
    listing: &'static str,
    address: &'static str,
    path: &'static str,
    how: &'static str,
}

const fn kind(listing: &'static str, address: &'static str, path: &'static str, how: &'static str) -> Kind {
    Kind {
        listing,
        address,
        path,
        how,
    }
}

/// Every kind, from what uses to what is used.
const KINDS: [Kind; 5] = [
    kind("pods/json?", "Id", "pods/", "?force=true&timeout=0"),
    kind(
        "containers/json?all=true&",
        "Id",
        "containers/",
        "?force=true&timeout=0",
    ),
    kind("networks/json?", "name", "networks/", "?force=true"),
    kind("volumes/json?", "Name", "volumes/", "?force=true"),
    kind("images/json?", "Id", "images/", "?force=true"),
];

/// Something that was found: what addresses it, how it is removed, what it is called.
struct Found {
    path: String,
    how: &'static str,
    name: String,
}

/// How often removal is begun again: on a busy machine Podman 4.3 stumbles over mounts that the kernel lets go of a
/// moment later.
const ATTEMPTS: usize = 3;

/// Everything with that label, `key=value`: path and name of each, sorted.
pub(crate) fn labelled(label: &str) -> Vec<String> {
    let label = label.to_owned();
    let found = apart(async move { list(&mut Raw::connect().await, &label).await });
    let found = found.expect("Podman's service answers");
    let mut all: Vec<String> = found.iter().map(|f| format!("{} {}", f.path, f.name)).collect();
    // Podman lists networks in any order.
    all.sort();
    all
}

/// Removes everything with that label.
pub(crate) fn remove_labelled(label: &str) {
    let label = label.to_owned();
    let removed = apart(async move {
        let mut raw = Raw::connect().await;
        for _ in 0..ATTEMPTS {
            let found = list(&mut raw, &label).await;
            if found.is_empty() {
                return;
            }
            for Found { path, how, .. } in found {
                // What went with something else is not there any more; what stays is tried again.
                raw.try_call(Method::DELETE, &(path + how), None).await;
            }
        }
    });
    // A second panic would hide what the first one said.
    assert!(
        removed.is_ok() || std::thread::panicking(),
        "Podman's service answers"
    );
}

async fn list(raw: &mut Raw, label: &str) -> Vec<Found> {
    let mut all = Vec::new();
    // `{"label":["key=value"]}`, percent-encoded.
    let filter = format!(
        "filters=%7B%22label%22%3A%5B%22{}%22%5D%7D",
        label.replace('=', "%3D")
    );
    for kind in &KINDS {
        // A listing fails where somebody removes one of its objects meanwhile.
        let path = format!("{}{filter}", kind.listing);
        let (status, answer) = raw.try_call(Method::GET, &path, None).await;
        let objects: Vec<Value> = match status {
            200 => serde_json::from_slice(&answer).unwrap_or_default(),
            _ => Vec::new(),
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        all.extend(objects.iter().filter_map(|object| {
            let names = [&object["Name"], &object["name"], &object["Names"][0]];
            Some(Found {
                path: format!("{}{}", kind.path, text(&object[kind.address])?),
                how: kind.how,
                name: names.into_iter().find_map(text).unwrap_or_default(),
            })
        }));
    }
    all
}

/// Runs it on a thread of its own: whoever calls may be within a runtime, or in the middle of a panic.
fn apart<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> std::thread::Result<T> {
    let run = || tokio::runtime::Runtime::new().unwrap().block_on(work);
    std::thread::spawn(run).join()
}
