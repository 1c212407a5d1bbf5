//! Devfiles from the web, and `wharf lock`: what is fetched and what is refused, what is written down, and that a locked
//! repository asks nobody.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // tests with processes

use std::fs;
use std::path::Path;
use std::process::Command;

#[path = "support/elsewhere.rs"]
mod elsewhere;
#[path = "support/web.rs"]
mod web;

use elsewhere::{Repository, assert_says, binary, private, said};
use web::{Answer, Web};

const CHILD: &str = "schemaVersion: 2.2.0\nparent: {uri: 'ADDRESS'}\n";
const BASE: &str =
    "schemaVersion: 2.2.0\ncomponents: [{name: tools, container: {image: 'localhost/tools:1'}}]\n";

fn child(address: &str) -> String {
    CHILD.replace("ADDRESS", address)
}

#[test]
fn a_parent_on_the_web_and_its_own_parent_are_fetched_locked_and_then_nobody_is_asked() {
    let web = Web::new();
    web.give("/a/child.yaml", Answer::ok(child("../base.yaml")));
    web.give("/base.yaml", Answer::redirect("/moved/base.yaml"));
    web.give("/moved/base.yaml", Answer::ok(BASE));
    let repository = Repository::new(
        &private("127.0.0.1"),
        &child(&web.url("127.0.0.1", "/a/child.yaml")),
    );
    assert_says(repository.validate(), 0, "");
    assert_eq!(web.asked(), ["/a/child.yaml", "/base.yaml", "/moved/base.yaml"]);
    assert_says(repository.wharf(&["plan", "--locked"]), 1, "is not locked");
    assert_says(
        repository.wharf(&["plan", "--offline"]),
        1,
        "has not been fetched",
    );
    assert_says(
        repository.wharf(&["validate", "--locked", "devfile.yaml"]),
        1,
        "is not locked",
    );

    web.asked();
    assert_says(repository.wharf(&["lock"]), 0, "Locked 2 devfiles and 0 images");
    assert_eq!(repository.vendored().len(), 2);
    assert_says(repository.wharf(&["lock"]), 0, "locked as they were");
    assert_says(
        repository.wharf(&["plan", "--locked", "--offline"]),
        0,
        "create  container/lab.alice.api.tools",
    );
    assert_says(
        repository.wharf(&["validate", "--locked", "--offline", "devfile.yaml"]),
        0,
        "",
    );
    assert_eq!(web.asked().len(), 3, "asked once, by the first lock");

    web.give("/moved/base.yaml", Answer::ok(BASE.replace("tools", "changed")));
    assert_says(
        repository.wharf(&["plan"]),
        0,
        "create  container/lab.alice.api.tools",
    );
    assert_says(repository.wharf(&["lock"]), 0, "locked as they were");
    assert_says(repository.wharf(&["lock", "--update"]), 0, "Locked 2 devfiles");
    assert_says(
        repository.wharf(&["plan", "--locked"]),
        0,
        "create  container/lab.alice.api.changed",
    );
    assert_eq!(repository.vendored().len(), 2, "the old content is gone");

    repository.write("devfile.yaml", BASE);
    assert_says(
        repository.wharf(&["validate", "--locked"]),
        1,
        "nothing imports it",
    );
    assert_says(repository.wharf(&["lock"]), 0, "commit wharf.lock");
    assert!(!repository.path("wharf.lock").exists());
    assert_says(repository.wharf(&["plan", "--locked", "--offline"]), 0, "");
}

#[test]
fn a_locked_repository_is_planned_in_a_network_namespace_without_an_interface() {
    let web = Web::new();
    web.give("/base.yaml", Answer::ok(BASE));
    let repository = Repository::new(&private("127.0.0.1"), &child(&web.url("127.0.0.1", "/base.yaml")));
    let alone = |arguments: &[&str]| {
        let mut all = vec!["--user", "--map-root-user", "--net"];
        let binary = binary();
        all.push(binary.to_str().unwrap());
        all.extend(arguments);
        said(&repository.command(Path::new("unshare"), &all))
    };
    assert_says(alone(&["plan"]), 1, "can't be had: Network is unreachable");
    assert_says(repository.wharf(&["lock"]), 0, "Locked 1 devfile");
    web.asked();
    assert_says(
        alone(&["plan", "--locked", "--offline"]),
        0,
        "container/lab.alice.api.tools",
    );
    assert_says(alone(&["validate", "--locked", "--offline"]), 0, "");
    assert!(web.asked().is_empty());
}

