//! A key that this version of the schema does not have, but another one has.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::devfile::version::SchemaVersion;
use crate::document::Key;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/key-version",
    why: "The devfile schema grew: each version has exactly its own keys, and a tool that keeps to the version a \
          devfile states would not understand others. Raise schemaVersion to one that has the key, or remove the key.",
    example: include_str!("../../../fixtures/devfile/key-version/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/key-version/valid.yaml"),
};

/// Reports `key`, which exists in the `range` of versions only.
pub(in crate::devfile) fn report(
    key: &Key,
    what: &str,
    (since, until): (SchemaVersion, SchemaVersion),
    version: SchemaVersion,
    found: &mut Findings<'_>,
) {
    let (message, help) = if version < since {
        let message = too_new(&key.text, since, version);
        (
            message,
            format!("raise schemaVersion to {since} or later, or remove the key"),
        )
    } else {
        let message = format!(
            "{what} has the key {:?} only up to schemaVersion {until}, this is {version}",
            key.text
        );
        (message, "remove the key".to_owned())
    };
    let error = found.error(RULE.code, key.span, message);
    found.report(error.help(help));
}

/// That `word` came with a later version than this one.
pub(in crate::devfile) fn too_new(word: &str, since: SchemaVersion, version: SchemaVersion) -> String {
    format!("{word:?} came with schemaVersion {since}, this is {version}")
}
