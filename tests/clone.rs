//! The command that clones a project, run by a real shell with a real git.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // a test with files and child processes

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use wharf::model::{CloneProject, ProjectSource};
use wharf::plan::clone;

/// A repository with the branches `main` and `next` and the tag `v1`, and a directory of projects.
struct Ground {
    directory: TempDir,
}

impl Ground {
    fn new() -> Self {
        let ground = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(ground.root()).unwrap();
        let source = ground.source();
        std::fs::create_dir(&source).unwrap();
        git(&source, &["init", "-q", "-b", "main"]);
        git(&source, &["commit", "-q", "--allow-empty", "-m", "one"]);
        git(&source, &["tag", "v1"]);
        git(&source, &["checkout", "-q", "-b", "next"]);
        git(&source, &["commit", "-q", "--allow-empty", "-m", "two"]);
        git(&source, &["checkout", "-q", "main"]);
        git(&source, &["commit", "-q", "--allow-empty", "-m", "three"]);
        ground
    }

    fn source(&self) -> PathBuf {
        self.directory.path().join("source")
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("projects")
    }

    fn project(&self, path: &str, revision: Option<&str>) -> CloneProject {
        let url = format!("file://{}", self.source().display());
        CloneProject {
            name: "code".to_owned(),
            component: "tools".to_owned(),
            root: self.root().to_str().unwrap().to_owned(),
            path: path.to_owned(),
            sub_dir: None,
            source: ProjectSource::Git {
                remotes: vec![
                    ("fork".to_owned(), "https://x.example/y".to_owned()),
                    ("up".to_owned(), url),
                ],
                checkout_remote: "up".to_owned(),
                revision: revision.map(str::to_owned),
                folders: Vec::new(),
            },
        }
    }

    /// A project with these folders alone.
    fn sparse(&self, path: &str, revision: Option<&str>, only: &[&str]) -> CloneProject {
        let mut project = self.project(path, revision);
        let ProjectSource::Git { folders, .. } = &mut project.source else {
            unreachable!("it is a git repository");
        };
        *folders = only.iter().map(|&folder| folder.to_owned()).collect();
        project
    }

    /// A project that is cloned from another address.
    fn from(&self, path: &str, url: &str) -> CloneProject {
        let mut project = self.project(path, None);
        let ProjectSource::Git { remotes, .. } = &mut project.source else {
            unreachable!("it is a git repository");
        };
        url.clone_into(&mut remotes[1].1);
        project
    }

