//! `schemaVersion`, which decides how everything else is read.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::devfile::version::SchemaVersion;
use crate::document::{Node, Value};

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/schema-version",
    why: "Each version of the devfile schema has its own keys, so a devfile states its version: a string, such as \
          2.2.0. Devfiles of version 1 (apiVersion: 1.0.0) are another format.",
    example: include_str!("../../../fixtures/devfile/schema-version/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/schema-version/valid.yaml"),
};

/// The version of the devfile at `root`; `None` where that was reported as an error.
pub(in crate::devfile) fn read(root: &Node, found: &mut Findings<'_>) -> Option<SchemaVersion> {
    let Some((key, node)) = root.entry("schemaVersion") else {
        missing(root, found);
        return None;
    };
    let supported = || SchemaVersion::ALL.map(SchemaVersion::as_str);
    let (message, help) = match &node.value {
        Value::String(text) if text.is_empty() => ("schemaVersion is empty".to_owned(), None),
        Value::String(text) => match SchemaVersion::of(text) {
            Some(version) => return Some(version),
            None => (format!("schemaVersion {text:?} is not supported"), None),
        },
        Value::Integer(_) | Value::Float(_) => {
            let text = found.text_at(node.span);
            let near = supported().into_iter().find(|v| v.starts_with(text));
            let message = "schemaVersion must be a string of three numbers, found a number".to_owned();
            (message, near.map(|v| format!("for example {v}")))
        }
        Value::Null => ("schemaVersion has no value".to_owned(), None),
        Value::Bool(_) | Value::List(_) | Value::Map(_) => (
            format!("schemaVersion must be a string, found {}", node.describe()),
            None,
        ),
    };
    let span = if node.value == Value::Null {
        key.span
    } else {
        node.span
    };
    let error = found.error(RULE.code, span, message);
    let help = help.unwrap_or_else(|| format!("supported: {}", supported().join(", ")));
    found.report(error.help(help));
    None
}

fn missing(root: &Node, found: &mut Findings<'_>) {
    let error = match root.entry("apiVersion") {
        Some((key, value)) if value.as_str().is_none_or(|v| v.starts_with("1.")) => found
            .error(
                RULE.code,
                key.span,
                "devfiles of version 1 (apiVersion) are not supported",
            )
            .help(
                "write it as a devfile of version 2: https://devfile.io/docs/2.3.0/migrating-to-devfile-v2",
            ),
        Some(_) | None => found
            .error(
                RULE.code,
                found.first_line(root.span),
                "the key \"schemaVersion\" is missing",
            )
            .help(format!("for example schemaVersion: {}", SchemaVersion::V2_3_0)),
    };
    found.report(error);
}
