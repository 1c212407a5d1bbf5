//! Apply commands bring up what can be brought up.

use super::{Rule, Subject, report_component};
use crate::devfile::command::CommandKind;
use crate::devfile::component::ComponentKind;
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/apply-component",
    why: "An apply command starts a container, builds an image or creates a cluster's objects. A volume is \
          there with the containers that mount it; there is nothing to apply.",
    example: include_str!("../../../fixtures/devfile/apply-component/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/apply-component/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    for command in &subject.devfile.commands {
        match &command.kind {
            CommandKind::Apply(apply) => {
                let expected = "a container or an image";
                report_component(
                    RULE.code,
                    subject,
                    &apply.component,
                    (can_be_applied, expected),
                    found,
                );
            }
            CommandKind::Exec(_) | CommandKind::Composite(_) => {}
        }
    }
}

fn can_be_applied(kind: &ComponentKind) -> bool {
    match kind {
        ComponentKind::Container(_) | ComponentKind::Image(_) | ComponentKind::Cluster(_) => true,
        ComponentKind::Volume(_) => false,
    }
}
