//! Two Sites in one repository: every object carries one site's label, and which of the two would be chance.
//!
//! Example: two documents of `kind: Site` in `wharf.yaml`.

use crate::document::Diagnostics;
use crate::manifest::Kind;

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/site-twice",
    why: "A repository is one site: two would leave open whose objects a plan is about.",
    example: "kind: Site\n---\nkind: Site\n",
    fixed: "kind: Site\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let mut sites = draft.declared.iter().filter(|d| d.kind == Kind::Site);
    let Some(first) = sites.next() else { return };
    for site in sites {
        let message = format!("a second Site; the first is {:?}", first.name.value.as_str());
        let error = site.document.error(RULE.code, site.name.span, message);
        diagnostics.push(error.help("keep one; another site has a repository of its own"));
    }
}
