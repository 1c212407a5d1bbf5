//! Names of components, commands, projects, volume mounts and endpoints.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::document::Span;
use crate::model::NameError;
use crate::model::name::{MAX_NAME, check_name};

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/name",
    why: "Names become part of host names, volumes and containers, so they have what a DNS label has: lower-case \
          letters, digits and inner hyphens, at most 63 of them. Endpoints have at most 15 since schemaVersion 2.2.0.",
    example: include_str!("../../../fixtures/devfile/name/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/name/valid.yaml"),
};

/// Reports `text` where it is no name of at most `max` characters.
pub(in crate::devfile) fn check(text: &str, span: Span, max: usize, found: &mut Findings<'_>) {
    let reason = match check_name(text) {
        Err(NameError::TooLong(_)) | Ok(()) if text.len() > max => {
            let what = if max < MAX_NAME {
                "an endpoint's name"
            } else {
                "a name"
            };
            format!(
                "{what} has at most {max} characters, this one has {}",
                text.chars().count()
            )
        }
        Ok(()) => return,
        Err(error) => error.to_string(),
    };
    let error = found.error(RULE.code, span, reason);
    let better = corrected(text);
    found.report(match check_name(&better) {
        Ok(()) if better.len() <= max => error.help(format!("for example {better:?}")),
        Ok(()) | Err(_) => error,
    });
}

/// A name near `text`, where there is one.
fn corrected(text: &str) -> String {
    let mut better = String::new();
    for (at, c) in text.char_indices() {
        let after_lower = at > 0 && text[..at].ends_with(|p: char| p.is_lowercase());
        if c.is_uppercase() && after_lower {
            better.push('-');
        }
        let c = c.to_ascii_lowercase();
        better.push(if c.is_ascii_alphanumeric() { c } else { '-' });
    }
    better.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_near_the_wrong_one_is_offered() {
        assert_eq!(corrected("runTest"), "run-test");
        assert_eq!(corrected("my_app."), "my-app");
        assert_eq!(corrected("NPM"), "npm");
        assert_eq!(corrected("ü"), "");
    }
}
