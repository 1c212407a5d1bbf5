//! How a container is known to be ready.

use std::collections::BTreeSet;

use super::{Rule, Subject};
use crate::devfile::component::{Component, ComponentKind};
use crate::devfile::findings::Findings;
use crate::devfile::readiness::{DEPENDS_ON, HEALTH_CHECK, Probe};
use crate::document::Span;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/health-check",
    why: "The attribute wharf.dev/health-check of a container component holds either a command, which ends with 0 once \
          the container is ready, or the name of one of its endpoints, which accepts connections then; and timeout, the \
          seconds that it is waited for. It and wharf.dev/depends-on mean nothing for other components, nor for a \
          container that only preStart or postStop runs.",
    example: include_str!("../../../fixtures/devfile/health-check/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/health-check/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let staying: BTreeSet<&str> = subject
        .devfile
        .main_containers()
        .iter()
        .map(|(component, _)| component.name.value.as_str())
        .collect();
    for component in &subject.devfile.components {
        let ComponentKind::Container(container) = &component.kind else {
            skipped(component, "is no container", found);
            continue;
        };
        if !staying.contains(component.name.value.as_str()) {
            skipped(component, "runs at an event only", found);
        }
        let probe = container.readiness.check.as_ref().map(|check| &check.probe);
        let Some(Probe::Endpoint(name)) = probe else {
            continue;
        };
        let names = || {
            container
                .endpoints
                .iter()
                .map(|endpoint| endpoint.name.value.as_str())
        };
        if !names().any(|own| own == name.value) {
            let message = format!(
                "component {:?} has no endpoint {:?}",
                component.name.value, name.value
            );
            let error = found.error(RULE.code, name.span, message);
            let error = found.suggest(error, &name.value, names());
            found.report(error);
        }
    }
}

/// Warns of attributes that mean nothing for this component.
fn skipped(component: &Component, why: &str, found: &mut Findings<'_>) {
    for name in [DEPENDS_ON, HEALTH_CHECK] {
        if let Some(node) = component.attributes.get(name) {
            let message = format!("{name} is skipped: component {:?} {why}", component.name.value);
            let warning = found.error(RULE.code, node.span, message).warning();
            found.report(warning);
        }
    }
}

/// Reports a key that means nothing.
pub(in crate::devfile) fn unknown_key(key: &str, span: Span, found: &mut Findings<'_>) {
    let error = found.error(RULE.code, span, format!("{HEALTH_CHECK} has no key {key:?}"));
    let error = error.help("it has command or endpoint, and timeout");
    let error = found.suggest(error, key, ["command", "endpoint", "timeout"]);
    found.report(error);
}

/// Reports a check with both a command and an endpoint, or neither.
pub(in crate::devfile) fn not_one(both: bool, span: Span, found: &mut Findings<'_>) {
    let message = match both {
        true => format!("{HEALTH_CHECK} has a command and an endpoint; one of them decides"),
        false => format!("{HEALTH_CHECK} has neither a command nor an endpoint"),
    };
    let error = found.error(RULE.code, span, message);
    found.report(error);
}
