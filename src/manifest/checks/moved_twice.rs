//! Two workspaces that take over the data of the same one.
//!
//! Example: `alice/one` and `alice/two`, both with `movedFrom: alice/api`.

use std::collections::BTreeMap;

use crate::document::Diagnostics;

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/moved-twice",
    why: "Data moves to one place; which of two would be chance.",
    example: "movedFrom: alice/api # in alice/one and in alice/two\n",
    fixed: "movedFrom: alice/api # in alice/one alone\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let mut taken = BTreeMap::new();
    for workspace in &draft.workspaces {
        let Some(from) = &workspace.spec.moved_from else {
            continue;
        };
        let Some(first) = taken.insert(&from.value, workspace.id()) else {
            continue;
        };
        let message = format!("the data of {} moves to {first} already", from.value);
        let error = workspace.error(RULE.code, from.span, message);
        diagnostics.push(error.help("keep movedFrom in one of the two"));
    }
}
