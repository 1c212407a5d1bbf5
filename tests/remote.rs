//! The daemon on a repository elsewhere: what is pushed there is applied, and whatever becomes of the repository, of its
//! history or of its mirror, nothing is removed and the last good commit stays in force.

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

use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;

use remote::Lab;

/// Fetches come when they are asked for.
const SELDOM: [&str; 2] = ["--interval", "86400"];

fn follow<'l>(lab: &'l Lab, more: &[&str]) -> remote::Daemon<'l> {
    let url = lab.url();
    let daemon = lab.start(&[&[url.as_str()][..], &SELDOM, more].concat());
    daemon.says("applied");
    daemon
}

#[test]
fn what_is_pushed_is_applied_whatever_the_branch_is_called_and_however_refs_are_kept() {
    let lab = Lab::new();
    let daemon = follow(&lab, &[]);
    assert_eq!(lab.running(), ["api"]);
    assert!(daemon.status()["fetchedAt"].as_u64().is_some());

    let second = lab.publish(&["api", "web"]);
    daemon.synced();
    assert_eq!(lab.running(), ["api", "web"]);
    assert_eq!(daemon.status()["applied"], second);

    lab.origin(&["branch", "-m", "main", "trunk"]);
    lab.origin(&["pack-refs", "--all"]);
    daemon.synced();
    // A branch makes room for another below its name.
    lab.origin(&["branch", "team", "trunk"]);
    daemon.synced();
    lab.origin(&["branch", "-m", "team", "team/lab"]);
    lab.declare("", &["web"]);
    let third = lab.commit("third");
    lab.git(&["push", "-q", "origin", "HEAD:refs/heads/trunk"]);
    lab.origin(&["pack-refs", "--all"]);
    daemon.synced();
    assert_eq!(
        (lab.running(), daemon.status()["applied"].as_str()),
        (vec!["web".to_owned()], Some(third.as_str()))
    );

    let refs = lab.git(&[
        "-C",
        lab.mirror().to_str().unwrap(),
        "for-each-ref",
        "--format=%(refname)",
    ]);
    assert_eq!(
        refs, "refs/heads/team/lab\nrefs/heads/trunk",
        "what is gone there is gone here"
    );
    assert!(!daemon.stop().contains("ERROR"));
}

#[test]
fn it_is_fetched_from_time_to_time_without_being_asked() {
    let lab = Lab::new();
    let daemon = lab.start(&[&lab.url(), "--interval", "1"]);
    daemon.says("applied");
    let second = lab.publish(&["api", "web"]);
    daemon.says(&format!("applied commit=\"{second}\""));
    assert_eq!(lab.running(), ["api", "web"]);
}

#[test]
fn a_tag_and_a_folder_are_followed() {
    let lab = Lab::new();
    lab.git(&["rm", "-q", "wharf.yaml"]);
    lab.declare("sites/lab", &["db"]);
    let first = lab.commit("moved");
    lab.git(&["tag", "-a", "-m", "one", "v1"]);
    lab.declare("sites/lab", &["db", "web"]);
    let second = lab.commit("second");
    lab.push();
    lab.git(&["push", "-q", "origin", "v1"]);
    let daemon = follow(&lab, &["--rev", "v1", "--path", "sites/lab/"]);
    assert_eq!(
        (lab.running(), daemon.status()["applied"].as_str()),
        (vec!["db".to_owned()], Some(first.as_str()))
    );
    lab.git(&["tag", "-f", "v1", "HEAD"]);
    lab.git(&["push", "-q", "--force", "origin", "v1"]);
    daemon.synced();
    assert_eq!(
        (lab.running().len(), daemon.status()["applied"].as_str()),
        (2, Some(second.as_str()))
    );
    daemon.stop();

    // The same of a repository that is here, checked out elsewhere or not at all.
    let bare = lab.path("origin.git");
    let daemon = lab.start(&[bare.to_str().unwrap(), "--path", "sites/lab"]);
    daemon.says("applied");
    lab.declare("sites/lab", &["web"]);
    let third = lab.commit("third");
    lab.push();
    daemon.says(&format!("applied commit=\"{third}\""));
    assert_eq!(lab.running(), ["web"]);
    lab.git(&["rm", "-q", "-r", "sites"]);
    lab.write(Path::new("README"), "");
    lab.commit("gone");
    lab.push();
    assert!(daemon.stuck().contains("has no directory \"sites/lab\""));
    assert_eq!(lab.running(), ["web"]);
}

