//! A Site elsewhere than in `wharf.yaml` at the root: whoever opens a repository must find it without searching, and
//! `wharf` must be able to tell a configuration repository from any other folder.
//!
//! Example: `config/site.yaml` with `kind: Site`.

use crate::document::Diagnostics;
use crate::manifest::{Kind, SITE_FILE};

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/site-place",
    why: "The Site stands in wharf.yaml at the repository's root, where everyone finds it.",
    example: "kind: Site # in config/site.yaml\n",
    fixed: "kind: Site # in wharf.yaml\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    for site in draft.declared.iter().filter(|d| d.kind == Kind::Site) {
        if site.document.source.path != SITE_FILE {
            let message = format!("the Site stands outside {SITE_FILE}");
            let error = site.document.error(RULE.code, site.name.span, message);
            diagnostics.push(error.help(format!("move it to {SITE_FILE} at the repository's root")));
        }
    }
}
