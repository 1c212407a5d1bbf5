//! Exec commands run in a container.

use super::{Rule, Subject, report_component};
use crate::devfile::command::CommandKind;
use crate::devfile::component::ComponentKind;
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/exec-component",
    why: "An exec command needs a container to run in, so its component is a container component of this \
          devfile.",
    example: include_str!("../../../fixtures/devfile/exec-component/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/exec-component/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    for command in &subject.devfile.commands {
        match &command.kind {
            CommandKind::Exec(exec) => {
                report_component(
                    RULE.code,
                    subject,
                    &exec.component,
                    (is_container, "a container"),
                    found,
                );
            }
            CommandKind::Apply(_) | CommandKind::Composite(_) => {}
        }
    }
}

fn is_container(kind: &ComponentKind) -> bool {
    match kind {
        ComponentKind::Container(_) => true,
        ComponentKind::Volume(_) | ComponentKind::Image(_) | ComponentKind::Cluster(_) => false,
    }
}
