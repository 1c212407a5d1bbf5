//! The reference's own test data: overriding, merging and variables.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use wharf::devfile::{Empty, Location, Missing, Shelf};

use super::flat::normal;
use super::{Outcome, verdicts};

pub(crate) fn all(root: &Path) -> Outcome {
    let mut outcome = Outcome::default();
    let oracles = root.join("oracles/devfile+api/pkg");
    for case in folders(&oracles.join("utils/overriding/test-fixtures/patches")) {
        patch(&case, &mut outcome);
    }
    for case in folders(&oracles.join("utils/overriding/test-fixtures/merges")) {
        merge(&case, &mut outcome);
    }
    outcome
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(parent).unwrap().map(|e| e.unwrap().path()).collect();
    folders.sort();
    folders
}

struct Texts(BTreeMap<&'static str, String>);

impl Shelf for Texts {
    fn read(&self, location: &Location) -> Result<Arc<[u8]>, Missing> {
        match self.0.get(location.to_string().as_str()) {
            Some(text) => Ok(text.as_bytes().into()),
            None => Empty.read(location),
        }
    }
}

fn text(case: &Path, file: &str) -> Option<String> {
    fs::read_to_string(case.join(file)).ok()
}

fn versioned(text: &str) -> String {
    format!("schemaVersion: 2.2.2\n{text}\n")
}

/// `original` is a parent, `patch` what stands below it.
fn patch(case: &Path, outcome: &mut Outcome) {
    let patch = text(case, "patch.yaml").unwrap();
    let patch: String = patch.lines().map(|line| format!("  {line}\n")).collect();
    let main = versioned(&format!("parent:\n  uri: original.yaml\n{patch}"));
    let original = versioned(&text(case, "original.yaml").unwrap());
    let shelf = Texts(BTreeMap::from([("original.yaml", original)]));
    judge(case, &main, &shelf, outcome);
}

fn merge(case: &Path, outcome: &mut Outcome) {
    let main = text(case, "main.yaml").unwrap();
    let main = main
        .replace("anyParent", "parent.yaml")
        .replace("aCustomLocation", "plugin.yaml");
    // Some cases have a plugin that their devfile does not name.
    let unnamed = !main.contains("plugin.yaml") && case.join("plugin.yaml").exists();
    let plugin = "components:\n  - {name: a-plugin, plugin: {uri: plugin.yaml}}\n";
    let main = versioned(&if unnamed {
        main.replace("components:\n", plugin)
    } else {
        main
    });
    let files = ["parent.yaml", "plugin.yaml"].into_iter();
    let files = files.filter_map(|file| Some((file, versioned(&text(case, file)?))));
    judge(case, &main, &Texts(files.collect()), outcome);
}

fn judge(case: &Path, main: &str, shelf: &Texts, outcome: &mut Outcome) {
    let name = case.file_name().unwrap().to_string_lossy().into_owned();
    let (read, diagnostics) = verdicts::read_bytes("main.yaml", main.as_bytes(), shelf);
    if case.join("result-error.txt").exists() {
        let codes = [
            "devfile/override-target",
            "devfile/import-conflict",
            "devfile/duplicate-component",
        ];
        let refused = diagnostics.0.iter().any(|d| codes.contains(&d.code));
        return outcome.compare(refused, || format!("{name}: is refused by the reference"));
    }
    let found = read
        .and_then(|read| read.flat)
        .map(|flat| normal(&flat.to_json()));
    let expected: Value = normal(&json(&text(case, "result.yaml").unwrap()));
    outcome.compare(found.as_ref() == Some(&expected), || {
        format!(
            "{name}:\n  expected {expected}\n  found    {}",
            found.unwrap_or_default()
        )
    });
}

fn json(yaml: &str) -> Value {
    let (documents, _) = wharf::document::parse("result.yaml", yaml.as_bytes());
    documents[0].root.to_json()
}
