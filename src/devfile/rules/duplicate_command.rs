//! Commands have ids of their own.

use super::{Rule, Subject, report_duplicates};
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/duplicate-command",
    why: "Events, composite commands and people refer to a command by its id, so no two commands share one.",
    example: include_str!("../../../fixtures/devfile/duplicate-command/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/duplicate-command/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let ids = subject.devfile.commands.iter().map(|c| &c.id);
    report_duplicates(RULE.code, "a command with the id", ids, found);
}
