//! Containers of one pod listen on ports of their own.

use std::collections::BTreeMap;

use super::{Rule, Subject};
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/port-conflict",
    why: "Containers of a workspace share one network, so two of them can't listen on one port. A container \
          with dedicatedPod: true runs apart and may.",
    example: include_str!("../../../fixtures/devfile/port-conflict/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/port-conflict/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let mut first = BTreeMap::new();
    let together = subject.devfile.containers().filter(|(_, c)| !c.dedicated_pod);
    for (component, container) in together {
        for port in container.endpoints.iter().map(|e| e.target_port) {
            let other = *first.entry(port.value).or_insert(component);
            if !std::ptr::eq(other, component) {
                let message = format!(
                    "the container {:?} listens on port {} already",
                    other.name.value, port.value
                );
                let error = found.error(RULE.code, port.span, message);
                found.report(
                    error.help("use another port, or set dedicatedPod: true on one of the containers"),
                );
            }
        }
    }
}
