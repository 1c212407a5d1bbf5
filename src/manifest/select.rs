//! Which files of a repository are ours: every YAML file that is not hidden and not an ingredient of an image, and
//! which of their documents is what.

use std::collections::BTreeSet;

use crate::document::{Content, Document, File, Files, Node, Value};

/// What a YAML document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// It has a top-level `schemaVersion`.
    Devfile,
    /// It has one of a manifest's top-level keys.
    Manifest,
    /// `---` with nothing in it.
    Empty,
    /// Neither.
    Other,
}

/// The keys that make a document a manifest.
const MARKS: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];

/// What `document` is. Within an image's build context much YAML lies that is not ours, so there a manifest must say
/// that it is.
pub(super) fn classify(document: &Document, in_context: bool) -> Class {
    let root = &document.root;
    let marked = || MARKS.iter().any(|key| root.get(key).is_some());
    let ours = || {
        let version = root.get("apiVersion").and_then(Node::as_str);
        version.is_some_and(|v| v.starts_with("wharf/"))
    };
    if root.get("schemaVersion").is_some() {
        Class::Devfile
    } else if root.value == Value::Null {
        Class::Empty
    } else if if in_context { ours() } else { marked() } {
        Class::Manifest
    } else {
        Class::Other
    }
}

/// A file that may hold documents of ours.
pub(super) struct Selected<'f> {
    /// Its path.
    pub(super) path: &'f str,
    /// What it holds.
    pub(super) file: &'f File,
    /// Whether it lies below a folder that holds a Containerfile.
    pub(super) in_context: bool,
}

/// The files to read, in the order of their paths.
pub(super) fn select(files: &Files) -> Vec<Selected<'_>> {
    let contexts = contexts(files);
    let selected = files.0.iter().filter_map(|(path, file)| {
        let hidden = path.split('/').any(|part| part.starts_with('.'));
        if hidden || !is_yaml(path) {
            return None;
        }
        let in_context = folders(path).any(|folder| contexts.contains(folder));
        let ours = !in_context || declares(&file.content);
        ours.then_some(Selected {
            path,
            file,
            in_context,
        })
    });
    selected.collect()
}

fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

/// The folders that hold a Containerfile. The root is none of them: an image built from the whole repository would
/// make every manifest an ingredient.
fn contexts(files: &Files) -> BTreeSet<&str> {
    let folder = |path| {
        let (folder, name) = str::rsplit_once(path, '/')?;
        let stem = name.split('.').next()?;
        matches!(stem, "Containerfile" | "Dockerfile").then_some(folder)
    };
    files.0.keys().filter_map(|path| folder(path)).collect()
}

/// Every folder above `path`, except the root.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// Whether an ingredient of an image could hold a document of ours at all; where not, even a syntax error in it is
/// nobody's business.
fn declares(content: &Content) -> bool {
    match content {
        Content::Bytes(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            text.contains("wharf/") || text.contains("schemaVersion")
        }
        Content::TooLarge(_) | Content::OutsideLink(_) | Content::Unreadable(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_files_other_files_and_ingredients_of_images_are_not_read() {
        let files = Files::of([
            ("Containerfile", ""),
            (".github/x.yaml", "a: 1"),
            ("README.md", "a: 1"),
            ("images/a/Containerfile.dev", ""),
            ("images/a/etc/conf.yaml", "a: ["),
            ("images/a/etc/dev.yaml", "schemaVersion: 2.2.0"),
            ("images/b.yml", "a: 1"),
            ("users/.hidden.yaml", "a: 1"),
            ("wharf.yaml", "a: 1"),
        ]);
        let selected = select(&files);
        let found: Vec<_> = selected.iter().map(|s| (s.path, s.in_context)).collect();
        let expected = [
            ("images/a/etc/dev.yaml", true),
            ("images/b.yml", false),
            ("wharf.yaml", false),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_documents_top_level_keys_say_what_it_is() {
        let class = |text: &str, in_context| {
            let (documents, _) = crate::document::parse("x.yaml", text.as_bytes());
            classify(&documents[0], in_context)
        };
        assert_eq!(class("schemaVersion: 2.2.0\nmetadata: {}", false), Class::Devfile);
        assert_eq!(class("kind: Site", false), Class::Manifest);
        assert_eq!(class("kind: Site", true), Class::Other);
        assert_eq!(class("apiVersion: wharf/v2", true), Class::Manifest);
        assert_eq!(class("---\n", false), Class::Empty);
        assert_eq!(class("- 1", false), Class::Other);
    }
}