    /// What lies in the directory of projects.
    fn listing(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.root()).unwrap();
        let mut names: Vec<_> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn git(directory: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .args(["-c", "user.name=a", "-c", "user.email=a@b", "-C"])
        .arg(directory);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn run(project: &CloneProject) -> Output {
    let argv = clone::command(project);
    Command::new(&argv[0]).args(&argv[1..]).output().unwrap()
}

#[test]
fn a_clone_has_the_default_branch_and_every_remote_and_leaves_nothing_else() {
    let ground = Ground::new();
    let output = run(&ground.project("deep/er/code", None));
    assert!(output.status.success(), "{output:?}");
    let clone = ground.root().join("deep/er/code");
    assert!(git(&clone, &["branch", "-vv"]).contains("[up/main]"));
    assert_eq!(git(&clone, &["remote", "get-url", "fork"]), "https://x.example/y");
    assert_eq!(ground.listing(), ["deep"]);
}

#[test]
fn a_revision_is_a_branch_a_tag_or_a_commit() {
    let ground = Ground::new();
    let commit = git(&ground.source(), &["rev-parse", "next"]);
    for (revision, head, subject) in [
        ("next", "next", "two"),
        ("v1", "HEAD", "one"),
        (&*commit, "HEAD", "two"),
    ] {
        assert!(run(&ground.project(revision, Some(revision))).status.success());
        let clone = ground.root().join(revision);
        assert_eq!(git(&clone, &["rev-parse", "--abbrev-ref", "HEAD"]), head);
        assert_eq!(git(&clone, &["log", "-1", "--format=%s"]), subject);
    }
}

#[test]
fn only_the_folders_that_are_asked_for_are_checked_out() {
    let ground = Ground::new();
    let source = ground.source();
    for folder in ["docs/guide", "src", "a b"] {
        std::fs::create_dir_all(source.join(folder)).unwrap();
        std::fs::write(source.join(folder).join("file"), "").unwrap();
    }
    std::fs::write(source.join("README"), "").unwrap();
    git(&source, &["add", "."]);
    git(&source, &["commit", "-q", "-m", "files"]);
    git(&source, &["branch", "-f", "next"]);
    for revision in [None, Some("next")] {
        let path = revision.unwrap_or("main");
        let output = run(&ground.sparse(path, revision, &["docs/guide", "a b"]));
        assert!(output.status.success(), "{output:?}");
        let clone = ground.root().join(revision.unwrap_or("main"));
        assert!(clone.join("docs/guide/file").exists() && clone.join("a b/file").exists());
        assert!(clone.join("README").exists() && !clone.join("src").exists());
        assert_eq!(git(&clone, &["status", "--porcelain"]), "");
    }
}

#[test]
fn nothing_is_ever_cloned_over_work() {
    let ground = Ground::new();
    let target = ground.root().join("code");
    std::fs::create_dir(&target).unwrap();
    assert!(run(&ground.project("code", None)).status.success());
    assert!(target.join(".git").is_dir(), "an empty directory is no work");
    std::fs::remove_dir_all(target.join(".git")).unwrap();
    std::fs::write(target.join("work"), "mine").unwrap();
    assert!(run(&ground.project("code", None)).status.success());
    assert!(!target.join(".git").exists());
    std::os::unix::fs::symlink("/nowhere", ground.root().join("link")).unwrap();
    assert!(run(&ground.project("link", None)).status.success());
    assert_eq!(ground.listing(), ["code", "link"]);
}

#[test]
fn what_an_interrupted_clone_left_is_cleared_away() {
    let ground = Ground::new();
    let left = ground.root().join(".wharf-clone-code.12");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("half"), "").unwrap();
    assert!(run(&ground.project("code", None)).status.success());
    assert_eq!(ground.listing(), ["code"]);
}

#[test]
fn a_failure_leaves_nothing_and_says_why() {
    let ground = Ground::new();
    let absent = ground.from("absent", "file:///nowhere/at-all");
    let root = ground.root();
    let command = ground.from("command", &format!("ext::sh -c touch% {}/owned", root.display()));
    let option = ground.from("option", &format!("--upload-pack=touch {}/owned", root.display()));
    for (project, said) in [
        (absent, "/nowhere/at-all"),
        (command, "transport 'ext' not allowed"),
        (option, "does not exist"),
        (
            ground.project("code", Some("no-such")),
            "revision no-such can't be checked out",
        ),
        (
            ground.project("code", Some("--orphan")),
            "--orphan is no revision",
        ),
        (
            ground.project(".", None),
            "the project's path must name a directory below",
        ),
    ] {
        let output = run(&project);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(words.contains(said), "{words}");
        assert_eq!(ground.listing(), [""; 0], "{words}");
    }
}

#[test]
fn without_git_it_says_so_and_touches_nothing() {
    let ground = Ground::new();
    let argv = clone::command(&ground.project("code", None));
    let output = Command::new(&argv[0])
        .args(&argv[1..])
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(clone::NO_PROGRAM), "{output:?}");
    assert_eq!(ground.listing(), [""; 0]);
}

#[test]
fn one_folder_of_the_sources_can_be_kept_alone() {
    let ground = Ground::new();
    let source = ground.source();
    std::fs::create_dir_all(source.join("samples/one")).unwrap();
    std::fs::write(source.join("samples/one/file"), "").unwrap();
    git(&source, &["add", "."]);
    git(&source, &["commit", "-q", "-m", "files"]);
    let mut project = ground.project("code", None);
    project.sub_dir = Some("samples/one".to_owned());
    assert!(run(&project).status.success());
    assert!(ground.root().join("code/file").exists());
    assert!(!ground.root().join("code/.git").exists());
    assert_eq!(ground.listing(), ["code"]);
    let mut lost = ground.project("lost", None);
    lost.sub_dir = Some("samples/two".to_owned());
    let output = run(&lost);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no folder samples/two"));
    assert_eq!(ground.listing(), ["code"]);
}