#[test]
fn an_address_inside_the_network_is_refused_however_it_is_reached() {
    let web = Web::new();
    web.give("/base.yaml", Answer::ok(BASE));
    let here = web.url("127.0.0.1", "/base.yaml");
    web.give("/here.yaml", Answer::redirect(&here));
    let by =
        |host: &str, path: &str, site: &str| Repository::new(site, &child(&web.url(host, path))).validate();
    assert_says(
        by("127.0.0.1", "/base.yaml", ""),
        1,
        "127.0.0.1 is no public address",
    );
    assert_says(by("localhost", "/base.yaml", ""), 1, "which is not public");
    assert_says(
        by("[::ffff:127.0.0.1]", "/base.yaml", ""),
        1,
        "is no public address",
    );
    assert_says(by("0", "/base.yaml", ""), 1, "0.0.0.0 is no public address");
    assert!(web.asked().is_empty());
    assert_says(by("localhost", "/base.yaml", &private("localhost")), 0, "");
    web.asked();
    assert_says(
        by("localhost", "/here.yaml", &private("localhost")),
        1,
        "127.0.0.1 is no public address",
    );
    assert_eq!(web.asked(), ["/here.yaml"], "the redirect was not followed");
}

#[test]
fn a_certificate_is_checked_and_a_protected_address_leads_to_no_open_one() {
    let (web, certificate) = Web::protected();
    let open = Web::new();
    web.give("/base.yaml", Answer::ok(BASE));
    web.give(
        "/open.yaml",
        Answer::redirect(&open.url("localhost", "/base.yaml")),
    );
    let of = |path: &str, trusted: &str| {
        let repository = Repository::new(&private("localhost"), &child(&web.url("localhost", path)));
        repository.write("trusted.pem", trusted);
        let output = Command::new(binary())
            .args(["validate", "--format", "github"])
            .current_dir(repository.path("."))
            .env("SSL_CERT_FILE", repository.path("trusted.pem"))
            .output();
        said(&output.unwrap())
    };
    let (_, another) = Web::protected();
    assert_says(of("/base.yaml", &another), 1, "certificate");
    assert!(web.asked().is_empty());
    assert_says(of("/base.yaml", &certificate), 0, "");
    assert_says(
        of("/open.yaml", &certificate),
        1,
        "which is not protected as the address is",
    );
    assert!(open.asked().is_empty());
}

#[test]
fn what_a_server_answers_is_bounded_and_named() {
    let web = Web::new();
    web.give("/round.yaml", Answer::redirect("/round.yaml"));
    web.give("/file.yaml", Answer::redirect("file:///etc/passwd"));
    web.give("/large.yaml", Answer::ok(vec![b' '; (4 << 20) + 1]));
    web.give(
        "/page.yaml",
        Answer::ok("<!DOCTYPE html><html><body>Not here</body></html>"),
    );
    let of = |path: &str| {
        let url = web.url("127.0.0.1", path);
        let (code, text) = Repository::new(&private("127.0.0.1"), &child(&url)).validate();
        assert!(text.contains("file=devfile.yaml,line=2"), "{text}");
        assert!(text.contains(&url), "{text}");
        (code, text)
    };
    assert_says(of("/gone.yaml"), 1, "the server answers 404 Not Found");
    assert_says(of("/round.yaml"), 1, "redirects more than 5 times");
    assert_says(of("/file.yaml"), 1, "is no address of the web");
    assert_says(of("/large.yaml"), 1, "it has more than 4194304 bytes");
    assert_says(of("/page.yaml"), 1, "is no devfile that can be read");
}

