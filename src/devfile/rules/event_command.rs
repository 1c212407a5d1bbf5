//! Events name commands that exist.

use super::{Rule, Subject};
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/event-command",
    why: "An event lists the ids of the commands that it runs.",
    example: include_str!("../../../fixtures/devfile/event-command/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/event-command/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    for (_, id) in subject.devfile.events.all() {
        if subject.devfile.command(&id.value).is_none() && !subject.unread.command(&id.value) {
            let message = format!("no command has the id {:?}", id.value);
            let error = found.error(RULE.code, id.span, message);
            let error = found.suggest(error, &id.value, subject.command_ids());
            found.report(error);
        }
    }
}
