//! A workspace that takes over another's data and adopts a volume as the sources or the home, which both would fill.
//!
//! Example: `movedFrom: alice/api` beside `adopt: [{volume: old, as: home}]`.

use crate::document::Diagnostics;
use crate::model::Role;

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/adopt-moved",
    why: "movedFrom brings the sources and the home of the former workspace; a volume's data would be mixed with them.",
    example: "movedFrom: alice/api\nadopt: [{volume: old, as: home}]\n",
    fixed: "adopt: [{volume: old, as: home}]\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    for workspace in draft.workspaces.iter().filter(|w| w.spec.moved_from.is_some()) {
        // Which volumes of a devfile the former workspace had only the engine knows; a plan says so.
        let both = |role: &Role| matches!(role, Role::Projects | Role::Home);
        for adopt in workspace
            .spec
            .adopt
            .iter()
            .filter(|adopt| both(&adopt.role.value))
        {
            let word = adopt.role.value.volume_word().unwrap_or_default();
            let message = format!("both movedFrom and this volume would fill {word}");
            let error = workspace.error(RULE.code, adopt.role.span, message);
            diagnostics.push(error.help("remove one of the two"));
        }
    }
}
