//! Overrides that only a cluster has. They are skipped, so this is a warning.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::document::{Key, Span};

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/override-skipped",
    why: "container-overrides and pod-overrides are written for Kubernetes. What only a cluster has (service \
          accounts, probes, where a pod is scheduled) has no meaning here and is skipped.",
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
