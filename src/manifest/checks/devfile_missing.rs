//! A devfile path with no file behind it.
//!
//! Example: `devfile: {path: devfiles/pyhton.yaml}` where `devfiles/python.yaml` is.

use crate::document::files::join;
use crate::document::{Content, Diagnostics};
use crate::manifest::reference::Referent;

use super::devfile_link::outside_link;
use super::{Check, Draft, Suggestions};

pub(super) const RULE: Check = Check {
    code: "manifest/devfile-missing",
    why: "A workspace is made of what its devfile says, so the file must be there.",
    example: "devfile: {path: devfiles/pyhton.yaml}\n",
    fixed: "devfile: {path: devfiles/python.yaml}\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let mut near = Suggestions::from(draft.devfiles.keys().map(String::as_str));
    for devfile in draft.named(Referent::Devfile) {
        let path = &devfile.name.value;
        if join("", path).is_none() || outside_link(draft, path).is_some() {
            continue; // another rule's
        }
        let message = match draft.files.get(path).map(|file| &file.content) {
            Some(Content::Unreadable(reason)) => format!("{:?} can't be read: {reason}", path),
            Some(Content::TooLarge(bytes)) => format!("{:?} is too large: {bytes} bytes", path),
            Some(Content::Bytes(_) | Content::OutsideLink(_)) => continue,
            None if is_folder(draft, path) => format!("{:?} is a folder, not a devfile", path),
            None => format!("there is no file {:?} in the repository", path),
        };
        let error = devfile
            .error(RULE.code, message)
            .help("a devfile's path is relative to the repository's root");
        diagnostics.push(near.add(error, path));
    }
}

fn is_folder(draft: &Draft<'_>, path: &str) -> bool {
    let below = format!("{path}/");
    let mut from = draft.files.0.range(below.clone()..);
    path.is_empty() || from.next().is_some_and(|(next, _)| next.starts_with(&below))
}
