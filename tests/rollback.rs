//! `wharf rollback` beside real git: what it writes into a clone, and what it leaves alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // tests with processes

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

#[path = "support/place.rs"]
mod place;

use place::{binary, root};

/// A clone whose configuration is in `folder`, with three commits.
struct Clone {
    tmp: tempfile::TempDir,
    folder: &'static str,
}

impl Clone {
    fn new(folder: &'static str) -> Self {
        let tmp = tempfile::tempdir().unwrap();
        let clone = Self { tmp, folder };
        copy(&root().join("tests/scenarios/lab"), &clone.dir());
        fs::write(clone.top().join("README"), "one\n").unwrap();
        clone.git(&["init", "-q", "-b", "main", clone.top().to_str().unwrap()]);
        clone.git(&["config", "user.name", "Alice Example"]);
        clone.git(&["config", "user.email", "alice@example.org"]);
        clone.commit("First workspaces");
        clone.edit("EDITOR: vi", "EDITOR: nano");
        clone.commit("Alice wants nano");
        fs::write(clone.top().join("README"), "two\n").unwrap();
        clone.edit("EDITOR: nano", "EDITOR: ed");
        clone.commit("No, ed");
        clone
    }

    fn top(&self) -> PathBuf {
        self.tmp.path().join("repo")
    }

    fn dir(&self) -> PathBuf {
        self.top().join(self.folder)
    }

