//! Commands.

use super::{Reading, attributes, flag, list, plain, plain_list};
use crate::devfile::command::{Apply, Command, CommandKind, Composite, Exec, Group, GroupKind};
use crate::document::{Node, Spanned};

impl Reading<'_> {
    pub(super) fn commands(&mut self, root: &Node) -> Vec<Command> {
        let mut commands = Vec::new();
        for node in list(root.get("commands")) {
            match self.command(node) {
                Some(command) => commands.push(command),
                None => self.unread.commands.add(node.get("id")),
            }
        }
        commands
    }

    fn command(&mut self, node: &Node) -> Option<Command> {
        let (body, kind) = match (node.get("exec"), node.get("apply"), node.get("composite")) {
            (Some(n), None, None) => (n, CommandKind::Exec(self.exec(n)?)),
            (None, Some(n), None) => (
                n,
                CommandKind::Apply(Apply {
                    component: plain(n, "component")?,
                }),
            ),
            (None, None, Some(n)) => (n, CommandKind::Composite(composite(n))),
            _ => return None, // none or several: not one kind
        };
        Some(Command {
            id: plain(node, "id")?,
            kind,
            group: body.get("group").and_then(group),
            label: self.text(body, "label"),
            attributes: attributes(node),
        })
    }

    fn exec(&mut self, node: &Node) -> Option<Exec> {
        Some(Exec {
            component: plain(node, "component")?,
            command_line: self.text(node, "commandLine")?,
            working_dir: self.text(node, "workingDir").filter(|p| !p.value.is_empty()),
            env: self.env(node),
            hot_reload_capable: flag(node, "hotReloadCapable").unwrap_or(false),
        })
    }
}

fn composite(node: &Node) -> Composite {
    Composite {
        commands: plain_list(node, "commands"),
        parallel: flag(node, "parallel").unwrap_or(false),
    }
}

fn group(node: &Node) -> Option<Group> {
    let Spanned { value, span } = plain(node, "kind")?;
    let value = GroupKind::ALL.into_iter().find(|k| k.as_str() == value)?;
    Some(Group {
        kind: Spanned { value, span },
        is_default: flag(node, "isDefault").unwrap_or(false),
    })
}
