//! Variables of a Workspace for a devfile that replaces none.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::devfile::version::SchemaVersion;
use crate::document::Span;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/unused-variables",
    why: "schemaVersion 2.0.0 knows no variables: {{name}} stays as it is. Variables that a Workspace gives \
          for such a devfile have no effect.",
    example: include_str!("../../../fixtures/devfile/unused-variables/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/unused-variables/valid.yaml"),
};

/// Warns that the Workspace's variables have no effect on the devfile of this `version`, which stands at `span`.
pub(in crate::devfile) fn report(version: SchemaVersion, span: Span, found: &mut Findings<'_>) {
    let message = format!("schemaVersion {version} has no variables; those of the Workspace have no effect");
    let warning = found.error(RULE.code, span, message).warning();
    let help = format!("raise schemaVersion to {} or later", SchemaVersion::V2_1_0);
    found.report(warning.help(help));
}
