//! Overrides that change nothing here: what only a cluster has, and those of a component that is no container. They are
//! skipped, so this is a warning.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::document::{Key, Span};

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/override-skipped",
    why: "container-overrides and pod-overrides are written for Kubernetes. What only a cluster has (service \
          accounts, probes, where a pod is scheduled) has no meaning here and is skipped. So are container-overrides \
          of a component that is no container.",
    example: include_str!("../../../fixtures/devfile/override-skipped/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/override-skipped/valid.yaml"),
};

/// Warns that `path`, whose last part is `key`, is skipped.
pub(in crate::devfile) fn report(path: &str, key: &Key, span: Span, found: &mut Findings<'_>) {
    let warning = found
        .error(RULE.code, span, format!("{path} is skipped"))
        .warning();
    found.report(warning.help(format!(
        "{} is Kubernetes' business; wharf does without it",
        key.text
    )));
}

/// Warns that the override `name` of `component`, which is no container, is skipped.
pub(in crate::devfile) fn no_container(name: &str, component: &str, span: Span, found: &mut Findings<'_>) {
    let message = format!("{name} is skipped: component {component:?} is no container");
    let warning = found.error(RULE.code, span, message).warning();
    found.report(warning.help("move it to the component whose container it is meant for"));
}
