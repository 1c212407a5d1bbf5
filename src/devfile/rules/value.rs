//! Keys whose values are known words, or versions.

use super::Rule;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/value",
    why: "Some keys take one of a few words (an endpoint's exposure and protocol, a group's kind, an architecture) or \
          a version of three numbers. Anything else has no meaning.",
    example: include_str!("../../../fixtures/devfile/value/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/value/valid.yaml"),
};
