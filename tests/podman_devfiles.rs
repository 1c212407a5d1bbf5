//! What a devfile says, on real Podman, through the binary: parents, overrides, commands on request.
//!
//! They share the machine's Podman with other suites, so they take turns (`.config/nextest.toml`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test that runs binaries on real Podman

#[path = "support/client.rs"]
mod client;
#[path = "support/git_web.rs"]
mod git_web;
#[path = "support/labelled.rs"]
mod labelled;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/registry.rs"]
mod registry;
#[path = "support/site.rs"]
mod site;

use client::{podman, try_podman};
use git_web::GitWeb;
use registry::Registry;
use site::{Site, image};

#[test]
fn a_parents_container_is_changed_below_parent_and_runs() {
    let site = Site::new("parent");
    let parent = format!(
        "schemaVersion: 2.1.0\nvariables: {{greeting: none}}\ncomponents:\n  - name: tools\n    container:\n      image: {}\n      env: [{{name: MARK, value: '{{{{greeting}}}}'}}, {{name: KEPT, value: kept}}]\n",
        image()
    );
    site.write("bases/tools.yaml", &parent);
    let devfile = "schemaVersion: 2.2.2\nparent:\n  uri: ../bases/tools.yaml\n  variables: {greeting: hello}\n  components:\n    - name: tools\n      container:\n        env: [{name: MORE, value: more}]\n";
    site.workspace("alice", "api", "", devfile);
    site.apply();
    assert_eq!(
        site.shell("alice/api", "echo $MARK $KEPT $MORE"),
        "hello kept more"
    );
    site.converged();
    site.write(
        "bases/tools.yaml",
        &parent.replace("value: kept", "value: changed"),
    );
    assert_eq!(site.changes(), ["replace container/alice.api.tools"]);
}

#[test]
fn overrides_hold_and_the_devfiles_volumes_belong_to_the_user_that_they_name() {
    let site = Site::new("overrides");
    let devfile = format!(
        "schemaVersion: 2.2.2
attributes:
  pod-overrides: {{spec: {{terminationGracePeriodSeconds: 3}}}}
components:
  - name: tools
    attributes:
      container-overrides:
        workingDir: /tmp
        securityContext: {{runAsUser: 1234, runAsGroup: 2345}}
    container: {{image: {}, volumeMounts: [{{name: data, path: /data}}]}}
  - name: data
    volume: {{}}
",
        image()
    );
    site.workspace("alice", "api", "", &devfile);
    site.apply();
    assert_eq!(site.shell("alice/api", "id -u; id -g; pwd"), "1234\n2345\n/tmp");
    assert_eq!(site.shell("alice/api", "echo ok > /data/x && cat /data/x"), "ok");
    let tools = site.name("alice.api.tools");
    assert_eq!(
        podman(&["inspect", "--format", "{{.Config.StopTimeout}}", &tools]),
        "3"
    );
    site.converged();
}

