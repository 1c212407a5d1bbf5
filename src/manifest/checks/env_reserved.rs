//! An environment variable that the devfile specification gives to the tool: commands rely on what wharf puts there.
//!
//! Example: `env: {PROJECTS_ROOT: /src}`.

use crate::document::Diagnostics;

use super::{Check, Draft};

pub(super) const RULE: Check = Check {
    code: "manifest/env-reserved",
    why: "The devfile specification says what PROJECTS_ROOT and PROJECT_SOURCE hold; commands rely on it.",
    example: "env: {PROJECTS_ROOT: /src}\n",
    fixed: "env: {SOURCES: /src}\n",
    check,
};

const RESERVED: [&str; 2] = ["PROJECTS_ROOT", "PROJECT_SOURCE"];

fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    for workspace in &draft.workspaces {
        for (name, _) in &workspace.spec.env {
            if RESERVED.contains(&name.value.as_str()) {
                let message = format!("the environment variable {} is reserved", name.value);
                let error = workspace.error(RULE.code, name.span, message);
                diagnostics.push(
                    error.help("wharf sets it; sourceMapping in the devfile says where the sources are"),
                );
            }
        }
    }
}
