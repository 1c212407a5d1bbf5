//! A devfile path with no file behind it.
//!
//! Example: `devfile: {path: devfiles/pyhton.yaml}` where `devfiles/python.yaml` is.

use crate::document::files::join;
use crate::document::{Content, Diagnostics};
use crate::manifest::DevfileRef;

use super::devfile_link::outside_link;
use super::{Draft, Rule, Suggestions};

pub(super) const RULE: Rule = Rule {
    code: "manifest/devfile-missing",
    why: "A workspace is made of what its devfile says, so the file must be there.",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let mut near = Suggestions::from(draft.devfiles.keys().map(String::as_str));
    for workspace in &draft.workspaces {
        let path = match &workspace.spec.devfile {
            DevfileRef::Path(path) if join("", &path.value).is_some() => path,
            DevfileRef::Path(_) | DevfileRef::Inline(_) => continue,
        };
        if outside_link(draft, &path.value).is_some() {
            continue;
        }
        let message = match draft.files.get(&path.value).map(|file| &file.content) {
            Some(Content::Unreadable(reason)) => format!("{:?} can't be read: {reason}", path.value),
            Some(Content::TooLarge(bytes)) => format!("{:?} is too large: {bytes} bytes", path.value),
            Some(Content::Bytes(_) | Content::OutsideLink(_)) => continue,
            None if is_folder(draft, &path.value) => format!("{:?} is a folder, not a devfile", path.value),
            None => format!("there is no file {:?} in the repository", path.value),
        };
        let error = workspace
            .error(RULE.code, path.span, message)
            .help("a devfile's path is relative to the repository's root");
        diagnostics.push(near.add(error, &path.value));
    }
}

fn is_folder(draft: &Draft<'_>, path: &str) -> bool {
    let below = format!("{path}/");
    let mut from = draft.files.0.range(below.clone()..);
    path.is_empty() || from.next().is_some_and(|(next, _)| next.starts_with(&below))
}
