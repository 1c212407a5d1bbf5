//! Components have names of their own.

use super::{Rule, Subject, report_duplicates};
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/duplicate-component",
    why: "Commands, volume mounts and the objects that wharf makes refer to a component by its name, so no \
          two components share one.",
    example: include_str!("../../../fixtures/devfile/duplicate-component/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/duplicate-component/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let names = subject.devfile.components.iter().map(|c| &c.name);
    report_duplicates(RULE.code, "a component named", names, found);
}
