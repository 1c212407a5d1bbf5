//! Endpoints have names of their own, over all components.

use super::{Rule, Subject, report_duplicates};
use crate::devfile::component::ComponentKind;
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/duplicate-endpoint",
    why: "An endpoint is opened by its name alone, whichever container it belongs to, so no two endpoints \
          of a devfile share one.",
    example: include_str!("../../../fixtures/devfile/duplicate-endpoint/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/duplicate-endpoint/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let endpoints = subject.devfile.components.iter().flat_map(|c| match &c.kind {
        ComponentKind::Container(container) => container.endpoints.as_slice(),
        ComponentKind::Cluster(cluster) => cluster.endpoints.as_slice(),
        ComponentKind::Volume(_) | ComponentKind::Image(_) => &[],
    });
    report_duplicates(RULE.code, "an endpoint named", endpoints.map(|e| &e.name), found);
}
