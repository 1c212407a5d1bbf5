//! No devfile imports itself, directly or through others.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::devfile::import::Location;
use crate::document::Span;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/import-cycle",
    why: "A devfile that is its own parent, directly or through others, has no end. Put what they share into a devfile \
          of its own.",
    example: include_str!("../../../fixtures/devfile/import-cycle/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/import-cycle/valid.yaml"),
};

/// Reports that the import at `span` closes a cycle; `chain` leads from its first devfile to the last.
pub(in crate::devfile) fn report(chain: &[Location], span: Span, found: &mut Findings<'_>) {
    let mut names: Vec<String> = chain.iter().map(Location::to_string).collect();
    names.extend(names.first().cloned());
    let message = format!("devfiles import each other: {}", names.join(" -> "));
    let error = found.error(RULE.code, span, message);
    found.report(error);
}
