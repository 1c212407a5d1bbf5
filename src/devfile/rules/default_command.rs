//! Each group of commands has one default.

use super::{Rule, Subject};
use crate::devfile::command::{Command, Group, GroupKind};
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/default-command",
    why: "Asked to build or run, a tool takes the default command of that group. Several defaults are an \
          error. None, where the group has several commands, is a warning: the command must be named then.",
    example: include_str!("../../../fixtures/devfile/default-command/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/default-command/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    for kind in GroupKind::ALL {
        let of_kind = |c: &'_ Command| c.group.filter(|g| g.kind.value == kind);
        let members: Vec<(&Command, Group)> = subject
            .devfile
            .commands
            .iter()
            .filter_map(|c| Some((c, of_kind(c)?)))
            .collect();
        let mut defaults = members.iter().filter(|(_, group)| group.is_default);
        match (defaults.next(), members.as_slice()) {
            (Some((first, _)), _) => {
                for (_, group) in defaults {
                    let message = format!(
                        "{:?} is the default command of the group {} already",
                        first.id.value,
                        kind.as_str()
                    );
                    let error = found.error(RULE.code, group.kind.span, message);
                    found.report(error.help("remove isDefault from all but one"));
                }
            }
            (None, [(_, group), _, ..]) => {
                let message = format!(
                    "{} commands are in the group {}, and none is its default",
                    members.len(),
                    kind.as_str()
                );
                let warning = found.error(RULE.code, group.kind.span, message).warning();
                found.report(warning.help("set isDefault: true on one of them"));
            }
            (None, [] | [_]) => {}
        }
    }
}
