//! Images built from a Containerfile on the web, a git repository or a stack of a devfile registry: what is fetched, what is
//! locked, and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // tests with processes

use std::fs;
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

#[path = "support/elsewhere.rs"]
mod elsewhere;
#[path = "support/git_web.rs"]
mod git_web;
#[path = "support/place.rs"]
mod place;
#[path = "support/remote.rs"]
mod remote;
#[path = "support/web.rs"]
mod web;

use elsewhere::{Repository, assert_says, private};
use git_web::GitWeb;
use remote::Lab;
use web::{Answer, Web};

const CONTAINERFILE: &str = "FROM localhost/base:1\nCOPY . /opt/tools\n";

/// A devfile whose only container runs what is built from `dockerfile`.
fn devfile(dockerfile: &str) -> String {
    format!(
        "schemaVersion: 2.2.0\ncomponents:\n  - name: tools\n    container: {{image: 'localhost/tools:1'}}\n  \
         - name: built\n    image:\n      imageName: localhost/tools:1\n      dockerfile: {dockerfile}\n"
    )
}

/// The image that the plan builds.
#[track_caller]
fn built(repository: &Repository, more: &[&str], variables: &[(&str, &str)]) -> String {
    let (code, text) = repository.wharf_with(variables, &[&["plan"], more].concat());
    assert_eq!(code, 0, "{text}");
    let mut words = text.split_whitespace();
    let image = words.find(|word| word.starts_with("image/localhost/wharf/built:"));
    image.unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn a_containerfile_on_the_web_is_fetched_and_locked_and_its_context_is_the_repositorys() {
    let web = Web::new();
    web.give("/images/Containerfile", Answer::ok(CONTAINERFILE));
    let uri = web.url("127.0.0.1", "/images/Containerfile");
    let text = devfile(&format!("{{uri: '{uri}', buildContext: tools}}"));
    let repository = Repository::new(&private("127.0.0.1"), &text);
    fs::create_dir(repository.path("tools")).unwrap();
    repository.write("tools/run", "first");
    let first = built(&repository, &[], &[]);
    assert_says(repository.wharf(&["plan", "--locked"]), 1, "is not locked");
    assert_says(repository.wharf(&["plan", "--offline"]), 1, "has not been");
    repository.write("tools/run", "second");
    assert_ne!(built(&repository, &[], &[]), first, "the context is part of it");
    repository.write("tools/run", "first");

    assert_says(
        repository.wharf(&["lock"]),
        0,
        "Locked 0 devfiles, 1 build and 0 images",
    );
    let kept = repository.below(".wharf/containerfiles");
    assert_eq!(fs::read_to_string(&kept[0]).unwrap(), CONTAINERFILE);
    web.give("/images/Containerfile", Answer::ok("FROM scratch\n"));
    web.asked();
    assert_eq!(built(&repository, &["--locked", "--offline"], &[]), first);
    assert_eq!(web.asked(), [""; 0]);
    assert_says(repository.wharf(&["lock", "--update"]), 0, "1 build and 0 images");
    assert_ne!(built(&repository, &["--locked", "--offline"], &[]), first);
    assert_eq!(
        repository.below(".wharf/containerfiles").len(),
        1,
        "the old one is gone"
    );

    // What git ignores is locked all the same, and nothing of the lock is an ingredient.
    repository.write(".gitignore", "*.txt\n");
    let text = fs::read_to_string(repository.path("devfile.yaml")).unwrap();
    repository.write("devfile.yaml", &text.replace(", buildContext: tools", ""));
    let whole = built(&repository, &["--locked", "--offline"], &[]);
    let lock = fs::read_to_string(repository.path("wharf.lock")).unwrap();
    repository.write("wharf.lock", &format!("{lock}# a comment\n"));
    assert_eq!(built(&repository, &["--locked", "--offline"], &[]), whole);

    let kept = repository.below(".wharf/containerfiles").remove(0);
    fs::write(kept, "FROM localhost/other:1\n").unwrap();
    assert_says(repository.validate(), 1, "is not what was locked");
    repository.write(
        "devfile.yaml",
        "schemaVersion: 2.2.0\ncomponents: [{name: tools, container: {image: 'localhost/tools:1'}}]\n",
    );
    assert_says(
        repository.wharf(&["plan", "--locked"]),
        1,
        "is locked, and nothing is built from it",
    );
}

#[test]
fn what_a_containerfile_from_elsewhere_starts_from_is_subject_to_the_policy() {
    let web = Web::new();
    web.give("/Containerfile", Answer::ok("FROM quay.io/other/base:1\n"));
    let text = devfile(&format!("{{uri: '{}'}}", web.url("127.0.0.1", "/Containerfile")));
    let site = "  policy: {images: {allow: ['localhost/*']}, imports: {privateHosts: [127.0.0.1]}}\n";
    let repository = Repository::new(site, &text);
    assert_says(
        repository.wharf(&["plan"]),
        1,
        "the Containerfile uses an image that is not allowed",
    );
}

#[test]
fn what_is_looked_at_is_what_is_built() {
    let web = Web::new();
    web.give("/Containerfile", Answer::ok("FROM quay.io/other/base:1\n"));
    let site = "  policy: {images: {allow: ['localhost/*']}, imports: {privateHosts: [127.0.0.1]}}\n";
    let uri = web.url("127.0.0.1", "/Containerfile");
    let repository = Repository::new(site, &devfile(&format!("{{uri: '{uri}', buildContext: tools}}")));
    fs::create_dir(repository.path("tools")).unwrap();
    repository.write("tools/.wharf-containerfile", "FROM localhost/base:1\n");
    assert_says(repository.validate(), 1, "it holds .wharf-containerfile twice");
    repository.write("tools/Containerfile.in", "FROM localhost/base:1\n");
    repository.write(
        "devfile.yaml",
        &devfile("{uri: tools/Containerfile.in, buildContext: tools}"),
    );
    assert_says(repository.validate(), 1, "C preprocessor");
    repository.write(
        "devfile.yaml",
        &devfile(&format!("{{uri: '{uri}', buildContext: toools}}")),
    );
    assert_says(repository.validate(), 1, "the build context toools has no files");
}

#[test]
fn a_git_server_leads_nowhere_else() {
    let (public, inside) = (Web::new(), Web::new());
    let leads = inside.url("127.0.0.1", "/images.git/info/refs");
    public.give("/images.git/info/refs", Answer::redirect(&leads));
    let remote = public.url("127.0.0.1", "/images.git");
    let dockerfile = format!("{{git: {{remotes: {{origin: '{remote}'}}}}}}");
    let repository = Repository::new(&private("127.0.0.1"), &devfile(&dockerfile));
    assert_says(
        repository.validate(),
        1,
        "or it redirects; name where it leads to",
    );
    assert_eq!(inside.asked(), [""; 0]);
}

/// A git repository with a build in it, and who serves it.
struct Images {
    dir: tempfile::TempDir,
    web: GitWeb,
}

impl Images {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let web = GitWeb::serve(dir.path());
        let images = Self { dir, web };
        images.git(&["init", "-q", "--bare", "-b", "main", "images.git"]);
        images.git(&["init", "-q", "-b", "main", "work"]);
        images.commit("docker/Dockerfile", CONTAINERFILE);
        images.commit("tools/run", "first");
        images
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]);
        let output = command
            .args(arguments)
            .current_dir(self.dir.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Publishes a file, and returns the commit.
    fn commit(&self, path: &str, text: &str) -> String {
        let file = self.dir.path().join("work").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        self.publish()
    }

    fn publish(&self) -> String {
        self.git(&["-C", "work", "add", "-A"]);
        self.git(&["-C", "work", "commit", "-qm", "a change"]);
        self.git(&[
            "-C",
            "work",
            "push",
            "-q",
            "../images.git",
            "HEAD:refs/heads/main",
        ]);
        self.git(&["-C", "work", "rev-parse", "HEAD"])
    }

    fn dockerfile(&self, more: &str) -> String {
        let url = self.web.url("images.git");
        devfile(&format!(
            "{{git: {{remotes: {{origin: '{url}'}}, fileLocation: docker/Dockerfile{more}}}, buildContext: tools}}"
        ))
    }

    fn repository(&self, more: &str) -> Repository {
        let repository = Repository::new(&private("localhost"), &self.dockerfile(more));
        repository.write("ca.pem", &self.web.certificate);
        repository
    }
}

