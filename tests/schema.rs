//! The JSON Schemas under `schema/` are current, and they and the decoder judge alike: every manifest of every
//! fixture, and every key. `make schema` writes the files, and so does this test with `UPDATE_FIXTURES=1`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)] // a test may panic and reach out

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use wharf::document::{Document, Files, Severity, parse};
use wharf::manifest::checks::RULES;
use wharf::manifest::schema::{json_schema, text};
use wharf::manifest::{self, Kind};

mod fixtures;
mod validator;

const GOLDEN: &str = "diagnostics.txt";

/// What a schema can't say, and the decoder does.
const BEYOND_SCHEMAS: [&str; 9] = [
    "manifest/address",
    "manifest/class-too-small",
    "manifest/folder",
    "manifest/image-pattern",
    "manifest/interval",
    "manifest/publish-rule",
    "manifest/source-address",
    "manifest/time-zone",
    "manifest/window",
];

fn kinds() -> impl Iterator<Item = Option<Kind>> {
    Kind::ALL.into_iter().map(Some).chain([None])
}

#[test]
fn the_checked_in_schemas_are_current() {
    for kind in kinds() {
        let name = kind.map_or("wharf", Kind::as_str).to_lowercase();
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("schema")
            .join(name + ".json");
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            std::fs::write(&path, text(kind)).unwrap();
        }
        let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            checked_in == text(kind),
            "{} is not current: `make schema` writes it",
            path.display()
        );
    }
}

fn is_manifest(document: &Document) -> bool {
    let has = |key| document.root.get(key).is_some();
    !has("schemaVersion") && ["apiVersion", "kind", "metadata", "spec"].into_iter().any(has)
}

#[test]
fn schema_and_decoder_judge_every_manifest_of_every_fixture_alike() {
    let all = json_schema(None);
    let (mut right, mut wrong) = (0, 0);
    for case in fixtures::cases("manifest") {
        let files = fixtures::files(&case, GOLDEN);
        let diagnostics = manifest::load(&files).diagnostics;
        let case = case.file_name().unwrap().to_str().unwrap().to_owned();
        for (path, file) in &files.0 {
            let wharf::document::Content::Bytes(bytes) = &file.content else {
                continue;
            };
            if case == "ok-ingredients" && path.starts_with("images/") {
                continue; // not ours, whatever it looks like
            }
            let (documents, problems) = parse(path, bytes);
            if problems.has_errors() || !path.ends_with("yaml") {
                continue; // no tree, nothing that a schema could judge
            }
            for document in documents.iter().filter(|d| is_manifest(d)) {
                let objections: BTreeSet<_> = diagnostics
                    .0
                    .iter()
                    .filter(|d| d.severity == Severity::Error && d.path == *path)
                    .filter(|d| RULES.iter().all(|rule| rule.code != d.code))
                    .filter(|d| !BEYOND_SCHEMAS.contains(&d.code))
                    .filter(|d| d.span.is_some_and(|s| contains(document, s.start)))
                    .map(|d| d.code)
                    .collect();
                let by_schema = validator::validate(&all, &document.root.to_json());
                assert_eq!(
                    by_schema.is_ok(),
                    objections.is_empty(),
                    "{case}/{path}: the decoder says {objections:?}, the schema {by_schema:?}:\n{}",
                    &document.source.text[document.root.span.start..document.root.span.end],
                );
                if by_schema.is_ok() { right += 1 } else { wrong += 1 }
            }
        }
    }
    assert!(
        right > 50 && wrong > 30,
        "{right} right and {wrong} wrong manifests are too few to prove anything"
    );
}

fn contains(document: &Document, at: usize) -> bool {
    (document.root.span.start..document.root.span.end.max(document.root.span.start + 1)).contains(&at)
}

/// Every manifest of the fixture that uses every key.
fn complete() -> Vec<Value> {
    let case = fixtures::folder("manifest").join("ok-everything");
    let mut manifests = Vec::new();
    for (path, file) in &fixtures::files(&case, GOLDEN).0 {
        let wharf::document::Content::Bytes(bytes) = &file.content else {
            continue;
        };
        let (documents, _) = parse(path, bytes);
        manifests.extend(
            documents
                .iter()
                .filter(|d| is_manifest(d))
                .map(|d| d.root.to_json()),
        );
    }
    manifests
}

