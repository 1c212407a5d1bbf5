//! A workspace that takes over the data of one that is still declared: both would need the same volumes.
//!
//! Example: `movedFrom: alice/api` while the workspace `alice/api` is still there.

use std::collections::BTreeMap;

use crate::document::Diagnostics;

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/moved-from-declared",
    why: "Data moves once; while the old workspace is declared, both would need it.",
    example: "movedFrom: alice/api # and a workspace alice/api\n",
    fixed: "movedFrom: alice/api # whose manifest is gone\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let declared: BTreeMap<_, _> = draft.workspaces.iter().map(|w| (w.id(), w)).collect();
    for workspace in &draft.workspaces {
        let Some(from) = &workspace.spec.moved_from else {
            continue;
        };
        let Some(old) = declared.get(&from.value) else {
            continue;
        };
        if from.value == workspace.id() {
            continue; // has a rule of its own
        }
        let message = format!(
            "the workspace {} is still declared, so its data can't move",
            from.value
        );
        let (line, _) = old.document.source.position(old.name.span.start);
        let help = format!("remove it from {}:{line}, or remove movedFrom", old.path());
        diagnostics.push(workspace.error(RULE.code, from.span, message).help(help));
    }
}
