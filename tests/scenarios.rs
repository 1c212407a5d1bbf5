//! Scenarios: each file `tests/scenarios/*.txt` is a script that drives the real command line on the simulated engine,
//! together with all that it shows. Adding a case is adding a file; `UPDATE_FIXTURES=1` rewrites what is shown.
//!
//! ```text
//! # a comment
//! copy lab repo                     copies tests/scenarios/lab into the scenario's own directory
//! cd repo                           where the following lines work
//! engine {"images": {"x": "id"}}    merges JSON into the engine's file, as RFC 7386 says; null removes
//! replace FILE OLD NEW              changes a file's text, which must be there
//! write FILE TEXT                   writes a file, \n for line breaks
//! remove FILE                       removes a file or folder
//! $ git commit ...                  runs git, which must succeed; what it shows is left out
//! $ wharf plan                      runs wharf, and what follows is what it showed:
//! | a line of standard output
//! ! a line of standard error
//! exit 1                            its exit code, where it is not 0
//! ```
//!
//! What differs from run to run is shown as `[TMP]`, `[COMMIT]` and `[DIGEST]`; `[DIGEST]` in a command is the last one
//! that was shown.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test with files

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

#[path = "support/place.rs"]
mod place;

use place::{binary, root};

/// A scenario that is being run.
struct Scenario {
    tmp: tempfile::TempDir,
    dir: PathBuf,
    digest: String,
    /// The script, with what it showed this time.
    shown: String,
}

#[test]
fn every_scenario_shows_what_it_says() {
    let folder = root().join("tests/scenarios");
    let mut scripts: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    scripts.sort();
    assert!(!scripts.is_empty());
    let update = std::env::var_os("UPDATE_FIXTURES").is_some();
    let mut differing = String::new();
    for path in scripts {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let script = fs::read_to_string(&path).unwrap();
        let shown = Scenario::run(&name, &script);
        if update {
            fs::write(&path, shown).unwrap();
        } else if shown != script {
            differing.push_str(&format!("\n--- {name}\n{}", difference(&script, &shown)));
        }
    }
    assert!(
        differing.is_empty(),
        "{differing}\nUPDATE_FIXTURES=1 writes what is shown now"
    );
}

impl Scenario {
    fn run(name: &str, script: &str) -> String {
        // Messages are broken between words, so the path's length must not differ from machine to machine.
        let tmp = tempfile::tempdir_in("/tmp").unwrap();
        let mut scenario = Self {
            dir: tmp.path().to_owned(),
            tmp,
            digest: String::new(),
            shown: String::new(),
        };
        for (number, line) in script.lines().enumerate() {
            let is_output =
                ["| ", "! ", "exit "].iter().any(|p| line.starts_with(p)) || line == "|" || line == "!";
            if !is_output {
                scenario.shown.push_str(line);
                scenario.shown.push('\n');
                scenario.line(&format!("{name}:{}", number + 1), line);
            }
        }
        scenario.shown
    }