#[test]
fn a_rewritten_history_waits_for_a_person_also_after_a_restart() {
    let lab = Lab::new();
    let daemon = follow(&lab, &[]);
    let second = lab.publish(&["api", "web"]);
    daemon.synced();
    lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let rewritten = lab.publish(&["api", "db"]);
    let said = daemon.stuck();
    assert!(said.contains(&format!("does not follow {second}")), "{said}");
    assert!(said.contains(&format!("wharf approve {rewritten}")), "{said}");
    assert_eq!(lab.running(), ["api", "web"]);
    daemon.stop();

    let daemon = lab.start(&[&[lab.url().as_str()][..], &SELDOM].concat());
    daemon.says("as it was in force before");
    daemon.stuck();
    let status = daemon.status();
    assert_eq!(
        (status["declared"].as_str(), status["commit"].as_str()),
        (Some(second.as_str()), Some(rewritten.as_str()))
    );
    assert_eq!(lab.running(), ["api", "web"]);
    assert!(daemon.ask(&["approve", &rewritten]).status.success());
    daemon.synced();
    assert_eq!(lab.running(), ["api", "db"]);
    daemon.stop();

    let daemon = follow(&lab, &[]);
    assert_eq!(
        daemon.status()["declared"],
        rewritten,
        "what was approved of stays so"
    );
    let merged = lab.publish(&["db"]);
    daemon.synced();
    assert_eq!(daemon.status()["applied"], merged);
}

#[test]
fn a_history_that_is_rewritten_in_a_repository_here_waits_as_well() {
    let lab = Lab::new();
    let bare = lab.path("origin.git");
    let daemon = lab.start(&[bare.to_str().unwrap()]);
    daemon.says("applied");
    lab.declare("", &["web"]);
    lab.git(&["commit", "-q", "-a", "--amend", "-m", "amended"]);
    lab.push();
    let said = daemon.stuck();
    assert!(said.contains("somebody has rewritten history"), "{said}");
    assert_eq!(lab.running(), ["api"]);
}

#[test]
fn a_branch_that_is_gone_and_an_empty_tree_remove_nothing() {
    let lab = Lab::new();
    let daemon = follow(&lab, &["--rev", "main"]);
    lab.origin(&["branch", "other", "main"]);
    lab.origin(&["update-ref", "-d", "refs/heads/main"]);
    assert!(daemon.stuck().contains("\"main\" names no commit"));
    assert_eq!(lab.running(), ["api"]);
    daemon.stop();
    let daemon = lab.start(&[&[lab.url().as_str(), "--rev", "main"][..], &SELDOM].concat());
    daemon.says("as it was in force before");
    lab.origin(&["update-ref", "-d", "refs/heads/other"]);
    assert!(
        daemon.stuck().contains("\"main\" names no commit"),
        "no branch is left at all"
    );

    lab.git(&["rm", "-q", "wharf.yaml"]);
    let empty = lab.commit("empty");
    lab.push();
    let said = daemon.stuck();
    assert!(
        said.contains(&format!("commit {empty} changes nothing")),
        "{said}"
    );
    assert_eq!(lab.running(), ["api"]);
    lab.publish(&["api", "web"]);
    daemon.synced();
    assert_eq!(lab.running(), ["api", "web"]);
}

