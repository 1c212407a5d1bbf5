//! Two volumes adopted as the same volume of a workspace: their data would be mixed.
//!
//! Example: `adopt: [{volume: one, as: home}, {volume: two, as: home}]`.

use std::collections::BTreeMap;

use crate::document::Diagnostics;

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/adopt-role-twice",
    why: "A volume takes over the data of one other; that of two would be mixed.",
    example: "adopt: [{volume: one, as: home}, {volume: two, as: home}]\n",
    fixed: "adopt: [{volume: one, as: home}, {volume: two, as: data/cache}]\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    for workspace in &draft.workspaces {
        let mut taken = BTreeMap::new();
        for adopt in &workspace.spec.adopt {
            let Some(first) = taken.insert(&adopt.role.value, &adopt.volume.value) else {
                continue;
            };
            let word = adopt.role.value.volume_word().unwrap_or_default();
            let message = format!("{word} takes over the data of {first} already");
            let error = workspace.error(RULE.code, adopt.role.span, message);
            diagnostics.push(error.help("give one of the two another volume of the workspace"));
        }
    }
}
