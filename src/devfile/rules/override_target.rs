//! What is overridden exists.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::document::Span;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/override-target",
    why: "What stands below parent, or in a plugin component, changes something that the imported devfile has. \
          Something new belongs into the devfile itself.",
    example: include_str!("../../../fixtures/devfile/override-target/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/override-target/valid.yaml"),
};

/// Reports that the imported devfile has no `kind` called `name`, only `candidates`.
pub(in crate::devfile) fn report<'a>(
    kind: &str,
    (name, span): (&str, Span),
    candidates: impl IntoIterator<Item = &'a str>,
    found: &mut Findings<'_>,
) {
    let message = format!("the imported devfile has no {kind} {name:?} to change");
    let error = found.error(RULE.code, span, message);
    let error = error.help("what is new belongs into the devfile itself, outside parent");
    let error = found.suggest(error, name, candidates);
    found.report(error);
}
