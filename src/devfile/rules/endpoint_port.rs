//! An endpoint's port is one that a process can listen on.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::document::{Node, Spanned, Value};

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/endpoint-port",
    why: "TCP and UDP have the ports 1 to 65535. The published schema takes any integer, which would fail only once \
          the workspace starts.",
    example: include_str!("../../../fixtures/devfile/endpoint-port/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/endpoint-port/valid.yaml"),
};

/// The port that `node` states; an integer, as its shape says.
pub(in crate::devfile) fn read(node: &Node, found: &mut Findings<'_>) -> Option<Spanned<u16>> {
    let Value::Integer(number) = node.value else {
        return None;
    };
    let span = node.span;
    match u16::try_from(number) {
        Ok(value) if value > 0 => Some(Spanned { value, span }),
        Ok(_) | Err(_) => {
            let message = format!("{number} is no port");
            let error = found.error(RULE.code, span, message);
            found.report(error.label("expected 1 to 65535"));
            None
        }
    }
}
