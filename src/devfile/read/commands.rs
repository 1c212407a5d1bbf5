//! Commands.

use super::{Reading, attributes, env, flag, full_text, list, text, text_list};
use crate::devfile::command::{Apply, Command, CommandKind, Composite, Exec, Group, GroupKind};
use crate::devfile::rules::editor_command;
use crate::document::{Node, Spanned};

impl Reading<'_> {
    pub(super) fn commands(&mut self, root: &Node) -> Vec<Command> {
        let mut commands = Vec::new();
        for node in list(root.get("commands")) {
            match command(node) {
                Some(command) => commands.push(command),
                None => {
                    editor_command::check(node, &mut self.found);
                    self.unread.commands.add(node.get("id"));
                }
            }
        }
        commands
    }
}

fn command(node: &Node) -> Option<Command> {
    let (body, kind) = match (node.get("exec"), node.get("apply"), node.get("composite")) {
        (Some(n), None, None) => (n, CommandKind::Exec(exec(n)?)),
        (None, Some(n), None) => (
            n,
            CommandKind::Apply(Apply {
                component: text(n, "component")?,
            }),
        ),
        (None, None, Some(n)) => (n, CommandKind::Composite(composite(n))),
        _ => return None, // none or several: not one kind
    };
    Some(Command {
        id: text(node, "id")?,
        kind,
        group: body.get("group").and_then(group),
        label: text(body, "label"),
        attributes: attributes(node),
    })
}

fn exec(node: &Node) -> Option<Exec> {
    Some(Exec {
        component: text(node, "component")?,
        command_line: text(node, "commandLine")?,
        working_dir: full_text(node, "workingDir"),
        env: env(node),
        hot_reload_capable: flag(node, "hotReloadCapable").unwrap_or(false),
    })
}

fn composite(node: &Node) -> Composite {
    Composite {
        commands: text_list(node, "commands"),
        parallel: flag(node, "parallel").unwrap_or(false),
    }
}

fn group(node: &Node) -> Option<Group> {
    let Spanned { value, span } = text(node, "kind")?;
    let value = GroupKind::ALL.into_iter().find(|k| k.as_str() == value)?;
    Some(Group {
        kind: Spanned { value, span },
        is_default: flag(node, "isDefault").unwrap_or(false),
    })
}
