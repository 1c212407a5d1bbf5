//! A devfile variable that no `{{name}}` could stand for.
//!
//! Example: `variables: {"a b": x}`.

use crate::document::Diagnostics;

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/variable-name",
    why: "A variable is used as {{name}}, so its name has no spaces or braces.",
    example: "variables: {\"a b\": x}\n",
    fixed: "variables: {a-b: x}\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    for workspace in &draft.workspaces {
        for (name, _) in &workspace.spec.variables {
            let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '{' | '}');
            if name.value.is_empty() || name.value.contains(bad) {
                let message = format!("{:?} is no name of a variable", name.value);
                let error = workspace.error(RULE.code, name.span, message);
                diagnostics.push(error.label("expected a name without spaces and braces"));
            }
        }
    }
}