#[test]
fn an_id_is_looked_up_in_the_sites_registry() {
    let web = Web::new();
    web.give("/v2/devfiles/base/1.0.0", Answer::ok(BASE));
    let devfile = "schemaVersion: 2.2.0\nparent: {id: base, version: 1.0.0}\n";
    assert_says(Repository::new("", devfile).validate(), 1, "no registry is known");
    let site = format!(
        "{}  devfileRegistry: {}\n",
        private("localhost"),
        web.url("localhost", "/v2/")
    );
    assert_says(Repository::new(&site, devfile).validate(), 0, "");
    assert_eq!(web.asked(), ["/v2/devfiles/base/1.0.0"]);
}

#[test]
fn what_was_locked_and_is_another_now_is_refused() {
    let web = Web::new();
    web.give("/base.yaml", Answer::ok(BASE));
    let repository = Repository::new(&private("127.0.0.1"), &child(&web.url("127.0.0.1", "/base.yaml")));
    assert_says(repository.wharf(&["lock"]), 0, "Locked 1 devfile");
    let vendored = repository.vendored().remove(0);
    fs::write(&vendored, BASE.replace("tools", "other")).unwrap();
    assert_says(repository.validate(), 1, "yaml is not what was locked");
    for arguments in [&["plan"][..], &["plan", "--offline"], &["lock"]] {
        assert_says(repository.wharf(arguments), 1, "devfile/import");
    }
    assert_says(repository.wharf(&["lock", "--update"]), 0, "Locked 1 devfile");
    assert_says(
        repository.wharf(&["plan", "--locked", "--offline"]),
        0,
        "lab.alice.api.tools",
    );
    fs::remove_file(repository.vendored().remove(0)).unwrap();
    assert_says(repository.validate(), 1, "there is no file .wharf/devfiles/");
}

#[test]
fn an_image_that_can_not_be_locked_is_named_and_nothing_is_written() {
    let web = Web::new(); // a server, and no registry
    let image = web.url("127.0.0.1", "/tools:1").replace("http://", "");
    let repository = Repository::new("", &BASE.replace("localhost/tools:1", &image));
    assert_says(
        repository.wharf(&["plan", "--locked"]),
        1,
        &format!("the image {image} is not locked"),
    );
    assert_says(
        repository.wharf(&["lock"]),
        1,
        &format!("the image {image} can't be locked"),
    );
    assert!(!repository.path("wharf.lock").exists());
}

#[test]
fn nothing_is_written_or_removed_through_a_link_and_only_what_lock_wrote_is_removed() {
    let web = Web::new();
    web.give("/base.yaml", Answer::ok(BASE));
    let elsewhere = tempfile::tempdir().unwrap();
    let theirs = elsewhere.path().join(format!("{}.yaml", "a".repeat(64)));
    fs::write(&theirs, "theirs").unwrap();
    let repository = Repository::new(&private("127.0.0.1"), &child(&web.url("127.0.0.1", "/base.yaml")));
    let locked_over = |link: &str| {
        std::os::unix::fs::symlink(elsewhere.path(), repository.path(link)).unwrap();
        assert_says(
            repository.wharf(&["lock"]),
            1,
            &format!("{link} is no folder of its own"),
        );
        assert!(!repository.path("wharf.lock").exists());
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1, "{link}");
        fs::remove_file(repository.path(link)).unwrap();
    };
    locked_over(".wharf");
    fs::create_dir(repository.path(".wharf")).unwrap();
    locked_over(".wharf/devfiles");

    fs::create_dir(repository.path(".wharf/devfiles")).unwrap();
    repository.write(".wharf/devfiles/notes.txt", "mine");
    let link = repository.path(&format!(".wharf/devfiles/{}.yaml", "b".repeat(64)));
    std::os::unix::fs::symlink(&theirs, &link).unwrap();
    repository.write(&format!(".wharf/devfiles/{}.yaml", "c".repeat(64)), "old");
    assert_says(repository.wharf(&["lock"]), 0, "Locked 1 devfile");
    assert!(repository.path(".wharf/devfiles/notes.txt").exists());
    assert!(fs::symlink_metadata(&link).is_ok());
    assert_eq!(
        repository.vendored().len(),
        3,
        "what was not locked any more is gone"
    );
}

