//! Commands of one editor, which schemaVersion 2.0.0 had.

use super::Rule;
use crate::devfile::findings::Findings;
use crate::document::Node;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/editor-command",
    why: "vscodeTask and vscodeLaunch hold settings of one editor. They run nothing in a container, so they are checked \
          and then skipped; later versions of the schema don't have them.",
    example: include_str!("../../../fixtures/devfile/editor-command/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/editor-command/valid.yaml"),
};

/// Warns where the command at `node` is one of an editor.
pub(in crate::devfile) fn check(node: &Node, found: &mut Findings<'_>) {
    for key in ["vscodeTask", "vscodeLaunch"] {
        if let Some((key, _)) = node.entry(key) {
            let message = format!("the {} command is skipped", key.text);
            let warning = found.error(RULE.code, key.span, message).warning();
            found.report(warning.help("what runs in a container is an exec command"));
        }
    }
}
