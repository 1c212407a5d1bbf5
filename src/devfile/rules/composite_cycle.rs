//! Composite commands do not run themselves, not even through others.

use super::{Rule, Subject};
use crate::devfile::command::CommandKind;
use crate::devfile::findings::Findings;
use crate::devfile::root::Devfile;
use crate::document::{Diagnostic, Spanned};

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/composite-cycle",
    why: "A composite command that runs itself, directly or through others, would never end.",
    example: include_str!("../../../fixtures/devfile/composite-cycle/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/composite-cycle/valid.yaml"),
};

/// How far a command has been followed.
#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Open,
    Done,
}

/// Follows every composite in depth, on a list of its own: a chain may be longer than the stack is deep.
pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let devfile = subject.devfile;
    let mut states = vec![State::New; devfile.commands.len()];
    for start in 0..devfile.commands.len() {
        if states[start] != State::New {
            continue;
        }
        states[start] = State::Open;
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((at, next)) = path.last_mut() {
            let Some(child) = children(devfile, *at).get(*next) else {
                states[*at] = State::Done;
                path.pop();
                continue;
            };
            *next += 1;
            let Some(place) = devfile.command_place(&child.value) else {
                continue;
            };
            match states[place] {
                State::New => {
                    states[place] = State::Open;
                    path.push((place, 0));
                }
                State::Open => {
                    let cycle = cycle(devfile, &path, place, child, found);
                    found.report(cycle);
                }
                State::Done => {}
            }
        }
    }
}

fn children(devfile: &Devfile, place: usize) -> &[Spanned<String>] {
    match &devfile.commands[place].kind {
        CommandKind::Composite(composite) => &composite.commands,
        CommandKind::Exec(_) | CommandKind::Apply(_) => &[],
    }
}

/// The cycle that `child`, of the last in `path`, closes by naming the command at `place`.
fn cycle(
    devfile: &Devfile,
    path: &[(usize, usize)],
    place: usize,
    child: &Spanned<String>,
    found: &Findings<'_>,
) -> Diagnostic {
    let name = |at: usize| devfile.commands[at].id.value.as_str();
    // Looking for its begin takes as long as the path, which is not spent on what isn't shown.
    let begin = if found.is_full() {
        None
    } else {
        path.iter().position(|(at, _)| *at == place)
    };
    let members = &path[begin.unwrap_or(path.len() - 1)..];
    let mut chain: Vec<&str> = members.iter().take(8).map(|(at, _)| name(*at)).collect();
    if members.len() > chain.len() {
        chain.push("…");
    }
    chain.push(name(place));
    let message = format!(
        "the command {:?} runs itself: {}",
        name(place),
        chain.join(" -> ")
    );
    let error = found.error(RULE.code, child.span, message);
    error.help("remove one of these references")
}
