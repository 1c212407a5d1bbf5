//! A machine is lost and comes back, by the steps of `docs/operating.md`, on real Podman.

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

use std::path::Path;
use std::process::Command;

use site::{Site, image};

/// The client without a service, as on the machine itself: an archive of a volume comes through no socket.
fn local(arguments: &[&str]) {
    let mut command = Command::new("podman");
    let output = command.args(arguments).env_remove("CONTAINER_HOST").output();
    let output = output.unwrap();
    assert!(output.status.success(), "podman {arguments:?}: {output:?}");
}

/// The volumes with data that `wharf volume list` names.
fn volumes(site: &Site) -> Vec<String> {
    let listed: serde_json::Value =
        serde_json::from_str(&site.ok(&["volume", "list", "-o", "json"])).unwrap();
    let names = listed.as_array().unwrap().iter();
    names.map(|v| v["volume"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_lost_machine_is_back_from_the_repository_and_its_exported_volumes() {
    let site = Site::new("recovery");
    let devfile = format!(
        "schemaVersion: 2.2.2\ncomponents:\n  - name: tools\n    container: {{image: {}}}\n",
        image()
    );
    let declare = |web: &str| {
        site.workspace("alice", "api", "  power: auto\n", &devfile);
        site.workspace("alice", "web", &format!("  power: {web}\n"), &devfile);
    };
    declare("on");
    site.commit("two workspaces");
    site.apply();
    let write = "umask 077; echo mine > /projects/file; echo set > $HOME/.profile; chmod 750 /projects/file";
    site.shell("alice/api", write);
    let seen = "stat -c '%a %u:%g %Y' /projects/file; cat /projects/file $HOME/.profile";
    let before = site.shell("alice/api", seen);

    let backup = tempfile::tempdir().unwrap();
    let archive = |volume: &str| format!("{}/{volume}.tar", backup.path().display());
    let kept = volumes(&site);
    assert_eq!(kept.len(), 4, "{kept:?}");
    for volume in &kept {
        local(&["volume", "export", "--output", &archive(volume), volume]);
    }

    labelled::remove_labelled(&format!("dev.wharf.site={}", site.name));
    assert!(site.left().is_empty());
    site.apply();
    assert_eq!(
        site.shell("alice/api", "ls /projects"),
        "",
        "its volumes are empty"
    );
    site.ok(&["stop", "alice/api"]);
    declare("off");
    site.apply();
    for volume in &kept {
        assert!(Path::new(&archive(volume)).exists());
        local(&["volume", "import", volume, &archive(volume)]);
    }
    site.ok(&["start", "alice/api"]);
    declare("on");
    site.apply();
    assert_eq!(site.shell("alice/api", seen), before);
    site.shell("alice/api", "echo more >> /projects/file && touch $HOME/new");
    site.converged();
}
