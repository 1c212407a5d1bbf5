//! The folders of a sparse checkout: below the top of the project, and nothing that git would take for an option.

use super::{Rule, Subject};
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/sparse-checkout",
    why: "The attribute sparseCheckout of a project (and sparseCheckoutDirs in schemaVersion 2.0.0) names folders of its \
          repository, by their paths from its top: no / at the start, no .. in it, no pattern.",
    example: include_str!("../../../fixtures/devfile/sparse-checkout/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/sparse-checkout/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let devfile = subject.devfile;
    let projects = devfile.projects.iter().chain(&devfile.dependent_projects);
    for folder in projects.flat_map(|project| &project.folders) {
        let message = match folder.value.as_str() {
            "" => "a folder without a name".to_owned(),
            text if text.starts_with('/') => {
                format!("{text:?} is absolute; folders count from the project's top")
            }
            text if text.split('/').any(|part| part == "..") => format!("{text:?} leaves the project"),
            text if text.starts_with('-') => format!("git would take {text:?} for an option"),
            text if text.contains(['*', '?', '[', '\\', '!', '"', '\n', '\0']) => {
                format!("{text:?} is a pattern; folders are named one by one")
            }
            _ => continue,
        };
        let error = found.error(RULE.code, folder.span, message);
        found.report(error);
    }
}
