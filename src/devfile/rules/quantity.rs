//! Amounts of memory, processor time and storage, in Kubernetes' form.

use std::fmt::Display;
use std::str::FromStr;

use super::Rule;
use crate::devfile::findings::Findings;
use crate::document::Spanned;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/quantity",
    why: "Memory, processor time and sizes are numbers with an optional suffix: 512Mi and 4Gi are bytes, 500m is half \
          a processor. Variables are replaced in memory and sizes, but not in cpuLimit and cpuRequest (the devfile \
          specification leaves them out).",
    example: include_str!("../../../fixtures/devfile/quantity/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/quantity/valid.yaml"),
};

/// The amount that `text` states; an empty text states none.
pub(in crate::devfile) fn parse<T: FromStr<Err: Display>>(
    text: Option<Spanned<String>>,
    found: &mut Findings<'_>,
) -> Option<Spanned<T>> {
    let Spanned { value: text, span } = text?;
    if text.is_empty() {
        return None;
    }
    match text.parse() {
        Ok(value) => Some(Spanned { value, span }),
        Err(reason) => {
            let error = found.error(RULE.code, span, format!("{text:?}: {reason}"));
            found.report(if text.contains("{{") {
                error.help("no variable was replaced here: write the amount itself")
            } else {
                error
            });
            None
        }
    }
}
