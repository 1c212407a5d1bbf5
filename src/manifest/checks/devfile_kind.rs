//! A devfile path that leads to something else, such as a manifest.
//!
//! Example: `devfile: {path: wharf.yaml}`.

use crate::document::{Content, Diagnostics};
use crate::manifest::reference::Referent;

use super::{Check, Draft, Suggestions};

pub(super) const RULE: Check = Check {
    code: "manifest/devfile-kind",
    why: "A devfile is recognised by its top-level schemaVersion.",
    example: "devfile: {path: wharf.yaml}\n",
    fixed: "devfile: {path: devfiles/python.yaml}\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let mut near = Suggestions::from(draft.devfiles.keys().map(String::as_str));
    for devfile in draft.named(Referent::Devfile) {
        let path = &devfile.name.value;
        let found = match draft.files.get(path).map(|file| &file.content) {
            Some(Content::Bytes(_)) => draft.devfiles.contains_key(path),
            Some(Content::TooLarge(_) | Content::OutsideLink(_) | Content::Unreadable(_)) | None => continue,
        };
        if !found && !draft.broken.contains(path) {
            let message = format!("{:?} is no devfile: it has no top-level schemaVersion", path);
            let error = devfile.error(RULE.code, message);
            let error = error.help("a devfile begins with schemaVersion: 2.2.0");
            diagnostics.push(near.add(error, path));
        }
    }
}