#[test]
fn what_can_not_be_written_is_named() {
    let web = Web::new();
    web.give("/base.yaml", Answer::ok(BASE));
    let repository = Repository::new(&private("127.0.0.1"), &child(&web.url("127.0.0.1", "/base.yaml")));
    fs::create_dir(repository.path("wharf.lock")).unwrap();
    assert_says(repository.wharf(&["lock"]), 1, "wharf.lock can't be written: ");
}

/// An image of a registry that gives this digest for its tag.
fn image(web: &Web, digest: &str) -> String {
    let answer = Answer::ok("").with("Docker-Content-Digest", digest);
    web.give("/v2/tools/manifests/1", answer);
    web.url("127.0.0.1", "/tools:1").replace("http://", "")
}

fn digest(digit: &str) -> String {
    format!("sha256:{}", digit.repeat(64))
}

#[test]
fn where_a_digest_is_required_lock_provides_it_and_is_recommended_only_where_it_can() {
    let web = Web::new();
    let image = image(&web, &digest("a"));
    let policy = "  policy: {images: {requireDigest: true}}\n";
    let of = |image: &str| Repository::new(policy, &BASE.replace("localhost/tools:1", image));
    let repository = of(&image);
    assert_says(repository.wharf(&["plan"]), 1, "pin it with wharf lock");
    assert_says(repository.wharf(&["lock"]), 0, "Locked 0 devfiles and 1 image");
    assert_says(repository.wharf(&["lock", "--update"]), 0, "locked as they were");
    assert_says(
        repository.wharf(&["plan", "--locked", "--offline"]),
        0,
        &format!("tools@{}", digest("a")),
    );

    for image in ["localhost/tools:1", "tools:1"] {
        let repository = of(image);
        for command in ["plan", "lock"] {
            let (code, text) = repository.wharf(&[command]);
            assert!(text.contains("has no digest, which the site's policy"), "{text}");
            assert!(!text.contains("wharf lock"), "{text}");
            assert_eq!(code, 1);
        }
    }
    let built = "schemaVersion: 2.2.0\ncomponents:\n- {name: tools, container: {image: tools}}\n\
                 - {name: image, image: {imageName: tools, dockerfile: {uri: Containerfile}}}\n";
    let repository = Repository::new(policy, built);
    repository.write("Containerfile", "FROM quay.io/base:1\n");
    let (_, text) = repository.validate();
    assert!(text.contains("quay.io/base:1 has no digest"), "{text}");
    assert!(!text.contains("wharf lock"), "{text}");
}

#[test]
fn a_digest_of_another_kind_is_not_locked_and_a_lock_that_can_not_be_read_is_written_anew() {
    let web = Web::new();
    let image = image(&web, &format!("sha512:{}", "a".repeat(128)));
    let repository = Repository::new("", &BASE.replace("localhost/tools:1", &image));
    assert_says(repository.wharf(&["lock"]), 1, "which is no SHA-256");
    assert!(!repository.path("wharf.lock").exists());

    self::image(&web, &digest("b"));
    for wrong in [
        "<<<<<<< HEAD\n",
        "version: 2\n",
        "version: 1\nimages: [{image: a, digest: b}]\n",
    ] {
        repository.write("wharf.lock", wrong);
        assert_says(
            repository.wharf(&["lock"]),
            1,
            "wharf lock --update writes it anew",
        );
        assert_says(
            repository.wharf(&["lock", "--update"]),
            0,
            "Locked 0 devfiles and 1 image",
        );
        assert_says(
            repository.wharf(&["plan", "--locked", "--offline"]),
            0,
            &digest("b"),
        );
    }
}

