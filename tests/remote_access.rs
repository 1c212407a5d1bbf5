//! How a daemon gets at a repository elsewhere: https with logins and certificates, ssh with deploy keys and known hosts. A
//! wrong one is an error that says what to do, and no secret is in it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test with processes

#[path = "support/git_web.rs"]
mod git_web;
#[path = "support/place.rs"]
mod place;
#[path = "support/remote.rs"]
mod remote;
#[path = "support/sshd.rs"]
mod sshd;

use git_web::GitWeb;
use remote::{Daemon, Lab};
use sshd::Sshd;

/// `bot:ge/heim`, as a browser sends it.
const LOGIN: &str = "Basic Ym90OmdlL2hlaW0=";

#[test]
fn https_is_spoken_with_a_login_from_a_file() {
    let lab = Lab::new();
    let web = GitWeb::serve(lab.dir.path());
    let trusted = lab.file("ca.pem", &web.certificate, 0o644);
    let trusted = [("SSL_CERT_FILE", trusted.as_str())];
    let url = web.url("origin.git");
    let open = Daemon::start(&lab, &[&url], &trusted);
    open.says("applied");
    open.stop();

    web.require(LOGIN);
    let login = lab.file("login", &web.entry("bot", "ge%2Fheim"), 0o600);
    let daemon = Daemon::start(
        &lab,
        &[&url, "--credentials", &login, "--interval", "86400"],
        &trusted,
    );
    daemon.says("applied");
    let second = lab.publish(&["api", "web"]);
    daemon.synced();
    assert_eq!(
        (lab.running().len(), daemon.status()["applied"].as_str()),
        (2, Some(second.as_str()))
    );
    // A password that is changed there is changed in the file, and read again.
    lab.file("login", &web.entry("bot", "geheimnis"), 0o600);
    let said = daemon.stuck();
    assert!(
        said.contains("can't be fetched") && !said.contains("geheim"),
        "{said}"
    );
    assert_eq!(lab.running(), ["api", "web"]);
    lab.file("login", &web.entry("bot", "ge%2Fheim"), 0o600);
    daemon.synced();
    let log = daemon.stop();
    assert!(
        !log.contains("geheim") && !log.contains("ge/heim") && !log.contains("Ym90"),
        "{log}"
    );
}

#[test]
fn https_without_the_right_login_or_certificate_is_an_error_that_says_so() {
    let lab = Lab::new();
    let web = GitWeb::serve(lab.dir.path());
    web.require(LOGIN);
    let certificate = lab.file("ca.pem", &web.certificate, 0o644);
    let trusted = [("SSL_CERT_FILE", certificate.as_str())];
    let other = lab.file("other.pem", &GitWeb::serve(lab.dir.path()).certificate, 0o644);
    let url = web.url("origin.git");
    let fails = |arguments: &[&str], environment: &[(&str, &str)], why: &str| {
        let daemon = Daemon::start(&lab, &[&[url.as_str()][..], arguments].concat(), environment);
        daemon.says("can't be fetched");
        let log = daemon.stop();
        assert!(log.contains(why) && !log.contains("geheim"), "{why}: {log}");
        assert!(lab.running().is_empty());
    };
    fails(&[], &trusted, "--credentials");
    let wrong = lab.file("wrong", &web.entry("bot", "geheim"), 0o600);
    fails(&["--credentials", &wrong], &trusted, "redentials");
    let elsewhere = lab.file("elsewhere", "https://bot:geheim@example.org\n", 0o600);
    fails(
        &["--credentials", &elsewhere],
        &trusted,
        "holds no login for localhost",
    );
    fails(&[], &[("SSL_CERT_FILE", other.as_str())], "ertificate");

    let wide = lab.file("wide", &web.entry("bot", "geheim"), 0o640);
    let (code, log) = lab.start(&[&url, "--credentials", &wide]).ended();
    assert!(
        code == Some(1) && log.contains("mode 640") && log.contains("chmod 600"),
        "{log}"
    );
}

#[test]
fn ssh_is_spoken_with_a_deploy_key_to_a_known_host() {
    let lab = Lab::new();
    let host = sshd::key(&lab.path("host"));
    let deploy = sshd::key(&lab.path("deploy"));
    let server = Sshd::serve(lab.dir.path(), &lab.path("host"), &deploy);
    let known = lab.file("known hosts", &server.known(&host), 0o644);
    let (url, identity) = (server.url(&lab.path("origin.git")), lab.path("deploy"));
    let arguments = [
        url.as_str(),
        "--identity",
        identity.to_str().unwrap(),
        "--known-hosts",
        &known,
        "--interval",
        "86400",
    ];
    let daemon = lab.start(&arguments);
    daemon.says("applied");
    let second = lab.publish(&["api", "web"]);
    daemon.synced();
    assert_eq!(
        (lab.running().len(), daemon.status()["applied"].as_str()),
        (2, Some(second.as_str()))
    );
    daemon.stop();

    // As people write it: the port is in nobody's settings, so that the host is the default port's.
    let short = format!(
        "{}:{}",
        url.split(['/', ':']).nth(3).unwrap(),
        lab.path("origin.git").display()
    );
    let daemon = lab.start(&[&short, "--known-hosts", &known]);
    daemon.says("can't be fetched");
    assert!(lab.running().len() == 2);
}

#[test]
fn ssh_to_an_unknown_or_changed_host_or_with_another_key_is_an_error_that_says_so() {
    let lab = Lab::new();
    let host = sshd::key(&lab.path("host"));
    let other = sshd::key(&lab.path("other"));
    let deploy = sshd::key(&lab.path("deploy"));
    let server = Sshd::serve(lab.dir.path(), &lab.path("host"), &deploy);
    let url = server.url(&lab.path("origin.git"));
    let right = lab.file("right", &server.known(&host), 0o644);
    let changed = lab.file("changed", &server.known(&other), 0o644);
    let unknown = lab.file("unknown", "", 0o644);
    let fails = |known: &str, identity: &str, why: &str| {
        let identity = lab.path(identity);
        let arguments = [
            url.as_str(),
            "--known-hosts",
            known,
            "--identity",
            identity.to_str().unwrap(),
        ];
        let daemon = lab.start(&arguments);
        daemon.says("can't be fetched");
        let log = daemon.stop();
        assert!(log.contains(why), "{why}: {log}");
        assert!(lab.running().is_empty());
    };
    fails(&unknown, "deploy", "Host key verification failed");
    fails(&changed, "deploy", "Host key verification failed");
    fails(&right, "other", "Permission denied");

    let wide = std::fs::read_to_string(lab.path("deploy")).unwrap();
    let wide = lab.file("wide", &wide, 0o644);
    let (code, log) = lab.start(&[&url, "--identity", &wide]).ended();
    assert!(code == Some(1) && log.contains("mode 644"), "{log}");
    assert_eq!(server.port().to_string(), url.split([':', '/']).nth(4).unwrap());
}
