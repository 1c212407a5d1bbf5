//! A devfile path that leaves the repository: what runs must be what the commit says.
//!
//! Example: `devfile: {path: ../other/devfile.yaml}`.

use crate::document::Diagnostics;
use crate::document::files::join;
use crate::manifest::reference::{Reference, Referent};

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/devfile-outside",
    why: "A commit says all of what runs, so a devfile's path stays inside the repository.",
    example: "devfile: {path: ../other/devfile.yaml}\n",
    fixed: "devfile: {path: devfiles/other.yaml}\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let outside = |devfile: &&Reference| join("", &devfile.name.value).is_none();
    for devfile in draft.named(Referent::Devfile).filter(outside) {
        let message = format!("the path {:?} leads out of the repository", devfile.name.value);
        let error = devfile.error(RULE.code, message);
        diagnostics.push(error.help("write it relative to the repository's root, such as devfiles/a.yaml"));
    }
}
