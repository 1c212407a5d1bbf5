//! Events run the kinds of commands that make sense at their moment.

use super::{Rule, Subject};
use crate::devfile::command::{Command, CommandKind};
use crate::devfile::findings::Findings;
use crate::devfile::root::Event;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/event-kind",
    why: "Before the containers start and after they have stopped there is nothing to run a command in: \
          preStart and postStop take apply commands. postStart and preStop take exec commands. A composite \
          command there is made of such commands directly, not of further composites.",
    example: include_str!("../../../fixtures/devfile/event-kind/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/event-kind/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let devfile = subject.devfile;
    // What a composite holds is looked up once, however many events name it.
    let mut odd: Vec<[Option<Option<&Command>>; 2]> = vec![[None; 2]; devfile.commands.len()];
    for (event, id) in devfile.events.all() {
        let Some(place) = devfile.command_place(&id.value) else {
            continue;
        };
        let command = &devfile.commands[place];
        let wrong = match &command.kind {
            CommandKind::Composite(composite) => *odd[place][usize::from(event.applies())]
                .get_or_insert_with(|| {
                    let mut children = composite
                        .commands
                        .iter()
                        .filter_map(|c| devfile.command(&c.value));
                    children.find(|c| !fits(event, c))
                }),
            CommandKind::Exec(_) | CommandKind::Apply(_) => (!fits(event, command)).then_some(command),
        };
        let Some(wrong) = wrong else {
            continue;
        };
        let wanted = if event.applies() { "apply" } else { "exec" };
        let message = if std::ptr::eq(wrong, command) {
            format!(
                "{} runs {wanted} commands; {:?} is {}",
                event.as_str(),
                id.value,
                wrong.kind.describe()
            )
        } else {
            format!(
                "{} runs {wanted} commands, or a composite of them; {:?} holds {:?}, {}",
                event.as_str(),
                id.value,
                wrong.id.value,
                wrong.kind.describe()
            )
        };
        let error = found.error(RULE.code, id.span, message);
        found.report(error);
    }
}

fn fits(event: Event, command: &Command) -> bool {
    match &command.kind {
        CommandKind::Apply(_) => event.applies(),
        CommandKind::Exec(_) => !event.applies(),
        CommandKind::Composite(_) => false,
    }
}
