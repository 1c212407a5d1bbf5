//! The devfiles of a public registry, as they are, on real Podman: each becomes a workspace whose images the Site maps to
//! the demo's, its post-start commands pass, and a command of each is run.
//!
//! `make conformance` runs it and says where the devfiles are, in `WHARF_CORPUS`; it is no part of `cargo test`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout
)] // a test that runs binaries on real Podman

#[path = "support/client.rs"]
mod client;
#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/labelled.rs"]
mod labelled;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/site.rs"]
mod site;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;
use site::{Site, wharf};
use wharf::document;

const FOLDER: &str = "devfile+registry/";

/// A devfile of the registry: the name of its workspace, its text, its images, and one of its commands.
struct Entry {
    name: String,
    text: String,
    images: Vec<String>,
    command: Option<String>,
}

fn entries() -> Vec<Entry> {
    let corpus = PathBuf::from(std::env::var_os("WHARF_CORPUS").expect("WHARF_CORPUS names the corpus"));
    let rows = corpus::rows(&corpus).into_iter();
    let valid = rows.filter(|row| row.expected == "VALID" && row.path.starts_with(FOLDER));
    valid.filter_map(|row| entry(&corpus, &row.path)).collect()
}

/// Nothing for what has no container to run in.
fn entry(corpus: &std::path::Path, path: &str) -> Option<Entry> {
    let text = std::fs::read_to_string(corpus.join("corpus").join(path)).unwrap();
    let (documents, _) = document::parse(path, text.as_bytes());
    let devfile = documents[0].root.to_json();
    let items = |key: &str| devfile[key].as_array().cloned().unwrap_or_default();
    let images: Vec<String> = items("components")
        .iter()
        .filter_map(|component| component["container"]["image"].as_str().map(str::to_owned))
        .collect();
    let command = items("commands")
        .iter()
        .find(|command| command["exec"].is_object())
        .cloned();
    let name = path
        .strip_prefix(FOLDER)
        .unwrap()
        .trim_end_matches("devfile.yaml");
    let name = name.trim_start_matches("stacks/").replace(['/', '.'], "-");
    let name = name.trim_matches('-').to_owned();
    (!images.is_empty()).then(|| Entry {
        name: if name.is_empty() { "own".to_owned() } else { name },
        text,
        images,
        command: command.map(|command| command["id"].as_str().unwrap().to_owned()),
    })
}

fn main() {
    let demo = std::env::var("WHARF_TEST_GIT_IMAGE").unwrap_or_else(|_| "localhost/wharf-demo:1".to_owned());
    let entries = entries();
    assert!(entries.len() > 20, "only {} devfiles", entries.len());
    let site = Site::new("registry");
    let images: BTreeSet<&String> = entries.iter().flat_map(|entry| &entry.images).collect();
    let map: String = images
        .iter()
        .map(|image| format!("    '{image}': '{demo}'\n"))
        .collect();
    // They are not all used at the same time, and their limits add up to more than any machine has.
    site.site(&format!(
        "  policy: {{promisedMemory: 10000}}\n  imageMap:\n{map}"
    ));
    site.write("classes.yaml", "apiVersion: wharf/v1\nkind: Class\nmetadata: {name: small}\nspec: {cpu: \"4\", memory: 8Gi, pids: 200}\n");
    for entry in &entries {
        site.write(&format!("devfiles/{}.yaml", entry.name), &entry.text);
        let manifest = format!(
            "apiVersion: wharf/v1\nkind: Workspace\nmetadata: {{name: {0}}}\nspec: {{owner: alice, devfile: {{path: devfiles/{0}.yaml}}}}\n",
            entry.name
        );
        site.write(&format!("workspaces/{}.yaml", entry.name), &manifest);
    }
    site.apply();
    site.converged();
    let status: Value = serde_json::from_str(&site.ok(&["status", "-o", "json"])).unwrap();
    let running = status["workspaces"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|w| w["state"] == "running");
    assert_eq!(running.count(), entries.len(), "{status}");
    let ran = entries.iter().filter(|entry| runs(&site, entry)).count();
    let have = entries.iter().filter(|entry| entry.command.is_some()).count();
    assert!(ran == have && ran > 20, "{ran} of {have}");
    println!(
        "{} devfiles of the registry run, a command of {ran} of them was executed",
        entries.len()
    );
    println!("{} passed, 0 failed", entries.len());
}

/// Runs a command. The image is another one, so it may not find its program; that is the container's answer then.
fn runs(site: &Site, entry: &Entry) -> bool {
    let Some(command) = &entry.command else {
        return false;
    };
    let output = wharf()
        .args(["run", &format!("alice/{}", entry.name), command])
        .current_dir(site.dir())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code().unwrap();
    // Warnings of the repository come first; an error of wharf's own would follow them.
    let own = said.lines().any(|line| line.starts_with("error: "));
    assert!(!own, "{}: {command}: {code}: {said}", entry.name);
    println!("{}: {command}: exit code {code}", entry.name);
    true
}
