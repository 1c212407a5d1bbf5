//! A workspace that takes over its own data.
//!
//! Example: the workspace `alice/api` with `movedFrom: alice/api`.

use crate::document::Diagnostics;

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/moved-from-itself",
    why: "movedFrom names the workspace as it was called before.",
    example: "metadata: {name: api}\nspec: {owner: alice, movedFrom: alice/api}\n",
    fixed: "metadata: {name: service}\nspec: {owner: alice, movedFrom: alice/api}\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    for workspace in &draft.workspaces {
        let from = workspace.spec.moved_from.iter();
        for from in from.filter(|from| from.value == workspace.id()) {
            let message = format!("the workspace {} is moved from itself", from.value);
            let error = workspace.error(RULE.code, from.span, message);
            diagnostics.push(error.help("name the workspace as it was called before, or remove movedFrom"));
        }
    }
}