/// The pointers of all maps of `value` for which `schema` lists the keys, with those keys.
fn closed_maps(schema: &Value, value: &Value, pointer: &str, found: &mut Vec<(String, BTreeSet<String>)>) {
    if let Some(properties) = schema["properties"].as_object() {
        assert_eq!(schema["additionalProperties"], false, "{pointer} takes any key");
        found.push((pointer.to_owned(), properties.keys().cloned().collect()));
        for (key, below) in properties {
            if let Some(value) = value.get(key) {
                closed_maps(below, value, &format!("{pointer}/{key}"), found);
            }
        }
    }
    if let (true, Some(item)) = (schema["items"].is_object(), value.get(0)) {
        closed_maps(&schema["items"], item, &format!("{pointer}/0"), found);
    }
}

/// How many maps with listed keys a schema has.
fn count_closed(schema: &Value) -> usize {
    let below = schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(|p| p.values());
    let below: usize = below.map(count_closed).sum();
    let items = if schema["items"].is_object() {
        count_closed(&schema["items"])
    } else {
        0
    };
    usize::from(schema["properties"].is_object()) + below + items
}

#[test]
fn schema_and_decoder_know_the_same_keys() {
    for kind in Kind::ALL {
        let schema = json_schema(Some(kind));
        let of_kind: Vec<Value> = complete()
            .into_iter()
            .filter(|m| m["kind"] == kind.as_str())
            .collect();
        let mut seen = BTreeSet::new();
        for manifest in &of_kind {
            let mut maps = Vec::new();
            closed_maps(&schema, manifest, "", &mut maps);
            for (pointer, keys) in maps {
                assert_eq!(
                    known_keys(manifest, &pointer),
                    keys,
                    "{} {pointer}",
                    kind.as_str()
                );
                seen.insert(pointer);
            }
        }
        assert_eq!(
            seen.len(),
            count_closed(&schema),
            "the fixture lacks maps of {}: {seen:?}",
            kind.as_str()
        );
    }
}

/// The keys that the decoder lists where it finds one that is near none of them.
fn known_keys(manifest: &Value, pointer: &str) -> BTreeSet<String> {
    let mut manifest = manifest.clone();
    manifest.pointer_mut(pointer).unwrap()["zzzzzzzzzzzz"] = json!(1);
    let text = manifest.to_string();
    let loaded = manifest::load(&Files::of([("wharf.yaml", text.as_str())]));
    let unknown = loaded.diagnostics.0.iter().find(|d| d.code == "yaml/unknown-key");
    let help = unknown.and_then(|d| d.help.as_deref()).unwrap_or_default();
    let keys = help.strip_prefix("known keys here: ").unwrap_or_default();
    keys.split(", ").map(str::to_owned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// The forms of texts are written twice, as patterns and as code: both must draw the same line.
    #[test]
    fn patterns_and_decoder_judge_every_text_alike(
        place in proptest::sample::select(&PATTERNED[..]),
        text in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..6),
    ) {
        let (kind, spec, pointer) = place;
        let mut manifest = json!({
            "apiVersion": "wharf/v1",
            "kind": kind.as_str(),
            "metadata": { "name": "a" },
            "spec": serde_json::from_str::<Value>(spec).unwrap(),
        });
        let text = text.concat();
        *manifest.pointer_mut(pointer).unwrap() = json!(text);
        let loaded = manifest::load(&Files::of([("wharf.yaml", manifest.to_string().as_str())]));
        let objection = loaded.diagnostics.0.into_iter().find(|d| {
            // How large a number may be is no question of form, nor is what an address or a host stands for.
            d.pointer.as_deref() == Some(pointer) && d.severity == Severity::Error && !d.message.contains("too large")
                && !d.message.contains("can't be used: ")
                && RULES.iter().all(|rule| rule.code != d.code)
        });
        let by_schema = validator::validate(&json_schema(Some(kind)), &manifest);
        prop_assert_eq!(by_schema.is_ok(), objection.is_none(), "{:?}: {:?}, {:?}", text, by_schema, objection);
    }
}

