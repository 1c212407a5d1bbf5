//! Events run a bounded number of commands.

use std::collections::BTreeMap;

use super::{Rule, Subject};
use crate::devfile::command::CommandKind;
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/event-size",
    why: "An event that names large composites again and again can become millions of commands from a few \
          lines. Nobody needs more than 1000.",
    example: include_str!("../../../fixtures/devfile/event-size/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/event-size/valid.yaml"),
};

const MAX_COMMANDS: usize = 1000;

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let mut counts = BTreeMap::new();
    for (event, id) in subject.devfile.events.all() {
        let count: &mut usize = counts.entry(event).or_default();
        let before = *count;
        *count += match subject.devfile.command(&id.value).map(|c| &c.kind) {
            Some(CommandKind::Composite(composite)) => composite.commands.len(),
            Some(CommandKind::Exec(_) | CommandKind::Apply(_)) | None => 1,
        };
        if before <= MAX_COMMANDS && *count > MAX_COMMANDS {
            let message = format!("{} runs more than {MAX_COMMANDS} commands", event.as_str());
            let error = found.error(RULE.code, id.span, message);
            found.report(error);
        }
    }
}
