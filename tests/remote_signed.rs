//! Signed commits: only what one of the allowed keys has signed is taken over, by SSH or OpenPGP, and the keys come from
//! beside the repository.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test with processes

#[path = "support/place.rs"]
mod place;
#[path = "support/remote.rs"]
mod remote;

use std::path::Path;

use remote::{Daemon, Lab};

/// An SSH key, and the line that allows it.
fn ssh_key(lab: &Lab, name: &str) -> String {
    let file = lab.path(name);
    let file = file.to_str().unwrap();
    lab.run(
        "ssh-keygen",
        &["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file],
    );
    let public = std::fs::read_to_string(format!("{file}.pub")).unwrap();
    format!("{name}@example.org {public}")
}

/// Declares, commits with these settings of git, and pushes; the commit.
fn signed(lab: &Lab, workspaces: &[&str], settings: &[&str]) -> String {
    lab.declare("", workspaces);
    lab.git(&["add", "-A"]);
    let settings: Vec<&str> = settings.iter().flat_map(|setting| ["-c", setting]).collect();
    lab.git(
        &[
            &settings[..],
            &["commit", "-q", "--allow-empty", "-S", "-m", "signed"],
        ]
        .concat(),
    );
    lab.push();
    lab.git(&["rev-parse", "HEAD"])
}

fn with_ssh(lab: &Lab, workspaces: &[&str], key: &str) -> String {
    let key = format!("user.signingkey={}", lab.path(key).display());
    signed(lab, workspaces, &["gpg.format=ssh", &key])
}

/// What a commit that is not accepted leaves behind: everything as it was.
fn refused(lab: &Lab, daemon: &Daemon<'_>, commit: &str, why: &str) {
    let said = daemon.stuck();
    assert!(said.contains(commit) && said.contains(why), "{why}: {said}");
    assert_eq!(lab.running(), ["api"]);
}

#[test]
fn only_commits_that_an_allowed_ssh_key_has_signed_are_taken_over() {
    let lab = Lab::new();
    let (alice, mallory) = (ssh_key(&lab, "alice"), ssh_key(&lab, "mallory"));
    let allowed = lab.file("allowed", &alice, 0o644);
    let url = lab.url();
    let arguments = [url.as_str(), "--allowed-signers", &allowed, "--interval", "86400"];
    let first = with_ssh(&lab, &["api"], "alice");
    let daemon = lab.start(&arguments);
    daemon.says(&format!("applied commit=\"{first}\""));

    refused(&lab, &daemon, &lab.publish(&["web"]), "it is not signed");
    let other = with_ssh(&lab, &["web"], "mallory");
    refused(&lab, &daemon, &other, "a key that is not allowed");
    // A commit does not bring the keys that it is admitted by, wherever it puts them.
    lab.write(Path::new("allowed"), &mallory);
    lab.write(Path::new(".wharf/allowed_signers"), &mallory);
    let own = with_ssh(&lab, &["web"], "mallory");
    refused(&lab, &daemon, &own, "a key that is not allowed");
    // A signature that was made for another commit.
    let broken = lab
        .git(&["cat-file", "commit", &first])
        .replace("signed", "forged");
    lab.write(Path::new("../forged"), &format!("{broken}\n"));
    let forged = lab.git(&["hash-object", "-t", "commit", "-w", "../forged"]);
    lab.git(&[
        "push",
        "-q",
        "--force",
        "origin",
        &format!("{forged}:refs/heads/main"),
    ]);
    let said = daemon.stuck();
    assert!(said.contains(&forged) && said.contains("signature"), "{said}");
    daemon.stop();

    // After a restart the same commit is in force, and a good one that follows it is taken over.
    let daemon = lab.start(&arguments);
    daemon.says("as it was in force before");
    let last = with_ssh(&lab, &["api", "web"], "alice");
    daemon.synced();
    assert_eq!(
        (lab.running().len(), daemon.status()["applied"].as_str()),
        (2, Some(last.as_str()))
    );

    // A key that is allowed no longer.
    lab.file("allowed", &mallory, 0o644);
    with_ssh(&lab, &["api"], "alice");
    assert!(daemon.stuck().contains("a key that is not allowed"));
    assert_eq!(lab.running(), ["api", "web"]);
}

#[test]
fn only_commits_that_an_allowed_openpgp_key_has_signed_are_taken_over() {
    let lab = Lab::new();
    // A socket's path is short.
    let home = tempfile::tempdir_in("/tmp").unwrap();
    let home = home.path().to_str().unwrap();
    let silent = [
        "--homedir",
        home,
        "--batch",
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "",
    ];
    let gpg = |arguments: &[&str]| lab.run("gpg", &[&silent[..], arguments].concat());
    let mut keys = Vec::new();
    for who in ["alice", "mallory"] {
        gpg(&[
            "--quick-gen-key",
            &format!("{who}@example.org"),
            "ed25519",
            "sign",
            "never",
        ]);
        keys.push(gpg(&["--armor", "--export", &format!("{who}@example.org")]));
    }
    let program = lab.file(
        "gpg",
        &format!("#!/bin/sh\nexec gpg --homedir {home} \"$@\"\n"),
        0o755,
    );
    let program = format!("gpg.program={program}");
    let with_gpg = |workspaces: &[&str], who: &str| {
        signed(
            &lab,
            workspaces,
            &[&program, &format!("user.signingkey={who}@example.org")],
        )
    };
    let allowed = lab.file("allowed.asc", &keys[0], 0o644);
    let first = with_gpg(&["api"], "alice");
    let daemon = lab.start(&[&lab.url(), "--allowed-pgp-keys", &allowed, "--interval", "86400"]);
    daemon.says(&format!("applied commit=\"{first}\""));

    refused(&lab, &daemon, &lab.publish(&["web"]), "it is not signed");
    refused(
        &lab,
        &daemon,
        &with_gpg(&["web"], "mallory"),
        "a key that is not allowed",
    );
    ssh_key(&lab, "ssh");
    refused(&lab, &daemon, &with_ssh(&lab, &["web"], "ssh"), "a key of SSH");
    with_gpg(&["api", "web"], "alice");
    daemon.synced();
    assert_eq!(lab.running(), ["api", "web"]);
    let _ = lab
        .command("gpgconf")
        .args(["--homedir", home, "--kill", "all"])
        .output();
}

#[test]
fn a_commit_that_is_refused_is_judged_once_until_the_keys_change() {
    let lab = Lab::new();
    let (alice, mallory) = (ssh_key(&lab, "alice"), ssh_key(&lab, "mallory"));
    let allowed = lab.file("allowed", &alice, 0o644);
    // One that counts how often it is asked, before it does what it is for.
    let real = lab.run("sh", &["-c", "command -v ssh-keygen"]);
    let counter = lab.path("asked");
    std::fs::write(&counter, "").unwrap();
    std::fs::create_dir(lab.path("bin")).unwrap();
    let script = format!("#!/bin/sh\necho >> '{}'\nexec {real} \"$@\"\n", counter.display());
    lab.file("bin/ssh-keygen", &script, 0o755);
    let asked = || std::fs::metadata(&counter).unwrap().len();
    let path = format!("{}:{}", lab.path("bin").display(), std::env::var("PATH").unwrap());
    let first = with_ssh(&lab, &["api"], "alice");
    let url = lab.url();
    let arguments = [url.as_str(), "--allowed-signers", &allowed, "--interval", "86400"];
    let daemon = Daemon::start(&lab, &arguments, &[("PATH", &path)]);
    daemon.says(&format!("applied commit=\"{first}\""));

    let other = with_ssh(&lab, &["web"], "mallory");
    refused(&lab, &daemon, &other, "a key that is not allowed");
    let before = asked();
    assert!(before > 0);
    for _ in 0..3 {
        refused(&lab, &daemon, &other, "a key that is not allowed");
    }
    assert_eq!(asked(), before, "nothing could be found but the same");
    lab.file("allowed", &format!("{alice}{mallory}"), 0o644);
    daemon.synced();
    assert!(asked() > before);
    assert_eq!(lab.running(), ["web"]);
}