    fn line(&mut self, place: &str, line: &str) {
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        if let Some(patch) = line.strip_prefix("engine ") {
            let patch = serde_json::from_str(patch).unwrap_or_else(|e| panic!("{place}: {e}"));
            return self.engine(&patch);
        }
        let words = words(line.strip_prefix("$ ").unwrap_or(line));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["copy", from, to] => copy(&root().join("tests/scenarios").join(from), &self.dir.join(to)),
            ["cd", to] => self.dir = self.tmp.path().join(to),
            ["write", file, text] => {
                let file = self.dir.join(file);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text.replace("\\n", "\n")).unwrap();
            }
            ["replace", file, old, new] => {
                let file = self.dir.join(file);
                let text = fs::read_to_string(&file).unwrap();
                let (old, new) = (old.replace("\\n", "\n"), new.replace("\\n", "\n"));
                assert!(text.contains(&old), "{place}: {old:?} is not there");
                fs::write(&file, text.replace(&old, &new)).unwrap();
            }
            ["remove", file] => {
                let file = self.dir.join(file);
                if file.is_dir() {
                    fs::remove_dir_all(file).unwrap();
                } else {
                    fs::remove_file(file).unwrap();
                }
            }
            ["git", arguments @ ..] => {
                let output = self.command("git").args(arguments).output().unwrap();
                let error = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{place}: {error}");
            }
            ["wharf", arguments @ ..] => self.wharf(arguments),
            _ => panic!("{place}: not understood: {line}"),
        }
    }

    /// A program that sees nothing of the machine but its programs.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let tmp = self.tmp.path();
        let mut command = Command::new(program);
        command
            .current_dir(&self.dir)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", tmp)
            .env("XDG_RUNTIME_DIR", tmp.join("run"))
            .env("WHARF_STATE_DIR", tmp.join("state"))
            .env(
                "CONTAINER_HOST",
                format!("simulated://{}", self.engine_file().display()),
            )
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_DATE"), "2024-01-01T00:00:00Z")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "Alice")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "alice@example.org")))
            .stdin(std::process::Stdio::null());
        // Where the tests are measured, the binary is too.
        if let Some(profile) = std::env::var_os("LLVM_PROFILE_FILE") {
            command.env("LLVM_PROFILE_FILE", profile);
        }
        command
    }

    fn engine_file(&self) -> PathBuf {
        self.tmp.path().join("engine.json")
    }

    fn engine(&self, patch: &Value) {
        let mut state = fs::read_to_string(self.engine_file())
            .map_or_else(|_| json!({}), |text| serde_json::from_str(&text).unwrap());
        merge(&mut state, patch);
        fs::write(self.engine_file(), state.to_string()).unwrap();
    }

    fn wharf(&mut self, arguments: &[&str]) {
        let arguments = arguments.iter().map(|a| a.replace("[DIGEST]", &self.digest));
        let output = self.command(binary()).args(arguments).output().unwrap();
        let (stdout, stderr) = (self.masked(&output.stdout), self.masked(&output.stderr));
        for (sign, text) in [('|', stdout), ('!', stderr)] {
            for line in text.lines() {
                let line = format!("{sign} {line}");
                self.shown.push_str(line.trim_end());
                self.shown.push('\n');
            }
        }
        match output.status.code() {
            Some(0) => {}
            Some(code) => self.shown.push_str(&format!("exit {code}\n")),
            None => self.shown.push_str("exit by a signal\n"),
        }
    }

    /// Without what differs from run to run.
    fn masked(&mut self, bytes: &[u8]) -> String {
        let tmp = self.tmp.path().to_str().unwrap().to_owned();
        let mut text = String::from_utf8_lossy(bytes).replace(&tmp, "[TMP]");
        for id in hexadecimal(&text) {
            match id.len() {
                40 => text = text.replace(&id, "[COMMIT]"),
                32 => {
                    text = text.replace(&id, "[DIGEST]");
                    self.digest = id;
                }
                _ => {}
            }
        }
        if let Ok(head) = self.command("git").args(["log", "--all", "--format=%H"]).output() {
            for commit in String::from_utf8_lossy(&head.stdout).lines() {
                text = text.replace(&commit[..10], "[COMMIT]");
            }
        }
        text
    }
}

/// The longest runs of hexadecimal digits that stand alone.
fn hexadecimal(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '-')
        .filter(|word| word.len() >= 32 && word.chars().all(|c| c.is_ascii_hexdigit() && !c.is_uppercase()))
        .map(str::to_owned)
        .collect()
}

/// A command line's words; quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (None, ' ') => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), c) if open == c => quote = None,
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
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

fn merge(state: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *state = patch.clone();
        return;
    };
    if !state.is_object() {
        *state = json!({});
    }
    let state = state.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            state.remove(key);
        } else {
            merge(state.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// The lines from the first that differs on.
fn difference(expected: &str, shown: &str) -> String {
    let (expected, shown): (Vec<_>, Vec<_>) = (expected.lines().collect(), shown.lines().collect());
    let same = expected.iter().zip(&shown).take_while(|(a, b)| a == b).count();
    let part = |lines: &[&str], sign: char| -> String {
        let lines = lines.iter().skip(same.saturating_sub(3)).take(40);
        lines.map(|line| format!("{sign} {line}\n")).collect()
    };
    format!(
        "expected, from line {}:\n{}shown:\n{}",
        same + 1,
        part(&expected, '-'),
        part(&shown, '+')
    )
}
