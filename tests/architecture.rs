//! The law of the crate's map, enforced over its source text: what may import what, which stages are pure, how long a
//! file gets, and that nothing lies about unused.
//!
//! The text is read token by token, without comments, strings and test modules. That sees every path that is written
//! out; no macro of this crate hides one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test that reads files

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A file's most lines without its tests; "about 400" with a little grace.
const MOST_LINES: usize = 420;

/// What no pure stage may name, as the beginning of a path.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::net::ToSocketAddrs",
    "std::process",
    "std::thread",
    "std::os",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::time::SystemTime",
    "std::time::Instant",
    "std::hash::RandomState",
    "tokio",
    "rustix",
    "gix",
    "tempfile",
    "notify",
    "hyper",
    "podman_api",
    "containers_api",
    "reqwest",
    "rustls",
    "http_auth",
    "docker_credential",
    "rand",
    "getrandom",
    "fastrand",
    "tracing",
    "indicatif",
    "anstream",
];

/// Crates whose types stay inside `engine/podman`.
const PODMAN: &[&str] = &["podman_api", "containers_api", "hyper"];

/// Names that say nothing about what a file is for.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "manager", "common", "misc"];

/// One source file.
struct Source {
    /// Relative to `src/`.
    path: String,
    /// As written.
    text: String,
    /// The paths that it names outside its tests, such as `crate::model::Name`.
    names: BTreeSet<String>,
    /// The same within its tests.
    names_in_tests: BTreeSet<String>,
    /// Lines outside its tests.
    lines: usize,
    /// Files below its folder that are compiled for tests only, such as `plan/tests.rs`.
    test_files: Vec<String>,
    /// Whether it is one of those.
    is_test: bool,
}

impl Source {
    /// The module of the crate that it belongs to; `main` and `lib` for those.
    fn module(&self) -> &str {
        self.path.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// How many modules deep it is: 1 for a module of the crate.
    fn depth(&self) -> usize {
        let path = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        path.split('/').count()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let (code, tests) = split_tests(&tokens(&text));
        let path = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        let folder = path
            .trim_end_matches(".rs")
            .trim_end_matches("mod")
            .trim_end_matches('/');
        let test_files = test_modules(&code)
            .map(|module| format!("{folder}/{module}.rs"))
            .collect();
        let test_lines: usize = tests
            .iter()
            .map(|t| t.last().map_or(0, |l| l.line) + 1 - t[0].line)
            .sum();
        Source {
            path,
            test_files,
            is_test: false,
            names: paths(&code),
            names_in_tests: tests.iter().flat_map(|t| paths(t)).collect(),
            lines: text.lines().count() - test_lines,
            text,
        }
    };
    let mut sources: Vec<_> = files(&src, "rs").into_iter().map(read).collect();
    let test_files: BTreeSet<_> = sources.iter().flat_map(|s| s.test_files.clone()).collect();
    for source in &mut sources {
        source.is_test = test_files.contains(&source.path);
    }
    assert!(sources.len() > 10, "the source text was found");
    sources
}

/// A word or a mark, with its line counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

/// Splits Rust source text; comments, strings and characters are left out.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut found, mut i, mut line) = (Vec::new(), 0, 1);
    while i < chars.len() {
        let start = i;
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1
                }
            }
            '/' if at(i + 1) == '*' => {
                let mut open = 0;
                loop {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (open, i) = (open + 1, i + 2),
                        ('*', '/') => (open, i) = (open - 1, i + 2),
                        _ => i += 1,
                    }
                    if open == 0 || i >= chars.len() {
                        break;
                    }
                }
            }
            '"' => i = end_of_string(&chars, i),
            '\'' if at(i + 1) == '\\' => {
                i += 3;
                while at(i) != '\'' {
                    i += 1
                }
                i += 1;
            }
            '\'' if at(i + 2) == '\'' => i += 3,
            c if c.is_alphanumeric() || c == '_' => {
                while at(i).is_alphanumeric() || at(i) == '_' {
                    i += 1
                }
                let word: String = chars[start..i].iter().collect();
                let hashes = chars[i..].iter().take_while(|c| **c == '#').count();
                if ["r", "br", "cr"].contains(&word.as_str()) && at(i + hashes) == '"' {
                    i = end_of_raw_string(&chars, i, hashes);
                } else {
                    found.push(Token { text: word, line });
                }
            }
            ':' if at(i + 1) == ':' => {
                found.push(Token {
                    text: "::".to_owned(),
                    line,
                });
                i += 2;
            }
            c => {
                if !c.is_whitespace() {
                    found.push(Token {
                        text: c.to_string(),
                        line,
                    });
                }
                i += 1;
            }
        }
        line += chars[start..i.min(chars.len())]
            .iter()
            .filter(|c| **c == '\n')
            .count();
    }
    found
}

