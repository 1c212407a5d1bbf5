//! A devfile that is a symbolic link out of the repository, or lies behind one: following it would read any file of
//! the host that wharf may read.
//!
//! Example: `devfiles/a.yaml` is a link to `/etc/passwd`.

use crate::document::{Content, Diagnostics};
use crate::manifest::reference::Referent;

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/devfile-link",
    why: "A link out of the repository could read any file of the host, so it is never followed.",
    example: "devfile: {path: devfiles/a.yaml} # a link to /etc/passwd\n",
    fixed: "devfile: {path: devfiles/a.yaml} # a file\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    for devfile in draft.named(Referent::Devfile) {
        let path = &devfile.name.value;
        if let Some((link, target)) = outside_link(draft, path) {
            let message = format!("{link:?} is a symbolic link to {target:?}, outside the repository");
            let error = devfile.error(RULE.code, message);
            diagnostics.push(error.help("put the file itself into the repository"));
        }
    }
}

/// The link out of the repository at `path` or above it, and its target.
pub(super) fn outside_link<'a>(draft: &'a Draft<'_>, path: &'a str) -> Option<(&'a str, &'a str)> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.map(|end| &path[..end])
        .find_map(|part| match &draft.files.get(part)?.content {
            Content::OutsideLink(target) => Some((part, target.as_str())),
            Content::Bytes(_) | Content::TooLarge(_) | Content::Unreadable(_) => None,
        })
}
