//! Where the inputs begin: the project's own fixtures and examples, and what once broke a target.

use std::path::{Path, PathBuf};

use crate::targets::head;

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

/// All files below a directory, sorted.
fn below(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let all = paths.into_iter().flat_map(|path| {
        // A link may lead anywhere.
        match path.symlink_metadata().unwrap() {
            data if data.is_dir() => below(&path),
            data if data.is_file() => vec![path],
            _ => Vec::new(),
        }
    });
    all.collect()
}

fn yaml_files(directories: &[&str]) -> Vec<Vec<u8>> {
    let files = directories.iter().flat_map(|d| below(&root().join(d)));
    let yaml = files.filter(|path| path.extension().is_some_and(|e| e == "yaml"));
    yaml.map(|path| std::fs::read(path).unwrap()).collect()
}

/// The folders below a directory, each as one input of several files.
fn folders(directories: &[&str]) -> Vec<Vec<u8>> {
    let entries = directories
        .iter()
        .flat_map(|d| std::fs::read_dir(root().join(d)).unwrap());
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.iter().map(|folder| together(folder)).collect()
}

fn together(folder: &Path) -> Vec<u8> {
    let mut input = Vec::new();
    for path in below(folder) {
        let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
        // The states before and after are repositories of their own.
        let name = name.strip_prefix("after/").unwrap_or(name);
        input.extend(head(name).into_bytes());
        input.extend(std::fs::read(&path).unwrap());
        input.push(b'\n');
    }
    input
}

/// The inputs that a target begins with.
pub(crate) fn seeds(target: &str) -> Vec<Vec<u8>> {
    let mut seeds = match target {
        "yaml" => yaml_files(&["fixtures/devfile", "fixtures/manifest", "examples"]),
        "manifest" => yaml_files(&["fixtures/manifest", "examples/site", "fixtures/plan"]),
        "devfile" => yaml_files(&["fixtures/devfile", "examples/devfiles"]),
        "flatten" => folders(&["fixtures/flatten", "fixtures/devfile"]),
        "plan" => folders(&["fixtures/plan", "fixtures/manifest", "examples"]),
        other => panic!("no target is called {other}"),
    };
    let broke = below(&root().join("fixtures/fuzz").join(target));
    seeds.extend(broke.iter().map(|path| std::fs::read(path).unwrap()));
    // A page is plenty, and what is longer makes every round slow.
    seeds.retain(|seed| seed.len() < 32 << 10);
    seeds
}