fn end_of_string(chars: &[char], mut i: usize) -> usize {
    i += 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

fn end_of_raw_string(chars: &[char], i: usize, hashes: usize) -> usize {
    let mut i = i + hashes + 1;
    while i < chars.len() && !(chars[i] == '"' && chars[i + 1..].iter().take(hashes).all(|c| *c == '#')) {
        i += 1;
    }
    i + 1 + hashes
}

/// The tokens outside and inside `#[cfg(test)] mod … { … }`.
fn split_tests(tokens: &[Token]) -> (Vec<Token>, Vec<Vec<Token>>) {
    let (mut code, mut tests, mut i) = (Vec::new(), Vec::new(), 0);
    let opening = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    while i < tokens.len() {
        let here = tokens[i..].iter().map(|t| t.text.as_str());
        if here.take(opening.len()).eq(opening) && tokens[i + opening.len() + 1].text == "{" {
            let (start, mut open) = (i, 0);
            loop {
                match tokens[i].text.as_str() {
                    "{" => open += 1,
                    "}" => open -= 1,
                    _ => {}
                }
                i += 1;
                if open == 0 && tokens[i - 1].text == "}" {
                    break;
                }
            }
            tests.push(tokens[start..i].to_vec());
        } else {
            code.push(tokens[i].clone());
            i += 1;
        }
    }
    (code, tests)
}

/// The modules that are declared as `#[cfg(test)] mod …;`.
fn test_modules(code: &[Token]) -> impl Iterator<Item = &str> {
    let opening = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    code.windows(opening.len() + 2).filter_map(move |window| {
        let texts = window.iter().map(|t| t.text.as_str());
        let declares = texts.take(opening.len()).eq(opening) && window[opening.len() + 1].text == ";";
        declares.then(|| window[opening.len()].text.as_str())
    })
}

/// Every path among the tokens, groups of `use` unfolded.
fn paths(tokens: &[Token]) -> BTreeSet<String> {
    let (mut found, mut i) = (BTreeSet::new(), 0);
    while i < tokens.len() {
        i = path(tokens, i, "", &mut found).max(i + 1);
    }
    found
}

/// Reads a path that begins at `i` behind `prefix`; returns where it ends.
fn path(tokens: &[Token], mut i: usize, prefix: &str, found: &mut BTreeSet<String>) -> usize {
    let text = |i: usize| tokens.get(i).map_or("", |t| t.text.as_str());
    let is_word = |i: usize| text(i).starts_with(|c: char| c.is_alphabetic() || c == '_');
    let mut path = prefix.to_owned();
    while is_word(i) {
        path.push_str(text(i));
        i += 1;
        if text(i) != "::" {
            break;
        }
        path.push_str("::");
        i += 1;
    }
    if text(i) == "{" && path.ends_with("::") {
        i += 1;
        while i < tokens.len() && text(i) != "}" {
            i = self::path(tokens, i, &path, found).max(i + 1);
        }
        return i + 1;
    }
    if !path.is_empty() && path != prefix {
        found.insert(path.trim_end_matches("::").to_owned());
    }
    if text(i) == "as" { i + 2 } else { i }
}

/// Whether `path` is `beginning` or lies below it.
fn begins(path: &str, beginning: &str) -> bool {
    path.strip_prefix(beginning)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The modules in the order in which `src/lib.rs` declares them, and how many of them are pure.
fn map() -> (Vec<String>, usize) {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let (pure, effects) = text
        .split_once("// -- effects --")
        .expect("lib.rs separates pure stages from effects");
    let modules = |text: &str| -> Vec<String> {
        let declared = text
            .lines()
            .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        declared.map(str::to_owned).collect()
    };
    let mut all = modules(pure);
    let count = all.len();
    all.extend(modules(effects));
    (all, count)
}

fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn paths_are_read_from_source_text() {
    let text = r##"
        use crate::{model::{self, Name}, plan as p}; // crate::comment
        /* crate::block /* crate::nested */ */
        fn f<'a>(x: &'a str) -> char { crate::engine::start("crate::text", r#"crate::raw"#); '"' }
        #[cfg(test)]
        mod tests { use crate::cli; fn g() { if true {} } }
        const Q: char = '\''; use super::super::x;
    "##;
    let (code, tests) = split_tests(&tokens(text));
    let of = |tokens: &[Token]| -> Vec<String> {
        paths(tokens).into_iter().filter(|p| p.contains("::")).collect()
    };
    assert_eq!(
        of(&code),
        [
            "crate::engine::start",
            "crate::model::Name",
            "crate::model::self",
            "crate::plan",
            "super::super::x"
        ]
    );
    assert_eq!(of(&tests[0]), ["crate::cli"]);
}

#[test]
fn every_module_is_on_the_map() {
    let (modules, _) = map();
    let declared: BTreeSet<_> = modules
        .iter()
        .map(String::as_str)
        .chain(["lib", "main"])
        .collect();
    let sources = sources();
    let found: BTreeSet<_> = sources.iter().map(Source::module).collect();
    assert_eq!(declared, found);
}

#[test]
fn a_module_imports_only_modules_that_stand_above_it() {
    let (modules, _) = map();
    let place: BTreeMap<_, _> = modules.iter().enumerate().map(|(i, m)| (m.as_str(), i)).collect();
    let mut violations = Vec::new();
    for source in sources() {
        let Some(own) = place.get(source.module()) else {
            continue;
        };
        for name in source.names.iter().chain(&source.names_in_tests) {
            let Some(target) = name.strip_prefix("crate::") else {
                continue;
            };
            let target = target.split("::").next().unwrap();
            match place.get(target) {
                Some(above) if above <= own => {}
                Some(_) => violations.push(format!("{}: {name} stands below it", source.path)),
                None => violations.push(format!("{}: {name} is no module of the crate", source.path)),
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn no_path_climbs_to_the_crates_root_by_super() {
    let mut violations = Vec::new();
    for source in sources() {
        let climbs = |name: &str| name.split("::").take_while(|part| *part == "super").count();
        let names = source.names.iter().map(|name| (name, source.depth()));
        let in_tests = source
            .names_in_tests
            .iter()
            .map(|name| (name, source.depth() + 1));
        for (name, depth) in names.chain(in_tests) {
            if climbs(name) >= depth {
                violations.push(format!("{}: write crate:: instead of {name}", source.path));
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn the_binary_uses_the_command_line_module_only() {
    let sources = sources();
    let main = sources.iter().find(|s| s.path == "main.rs").unwrap();
    let others: Vec<_> = main
        .names
        .iter()
        .filter(|n| begins(n, "wharf") && !begins(n, "wharf::cli"))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn pure_stages_know_no_clock_no_randomness_no_environment_no_file_and_no_network() {
    let (modules, pure) = map();
    let mut violations = Vec::new();
    for source in sources()
        .iter()
        .filter(|s| modules[..pure].iter().any(|m| m == s.module()) && !s.is_test)
    {
        for name in &source.names {
            if IMPURE.iter().any(|impure| begins(name, impure)) || ["async", "await"].contains(&name.as_str())
            {
                violations.push(format!("{}: {name}", source.path));
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn podmans_types_stay_inside_its_engine() {
    let mut violations = Vec::new();
    for source in sources().iter().filter(|s| !s.path.starts_with("engine/podman")) {
        for name in source.names.iter().chain(&source.names_in_tests) {
            if PODMAN.iter().any(|krate| begins(name, krate)) {
                violations.push(format!("{}: {name}", source.path));
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn a_file_is_short_says_what_it_is_and_is_named_for_it() {
    let mut violations = Vec::new();
    for source in sources() {
        if source.lines > MOST_LINES && !source.is_test {
            violations.push(format!(
                "{}: {} lines, at most {MOST_LINES}",
                source.path, source.lines
            ));
        }
        if !source.text.starts_with("//!") {
            violations.push(format!("{}: no comment at its head says what it is", source.path));
        }
        let stem = source.path.rsplit('/').next().unwrap().trim_end_matches(".rs");
        if EMPTY_NAMES.contains(&stem) {
            violations.push(format!("{}: the name says nothing", source.path));
        }
    }
    assert_none(&violations);
}

#[test]
fn nothing_waits_for_time_to_pass_in_a_test() {
    let mut violations = Vec::new();
    for path in files(&root().join("tests"), "rs") {
        let text = fs::read_to_string(&path).unwrap();
        for name in paths(&tokens(&text)) {
            if name.ends_with("thread::sleep") {
                violations.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn every_folder_of_fixtures_has_a_test_that_reads_it() {
    let readers: Vec<_> = (files(&root().join("tests"), "rs").into_iter())
        .chain(files(&root().join("src"), "rs"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let mut violations = Vec::new();
    for entry in fs::read_dir(root().join("fixtures")).into_iter().flatten() {
        let entry = entry.unwrap();
        let name = format!("fixtures/{}", entry.file_name().to_str().unwrap());
        if !readers.iter().any(|text| text.contains(&name)) {
            violations.push(format!("nothing reads {name}"));
        }
        for case in fs::read_dir(entry.path()).into_iter().flatten() {
            let case = case.unwrap().path();
            if case.is_dir() && fs::read_dir(&case).unwrap().next().is_none() {
                violations.push(format!("{} is empty", case.display()));
            }
        }
    }
    assert_none(&violations);
}
