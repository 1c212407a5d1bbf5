//! What `container-overrides` and `pod-overrides` may not change.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::document::Span;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/override-refused",
    why: "container-overrides and pod-overrides change a few things of a container: limits, the user and group, the \
          working directory, the time it has to stop. The policy of isolation refuses whatever reaches the host, \
          another workspace or the engine: no privileges, no capabilities, no host network, no host paths or devices.",
    example: include_str!("../../../fixtures/devfile/override-refused/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/override-refused/valid.yaml"),
};

const POLICY: &str = "the policy of isolation: a workspace reaches neither the host nor the engine";

/// Reports that `path` would reach out of the workspace.
pub(in crate::devfile) fn refused(path: &str, span: Span, found: &mut Findings<'_>) {
    let error = found.error(RULE.code, span, format!("{path} is refused"));
    found.report(error.help(POLICY));
}

/// Reports that `path` has another value than every workspace has.
pub(in crate::devfile) fn only(path: &str, value: bool, span: Span, found: &mut Findings<'_>) {
    let message = format!("{path} is {value} in every workspace; anything else is refused");
    let error = found.error(RULE.code, span, message);
    found.report(error.help(POLICY));
}

/// Reports that the devfile's own key `other` says what `path` says.
pub(in crate::devfile) fn elsewhere(path: &str, other: &str, span: Span, found: &mut Findings<'_>) {
    let error = found.error(RULE.code, span, format!("{path} can't be overridden"));
    found.report(error.help(format!("write it under {other:?} of the devfile itself")));
}

/// Reports a group without a user.
pub(in crate::devfile) fn group_alone(span: Span, found: &mut Findings<'_>) {
    let message = "runAsGroup without runAsUser: which user is meant?";
    let error = found.error(RULE.code, span, message);
    found.report(error);
}

/// Reports that wharf does not know `path`.
pub(in crate::devfile) fn unknown(path: &str, span: Span, candidates: Vec<&str>, found: &mut Findings<'_>) {
    let error = found.error(RULE.code, span, format!("{path} is not known"));
    let key = path.rsplit('.').next().unwrap_or(path);
    let error = error.help("only what wharf knows can be overridden");
    let error = found.suggest(error, key, candidates);
    found.report(error);
}
