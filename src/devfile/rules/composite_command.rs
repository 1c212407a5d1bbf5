//! Composite commands are made of commands that exist.

use super::{Rule, Subject};
use crate::devfile::command::CommandKind;
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/composite-command",
    why: "A composite command runs other commands of the devfile, by their ids.",
    example: include_str!("../../../fixtures/devfile/composite-command/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/composite-command/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    for command in &subject.devfile.commands {
        let children = match &command.kind {
            CommandKind::Composite(composite) => &composite.commands,
            CommandKind::Exec(_) | CommandKind::Apply(_) => continue,
        };
        for id in children {
            if subject.devfile.command(&id.value).is_none() && !subject.unread.command(&id.value) {
                let message = format!("no command has the id {:?}", id.value);
                let error = found.error(RULE.code, id.span, message);
                let error = found.suggest(error, &id.value, subject.command_ids());
                found.report(error);
            }
        }
    }
}
