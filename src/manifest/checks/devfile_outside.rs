//! A devfile path that leaves the repository: what runs must be what the commit says.
//!
//! Example: `devfile: {path: ../other/devfile.yaml}`.

use crate::document::Diagnostics;
use crate::document::files::join;
use crate::manifest::DevfileRef;

use super::{Draft, Rule};

pub(super) const RULE: Rule = Rule {
    code: "manifest/devfile-outside",
    why: "A commit says all of what runs, so a devfile's path stays inside the repository.",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    for workspace in &draft.workspaces {
        match &workspace.spec.devfile {
            DevfileRef::Path(path) if join("", &path.value).is_none() => {
                let message = format!("the path {:?} leads out of the repository", path.value);
                let error = workspace.error(RULE.code, path.span, message);
                diagnostics
                    .push(error.help("write it relative to the repository's root, such as devfiles/a.yaml"));
            }
            DevfileRef::Path(_) | DevfileRef::Inline(_) => {}
        }
    }
}
