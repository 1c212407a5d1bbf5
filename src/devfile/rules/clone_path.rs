//! Where a project is cloned, and which folder of a starter project is kept: below the root of the projects, and of the
//! sources.

use super::{Rule, Subject};
use crate::devfile::findings::Findings;
use crate::devfile::project::Kept;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/clone-path",
    why: "A clonePath is relative to PROJECTS_ROOT and stays within it: no / at its start, no .. in it, \
          and a folder of its own, for nothing is cloned over what is there. A starter project's subDir is a \
          folder of its sources; nothing, or ., is all of them.",
    example: include_str!("../../../fixtures/devfile/clone-path/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/clone-path/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let devfile = subject.devfile;
    let projects = devfile.projects.iter().chain(&devfile.dependent_projects);
    for path in projects.filter_map(|p| p.clone_path.as_ref()) {
        let message = match path.value.as_str() {
            text if text.starts_with('/') => {
                format!("{text:?} is absolute; a clonePath is relative to PROJECTS_ROOT")
            }
            text if text.split('/').any(|part| part == "..") => format!("{text:?} leaves PROJECTS_ROOT"),
            text if text.split('/').all(|part| part.is_empty() || part == ".") => {
                format!("{text:?} is PROJECTS_ROOT itself, which holds other files too")
            }
            text if text.contains('\0') => format!("{text:?} holds a zero byte"),
            _ => continue,
        };
        let error = found.error(RULE.code, path.span, message);
        found.report(error);
    }
    // Nothing is fetched until somebody asks for it.
    for starter in &devfile.starter_projects {
        if let (Kept::Nothing, Some(folder)) = (starter.kept(), &starter.sub_dir) {
            let message = format!("{:?} is no folder of the starter project", folder.value);
            let warning = found.error(RULE.code, folder.span, message).warning();
            found.report(warning);
        }
    }
}