#[test]
fn a_folder_of_a_git_repository_is_built_at_one_commit() {
    let images = Images::new();
    let repository = images.repository("");
    let trust = repository.path("ca.pem");
    let trust = [("SSL_CERT_FILE", trust.to_str().unwrap())];
    let first = built(&repository, &[], &trust);
    assert_says(
        repository.wharf_with(&trust, &["lock"]),
        0,
        "1 build and 0 images",
    );
    let commit = images.git(&["-C", "work", "rev-parse", "HEAD"]);
    let lock = fs::read_to_string(repository.path("wharf.lock")).unwrap();
    assert!(lock.contains(&format!("commit: \"{commit}\"")), "{lock}");
    let kept = repository.below(".wharf/contexts").remove(0);
    let listing = Command::new("tar").arg("-tf").arg(kept).output().unwrap();
    assert_eq!(
        String::from_utf8(listing.stdout).unwrap(),
        ".wharf-containerfile\nrun\n"
    );

    let second_commit = images.commit("tools/run", "second");
    assert_eq!(built(&repository, &["--locked", "--offline"], &[]), first);
    assert_says(repository.wharf_with(&trust, &["lock", "--update"]), 0, "Locked");
    let second = built(&repository, &["--locked", "--offline"], &[]);
    assert_ne!(second, first);
    // What is beside the context changes nothing.
    images.commit("README", "text");
    assert_says(repository.wharf_with(&trust, &["lock", "--update"]), 0, "Locked");
    assert_eq!(built(&repository, &["--locked", "--offline"], &[]), second);

    images.git(&["-C", "images.git", "tag", "v1", &commit]);
    images.git(&["-C", "images.git", "branch", "next", &second_commit]);
    for (revision, expected) in [
        ("v1", &first),
        (commit.as_str(), &first),
        ("next", &second),
        ("refs/tags/v1", &first),
    ] {
        let repository = images.repository(&format!(", checkoutFrom: {{revision: '{revision}'}}"));
        assert_eq!(&built(&repository, &[], &trust), expected, "{revision}");
    }
}