/// Writes over the middle of a file.
fn damage(file: &Path) {
    let mut bytes = std::fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..middle + 8] {
        *byte ^= 0xff;
    }
    std::fs::remove_file(file).unwrap();
    std::fs::write(file, bytes).unwrap();
}

fn packs(mirror: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(mirror.join("objects/pack")).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|e| e == "pack"))
        .collect()
}

#[test]
fn a_damaged_mirror_is_fetched_anew_and_until_that_can_be_nothing_is_removed() {
    let lab = Lab::new();
    let daemon = follow(&lab, &[]);
    let head = daemon.status()["applied"].clone();
    daemon.stop();
    let mirror = lab.mirror();
    for pack in packs(&mirror) {
        damage(&pack);
    }
    // While nobody can be asked, it is an error and nothing else.
    std::fs::rename(lab.path("origin.git"), lab.path("away.git")).unwrap();
    let daemon = lab.start(&[&[lab.url().as_str()][..], &SELDOM].concat());
    daemon.says("can't be fetched");
    daemon.says("is damaged");
    assert_eq!(lab.running(), ["api"]);
    daemon.stop();
    std::fs::rename(lab.path("away.git"), lab.path("origin.git")).unwrap();
    let daemon = lab.start(&[&[lab.url().as_str()][..], &SELDOM].concat());
    daemon.says("applied");
    assert_eq!(daemon.status()["applied"], head);
    daemon.stop();

    // The same where each object is a file, and the damage is found in a tree while the daemon runs.
    let unpacked: Vec<_> = packs(&mirror)
        .into_iter()
        .map(|pack| std::fs::read(pack).unwrap())
        .collect();
    let repository = mirror.to_str().unwrap();
    std::fs::remove_dir_all(mirror.join("objects/pack")).unwrap();
    std::fs::create_dir(mirror.join("objects/pack")).unwrap();
    for pack in unpacked {
        let file = lab.path("pack");
        std::fs::write(&file, pack).unwrap();
        let script = format!("git -C {repository} unpack-objects -q < {}", file.display());
        lab.run("sh", &["-c", &script]);
    }
    let daemon = follow(&lab, &[]);
    let blob = lab.git(&["-C", repository, "rev-parse", "HEAD:wharf.yaml"]);
    damage(&mirror.join("objects").join(&blob[..2]).join(&blob[2..]));
    lab.write(Path::new("README"), "the site's own file is the damaged one");
    let next = lab.commit("next");
    lab.push();
    daemon.ask(&["sync"]);
    daemon.says(&format!("applied commit=\"{next}\""));
    daemon.synced();
    lab.git(&["-C", repository, "fsck", "--strict"]);
    assert_eq!(lab.running(), ["api"]);
}

#[test]
fn a_repository_that_can_not_be_fetched_is_said_and_drift_is_repaired_all_the_same() {
    let lab = Lab::new();
    let daemon = follow(&lab, &[]);
    std::fs::rename(lab.path("origin.git"), lab.path("away.git")).unwrap();
    let engine = lab.path("engine.json");
    let mut state: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&engine).unwrap()).unwrap();
    state["containers"] = serde_json::json!({});
    std::fs::write(&engine, state.to_string()).unwrap();
    let said = daemon.stuck();
    assert!(
        said.contains("can't be fetched") && said.contains("origin.git"),
        "{said}"
    );
    assert_eq!(lab.running(), ["api"]);
    let status = daemon.status();
    assert!(
        status["converged"] == true && status["problems"]["repository"].is_object(),
        "{status}"
    );
    std::fs::rename(lab.path("away.git"), lab.path("origin.git")).unwrap();
    daemon.synced();
    assert!(daemon.status()["problems"].as_object().unwrap().is_empty());
}