#[test]
fn commands_run_by_id_and_by_group_and_end_with_their_own_exit_codes() {
    let site = Site::new("run");
    let devfile = format!(
        "schemaVersion: 2.2.2
components:
  - name: tools
    container: {{image: {0}}}
  - name: server
    container: {{image: {0}, mountSources: false}}
commands:
  - id: build
    exec: {{component: tools, commandLine: 'echo $WHARF_COMPONENT $WORD in $PWD', workingDir: /tmp, env: [{{name: WORD, value: built}}], group: {{kind: build}}}}
  - id: fail
    exec: {{component: server, commandLine: 'echo $WHARF_COMPONENT >&2; exit 7', group: {{kind: test, isDefault: true}}}}
  - id: other
    exec: {{component: tools, commandLine: 'echo never', group: {{kind: test}}}}
  - id: all
    composite: {{commands: [build, fail, other]}}
  - id: at-once
    composite: {{commands: [build, fail], parallel: true}}
",
        image()
    );
    site.workspace("alice", "api", "", &devfile);
    site.apply();
    let run = |command: &str| {
        let output = site.run(&["run", "alice/api", command]);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let built = "tools built in /tmp\n";
    assert_eq!(run("build"), (Some(0), built.to_owned(), String::new()));
    assert_eq!(run("test"), (Some(7), String::new(), "server\n".to_owned()));
    let (code, out, err) = run("all");
    assert_eq!((code, out.as_str()), (Some(7), built));
    assert!(err.contains("fail ended with 7"), "{err}");
    let at_once = (Some(7), format!("build | {built}"), "fail | server\n".to_owned());
    assert_eq!(run("at-once"), at_once);
    let list = site.ok(&["run", "alice/api"]);
    assert!(
        list.contains("at-once") && list.contains("build and fail"),
        "{list}"
    );
}

/// Removes an image that a test has made, by whatever name it has then. It is never the one that all tests start from.
struct Image(String);

impl Image {
    /// One of its own, with that environment variable `MARK`.
    fn marked(site: &Site, mark: &str) -> Self {
        let image = Self(format!("localhost/wharf-{mark}:{}", std::process::id()));
        site.write(
            "other/Containerfile",
            &format!("FROM {}\nENV MARK={mark}\n", self::image()),
        );
        let context = site.dir().join("other");
        podman(&["build", "--quiet", "--tag", &image.0, context.to_str().unwrap()]);
        image
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = try_podman(&["rmi", "--force", &self.0]);
    }
}

#[test]
fn a_locked_image_stays_what_it_was_when_its_tag_moves() {
    let registry = Registry::new();
    let site = Site::new("lock");
    let original = Image::marked(&site, "original");
    registry.push(&original.0, "tools:1");
    let reference = registry.image("tools:1");
    let devfile =
        format!("schemaVersion: 2.2.2\ncomponents: [{{name: tools, container: {{image: '{reference}'}}}}]\n");
    site.workspace("alice", "api", "", &devfile);
    site.ok(&["lock"]);
    site.ok(&["apply", "--yes", "--locked", "--offline"]);
    let container = site.name("alice.api.tools");
    let used = || podman(&["inspect", "--format", "{{.ImageName}}", &container]);
    let first = used();
    assert!(first.starts_with(&registry.image("tools@sha256:")), "{first}");
    site.converged();

    let other = Image::marked(&site, "moved");
    registry.push(&other.0, "tools:1");
    site.converged();
    assert_eq!(site.shell("alice/api", "echo $MARK"), "original");

    site.ok(&["lock", "--update"]);
    let changes = site.changes();
    assert!(
        changes.contains(&"replace container/alice.api.tools".to_owned()),
        "{changes:?}"
    );
    site.apply();
    let second = used();
    assert_ne!(first, second);
    assert_eq!(site.shell("alice/api", "echo $MARK"), "moved");
    site.converged();
    drop(site);
}

#[test]
fn an_image_is_built_from_a_git_repository_and_again_only_where_that_changes_it() {
    let site = Site::new("gitbuild");
    site.site("  policy: {imports: {privateHosts: [localhost]}}\n");
    let text = format!("FROM {}\nCOPY word /word\n", image());
    site.write("images/docker/Dockerfile", &text);
    site.write("images/docker/word", &site.name);
    let images = site.dir().join("images");
    let git = |arguments: &[&str]| site.git(&[&["-C", images.to_str().unwrap()][..], arguments].concat());
    git(&["init", "-q", "-b", "main"]);
    let publish = || {
        git(&["add", "-A"]);
        git(&["commit", "-q", "-m", "a change"]);
    };
    publish();
    let web = GitWeb::serve(site.dir());
    let devfile = format!(
        "schemaVersion: 2.2.2
components:
  - name: tools
    container: {{image: 'localhost/tools:1'}}
  - name: built
    image:
      imageName: localhost/tools:1
      dockerfile: {{git: {{remotes: {{origin: '{}'}}, fileLocation: docker/Dockerfile}}, buildContext: docker}}
",
        web.url("images/.git")
    );
    site.workspace("alice", "api", "", &devfile);
    let certificate = site.write("ca.pem", &web.certificate);
    let lock = |arguments: &[&str]| {
        let mut command = site::wharf();
        command.arg("lock").args(arguments).current_dir(site.dir());
        let output = command.env("SSL_CERT_FILE", &certificate).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    lock(&[]);
    site.ok(&["apply", "--yes", "--locked", "--offline"]);
    assert_eq!(site.shell("alice/api", "cat /word"), site.name);
    site.converged();

    site.write("images/README", "beside the context");
    publish();
    lock(&["--update"]);
    site.converged();
    site.write("images/docker/word", "another");
    publish();
    site.converged();
    lock(&["--update"]);
    site.apply();
    assert_eq!(site.shell("alice/api", "cat /word"), "another");
}

#[test]
fn a_starter_project_comes_from_an_archive_that_the_image_brings() {
    use std::io::Write as _;
    let site = Site::new("starter");
    let mut writer = zip::write::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for file in ["sample/one/main.txt", "sample/two/other.txt"] {
        writer
            .start_file(file, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(b"begin here").unwrap();
    }
    site.write(
        "images/Containerfile",
        &format!("FROM {}\nCOPY app.zip /app.zip\n", image()),
    );
    std::fs::write(
        site.dir().join("images/app.zip"),
        writer.finish().unwrap().into_inner(),
    )
    .unwrap();
    let devfile = "schemaVersion: 2.2.2
components:
  - name: tools
    container: {image: 'localhost/starter:1'}
  - name: image
    image: {imageName: 'localhost/starter:1', dockerfile: {uri: ../images/Containerfile, buildContext: ../images}}
starterProjects:
  - {name: first, zip: {location: 'file:///app.zip'}, subDir: one}
  - {name: second, zip: {location: 'file:///app.zip'}, subDir: two}
";
    site.workspace("alice", "none", "", devfile);
    site.workspace("alice", "first", "  starterProject: first\n", devfile);
    site.apply();
    assert_eq!(
        site.shell("alice/none", "ls $PROJECTS_ROOT; echo $PROJECT_SOURCE"),
        "/projects"
    );
    assert_eq!(
        site.shell("alice/first", "cd $PROJECT_SOURCE && pwd && ls && cat main.txt"),
        "/projects/first\nmain.txt\nbegin here"
    );
    site.shell("alice/first", "echo mine > $PROJECT_SOURCE/main.txt");
    site.converged();
    site.workspace("alice", "first", "  starterProject: second\n", devfile);
    site.apply();
    assert_eq!(
        site.shell(
            "alice/first",
            "cat $PROJECTS_ROOT/first/main.txt $PROJECTS_ROOT/second/other.txt"
        ),
        "mine\nbegin here"
    );
}

#[test]
fn a_container_waits_until_those_that_it_depends_on_are_ready() {
    let site = Site::new("ready");
    let devfile = |check: &str| {
        format!(
            "schemaVersion: 2.2.2
components:
  - name: server
    attributes: {{wharf.dev/depends-on: [database]}}
    container:
      image: {image}
      command: [/bin/sh, -c, 'ls /shared > /tmp/seen.new; mv /tmp/seen.new /tmp/seen; exec sleep 100000']
      volumeMounts: [{{name: shared, path: /shared}}]
  - name: database
    attributes:
      wharf.dev/health-check: {{{check}}}
    container:
      image: {image}
      command: [/bin/sh, -c, 'rm -f /shared/*; sleep 2; touch /shared/ready; exec nc -ll -p 5432 -e cat']
      volumeMounts: [{{name: shared, path: /shared}}]
      endpoints: [{{name: sql, targetPort: 5432}}]
  - name: shared
    volume: {{}}
commands:
  - {{id: look, exec: {{component: server, commandLine: 'until test -e /tmp/seen; do sleep 0.1; done; echo I see; cat /tmp/seen; sleep 1000 & echo done >&2'}}}}
events: {{postStart: [look]}}
",
            image = image()
        )
    };
    for check in ["endpoint: sql", "command: test -e /shared/ready"] {
        site.workspace("alice", "api", "", &devfile(check));
        site.apply();
        assert_eq!(site.shell("alice/api", "cat /tmp/seen"), "ready", "{check}");
        let kept = site.ok(&["logs", "alice/api", "--command", "look"]);
        assert_eq!(kept, "I see\nready\ndone\n");
        site.converged();
        // The next round starts the same containers again, and must find nothing of this one.
        site.shell("alice/api", "rm /shared/ready /tmp/seen /tmp/wharf-look.log");
        podman(&[
            "stop",
            "-t",
            "0",
            &site.name("alice.api.server"),
            &site.name("alice.api.database"),
        ]);
    }
    site.workspace(
        "alice",
        "api",
        "",
        &devfile("command: echo not yet && false, timeout: 10"),
    );
    let output = site.run(&["apply", "--yes"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    // It stands in a narrow column.
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = "component database is not ready after 10 s of waiting: echo not yet && false fails: not yet wharf logs";
    assert!(words.contains(expected), "{said}");
    let missing = site.run(&[
        "logs",
        "alice/api",
        "--component",
        "database",
        "--command",
        "none",
    ]);
    assert!(String::from_utf8_lossy(&missing.stderr).contains("no command none of postStart has run"));
}

/// What is said where an apply fails, the narrow column undone.
fn failed(site: &Site) -> String {
    let output = site.run(&["apply", "--yes"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn checked(command: &str, check: &str) -> String {
    format!(
        "schemaVersion: 2.2.2
components:
  - name: app
    attributes: {{wharf.dev/health-check: {{{check}}}}}
    container:
      image: {}
      command: [/bin/sh, -c, '{command}']
      endpoints: [{{name: web, targetPort: 8000}}]
",
        image()
    )
}

#[test]
fn a_check_that_hangs_leaves_no_process_and_is_not_forgotten() {
    let site = Site::new("hangs");
    let command = "command: test -e /tmp/up || sleep 4321 | cat, timeout: 1";
    site.workspace("alice", "api", "", &checked("exec sleep 100000", command));
    for _ in 0..2 {
        let said = failed(&site);
        assert!(said.contains("it was not through after 5 s"), "{said}");
    }
    let gone = "for _ in $(seq 100); do ps | grep -q \"sleep 432[1]\" || exit 0; sleep 0.1; done; exit 1";
    site.shell("alice/api", gone);
    site.shell("alice/api", "touch /tmp/up");
    site.apply();
    site.converged();
}

#[test]
fn a_container_that_ends_is_not_waited_for() {
    let site = Site::new("ends");
    for check in ["endpoint: web, timeout: 60", "command: \"false\", timeout: 60"] {
        site.workspace("alice", "api", "", &checked("sleep 2; exit 3", check));
        let said = failed(&site);
        assert!(
            said.contains("component app ended before it was ready"),
            "{check}: {said}"
        );
    }
}
