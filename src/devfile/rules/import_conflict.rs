//! Variables and attributes that a devfile and its imports both define. For what stands in lists, the rules of
//! duplicates hold.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::document::Key;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/import-conflict",
    why: "A variable or an attribute has one value. To give one of the parent's another value, set it below parent: \
          what stands there changes the parent, and a second definition does not.",
    example: include_str!("../../../fixtures/devfile/import-conflict/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/import-conflict/valid.yaml"),
};

/// Reports that one of the `kind` (`variable`, `attribute`) is defined again.
pub(in crate::devfile) fn report(kind: &str, key: &Key, first: &Key, found: &mut Findings<'_>) {
    let message = format!("the {kind} {:?} is defined already", key.text);
    let error = found.error(RULE.code, key.span, message);
    let help = format!(
        "{} defines it; to change the parent's, set it below parent",
        found.place(first.span)
    );
    found.report(error.help(help));
}
