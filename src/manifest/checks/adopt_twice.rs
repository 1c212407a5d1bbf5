//! A volume that is adopted twice: its data would go on in two places.
//!
//! Example: two workspaces, both with `adopt: [{volume: old, as: home}]`.

use std::collections::BTreeMap;

use crate::document::Diagnostics;

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/adopt-twice",
    why: "Data is taken over by one volume of one workspace, or nobody knows where it goes on.",
    example: "adopt: [{volume: old, as: home}] # in two workspaces\n",
    fixed: "adopt: [{volume: old, as: home}] # in one of them\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let mut taken = BTreeMap::new();
    for workspace in &draft.workspaces {
        for adopt in &workspace.spec.adopt {
            let Some(first) = taken.insert(&adopt.volume.value, workspace.id()) else {
                continue;
            };
            let message = format!("{first} adopts the volume {} already", adopt.volume.value);
            let error = workspace.error(RULE.code, adopt.volume.span, message);
            diagnostics.push(error.help("keep one of the two"));
        }
    }
}
