//! `{{name}}` without a variable of that name. The text stays as it is, so this is a warning.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::document::Span;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/undefined-variable",
    why: "{{name}} is replaced by the devfile's variable of that name, or by the Workspace's. Without one the text \
          stays as it is, which is rarely meant; what is meant for a shell or a template engine may stay.",
    example: include_str!("../../../fixtures/devfile/undefined-variable/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/undefined-variable/valid.yaml"),
};

/// Warns that no variable `name` is defined, which the `token` in the text at `span` names.
pub(in crate::devfile) fn report<'a>(
    (token, name): (&str, &str),
    span: Span,
    defined: impl IntoIterator<Item = &'a str>,
    found: &mut Findings<'_>,
) {
    // Escapes and folded lines hide the token; then the whole text stands for it.
    let at = if found.is_full() {
        None
    } else {
        found.text_at(span).find(token)
    };
    let span = match at {
        Some(at) => Span::new(span.start + at, span.start + at + token.len()),
        None => span,
    };
    let message = format!("no variable {name:?} is defined; the text stays as it is");
    let warning = found.error(RULE.code, span, message).warning();
    let help = "define it under variables, in the devfile or in the Workspace";
    let warning = found.suggest(warning.help(help), name, defined);
    found.report(warning);
}