#[test]
fn where_something_else_is_wrong_nothing_that_is_locked_is_called_too_much() {
    let web = Web::new();
    let image = image(&web, &digest("a"));
    let repository = Repository::new("", &BASE.replace("localhost/tools:1", &image));
    assert_says(repository.wharf(&["lock"]), 0, "Locked 0 devfiles and 1 image");
    let user = "apiVersion: wharf/v1\nkind: User\nmetadata: {name: bob}\nspec: {roel: admin}\n";
    repository.write("bob.yaml", user);
    let (code, text) = repository.wharf(&["validate", "--locked"]);
    assert!(text.contains("did you mean \"role\"?"), "{text}");
    assert!(!text.contains("nothing uses it"), "{text}");
    assert_eq!(code, 1);
}

#[test]
fn an_error_elsewhere_does_not_take_away_what_the_site_says_of_imports() {
    let web = Web::new();
    web.give("/v2/devfiles/base/1.0.0", Answer::ok(BASE));
    let site = format!(
        "{}  devfileRegistry: {}\n",
        private("localhost"),
        web.url("localhost", "/v2/")
    );
    let devfile = "schemaVersion: 2.2.0\nparent: {id: base, version: 1.0.0}\n";
    let repository = Repository::new(&site, devfile);
    repository.write(
        "bob.yaml",
        "apiVersion: wharf/v1\nkind: User\nmetadata: {name: bob}\n",
    );
    let (code, text) = repository.validate();
    assert!(!text.contains("devfile/import"), "{text}");
    assert_eq!((code, web.asked().len()), (1, 1));
    assert_says(repository.wharf(&["validate", "devfile.yaml"]), 0, "no problems");
}

#[test]
fn a_chain_of_parents_without_end_is_followed_as_far_as_one_may_go() {
    let web = Web::new();
    for at in 0..150 {
        let next = format!("{}.yaml", at + 1);
        web.give(&format!("/{at}.yaml"), Answer::ok(child(&next)));
    }
    let url = web.url("127.0.0.1", "/0.yaml");
    let repository = Repository::new(&private("127.0.0.1"), &child(&url));
    assert_says(repository.validate(), 1, "more than 100 devfiles are imported");
    assert_eq!(web.asked().len(), 100);
}

#[test]
fn a_single_file_is_checked_against_the_lock_of_its_repository_and_only_where_that_matters() {
    let web = Web::new();
    web.give("/base.yaml", Answer::ok(BASE));
    let repository = Repository::new(&private("127.0.0.1"), &child(&web.url("127.0.0.1", "/base.yaml")));
    repository.write("alone.yaml", BASE);
    let validate =
        |arguments: &[&str]| repository.wharf(&[&["validate", "--format", "github"], arguments].concat());
    assert_says(validate(&["--locked", "wharf.yaml"]), 1, "file=wharf.lock");
    assert_says(validate(&["--locked", "wharf.yaml"]), 1, "is not locked");
    assert_says(validate(&["wharf.yaml"]), 0, "");
    assert_says(repository.wharf(&["lock"]), 0, "Locked 1 devfile");
    assert_says(validate(&["--locked", "wharf.yaml", "devfile.yaml"]), 0, "");

    repository.write(
        "wharf.lock",
        "version: 1\ndevfiles: [{url: 'https://x.org', sha256: latest}]\n",
    );
    for file in ["wharf.yaml", "devfile.yaml"] {
        assert_says(validate(&[file]), 1, "file=wharf.lock,line=2");
    }
    assert_says(validate(&["--locked", "alone.yaml"]), 1, "is no SHA-256");
    assert_says(validate(&["alone.yaml"]), 0, "");
    let (_, text) = validate(&["devfile.yaml", "wharf.yaml", "devfile.yaml"]);
    assert_eq!(text.matches("is no SHA-256").count(), 1, "{text}");
}