#[test]
fn a_git_repository_that_can_not_be_used_is_an_error_that_says_why() {
    let images = Images::new();
    let said = |repository: &Repository, variables: &[(&str, &str)], expected: &str| {
        let (code, text) = repository.wharf_with(variables, &["validate", "--format", "github"]);
        let position = "file=devfile.yaml,line=8";
        assert!(
            code == 1 && text.contains(expected) && text.contains(position),
            "{expected:?} is not in: {text}"
        );
    };
    let repository = images.repository("");
    let trust = repository.path("ca.pem");
    let trust = [("SSL_CERT_FILE", trust.to_str().unwrap())];
    said(&repository, &[], "ertificate");
    said(&images.repository(", checkoutFrom: {revision: v9}"), &trust, "v9");
    let id = "0123456789012345678901234567890123456789";
    let revision = format!(", checkoutFrom: {{revision: '{id}'}}");
    said(&images.repository(&revision), &trust, "can't be had");
    let elsewhere = images
        .dockerfile("")
        .replace("docker/Dockerfile", "docker/Dockerfil");
    said(
        &Repository::new(&private("localhost"), &elsewhere),
        &trust,
        "has no file docker/Dockerfil",
    );
    // Loopback is no public address, however it is named.
    said(
        &Repository::new("", &images.dockerfile("")),
        &trust,
        "privateHosts",
    );
    let by_number = images.dockerfile("").replace("localhost:", "127.0.0.1:");
    said(&Repository::new("", &by_number), &trust, "no public address");
    images.web.require("Basic nobody");
    said(&repository, &trust, "can't be had");

    let images = Images::new();
    let trusted = images.repository("");
    let trust = trusted.path("ca.pem");
    let trust = [("SSL_CERT_FILE", trust.to_str().unwrap())];
    std::os::unix::fs::symlink("/etc/passwd", images.dir.path().join("work/tools/link")).unwrap();
    images.publish();
    said(&trusted, &trust, "it is a link to /etc/passwd");
}

#[test]
fn a_build_from_where_nothing_can_be_fetched_is_refused_with_its_place() {
    for (dockerfile, expected) in [
        (
            "{git: {remotes: {origin: 'git@git.example.org:team/images.git'}}}",
            "fetched by https or http",
        ),
        (
            "{git: {remotes: {origin: 'ssh://git@git.example.org/images.git'}}}",
            "not by \"ssh\"",
        ),
        (
            "{git: {remotes: {origin: 'file:///srv/images.git'}}}",
            "not by \"file\"",
        ),
        (
            "{git: {remotes: {origin: 'https://s3cret@git.example.org/a.git'}}}",
            "a user or a password in it",
        ),
        (
            "{git: {remotes: {origin: 'https://git.example.org/a.git'}, fileLocation: ../Dockerfile}}",
            "the Containerfile lies outside its git repository",
        ),
        (
            "{git: {remotes: {origin: 'https://git.example.org/a.git'}}, buildContext: /srv}",
            "the build context lies outside its git repository",
        ),
        (
            "{git: {remotes: {a: 'https://a.example.org/a.git', b: 'https://b.example.org/a.git'}, checkoutFrom: {remote: a}}}",
            "an image's build has one remote only",
        ),
        ("{git: {remotes: {origin: '--upload-pack=id'}}}", "git would take"),
        ("{uri: 'ftp://example.org/Containerfile'}", "not by \"ftp\""),
        (
            "{devfileRegistry: {id: go, registryUrl: 'file:///srv'}}",
            "not by \"file\"",
        ),
    ] {
        let repository = Repository::new("", &devfile(dockerfile));
        let (code, text) = repository.validate();
        let found = code == 1 && text.contains(expected) && text.contains("file=devfile.yaml,line=8");
        assert!(found && !text.contains("s3cret"), "{dockerfile}: {text}");
    }
}

