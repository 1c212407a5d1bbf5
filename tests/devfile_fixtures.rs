//! Every folder of `fixtures/devfile` is a case: `valid.yaml` has no error, `invalid.yaml` has what `diagnostics.txt`
//! says. `variables.txt` holds a Workspace's variables, `name=value` a line. Adding a case is adding a folder;
//! `UPDATE_FIXTURES=1` writes `diagnostics.txt`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)] // a test that reads files

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wharf::devfile::{self, Devfile, Empty, Imports, Location, Missing, Shelf};
use wharf::document::{self, Diagnostics};

#[path = "support/diagnostics_text.rs"]
mod diagnostics_text;

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/devfile");
    let mut cases: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).collect();
    cases.sort();
    cases
}

/// The files of a case, which may import each other.
struct Folder<'a>(&'a Path);

impl Shelf for Folder<'_> {
    fn read(&self, location: &Location) -> Result<Arc<[u8]>, Missing> {
        match location {
            Location::File(path) => match fs::read(self.0.join(path)) {
                Ok(bytes) => Ok(bytes.into()),
                Err(_) => Err(Missing::NoFile(None)),
            },
            Location::Address(_) => Err(Missing::NotFetched),
        }
    }
}

fn read(folder: &Path, file: &str) -> (Option<Devfile>, Diagnostics) {
    let path = folder.join(file);
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let variables = fs::read_to_string(folder.join("variables.txt")).unwrap_or_default();
    let variables = variables.lines().filter_map(|line| line.split_once('='));
    let variables = variables.map(|(n, v)| (n.into(), v.into())).collect();
    read_text(file, &bytes, &variables, &Folder(folder))
}

fn read_text(
    file: &str,
    bytes: &[u8],
    variables: &BTreeMap<String, String>,
    shelf: &dyn Shelf,
) -> (Option<Devfile>, Diagnostics) {
    let (documents, mut diagnostics) = document::parse(file, bytes);
    let mut devfile = None;
    for document in documents {
        let document = Arc::new(document);
        let imports = Imports::gather([(&*document, &document.root)], None, shelf);
        let read = devfile::read(&document, &document.root, variables, &imports);
        devfile = read.devfile;
        diagnostics.extend(read.diagnostics);
    }
    (devfile, diagnostics)
}

#[test]
fn every_valid_devfile_is_read_without_a_word() {
    for case in cases() {
        let (devfile, diagnostics) = read(&case, "valid.yaml");
        let text = diagnostics_text::plain(&diagnostics);
        assert!(
            devfile.is_some() && text.is_empty(),
            "{}:\n{text}",
            case.display()
        );
    }
}

#[test]
fn every_invalid_devfile_has_the_expected_diagnostics() {
    let mut wrong = String::new();
    for case in cases() {
        let (devfile, diagnostics) = read(&case, "invalid.yaml");
        assert_eq!(devfile.is_none(), diagnostics.has_errors(), "{}", case.display());
        assert!(!diagnostics.0.is_empty(), "{}: nothing was found", case.display());
        let found = diagnostics_text::plain(&diagnostics);
        let golden = case.join("diagnostics.txt");
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            fs::write(&golden, &found).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if found != expected {
            wrong += &format!("{}\n--- expected\n{expected}--- found\n{found}", case.display());
        }
    }
    assert!(
        wrong.is_empty(),
        "UPDATE_FIXTURES=1 accepts what was found:\n{wrong}"
    );
}

#[test]
fn every_rule_has_an_example_that_breaks_it_and_cases_of_its_own() {
    for rule in devfile::RULES {
        let name = rule.code.strip_prefix("devfile/").unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures/devfile")
            .join(name);
        let (_, diagnostics) = read(&folder, "invalid.yaml");
        assert!(diagnostics.0.iter().any(|d| d.code == rule.code), "{}", rule.code);
        assert_eq!(
            fs::read_to_string(folder.join("invalid.yaml")).unwrap(),
            rule.example,
            "{}",
            rule.code
        );
        let same = devfile::RULES.iter().filter(|r| r.code == rule.code);
        assert_eq!(same.count(), 1, "{}", rule.code);
    }
}

