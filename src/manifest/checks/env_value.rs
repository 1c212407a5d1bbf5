//! An environment variable's value with a NUL character: the kernel ends values there.
//!
//! Example: `env: {A: "b\0c"}`.

use crate::document::Diagnostics;

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/env-value",
    why: "The kernel ends a variable's value at a NUL character.",
    example: "env: {A: \"b\\0c\"}\n",
    fixed: "env: {A: \"bc\"}\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    for workspace in &draft.workspaces {
        for (name, value) in &workspace.spec.env {
            if value.value.contains('\0') {
                let message = format!("the value of {} has a NUL character", name.value);
                diagnostics.push(workspace.error(RULE.code, value.span, message));
            }
        }
    }
}
