//! The reference's test data for variables: parts of a devfile, each with what it is once they are replaced. A part stands in
//! a devfile that is right where the part leaves something out.

use std::path::Path;

use super::{Outcome, flat, verdicts};
use wharf::devfile::Empty;

/// A part, by its file, and the lines that it stands below; what it must not miss stands beside it.
const PARTS: &[(&str, &str)] = &[
    (
        "components/container",
        "components:\n  - name: part\n    container:",
    ),
    (
        "components/env",
        "components:\n  - name: part\n    container:\n      image: x\n      env:\n      -",
    ),
    (
        "components/endpoint",
        "components:\n  - name: part\n    container:\n      image: x\n      endpoints:\n      -",
    ),
    ("components/volume", "components:\n  - name: part\n    volume:"),
    (
        "components/image-dockerfile-git",
        "components:\n  - name: part\n    image:",
    ),
    (
        "components/image-dockerfile-uri",
        "components:\n  - name: part\n    image:",
    ),
    (
        "components/image-dockerfile-registry",
        "components:\n  - name: part\n    image:",
    ),
    ("projects/project", "projects:\n  -"),
    (
        "projects/git",
        "projects:\n  - name: part\n    clonePath: part\n   ",
    ),
    ("projects/zip", "projects:\n  - name: part\n   "),
    ("projects/starterproject", "starterProjects:\n  -"),
    ("commands/exec", "commands:\n  - id: part\n    exec:"),
    ("commands/apply", "commands:\n  - id: part\n    apply:"),
    ("commands/composite", "commands:\n  - id: part\n    composite:"),
];

pub(crate) fn all(root: &Path) -> Outcome {
    let mut outcome = Outcome::default();
    let folder = root.join("oracles/devfile+api/pkg/validation/variables/test-fixtures");
    let read = |file: &str| std::fs::read_to_string(folder.join(format!("{file}.yaml"))).unwrap();
    let values = read("variables/variables-referenced");
    let values: String = values.lines().map(|line| format!("  {line}\n")).collect();
    for (part, above) in PARTS {
        let whole = |text: &str| format!("variables:\n{values}{above}{}", below(above, text));
        let (input, output) = (whole(&read(part)), whole(&read(&format!("{part}-output"))));
        compare(part, &input, &output, &mut outcome);
    }
    // This part has two sources at once, which no devfile may, so each is looked at without the other.
    let part = "components/openshift-kubernetes";
    for kind in ["kubernetes", "openshift"] {
        for left_out in ["uri", "inlined"] {
            let above = format!("components:\n  - name: part\n    {kind}:");
            let whole = |text: &str| {
                let text = without(text, left_out);
                format!("variables:\n{values}{above}{}", below(&above, &text))
            };
            let (input, output) = (whole(&read(part)), whole(&read(&format!("{part}-output"))));
            compare(
                &format!("{kind} without {left_out}"),
                &input,
                &output,
                &mut outcome,
            );
        }
    }
    for kind in ["good", "bad"] {
        let file = format!("all/devfile-{kind}");
        compare(
            &file,
            &read(&file),
            &read(&format!("{file}-output")),
            &mut outcome,
        );
    }
    outcome
}

/// The text of a map without a key and what stands below it.
fn without(text: &str, key: &str) -> String {
    let mut left_out = false;
    let lines = text.lines().filter(|line| {
        if !line.starts_with(' ') {
            left_out = line.starts_with(&format!("{key}:"));
        }
        !left_out
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// The part's lines as they follow on what stands above: below a key, or beside a hyphen or a blank.
fn below(above: &str, part: &str) -> String {
    let last = above.lines().last().unwrap_or_default();
    let below_a_key = last.ends_with(':');
    let column = if below_a_key {
        last.len() - last.trim_start().len() + 2
    } else {
        last.len() + 1
    };
    let indent = " ".repeat(column);
    let own = |line: &&str| !line.trim_start().starts_with('#') && !line.is_empty();
    let lines: Vec<&str> = part.lines().filter(own).collect();
    let begin = if below_a_key {
        format!("\n{indent}")
    } else {
        " ".to_owned()
    };
    format!("{begin}{}\n", lines.join(&format!("\n{indent}")))
}

fn compare(name: &str, input: &str, output: &str, outcome: &mut Outcome) {
    let flat = |text: &str| {
        let text = format!("schemaVersion: 2.2.2\n{text}");
        let (read, diagnostics) = verdicts::read_bytes("devfile.yaml", text.as_bytes(), &Empty);
        let flat = read
            .and_then(|read| read.flat)
            .map(|flat| flat::normal(&flat.to_json()));
        (flat, diagnostics)
    };
    let (found, diagnostics) = flat(input);
    let (expected, _) = flat(output);
    outcome.compare(found.is_some() && found == expected, || {
        format!("{name}:\n  expected {expected:?}\n  found    {found:?}\n  {diagnostics:?}\n{input}")
    });
}
