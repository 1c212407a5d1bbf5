//! Where a project is cloned, and which folder of a starter project is kept: below the root of the projects, and of the
//! sources.

use super::{Rule, Subject};
use crate::devfile::findings::Findings;
use crate::document::Spanned;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/clone-path",
    why: "A clonePath is relative to PROJECTS_ROOT and stays within it: no / at its start, no .. in it, \
          and a folder of its own, for nothing is cloned over what is there. A starter project's subDir is a \
          folder below the top of its sources.",
    example: include_str!("../../../fixtures/devfile/clone-path/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/clone-path/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let devfile = subject.devfile;
    let projects = devfile.projects.iter().chain(&devfile.dependent_projects);
    for path in projects.filter_map(|p| p.clone_path.as_ref()) {
        if path.value.starts_with('/') {
            let message = format!(
                "{:?} is absolute; a clonePath is relative to PROJECTS_ROOT",
                path.value
            );
            let error = found.error(RULE.code, path.span, message);
            found.report(error);
        } else {
            check_path(path, "PROJECTS_ROOT", found);
        }
    }
    for folder in devfile.starter_projects.iter().filter_map(|p| p.sub_dir.as_ref()) {
        check_path(folder, "the starter project", found);
    }
}

fn check_path(path: &Spanned<String>, root: &str, found: &mut Findings<'_>) {
    let message = match path.value.as_str() {
        text if text.split('/').any(|part| part == "..") => format!("{text:?} leaves {root}"),
        text if text.split('/').all(|part| part.is_empty() || part == ".") => {
            format!("{text:?} is {root} itself, which holds other files too")
        }
        text if text.contains('\0') => format!("{text:?} holds a zero byte"),
        _ => return,
    };
    let error = found.error(RULE.code, path.span, message);
    found.report(error);
}
