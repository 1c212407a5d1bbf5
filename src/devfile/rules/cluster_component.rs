//! Components of a Kubernetes cluster, which a workspace here does without.

use super::{Rule, Subject};
use crate::devfile::component::ComponentKind;
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/cluster-component",
    why: "wharf runs workspaces on Podman. kubernetes and openshift components are checked like everything \
          else and then skipped, together with the commands that apply them.",
    example: include_str!("../../../fixtures/devfile/cluster-component/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/cluster-component/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    for component in &subject.devfile.components {
        match &component.kind {
            ComponentKind::Cluster(cluster) => {
                let kind = cluster.platform.as_str();
                let message = format!("the {kind} component {:?} is skipped", component.name.value);
                let warning = found.error(RULE.code, component.name.span, message).warning();
                found.report(warning.help("wharf starts containers; it creates no objects in a cluster"));
            }
            ComponentKind::Container(_) | ComponentKind::Volume(_) | ComponentKind::Image(_) => {}
        }
    }
}
