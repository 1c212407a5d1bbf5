//! Environment variables that every container gets.

use super::{Rule, Subject};
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/reserved-env",
    why: "PROJECTS_ROOT and PROJECT_SOURCE say where the projects are. Each container gets them with the \
          right values, so a devfile can't set them; sourceMapping moves the projects.",
    example: include_str!("../../../fixtures/devfile/reserved-env/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/reserved-env/valid.yaml"),
};

const RESERVED: [&str; 2] = ["PROJECTS_ROOT", "PROJECT_SOURCE"];

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let env = subject
        .devfile
        .containers()
        .flat_map(|(_, container)| &container.env);
    for name in env
        .map(|e| &e.name)
        .filter(|n| RESERVED.contains(&n.value.as_str()))
    {
        let message = format!("{} is set by wharf and can't be set here", name.value);
        let error = found.error(RULE.code, name.span, message);
        found.report(error.help("remove it; sourceMapping says where the projects are"));
    }
}
