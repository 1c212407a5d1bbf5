//! What any input must do: no panic, no endless work, every problem at a place that exists, nothing on the reader's
//! terminal that the terminal would obey. Each target takes bytes; those that need several files take them as
//! `-- PATH --` lines with each file's text below.
//!
//! The property tests beside this file and the libFuzzer targets in `fuzz/` run the same functions.

#![allow(dead_code)] // each libFuzzer target uses one of them

use std::collections::BTreeMap;
use std::sync::Arc;

use wharf::cli::diagnostics;
use wharf::devfile::{self, Imports, Location, Missing, Shelf};
use wharf::document::{self, Content, Diagnostic, Diagnostics, Document, File, Files, Node, Value};
use wharf::lock::Lock;
use wharf::model::ObservedState;
use wharf::plan::{Request, display, plan};

/// A target and its name.
pub(crate) type Target = (&'static str, fn(&[u8]));

pub(crate) const TARGETS: [Target; 5] = [
    ("yaml", yaml),
    ("manifest", manifest),
    ("devfile", devfile),
    ("flatten", flatten),
    ("plan", rendering),
];

/// The first line of each file in an input of several.
pub(crate) fn head(path: &str) -> String {
    format!("-- {path} --\n")
}

/// YAML to a tree.
pub(crate) fn yaml(bytes: &[u8]) {
    let (documents, found) = document::parse("file.yaml", bytes);
    for document in &documents {
        check_tree(document, &document.root);
        let _ = document.root.to_json();
    }
    check(&found);
}

/// A manifest, in a repository that holds nothing else.
pub(crate) fn manifest(bytes: &[u8]) {
    repository(&of_bytes([("wharf.yaml".to_owned(), bytes)]));
}

/// A devfile that imports nothing which is there.
pub(crate) fn devfile(bytes: &[u8]) {
    read(&of_bytes([("devfile.yaml".to_owned(), bytes)]));
}

/// A devfile and what it imports: what they become together is a devfile again, and the same one.
pub(crate) fn flatten(bytes: &[u8]) {
    read(&of_bytes(several(bytes)));
}

/// A whole repository's plan, in every form.
pub(crate) fn rendering(bytes: &[u8]) {
    repository(&of_bytes(several(bytes)));
}

fn several(bytes: &[u8]) -> Vec<(String, &[u8])> {
    let mut files: Vec<(String, &[u8])> = Vec::new();
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let text = std::str::from_utf8(line).unwrap_or_default().trim_end();
        let path = text.strip_prefix("-- ").and_then(|t| t.strip_suffix(" --"));
        if let Some(path) = path {
            files.push((path.to_owned(), &[]));
        } else if let Some((_, content)) = files.last_mut() {
            let start = line.as_ptr() as usize - bytes.as_ptr() as usize;
            let begin = start - content.len();
            *content = &bytes[begin..start + line.len()];
        }
    }
    files
}

fn of_bytes<'a>(files: impl IntoIterator<Item = (String, &'a [u8])>) -> Files {
    let file = |bytes: &[u8]| File {
        content: Content::Bytes(bytes.into()),
        executable: false,
    };
    Files(
        files
            .into_iter()
            .map(|(path, bytes)| (path, file(bytes)))
            .collect(),
    )
}

/// The files of an input, as devfiles import them.
struct Folder<'a>(&'a Files);

impl Shelf for Folder<'_> {
    fn read(&self, location: &Location) -> Result<Arc<[u8]>, Missing> {
        match location {
            Location::File(path) => match self.0.get(path).map(|file| &file.content) {
                Some(Content::Bytes(bytes)) => Ok(Arc::clone(bytes)),
                _ => Err(Missing::NoFile(None)),
            },
            Location::Address(_) => Err(Missing::NotFetched),
        }
    }
}

