//! A repository without a Site: nothing says which engine's objects are meant, nor whose label they carry.
//!
//! Example: a repository with users and workspaces and no `wharf.yaml`.

use crate::document::{Diagnostic, Diagnostics};
use crate::manifest::{Kind, SITE_FILE};

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/site-missing",
    why: "The Site's name is on every object that wharf owns; without it nothing can be planned.",
    example: "kind: User # and no wharf.yaml\n",
    fixed: "apiVersion: wharf/v1\nkind: Site\nmetadata: {name: lab}\nspec: {}\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let declared = draft.declared.iter().any(|d| d.kind == Kind::Site);
    if declared || draft.broken.contains(SITE_FILE) {
        return;
    }
    let message = match draft.files.get(SITE_FILE) {
        Some(_) => format!("{SITE_FILE} declares no Site"),
        None => format!("there is no {SITE_FILE}, which declares the Site"),
    };
    let help = "write it: apiVersion: wharf/v1, kind: Site, metadata: {name: NAME}, spec: {}";
    diagnostics.push(Diagnostic::of_file(RULE.code, SITE_FILE, message).help(help));
}
