//! How much variables may add to a devfile.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::document::Span;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/variable-size",
    why: "A long value that is used again and again would make gigabytes out of a few lines.",
    example: include_str!("../../../fixtures/devfile/variable-size/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/variable-size/valid.yaml"),
};

/// The most bytes that variables may add to one devfile.
pub(in crate::devfile) const MAX_ADDED: usize = 1 << 20;

/// Reports that the text at `span` adds more than that.
pub(in crate::devfile) fn report(span: Span, found: &mut Findings<'_>) {
    let message = format!("variables add more than {MAX_ADDED} bytes to this devfile");
    let error = found.error(RULE.code, span, message);
    found.report(error);
}
