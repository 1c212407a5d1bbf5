//! What the devfile specification has and wharf does not have yet. It is refused by name, never ignored: a workspace
//! that starts without a part of what it asked for is worse than one that does not start.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::document::Span;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/unsupported",
    why: "This part of the devfile specification is not built yet. wharf refuses it rather than ignoring it, so that \
          no workspace starts without a part of what its devfile asks for.",
    example: include_str!("../../../fixtures/devfile/unsupported/invalid.yaml"),
};

/// Reports that `feature` (in the plural) is used at `span`.
pub(in crate::devfile) fn report(feature: &str, span: Span, found: &mut Findings<'_>) {
    let error = found.error(RULE.code, span, format!("{feature} are not supported yet"));
    found.report(error);
}