#[test]
fn a_password_in_an_address_is_never_shown() {
    let project = "schemaVersion: 2.2.0\ncomponents: [{name: tools, container: {image: 'localhost/tools:1'}}]\n\
                   projects: [{name: app, git: {remotes: {origin: 'https://bob:s3cret@x.org/app.git'}}}]\n";
    let id = "schemaVersion: 2.2.0\nparent: {id: base, registryUrl: 'https://bob:s3cret@x.org'}\n";
    let registry = "  devfileRegistry: 'https://bob:s3cret@x.org'\n";
    for (site, devfile) in [
        ("", child("https://bob:s3cret@x.org/d.yaml").as_str()),
        ("", id),
        ("", project),
        (registry, BASE),
    ] {
        let repository = Repository::new(site, devfile);
        for format in ["human", "json", "github", "sarif"] {
            let (code, text) = repository.wharf(&["-vv", "validate", "--format", format]);
            assert_eq!(code, 1, "{text}");
            assert!(!text.contains("s3cret"), "{text}");
        }
    }
}

/// A registry whose image `tools:1` needs a token, which `tokens` gives to those who send `authorization`.
fn guarded(web: &Web, tokens: &Web, host: &str, authorization: &str) -> String {
    let bearer = format!(
        "Bearer realm=\"{}\",service=\"images\"",
        tokens.url(host, "/token")
    );
    let image = image(web, &digest("a"));
    let given = Answer::ok("").with("Docker-Content-Digest", &digest("a"));
    let guard = Answer::not_ok("401 Unauthorized", "").with("WWW-Authenticate", &bearer);
    web.give("/v2/tools/manifests/1", guard.but_for("Bearer abc", given));
    let token = Answer::ok("{\"access_token\": \"abc\"}");
    let refusal = Answer::not_ok("403 Forbidden", "what nobody should read");
    tokens.give("/token", refusal.but_for(authorization, token));
    image
}

#[test]
fn a_registry_leads_to_its_own_host_or_to_where_the_site_says_and_nowhere_else() {
    let (web, other) = (Web::new(), Web::new());
    let of = |site: &str, image: &str| Repository::new(site, &BASE.replace("localhost/tools:1", image));
    let elsewhere = guarded(&web, &other, "localhost", "");
    assert_says(of("", &elsewhere).wharf(&["lock"]), 1, "which is not public");
    assert_eq!(other.asked(), [""; 0]);
    let allowed = of(&private("localhost"), &elsewhere);
    assert_says(allowed.wharf(&["lock"]), 0, "Locked 0 devfiles and 1 image");
    assert_eq!(
        other.asked(),
        ["/token?scope=repository%3Atools%3Apull&service=images"]
    );
    let own = guarded(&web, &web, "127.0.0.1", "");
    assert_says(of("", &own).wharf(&["lock"]), 0, "Locked 0 devfiles and 1 image");

    let there = other.url("localhost", "/v2/tools/manifests/1");
    web.give("/v2/tools/manifests/1", Answer::redirect(&there));
    assert_says(of("", &own).wharf(&["lock"]), 1, "which is not public");
    assert_eq!(other.asked(), [""; 0]);
}

#[test]
fn what_a_registry_says_is_not_repeated_and_no_proxy_is_asked() {
    let (web, proxy) = (Web::new(), Web::new());
    let image = guarded(&web, &web, "127.0.0.1", "nothing");
    let repository = Repository::new("", &BASE.replace("localhost/tools:1", &image));
    let address = proxy.url("127.0.0.1", "");
    let proxies = [
        ("http_proxy", address.as_str()),
        ("HTTP_PROXY", &address),
        ("ALL_PROXY", &address),
    ];
    let (code, text) = repository.wharf_with(&proxies, &["lock"]);
    assert!(text.contains("the server answers 403 Forbidden"), "{text}");
    assert!(!text.contains("nobody should read"), "{text}");
    assert_eq!(code, 1);
    assert_eq!(proxy.asked(), [""; 0]);
    web.give("/v2/tools/manifests/1", Answer::ok(vec![b' '; (4 << 20) + 1]));
    assert_says(repository.wharf(&["lock"]), 1, "4194304 bytes");
    web.give("/v2/tools/manifests/1", Answer::ok("{}"));
    assert_says(repository.wharf(&["lock"]), 0, "Locked 0 devfiles and 1 image");
    let of_braces = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert_says(repository.wharf(&["plan", "--locked"]), 0, of_braces);
}

