//! The command that fetches a zip project, with busybox's programs alone: the least that an image has.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)] // a test with files and child processes

use std::io::{Cursor, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;
use wharf::model::{CloneProject, ProjectSource};
use wharf::plan::clone;
use zip::write::{SimpleFileOptions, ZipWriter};

#[path = "support/web.rs"]
mod web;

use web::{Answer, Web};

/// What fetching takes at least.
const LEAST: [&str; 8] = ["cp", "ls", "mkdir", "mv", "rm", "rmdir", "unzip", "wget"];

/// A directory of projects, and one with the programs of busybox.
struct Ground(TempDir);

impl Ground {
    fn new(programs: &[&str]) -> Self {
        let ground = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(ground.root()).unwrap();
        std::fs::create_dir(ground.programs()).unwrap();
        for program in programs {
            std::os::unix::fs::symlink("/bin/busybox", ground.programs().join(program)).unwrap();
        }
        ground
    }

    fn whole() -> Self {
        Self::new(&LEAST)
    }

    /// Adds a program that is not busybox's.
    fn program(&self, name: &str, script: &str) {
        let file = self.programs().join(name);
        // It may be a link to busybox.
        let _ = std::fs::remove_file(&file);
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("projects")
    }

    fn programs(&self) -> PathBuf {
        self.0.path().join("bin")
    }

    fn fetch(&self, location: &str, sub_dir: Option<&str>) -> Output {
        let argv = clone::command(&CloneProject {
            name: "code".to_owned(),
            component: "tools".to_owned(),
            root: self.root().to_str().unwrap().to_owned(),
            path: "code".to_owned(),
            sub_dir: sub_dir.map(str::to_owned),
            source: ProjectSource::Zip {
                location: location.to_owned(),
            },
        });
        let mut shell = Command::new(&argv[0]);
        // A proxy of whoever runs the tests is none of theirs.
        shell.args(&argv[1..]).env_clear().env("PATH", self.programs());
        shell.output().unwrap()
    }

    /// What lies in the directory of projects, files by their paths.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut todo = vec![self.root()];
        while let Some(folder) = todo.pop() {
            for entry in std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().path())
            {
                let within = entry.strip_prefix(self.root()).unwrap();
                files.push(within.to_str().unwrap().to_owned());
                if entry.is_dir() {
                    todo.push(entry);
                }
            }
        }
        files.sort();
        files
    }
}

fn archive(files: &[&str]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        writer.start_file(*file, SimpleFileOptions::default()).unwrap();
        writer.write_all(b"content").unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn an_archive_is_unpacked_and_a_single_folder_is_the_project_itself() {
    for (files, expected) in [
        (&["a", "b/c"][..], &["code", "code/a", "code/b", "code/b/c"][..]),
        (
            &["app-1.0/a", "app-1.0/b/c"],
            &["code", "code/a", "code/b", "code/b/c"],
        ),
        (
            &["app-1.0/a", ".gitignore"],
            &["code", "code/.gitignore", "code/app-1.0", "code/app-1.0/a"],
        ),
    ] {
        let web = Web::new();
        web.give("/app.zip", Answer::ok(archive(files)));
        let ground = Ground::whole();
        let output = ground.fetch(&web.url("127.0.0.1", "/app.zip"), None);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(ground.files(), expected);
        // Once: nobody is asked again.
        web.asked();
        assert!(
            ground
                .fetch(&web.url("127.0.0.1", "/app.zip"), None)
                .status
                .success()
        );
        assert!(web.asked().is_empty());
    }
}

#[test]
fn a_folder_of_it_alone_and_a_file_of_the_workspace() {
    let ground = Ground::whole();
    let brought = ground.0.path().join("app.zip");
    std::fs::write(&brought, archive(&["app/docs/a", "app/src/b"])).unwrap();
    let output = ground.fetch(&format!("file://{}", brought.display()), Some("src"));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(ground.files(), ["code", "code/b"]);
    assert!(brought.exists());
}

#[test]
fn an_archive_that_is_unpacked_with_a_warning_is_good() {
    let brought = |ground: &Ground| {
        let file = ground.0.path().join("app.zip");
        std::fs::write(&file, archive(&["app/a"])).unwrap();
        format!("file://{}", file.display())
    };
    // Info-ZIP's exit codes; busybox has none for a warning.
    for (code, good) in [(1, true), (2, false), (3, false)] {
        let ground = Ground::whole();
        let version = "[ \"$1\" != -v ] || { echo 'UnZip 6.00 of 20 April 2009, by Info-ZIP.'; exit; }";
        ground.program(
            "unzip",
            &format!("{version}\n/bin/busybox unzip \"$@\"; exit {code}"),
        );
        let output = ground.fetch(&brought(&ground), None);
        assert_eq!(output.status.success(), good, "{code}: {output:?}");
        let files: &[&str] = if good { &["code", "code/a"] } else { &[] };
        assert_eq!(ground.files(), files, "{code}");
    }
}

#[test]
fn brackets_in_an_address_are_a_part_of_it() {
    let web = Web::new();
    web.give("/app-[1].zip", Answer::ok(archive(&["a"])));
    let ground = Ground::whole();
    // What curl makes of them, unless it is told otherwise, is a range of numbers; its error code is 3.
    let curl = "case \"$*\" in *--globoff*) ;; *) exit 3 ;; esac
while [ \"$1\" != --output ]; do shift; done
exec /bin/busybox wget -q -O \"$2\" \"$3\"";
    ground.program("curl", curl);
    let output = ground.fetch(&web.url("127.0.0.1", "/app-[1].zip"), None);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(ground.files(), ["code", "code/a"]);
}

#[test]
fn a_failure_leaves_nothing_and_says_why() {
    let web = Web::new();
    web.give("/page.zip", Answer::ok("<html>"));
    let out = ["../outside", "../../outside", "../../../outside"];
    web.give("/out.zip", Answer::ok(archive(&out)));
    let ground = Ground::whole();
    for (location, said) in [
        (web.url("127.0.0.1", "/absent.zip"), "can't be fetched"),
        (web.url("127.0.0.1", "/page.zip"), "can't be unpacked"),
        ("file:///nowhere.zip".to_owned(), "can't be fetched"),
        ("ftp://127.0.0.1/a.zip".to_owned(), "is no address of an archive"),
    ] {
        let output = ground.fetch(&location, None);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(words.contains(said), "{words}");
        assert_eq!(ground.files(), [""; 0], "{words}");
    }
    ground.fetch(&web.url("127.0.0.1", "/out.zip"), None);
    // It is unpacked two levels below the projects: the last two mean a place beside the project, and one beside all.
    assert!(!ground.0.path().join("outside").exists());
    assert!(
        ground.files().iter().all(|file| file.starts_with("code")),
        "{:?}",
        ground.files()
    );
}

#[test]
fn without_a_program_for_it_it_says_so_and_touches_nothing() {
    for missing in ["unzip", "wget"] {
        let rest: Vec<&str> = LEAST.into_iter().filter(|program| *program != missing).collect();
        let ground = Ground::new(&rest);
        let output = ground.fetch("http://127.0.0.1:1/a.zip", None);
        assert_eq!(
            output.status.code(),
            Some(clone::NO_PROGRAM),
            "without {missing}: {output:?}"
        );
        assert_eq!(ground.files(), [""; 0]);
    }
}
