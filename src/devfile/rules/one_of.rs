//! Objects of which exactly one kind must be given: a component's kind, a command's kind, a source.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::document::Span;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/one-of",
    why: "A component is a container or a volume or an image, never two at once and never nothing; the same holds for \
          commands (exec, apply, composite) and for where sources come from. Keep one of the keys.",
    example: include_str!("../../../fixtures/devfile/one-of/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/one-of/valid.yaml"),
};

/// Reports that none of the `allowed` keys is there, only `keys`.
pub(in crate::devfile) fn none(
    span: Span,
    what: &str,
    allowed: &[&str],
    keys: &[&str],
    found: &mut Findings<'_>,
) {
    let has = if keys.is_empty() {
        "nothing".to_owned()
    } else {
        keys.join(", ")
    };
    let message = format!("{what} needs one of {}; this one has {has}", allowed.join(", "));
    let error = found.error(RULE.code, found.first_line(span), message);
    found.report(error);
}

/// Reports that several of the `allowed` keys are there.
pub(in crate::devfile) fn several(
    span: Span,
    what: &str,
    allowed: &[&str],
    keys: &[&str],
    found: &mut Findings<'_>,
) {
    let message = format!(
        "{what} has exactly one of {}; this one has {}",
        allowed.join(", "),
        keys.join(" and ")
    );
    let error = found.error(RULE.code, span, message);
    found.report(error.help("keep one of them"));
}
