//! What manifests are judged to be: every folder of `fixtures/manifest/` is a repository and the diagnostics that it
//! must have, rendered for people. To add a case, add a folder and run with `UPDATE_FIXTURES=1`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)] // a test may panic and reach out

use std::collections::BTreeSet;
use std::time::Duration;

use wharf::cli::diagnostics::{human, summary};
use wharf::document::{Content, File, Files};
use wharf::manifest::{self, checks::RULES};

mod fixtures;

const GOLDEN: &str = "diagnostics.txt";

#[test]
fn every_fixture_has_the_diagnostics_that_stand_beside_it() {
    let mut wrong = Vec::new();
    for case in fixtures::cases("manifest") {
        let files = fixtures::files(&case, GOLDEN);
        let loaded = manifest::load(&files);
        let name = case.file_name().unwrap().to_str().unwrap();
        let found =
            human(&loaded.diagnostics, 100, false) + &summary(&loaded.checked, &loaded.diagnostics) + "\n";
        assert_eq!(
            loaded.manifests.is_none(),
            loaded.diagnostics.has_errors(),
            "{name}"
        );
        assert_eq!(
            !name.starts_with("ok"),
            !loaded.diagnostics.0.is_empty(),
            "{name}"
        );
        if !fixtures::matches_golden(&case.join(GOLDEN), &found) {
            wrong.push(format!("{name}:\n{found}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "UPDATE_FIXTURES=1 accepts these:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_rule_has_a_fixture_that_only_it_objects_to() {
    for rule in &RULES {
        let name = rule.code.strip_prefix("manifest/").unwrap();
        let case = fixtures::folder("manifest").join(name);
        assert!(case.is_dir(), "{} has no fixture {}", rule.code, case.display());
        let loaded = manifest::load(&fixtures::files(&case, GOLDEN));
        let codes: BTreeSet<_> = loaded.diagnostics.0.iter().map(|d| d.code).collect();
        assert_eq!(codes, BTreeSet::from([rule.code]), "{name}");
    }
}

/// The processor time of this thread: how busy the machine is besides is no input.
fn cpu_time() -> Duration {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(schedstat.split(' ').next().unwrap().parse().unwrap())
}

/// A repository with one file more.
fn with(path: &str, content: Content) -> Files {
    let mut files = fixtures::files(&fixtures::folder("manifest").join("ok"), GOLDEN);
    let executable = false;
    files.0.insert(path.to_owned(), File { content, executable });
    files
}

fn bytes(text: impl Into<Vec<u8>>) -> Content {
    Content::Bytes(text.into().into())
}

#[test]
fn hostile_files_are_positioned_errors_within_a_second() {
    let bomb = || {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..12 {
            let items = vec![format!("*a{}", i - 1); 10].join(", ");
            text.push_str(&format!("a{i}: &a{i} [{items}]\n"));
        }
        text
    };
    let many = |head: &str, line: &dyn Fn(usize) -> String, size: usize| {
        let mut text = head.to_owned();
        for i in 0.. {
            text.push_str(&line(i));
            if text.len() > size {
                return text;
            }
        }
        unreachable!()
    };
    let full = 4 << 20;
    let head = "apiVersion: wharf/v1\nkind: Workspace\nmetadata: {name: w}\nspec:\n";
    let user =
        |i| format!("---\napiVersion: wharf/v1\nkind: User\nmetadata: {{name: u{i}}}\nspec: {{x: 1}}\n");
    let nested = || {
        let anchors: String = (0..90).map(|i| format!("&a{i} [")).collect();
        format!("a: {anchors}{}{}", "x,".repeat(100_000), "]".repeat(90))
    };
    let cases = [
        ("too large", Content::TooLarge(50 << 20), "yaml/too-large"),
        (
            "too large in memory",
            bytes(vec![b'a'; 50 << 20]),
            "yaml/too-large",
        ),
        ("alias bomb", bytes(bomb()), "yaml/alias-bomb"),
        ("copied anchors", bytes(nested()), "yaml/too-many-values"),
        ("flow nesting", bytes("[".repeat(10_000)), "yaml/too-deep"),
        ("flow maps", bytes("{a: ".repeat(1 << 20)), "yaml/too-deep"),
        ("dashes", bytes("- ".repeat(10_000)), "yaml/too-deep"),
        ("questions", bytes("? ".repeat(10_000)), "yaml/too-deep"),
        (
            "block nesting",
            bytes(
                (0..2_000)
                    .map(|i| format!("{}a:\n", " ".repeat(i)))
                    .collect::<String>(),
            ),
            "yaml/too-deep",
        ),
        ("not UTF-8", bytes(&b"kind: \xff\xfe\n"[..]), "yaml/not-utf8"),
        ("NUL characters", bytes(vec![0; 4 << 20]), "yaml/syntax"),
        ("empty", bytes(""), "manifest/empty-file"),
        (
            "many values",
            bytes(format!("kind: [{}]", "x,".repeat(full / 2 - 10))),
            "yaml/too-many-values",
        ),
        (
            "many unknown keys",
            bytes(many(head, &|i| format!("  k{i}: 1\n"), full / 4)),
            "yaml/unknown-key",
        ),
        (
            "unknown keys in one line",
            bytes(
                many(
                    "{kind: User, apiVersion: wharf/v1, ",
                    &|i| format!("k{i}: 1, "),
                    full / 4,
                ) + "}",
            ),
            "yaml/unknown-key",
        ),
        (
            "many duplicate keys",
            bytes(many("", &|_| "a: 1\n".to_owned(), full / 8)),
            "yaml/duplicate-key",
        ),
        (
            "many manifests",
            bytes(many("", &user, full / 2)),
            "yaml/unknown-key",
        ),
        (
            "a long key",
            bytes(format!("{head}  ? {}\n  : 1\n", "k".repeat(full / 2))),
            "yaml/unknown-key",
        ),
        (
            "a long value",
            bytes(format!("{head}  owner: {}\n", "k".repeat(full / 2))),
            "yaml/name",
        ),
        (
            "a long broken line",
            bytes("\"".to_owned() + &"\\x41".repeat(1_000_000)),
            "yaml/syntax",
        ),
    ];
    for (name, content, code) in cases {
        let files = with("hostile.yaml", content);
        let start = cpu_time();
        let loaded = manifest::load(&files);
        let shown = human(&loaded.diagnostics, 100, false);
        let took = cpu_time() - start;
        let found = loaded.diagnostics.0.iter().find(|d| d.code == code);
        let found = found.unwrap_or_else(|| panic!("{name}: {shown:.2000}"));
        assert_eq!(found.path, "hostile.yaml", "{name}");
        assert!(found.position().is_some(), "{name} has no place");
        assert!(loaded.manifests.is_none(), "{name}");
        assert!(shown.len() < 200_000, "{name}: {} bytes shown", shown.len());
        println!("{name}: {took:?}");
        // A second is what users get; an unoptimised build gets ten.
        let most = if cfg!(debug_assertions) { 10 } else { 1 };
        assert!(took < Duration::from_secs(most), "{name} took {took:?}");
    }
}

#[test]
fn a_thousand_workspaces_are_read_in_no_time() {
    let manifest = |kind: &str, name: &str, spec: &str| {
        format!("apiVersion: wharf/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n")
    };
    let site = manifest("Site", "lab", "{defaults: {class: small}}");
    let class = manifest("Class", "small", "{cpu: '2', memory: 4Gi}");
    let mut files = vec![("wharf.yaml".to_owned(), site + &class)];
    for i in 0..1_000 {
        let user = manifest("User", &format!("u{i}"), "{}");
        let spec = format!("{{owner: u{i}, devfile: {{path: devfiles/d{i}.yaml}}}}");
        files.push((
            format!("users/u{i}.yaml"),
            user + &manifest("Workspace", "api", &spec),
        ));
        let devfile =
            "schemaVersion: 2.2.0\ncomponents:\n  - name: tools\n    container: {image: localhost/x:1}\n";
        files.push((format!("devfiles/d{i}.yaml"), devfile.to_owned()));
    }
    let files = Files::of(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let start = cpu_time();
    let loaded = manifest::load(&files);
    let took = cpu_time() - start;
    println!("1,000 workspaces, 2,001 files: {took:?}");
    assert_eq!(loaded.manifests.unwrap().workspaces.len(), 1_000);
    // A bound against quadratic work in an unoptimised build, not a benchmark.
    assert!(took < Duration::from_secs(5), "{took:?}");
}