#[test]
fn a_repository_to_which_nothing_has_been_pushed_is_waited_for() {
    let lab = Lab::new();
    lab.origin(&["update-ref", "-d", "refs/heads/main"]);
    let daemon = lab.start(&[&lab.url(), "--interval", "1"]);
    daemon.says("names no commit");
    lab.push();
    daemon.says("applied");
    assert_eq!(lab.running(), ["api"]);
}

#[test]
fn a_server_that_never_answers_does_not_hold_up_the_end() {
    let lab = Lab::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://127.0.0.1:{}/config", silent.local_addr().unwrap().port());
    let daemon = lab.start(&[&url]);
    let (mut connection, _) = silent.accept().unwrap();
    let log = daemon.stop();
    assert!(log.contains("following"), "{log}");
    // Whoever fetched has ended as well, so that the connection does.
    connection.set_read_timeout(Some(remote::BOUND)).unwrap();
    let mut sent = Vec::new();
    connection.read_to_end(&mut sent).unwrap();
}

#[test]
fn the_sites_source_is_followed_and_a_later_one_asks_for_a_restart() {
    let lab = Lab::new();
    let second = lab.publish(&["api", "web"]);
    let (here, work) = (lab.path("here"), lab.path("work"));
    let here = here.to_str().unwrap();
    lab.git(&["clone", "-q", work.to_str().unwrap(), here]);
    let site = lab.path("here/wharf.yaml");
    let text = std::fs::read_to_string(&site).unwrap();
    let source = format!(
        "  source: {{url: '{}', ref: main, interval: 24h}}\n  defaults",
        lab.url()
    );
    let with_source = text.replace("  defaults", &source);

    let daemon = lab.start(&[here]);
    daemon.says("applied");
    std::fs::write(&site, &with_source).unwrap();
    lab.git(&["-C", here, "commit", "-q", "-a", "-m", "source"]);
    assert!(daemon.stuck().contains("restart it"));
    daemon.stop();

    let third = lab.publish(&["db"]);
    assert_ne!(second, third);
    let daemon = lab.start(&[here]);
    daemon.says(&format!("applied commit=\"{third}\""));
    assert_eq!(lab.running(), ["db"]);
    daemon.stop();

    let required = with_source.replace("interval: 24h", "requireSignedCommits: true");
    std::fs::write(&site, required).unwrap();
    lab.git(&["-C", here, "commit", "-q", "-a", "-m", "signed"]);
    let (code, log) = lab.start(&[here]).ended();
    assert!(code == Some(1) && log.contains("--allowed-signers"), "{log}");
}

#[test]
fn what_would_run_a_program_or_has_no_effect_is_refused() {
    let lab = Lab::new();
    for (arguments, code, why) in [
        (&["ext::sh -c id"][..], 64, "expected https://"),
        (&["ssh://-oProxyCommand=id/x"], 64, "expected https://"),
        (&["http://localhost/x"], 64, "http:// is not spoken"),
        (
            &["https://bot:geheim@localhost/x"],
            64,
            "an address holds no password",
        ),
        (&["file:///x", "--credentials", "wharf.yaml"], 1, "chmod 600"),
        (
            &["file:///x", "--path", "../x"],
            64,
            "is no folder within a repository",
        ),
        (&[".", "--interval", "5"], 64, "--interval has no effect"),
        (
            &["file:///x", "--allowed-signers", "/nowhere"],
            1,
            "/nowhere can't be read",
        ),
        (&["/nowhere"], 1, "is in no git repository"),
    ] {
        let (ended, log) = lab.start(arguments).ended();
        assert_eq!(ended, Some(code), "{arguments:?}: {log}");
        assert!(
            log.contains(why) && !log.contains("geheim"),
            "{arguments:?}: {log}"
        );
    }
    let daemon = follow(&lab, &[]);
    let (code, log) = lab.start(&[&lab.url()]).ended();
    assert!(
        code == Some(1) && log.contains("another daemon follows that repository already"),
        "{log}"
    );
    drop(daemon);
}
