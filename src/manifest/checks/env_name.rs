//! An environment variable that no shell could name.
//!
//! Example: `env: {my-editor: vim}`.

use crate::document::Diagnostics;

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/env-name",
    why: "A shell can only read variables of letters, digits and underscores.",
    example: "env: {my-editor: vim}\n",
    fixed: "env: {MY_EDITOR: vim}\n",
    check,
};

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    for workspace in &draft.workspaces {
        for (name, _) in &workspace.spec.env {
            if !is_name(&name.value) {
                let message = format!("{:?} is no name of an environment variable", name.value);
                let error = workspace.error(RULE.code, name.span, message);
                diagnostics.push(error.label("expected letters, digits and _, no digit first"));
            }
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
