//! Projects have names and directories of their own.

use std::collections::BTreeMap;

use super::{Rule, Subject, report_duplicates};
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/duplicate-project",
    why: "Two projects of one name can't be told apart, and two that are cloned into one directory would \
          overwrite each other. Projects and dependent projects count together; starter projects only among \
          themselves, but for one that is asked for.",
    example: include_str!("../../../fixtures/devfile/duplicate-project/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/duplicate-project/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let devfile = subject.devfile;
    let projects = || devfile.projects.iter().chain(&devfile.dependent_projects);
    report_duplicates(RULE.code, "a project named", projects().map(|p| &p.name), found);
    let starters = devfile.starter_projects.iter().map(|p| &p.name);
    report_duplicates(RULE.code, "a starter project named", starters, found);
    let mut first = BTreeMap::new();
    for project in projects() {
        let name = &project.name.value;
        let other = first.entry(project.path()).or_insert(name);
        if *other != name {
            let place = project.clone_path.as_ref().unwrap_or(&project.name);
            let message = format!(
                "the project {other:?} is cloned into {:?} already",
                project.path()
            );
            let error = found.error(RULE.code, place.span, message);
            found.report(error.help("give one of them another clonePath"));
        }
    }
}
