//! Names of environment variables.

use super::{Rule, Subject};
use crate::devfile::command::CommandKind;
use crate::devfile::component::EnvVar;
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/env-name",
    why: "A process receives its environment as NAME=value, each closed by a zero byte, so a name can't be \
          empty or hold an equals sign or a zero byte.",
    example: include_str!("../../../fixtures/devfile/env-name/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/env-name/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    for (_, container) in subject.devfile.containers() {
        check_env(&container.env, found);
    }
    for command in &subject.devfile.commands {
        match &command.kind {
            CommandKind::Exec(exec) => check_env(&exec.env, found),
            CommandKind::Apply(_) | CommandKind::Composite(_) => {}
        }
    }
}

fn check_env(env: &[EnvVar], found: &mut Findings<'_>) {
    for EnvVar { name, value } in env {
        let message = match name.value.as_str() {
            "" => "the name of an environment variable is empty".to_owned(),
            text if text.contains('=') => format!("{text:?} holds an equals sign"),
            text if text.contains('\0') => format!("{text:?} holds a zero byte"),
            _ if value.value.contains('\0') => format!("the value of {:?} holds a zero byte", name.value),
            _ => continue,
        };
        let error = found.error(RULE.code, name.span, message);
        found.report(error);
    }
}
