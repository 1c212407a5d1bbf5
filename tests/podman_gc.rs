//! `wharf gc` on real Podman: built images go once nothing uses them, retained volumes with the digest of their list.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test may panic and reach out

#[path = "support/client.rs"]
mod client;
#[path = "support/labelled.rs"]
mod labelled;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/site.rs"]
mod site;

use client::{podman, try_podman};
use serde_json::Value;
use site::{Site, image};

/// A workspace with an image of its own, built from `line`.
fn own_image(site: &Site, line: &str) {
    // The site's name makes the image this run's own.
    let text = format!("FROM {}\nRUN echo {} {line} > /tmp/word\n", image(), site.name);
    site.write("images/Containerfile", &text);
    let devfile = "\
schemaVersion: 2.2.2
components:
  - name: tools
    container: {image: 'localhost/own:1'}
  - name: own
    image: {imageName: 'localhost/own:1', dockerfile: {uri: ../images/Containerfile, buildContext: ../images}}
";
    site.workspace("alice", "api", "", devfile);
}

/// A commit of 2024.
fn commit_long_ago(site: &Site, message: &str) {
    site.git(&["add", "-A"]);
    let status = std::process::Command::new("git")
        .args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            "commit",
            "-q",
            "-m",
            message,
        ])
        .env("GIT_COMMITTER_DATE", "2024-01-01T00:00:00Z")
        .current_dir(site.dir())
        .status();
    assert!(status.unwrap().success());
}

/// What `wharf gc` lists, as JSON.
fn listed(site: &Site, args: &[&str]) -> Value {
    serde_json::from_str(&site.ok(&[&["gc", "-o", "json"], args].concat())).unwrap()
}

fn objects(list: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().or(value["object"].as_str()).unwrap().to_owned();
    list.as_array().unwrap().iter().map(text).collect()
}

#[test]
fn a_built_image_goes_once_nothing_uses_it_and_its_base_stays() {
    let site = Site::new("gc-image");
    own_image(&site, "first");
    site.apply();
    let container = site.name("alice.api.tools");
    let built = || podman(&["inspect", "--format", "{{.ImageName}}", &container]);
    let first = built();
    assert_eq!(objects(&listed(&site, &["--dry-run"])["candidates"]), [""; 0]);
    own_image(&site, "second");
    site.apply();
    let second = built();
    assert_ne!(first, second);
    let list = listed(&site, &["--dry-run"]);
    assert_eq!(objects(&list["candidates"]), [format!("image/{first}")]);
    assert!(list["candidates"][0]["bytes"].as_u64().unwrap() > 0);
    assert_eq!(objects(&list["removed"]), [""; 0]);
    // Without a terminal nobody can be asked.
    assert_eq!(site.run(&["gc"]).status.code(), Some(1));
    assert!(try_podman(&["image", "exists", &first]).is_ok());
    // Somebody's container keeps it.
    let theirs = site.name("theirs");
    podman(&["create", "--name", &theirs, &first]);
    assert_eq!(objects(&listed(&site, &["--yes"])["candidates"]), [""; 0]);
    podman(&["rm", &theirs]);
    assert_eq!(
        objects(&listed(&site, &["--yes"])["removed"]),
        [format!("image/{first}")]
    );
    assert!(try_podman(&["image", "exists", &first]).is_err());
    for stays in [&second, &image()] {
        assert!(try_podman(&["image", "exists", stays]).is_ok(), "{stays}");
    }
    site.converged();
}

#[test]
fn retained_volumes_go_after_their_time_with_the_digest_of_their_list() {
    let site = Site::new("gc-data");
    site.plain("alice", "api", "one");
    site.plain("bob", "web", "one");
    site.commit("two workspaces");
    site.apply();
    site.shell("alice/api", "head -c 100000 /dev/zero > /home/user/work");
    site.remove("alice", "api");
    site.site("  policy: {retain: 30d}\n");
    commit_long_ago(&site, "without api");
    // Still there: what is not removed yet is not looked at.
    assert_eq!(objects(&listed(&site, &["--dry-run"])["candidates"]), [""; 0]);
    site.apply();
    let list = listed(&site, &["--yes"]);
    let volumes =
        ["home", "projects"].map(|part| format!("volume/{}", site.name(&format!("alice.api.{part}"))));
    assert_eq!(objects(&list["candidates"]), volumes);
    assert_eq!(objects(&list["removed"]), [""; 0]);
    let bytes = list["candidates"][0]["bytes"].as_u64().unwrap();
    assert!((100_000..200_000).contains(&bytes), "{bytes}");
    let digest = list["digest"].as_str().unwrap();
    assert_eq!(
        site.run(&["gc", "--yes", "--allow-data-loss", "0"]).status.code(),
        Some(1)
    );
    // Somebody looks into one of them meanwhile: that one stays, and gc says so.
    let (theirs, home) = (site.name("theirs"), site.name("alice.api.home"));
    podman(&[
        "create",
        "--name",
        &theirs,
        "-v",
        &format!("{home}:/data"),
        &image(),
    ]);
    let output = site.run(&["gc", "--yes", "--allow-data-loss", digest]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(&format!("volume/{home} stays")), "{said}");
    assert!(try_podman(&["volume", "exists", &home]).is_ok());
    podman(&["rm", &theirs]);
    let list = listed(&site, &["--dry-run"]);
    assert_eq!(objects(&list["candidates"]), [format!("volume/{home}")]);
    let digest = list["digest"].as_str().unwrap();
    assert_eq!(
        objects(&listed(&site, &["--yes", "--allow-data-loss", digest])["removed"]).len(),
        1
    );
    assert!(
        site.left().iter().all(|left| !left.contains("alice.api")),
        "{:?}",
        site.left()
    );
    site.converged();
}