/// Every place that has a pattern, in a manifest that is right otherwise.
const PATTERNED: [(Kind, &str, &str); 11] = [
    (Kind::Site, r#"{"devfileRegistry": ""}"#, "/spec/devfileRegistry"),
    (
        Kind::Site,
        r#"{"policy": {"imports": {"privateHosts": [""]}}}"#,
        "/spec/policy/imports/privateHosts/0",
    ),
    (Kind::Site, r#"{"engine": ""}"#, "/spec/engine"),
    (Kind::Site, r#"{"toolsImage": ""}"#, "/spec/toolsImage"),
    (Kind::Site, r#"{"defaults": {"home": ""}}"#, "/spec/defaults/home"),
    (
        Kind::Site,
        r#"{"defaults": {"idleTimeout": ""}}"#,
        "/spec/defaults/idleTimeout",
    ),
    (
        Kind::Site,
        r#"{"maintenance": {"windows": [{"from": "", "to": "05:00"}]}}"#,
        "/spec/maintenance/windows/0/from",
    ),
    (Kind::User, r#"{"email": ""}"#, "/spec/email"),
    (Kind::User, r#"{"quota": {"cpu": ""}}"#, "/spec/quota/cpu"),
    (
        Kind::Workspace,
        r#"{"owner": "", "devfile": {"inline": {}}}"#,
        "/spec/owner",
    ),
    (
        Kind::Workspace,
        r#"{"owner": "a", "devfile": {"inline": {}}, "movedFrom": ""}"#,
        "/spec/movedFrom",
    ),
];

/// What the texts are put together from.
const PIECES: [&str; 29] = [
    "02",
    "24:00",
    "59",
    "a",
    "b-",
    "A",
    "0",
    "12",
    ".",
    "..",
    "/",
    "//",
    "-",
    "+",
    ":",
    ",",
    "@",
    " ",
    "e",
    "E",
    "Ki",
    "m",
    "h",
    "s",
    "unix://",
    "é",
    "_",
    "\u{0}",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

#[test]
fn every_key_is_described_and_its_default_is_the_decoders() {
    for kind in Kind::ALL {
        described(&json_schema(Some(kind)), kind.as_str());
    }
    let manifest = |kind: &str, spec: &str| {
        format!("apiVersion: wharf/v1\nkind: {kind}\nmetadata: {{name: a}}\nspec: {spec}\n---\n")
    };
    let text =
        manifest("Site", "{}") + &manifest("Class", "{cpu: '1', memory: 1Gi}") + &manifest("User", "{}");
    let loaded = manifest::load(&Files::of([("wharf.yaml", text.as_str())]))
        .manifests
        .unwrap();
    let site = &loaded.site.spec;
    let of = |kind, pointer: &str| json_schema(Some(kind)).pointer(pointer).unwrap()["default"].clone();
    let defaults = "/properties/spec/properties/defaults/properties";
    assert_eq!(of(Kind::Site, &format!("{defaults}/home")), site.defaults.home);
    assert_eq!(
        of(Kind::Site, &format!("{defaults}/power")),
        json!(site.defaults.power)
    );
    assert_eq!(
        of(Kind::Site, &format!("{defaults}/onRemove")),
        json!(site.defaults.on_remove)
    );
    let policy = "/properties/spec/properties/policy/properties";
    assert_eq!(
        of(Kind::Site, &format!("{policy}/maxDeletions")),
        site.policy.max_deletions
    );
    assert_eq!(
        of(Kind::Site, &format!("{policy}/promisedMemory")),
        site.policy.promised_memory
    );
    let class = loaded.classes.values().next().unwrap();
    assert_eq!(
        of(Kind::Class, "/properties/spec/properties/pids"),
        class.spec.pids
    );
}

fn described(schema: &Value, place: &str) {
    for (key, below) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}.{key}");
        assert!(below["description"].is_string(), "{place} has no description");
        described(below, &place);
        described(&below["items"], &place);
    }
}