/// A registry with one stack: its index, and the layers of its image.
fn registry(web: &Web, archive: &[u8]) {
    let digest = |bytes: &[u8]| {
        let digits: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
        format!("sha256:{digits}")
    };
    let text = "schemaVersion: 2.2.0\nmetadata: {name: go}\n";
    let layer = |bytes: &[u8], title: &str| {
        web.give(
            &format!("/v2/devfile-catalog/go/blobs/{}", digest(bytes)),
            Answer::ok(bytes),
        );
        format!(
            "{{\"digest\": \"{}\", \"size\": {}, \"annotations\": {{\"org.opencontainers.image.title\": \"{title}\"}}}}",
            digest(bytes),
            bytes.len()
        )
    };
    let layers = [
        layer(text.as_bytes(), "devfile.yaml"),
        layer(archive, "archive.tar"),
    ]
    .join(", ");
    web.give(
        "/v2/devfile-catalog/go/manifests/1.2.0",
        Answer::ok(format!("{{\"schemaVersion\": 2, \"layers\": [{layers}]}}")),
    );
    web.give(
        "/index",
        Answer::ok("[{\"name\": \"go\", \"version\": \"1.2.0\", \"links\": {\"self\": \"devfile-catalog/go:1.2.0\"}}]"),
    );
}

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

#[test]
fn a_stack_of_a_devfile_registry_is_built_from_its_own_files() {
    let web = Web::new();
    registry(
        &web,
        &archive(&[("Dockerfile", CONTAINERFILE), ("tools/run", "first")]),
    );
    let site = format!(
        "  devfileRegistry: '{}'\n{}",
        web.url("127.0.0.1", "/"),
        private("127.0.0.1")
    );
    let repository = Repository::new(&site, &devfile("{devfileRegistry: {id: go}}"));
    let first = built(&repository, &[], &[]);
    assert_says(repository.wharf(&["lock"]), 0, "1 build and 0 images");
    web.asked();
    assert_eq!(built(&repository, &["--locked", "--offline"], &[]), first);
    assert_eq!(web.asked(), [""; 0]);

    registry(&web, &archive(&[("tools/run", "first")]));
    assert_says(
        repository.wharf(&["lock", "--update"]),
        1,
        "has no file Dockerfile",
    );
    assert_eq!(
        built(&repository, &["--locked", "--offline"], &[]),
        first,
        "the lock is as it was"
    );
    let unknown = Repository::new(&site, &devfile("{devfileRegistry: {id: rust}}"));
    assert_says(unknown.validate(), 1, "the registry has no stack rust");
    registry(&web, b"\x1f\x8b no archive");
    assert_says(
        repository.wharf(&["lock", "--update"]),
        1,
        "its archive can't be read",
    );
}

#[test]
fn nothing_is_left_in_the_directory_for_temporary_files() {
    let images = Images::new();
    let repository = images.repository("");
    let scratch = tempfile::tempdir().unwrap();
    let trust = repository.path("ca.pem");
    let variables = [
        ("SSL_CERT_FILE", trust.to_str().unwrap()),
        ("TMPDIR", scratch.path().to_str().unwrap()),
    ];
    built(&repository, &[], &variables);
    assert!(is_empty(scratch.path()));
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn a_commit_whose_build_can_not_be_had_is_taken_over_once_it_can() {
    let (lab, web) = (Lab::new(), Web::new());
    let file = lab.path("work/wharf.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let built = format!(
        "{{name: tools, container: {{image: 'localhost/tools:1'}}}}, {{name: built, image: {{imageName: 'localhost/tools:1', \
         dockerfile: {{uri: '{}'}}}}}}",
        web.url("127.0.0.1", "/Containerfile")
    );
    let text = text
        .replace("{name: tools, container: {image: 'localhost/a:1'}}", &built)
        .replace("  defaults:", &format!("{}  defaults:", private("127.0.0.1")));
    let daemon = lab.start(&[&lab.url(), "--interval", "1"]);
    daemon.says("applied");
    fs::write(&file, text).unwrap();
    let commit = lab.commit("built");
    lab.push();
    daemon.says("changes nothing");
    web.give("/Containerfile", Answer::ok(CONTAINERFILE));
    daemon.synced();
    assert_eq!(daemon.status()["applied"].as_str(), Some(commit.as_str()));
}
