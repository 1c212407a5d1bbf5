//! A parent or plugin is not newer than the devfile that imports it.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::devfile::version::SchemaVersion;
use crate::document::Span;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/import-version",
    why: "What is imported becomes part of the devfile, whose schemaVersion says how it is read: a newer parent may \
          hold keys that the devfile's own version does not have.",
    example: include_str!("../../../fixtures/devfile/import-version/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/import-version/valid.yaml"),
};

/// Reports that the devfile of `version` imports one that is `newer` at `span`.
pub(in crate::devfile) fn report(
    newer: SchemaVersion,
    version: SchemaVersion,
    span: Span,
    found: &mut Findings<'_>,
) {
    let message = format!("this imports a devfile of schemaVersion {newer}, newer than {version}");
    let error = found.error(RULE.code, span, message);
    found.report(error.help(format!("raise schemaVersion to {newer}")));
}