#[test]
fn logins_are_used_as_what_they_are_and_one_that_can_not_be_had_is_named() {
    let web = Web::new();
    let lock = |image: &str, login: &str| {
        let repository = Repository::new("", &BASE.replace("localhost/tools:1", image));
        let registry = image.split('/').next().unwrap();
        repository.write("auth.json", &login.replace("REGISTRY", registry));
        let program = repository.path("docker-credential-broken");
        fs::write(&program, "#!/bin/sh\ncat > /dev/null\necho s3cret\nexit 1\n").unwrap();
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let file = repository.path("auth.json").display().to_string();
        let programs = format!("{}:/usr/bin:/bin", repository.path("").display());
        let variables = [("REGISTRY_AUTH_FILE", file.as_str()), ("PATH", &programs)];
        repository.wharf_with(&variables, &["lock"])
    };
    let password = r#"{"auths": {"REGISTRY": {"auth": "YTpi"}}}"#;
    let image = guarded(&web, &web, "127.0.0.1", "Basic YTpi");
    assert_says(lock(&image, password), 0, "Locked 0 devfiles and 1 image");
    assert_says(lock(&image, "{}"), 1, "403 Forbidden");
    web.asked();

    let refresh = r#"{"auths": {"REGISTRY": {"identitytoken": "long/lived"}}}"#;
    let image = guarded(&web, &web, "127.0.0.1", "");
    assert_says(lock(&image, refresh), 0, "Locked 0 devfiles and 1 image");
    let asked = web.asked();
    assert!(asked[1].contains("grant_type=refresh_token"), "{asked:?}");
    assert!(asked[1].contains("refresh_token=long%2Flived"), "{asked:?}");
    assert!(asked[1].starts_with("/token "), "it is in no address: {asked:?}");

    let basic = Answer::not_ok("401 Unauthorized", "").with("WWW-Authenticate", "Basic realm=\"images\"");
    let given = Answer::ok("").with("Docker-Content-Digest", &digest("a"));
    web.give("/v2/tools/manifests/1", basic.but_for("Basic YTpi", given));
    assert_says(lock(&image, password), 0, "Locked 0 devfiles and 1 image");
    let broken = r#"{"credHelpers": {"REGISTRY": "broken"}}"#;
    let (code, text) = lock(&image, broken);
    assert!(text.contains("401 Unauthorized; the login in "), "{text}");
    assert!(text.contains("docker-credential-broken"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
    assert_eq!(code, 1);
}

#[test]
fn a_program_that_keeps_logins_holds_up_no_other_registry() {
    let (slow, other) = (Web::new(), Web::new());
    let image = image(&slow, &digest("a"));
    self::image(&other, &digest("b"));
    let second = other.url("localhost", "/tools:1").replace("http://", "");
    let both = format!(
        "schemaVersion: 2.2.0\ncomponents:\n- {{name: a, container: {{image: '{image}'}}}}\n\
         - {{name: b, container: {{image: '{second}'}}}}\n"
    );
    let repository = Repository::new("", &both);
    let registry = image.split('/').next().unwrap();
    repository.write(
        "auth.json",
        &format!("{{\"credHelpers\": {{\"{registry}\": \"slow\"}}}}"),
    );
    let pipe = repository.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let program = repository.path("docker-credential-slow");
    let text = format!("#!/bin/sh\nread line < '{}'\nexit 1\n", pipe.display());
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let child = Command::new(binary())
        .arg("lock")
        .current_dir(repository.path("."))
        .env("REGISTRY_AUTH_FILE", repository.path("auth.json"))
        .env("PATH", format!("{}:/usr/bin:/bin", repository.path("").display()))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let is_asked = other.is_asked();
    fs::write(&pipe, "go on\n").unwrap(); // only now the program ends
    assert_says(
        said(&child.wait_with_output().unwrap()),
        0,
        "Locked 0 devfiles and 2 images",
    );
    assert!(is_asked, "the other registry was asked meanwhile");
}