    /// A program that knows nothing of this machine's git.
    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.dir())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.tmp.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(Stdio::null());
        command
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = self.command(Path::new("git"), arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "-A", "."]);
        self.git(&["add", "-A", self.top().to_str().unwrap()]);
        self.git(&["commit", "-q", "-m", message]);
    }

    fn edit(&self, old: &str, new: &str) {
        let file = self.dir().join("workspaces.yaml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(old), "{text}");
        fs::write(&file, text.replace(old, new)).unwrap();
    }

    fn wharf(&self, arguments: &[&str]) -> Output {
        self.command(&binary(), arguments).output().unwrap()
    }

    /// What stands on standard error where it was refused.
    fn refused(&self, arguments: &[&str]) -> String {
        let before = self.git(&["for-each-ref"]);
        let output = self.wharf(arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(self.git(&["for-each-ref"]), before, "no branch was made");
        String::from_utf8(output.stderr).unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn it_writes_one_commit_and_one_branch_and_touches_nothing_else() {
    let clone = Clone::new("");
    let head = clone.git(&["rev-parse", "HEAD"]);
    let index = || fs::read(clone.top().join(".git/index")).unwrap();
    let before = index();
    let output = clone.wharf(&["rollback", "main~2", "--branch", "undo"]);
    assert_eq!(index(), before);
    assert!(output.status.success(), "{output:?}");
    let plan = String::from_utf8(output.stdout).unwrap();
    assert!(plan.contains("env.EDITOR: ed -> vi"), "{plan}");
    assert_eq!(clone.git(&["diff", "main~2", "undo"]), "");
    assert_eq!(clone.git(&["rev-parse", "undo~1"]), head);
    assert_eq!(clone.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(clone.git(&["symbolic-ref", "HEAD"]), "refs/heads/main");
    assert_eq!(clone.git(&["status", "--porcelain"]), "");
    assert!(
        fs::read_to_string(clone.dir().join("workspaces.yaml"))
            .unwrap()
            .contains("EDITOR: ed")
    );
    let who = clone.git(&["log", "-1", "--format=%an <%ae> %cn <%ce>", "undo"]);
    assert_eq!(
        who,
        "Alice Example <alice@example.org> Alice Example <alice@example.org>"
    );
    let short = |name: &str| clone.git(&["rev-parse", name])[..10].to_owned();
    let (first, second, third) = (short("main~2"), short("main~1"), short("main"));
    let message = format!(
        "Roll back to {first}: First workspaces\n\nReverts:\n  {third} No, ed\n  {second} Alice wants nano"
    );
    assert_eq!(clone.git(&["log", "-1", "--format=%B", "undo"]), message);
    clone.git(&["fsck", "--strict"]);
}

#[test]
fn by_default_it_goes_back_by_one_and_says_how_to_push() {
    let clone = Clone::new("");
    let bare = clone.tmp.path().join("bare.git");
    let bare = bare.to_str().unwrap();
    clone.git(&["init", "-q", "--bare", "-b", "main", bare]);
    clone.git(&["remote", "add", "upstream", bare]);
    clone.git(&["push", "-q", "-u", "upstream", "main"]);
    let output = clone.wharf(&["rollback"]);
    let said = String::from_utf8(output.stderr).unwrap();
    let branch = format!("rollback-{}", &clone.git(&["rev-parse", "main~1"])[..10]);
    let push = format!("git push upstream {branch}:main");
    assert!(said.contains(&push), "{said}");
    let words: Vec<&str> = push.split(' ').skip(1).collect();
    clone.git(&words);
    assert_eq!(
        clone.git(&["ls-remote", "upstream", "main"])[..40],
        clone.git(&["rev-parse", &branch])
    );
}

#[test]
fn a_configuration_in_a_folder_goes_back_alone() {
    let clone = Clone::new("machines/lab");
    let output = clone.wharf(&["rollback", "main~2", "--branch", "undo"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(clone.git(&["diff", "main~2", "undo", "--", "."]), "");
    assert_eq!(
        clone.git(&["diff", "--name-only", "main", "undo"]),
        "machines/lab/workspaces.yaml"
    );
    clone.git(&["fsck", "--strict"]);
    // Another configuration has changed since; this one has not.
    fs::write(clone.top().join("README"), "three\n").unwrap();
    clone.commit("elsewhere");
    assert!(clone.refused(&["rollback"]).contains("nothing to take back"));
}

#[test]
fn a_merge_is_told_as_one_and_goes_back_whole() {
    let clone = Clone::new("");
    clone.git(&["checkout", "-q", "-b", "topic"]);
    clone.edit("EDITOR: ed", "EDITOR: joe");
    clone.commit("on the topic");
    clone.edit("EDITOR: joe", "EDITOR: emacs");
    clone.commit("more of it");
    clone.git(&["checkout", "-q", "main"]);
    clone.git(&["merge", "-q", "--no-ff", "-m", "Merge the topic", "topic"]);
    assert!(clone.wharf(&["rollback", "--branch", "undo"]).status.success());
    assert_eq!(clone.git(&["diff", "main~1", "undo"]), "");
    let message = clone.git(&["log", "-1", "--format=%B", "undo"]);
    assert!(
        message.contains("Merge the topic") && !message.contains("more of it"),
        "{message}"
    );
    // Half of it: that commit is no first parent of any.
    assert!(
        clone
            .wharf(&["rollback", "topic~1", "--branch", "half"])
            .status
            .success()
    );
    assert_eq!(clone.git(&["diff", "topic~1", "half"]), "");
    let message = clone.git(&["log", "-1", "--format=%B", "half"]);
    assert!(
        message.contains("Merge the topic") && !message.contains("No, ed"),
        "{message}"
    );
}

#[test]
fn what_can_not_be_taken_back_is_refused() {
    let clone = Clone::new("");
    clone.edit("EDITOR: ed", "EDITOR: joe");
    assert!(clone.refused(&["rollback"]).contains("not committed"));
    clone.git(&["checkout", "-q", "."]);
    fs::write(clone.dir().join("new.yaml"), "").unwrap();
    assert!(clone.refused(&["rollback"]).contains("not committed"));
    fs::remove_file(clone.dir().join("new.yaml")).unwrap();
    assert!(
        clone
            .refused(&["rollback", "nothing"])
            .contains("names no commit")
    );
    assert!(
        clone
            .refused(&["rollback", "HEAD"])
            .contains("nothing to take back")
    );
    assert!(
        clone
            .refused(&["rollback", "--branch", "a..b"])
            .contains("can't be made")
    );
    assert!(
        clone
            .refused(&["rollback", "--branch", "main"])
            .contains("there already")
    );
    clone.git(&["checkout", "-q", "--orphan", "other"]);
    clone.commit("another line");
    assert!(
        clone
            .refused(&["rollback", "main"])
            .contains("not in the history")
    );
    assert!(clone.refused(&["rollback"]).contains("the first commit"));
    clone.git(&["checkout", "-q", "main"]);
    clone.git(&["config", "--unset", "user.email"]);
    assert!(clone.refused(&["rollback"]).contains("does not know who"));
    clone.git(&["config", "user.email", "alice@example.org"]);

    clone.edit("owner: alice", "owner: alcie");
    clone.commit("broken");
    clone.edit("owner: alcie", "owner: alice");
    clone.commit("mended");
    let said = clone.refused(&["rollback"]);
    assert!(
        said.contains("no User is named \"alcie\"") && said.contains("nothing was committed"),
        "{said}"
    );

    let bare = clone.tmp.path().join("bare.git");
    clone.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    assert!(
        clone
            .refused(&["rollback", "HEAD~1", bare.to_str().unwrap()])
            .contains("bare repository")
    );
    let nowhere = tempfile::tempdir().unwrap();
    let said = clone.refused(&["rollback", "HEAD~1", nowhere.path().to_str().unwrap()]);
    assert!(said.contains("in no git repository"), "{said}");
}

#[test]
fn one_can_go_back_from_a_commit_that_is_not_valid() {
    let clone = Clone::new("");
    clone.edit("owner: alice", "owner: alcie");
    clone.commit("broken");
    let output = clone.wharf(&["rollback", "--branch", "undo"]);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing to compare with"));
    assert_eq!(clone.git(&["diff", "main~1", "undo"]), "");
    // Nobody is on a branch.
    clone.git(&["checkout", "-q", "--detach", "main~1"]);
    assert!(
        clone
            .wharf(&["rollback", "--branch", "detached"])
            .status
            .success()
    );
}
