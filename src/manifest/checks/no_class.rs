//! A workspace without a class where the Site has no default one: it would run without limits.
//!
//! Example: a workspace without `class`, and a Site without `defaults.class`.

use crate::document::Diagnostics;

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/no-class",
    why: "Every workspace has limits, by its own class or by the Site's default one.",
    example: "spec: {owner: alice, devfile: {path: a.yaml}}\n",
    fixed: "spec: {owner: alice, class: small, devfile: {path: a.yaml}}\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    if draft.sites.is_empty() {
        return; // the default is not known, and its absence is reported already
    }
    for workspace in &draft.workspaces {
        if draft.class_of(workspace).is_none() {
            let message = format!(
                "the workspace {} has no class, and the Site has no default one",
                workspace.id()
            );
            let error = workspace.error(RULE.code, workspace.name.span, message);
            diagnostics.push(error.help("give it a class, or set spec.defaults.class in wharf.yaml"));
        }
    }
}