#[test]
fn an_example_breaks_no_other_rule() {
    for case in cases() {
        let (_, diagnostics) = read(&case, "invalid.yaml");
        let name = case.file_name().unwrap().to_str().unwrap();
        for diagnostic in &diagnostics.0 {
            let code = diagnostic.code.split('/').next_back().unwrap();
            let own = name.starts_with(code) || name.starts_with("structure");
            assert!(
                own || diagnostic.code == "devfile/key-version",
                "{name} has {}",
                diagnostic.code
            );
        }
    }
}

#[test]
fn the_documentation_is_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/devfiles.md")).unwrap();
    for rule in devfile::RULES {
        assert!(text.contains(&format!("`{}`", rule.code)), "{}", rule.code);
    }
    let example = text.split("```").nth(1).unwrap().trim_start_matches("yaml");
    let (devfile, diagnostics) = read_text("example", example.as_bytes(), &BTreeMap::new(), &Empty);
    let text = diagnostics_text::plain(&diagnostics);
    assert!(devfile.is_some() && text.is_empty(), "{text}");
}

/// Every folder of `fixtures/flatten` is a case: `flat.json` is what `devfile.yaml` is once its parents and plugins are
/// merged and its variables replaced.
#[test]
fn a_devfile_and_what_it_imports_become_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/flatten");
    for case in fs::read_dir(root).unwrap().map(|e| e.unwrap().path()) {
        let bytes = fs::read(case.join("devfile.yaml")).unwrap();
        let (documents, _) = document::parse("devfile.yaml", &bytes);
        let document = Arc::new(documents.into_iter().next().unwrap());
        let imports = Imports::gather([(&*document, &document.root)], None, &Folder(&case));
        let read = devfile::read(&document, &document.root, &BTreeMap::new(), &imports);
        let flat = serde_json::to_string_pretty(&read.flat.unwrap().to_json()).unwrap() + "\n";
        let golden = case.join("flat.json");
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            fs::write(&golden, &flat).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(flat, expected, "{}: UPDATE_FIXTURES=1 accepts it", case.display());
    }
}

/// Each of these would take minutes, or all memory, were anything about it quadratic or worse.
#[test]
fn large_devfiles_full_of_errors_are_read_in_no_time() {
    const N: usize = 5_000;
    let all = |item: &dyn Fn(usize) -> String| (0..N).map(item).collect::<String>();
    let container = "components: [{name: a, container: {image: x}}]\n";
    let doubled: String = (1..60)
        .map(|i| format!("- {{id: c{i}, composite: {{commands: [c{0}, c{0}]}}}}\n", i - 1))
        .collect();
    for text in [
        all(&|i| format!("compo{i}: 1\n")),
        format!(
            "components:\n{}",
            all(&|_| "- {name: a, volume: {}}\n".to_owned())
        ),
        format!(
            "{container}commands:\n{}",
            all(&|i| format!("- {{id: c{i}, exec: {{component: b{i}, commandLine: x}}}}\n"))
        ),
        format!(
            "commands:\n{}",
            all(&|i| format!(
                "- {{id: c{i}, composite: {{commands: [c{}, c0]}}}}\n",
                (i + 1) % N
            ))
        ),
        format!("{container}commands:\n- {{id: c0, composite: {{}}}}\n{doubled}events: {{preStop: [c59]}}"),
        format!(
            "commands:\n- {{id: a, composite: {{commands: [{}]}}}}\nevents: {{preStart: [{}]}}",
            all(&|_| "b, ".to_owned()),
            all(&|_| "a, ".to_owned())
        ),
        format!(
            "parent: {{}}\ncomponents: [{{name: a, container: {{image: \"{}\"}}}}]",
            all(&|i| format!("{{{{v{i}}}}}"))
        ),
        format!(
            "parent: {{}}\ncomponents: [{{name: a, container: {{image: \"{}\"}}}}]",
            "{{".repeat(N)
        ),
    ] {
        let text = format!("schemaVersion: 2.2.0\n{text}");
        let (devfile, diagnostics) = read_text("large", text.as_bytes(), &BTreeMap::new(), &Empty);
        assert!(devfile.is_none() && diagnostics.has_errors(), "{}", &text[..80]);
        assert!(diagnostics.0.len() <= 101, "{}", diagnostics.0.len());
    }
}