fn read(files: &Files) {
    let Some(Content::Bytes(bytes)) = files.get("devfile.yaml").map(|f| &f.content) else {
        return;
    };
    let (documents, found) = document::parse("devfile.yaml", bytes);
    check(&found);
    for document in documents.into_iter().map(Arc::new) {
        let imports = Imports::gather([(&*document, &document.root)], None, &Folder(files));
        let read = devfile::read(&document, &document.root, &BTreeMap::new(), &imports);
        check(&read.diagnostics);
        let has_errors = read.diagnostics.has_errors();
        let (Some(_), Some(flat), false) = (read.devfile, read.flat, has_errors) else {
            continue;
        };
        let once = flat.to_json();
        // What a variable's value puts into a text is not looked at again; read once more, it would be replaced.
        let nested = |value: &serde_json::Value| value.as_str().is_some_and(|text| text.contains("{{"));
        if once["variables"]
            .as_object()
            .is_some_and(|all| all.values().any(nested))
        {
            continue;
        }
        let text = once.to_string();
        let (again, found) = document::parse("flat.yaml", text.as_bytes());
        assert!(
            !found.has_errors(),
            "the flattened devfile is no YAML: {found:?}\n{text}"
        );
        for document in again.into_iter().map(Arc::new) {
            let read = devfile::read(&document, &document.root, &BTreeMap::new(), &Imports::none());
            let twice = read.flat.map(|flat| flat.to_json());
            assert_eq!(twice.as_ref(), Some(&once), "{:?}", read.diagnostics);
        }
    }
}

fn repository(files: &Files) {
    let loaded = wharf::manifest::load(files);
    check(&loaded.diagnostics);
    assert!(
        loaded.manifests.is_some() || loaded.diagnostics.has_errors(),
        "nothing was read, and nobody was told why"
    );
    let (workspaces, found) = wharf::resolve::read(
        &loaded,
        &Imports::gather(loaded.all_devfiles(), None, &Folder(files)),
    );
    check(&found);
    let Some(workspaces) = workspaces else { return };
    let (desired, found) = workspaces.resolve(files, &Lock::default());
    check(&found);
    let Ok(plan) = plan(&desired, &ObservedState::default(), &Request::default()) else {
        return;
    };
    for width in [20, 110] {
        let human = display::human(&plan, display::Look { colour: false, width });
        assert!(is_calm(&human), "{human:?}");
    }
    let json: Result<serde_json::Value, _> = serde_json::from_str(&display::json(&plan));
    assert!(json.is_ok());
    assert!(is_calm(&display::markdown(&plan)));
    let _ = display::dot(&plan);
    assert_eq!(
        plan,
        wharf::plan::plan(&desired, &ObservedState::default(), &Request::default()).unwrap()
    );
}

/// Whether a terminal shows it and does nothing else.
fn is_calm(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control())
}

fn check(found: &Diagnostics) {
    for diagnostic in &found.0 {
        check_place(diagnostic);
    }
    let human = diagnostics::human(found, 80, false);
    assert!(is_calm(&human), "{human:?}");
    let checked = ["wharf.yaml".to_owned()];
    let json: Result<serde_json::Value, _> = serde_json::from_str(&diagnostics::json(&checked, found));
    assert!(json.is_ok());
    let sarif: Result<serde_json::Value, _> = serde_json::from_str(&diagnostics::sarif(&[], found));
    assert!(sarif.is_ok());
    // A line each: a message that could start another would be a command to the code host.
    let github = diagnostics::github(found);
    assert!(github.lines().all(|line| line.starts_with("::")), "{github:?}");
}

fn check_place(diagnostic: &Diagnostic) {
    assert!(!diagnostic.message.is_empty(), "{diagnostic:?}");
    if let (Some(source), Some(span)) = (&diagnostic.source, diagnostic.span) {
        assert!(source.text.get(span.start..span.end).is_some(), "{diagnostic:?}");
        assert!(diagnostic.position() >= Some((1, 1)));
    }
}

fn check_tree(document: &Document, node: &Node) {
    let within = |start, end| document.source.text.get(start..end).is_some();
    assert!(within(node.span.start, node.span.end), "{:?}", node.span);
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| check_tree(document, item)),
        Value::Map(entries) => {
            for (key, value) in entries {
                assert!(within(key.span.start, key.span.end), "{:?}", key.span);
                check_tree(document, value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::String(_) => {}
    }
}
