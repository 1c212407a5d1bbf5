//! `wharf run`.

use std::future::Future;
use std::io::{self, IsTerminal as _};
use std::pin::Pin;

use futures_util::StreamExt as _;
use futures_util::future::join_all;

use super::error::{Error, Exit};
use super::imports::Access;
use super::presence::Presence;
use super::table::table;
use super::{Context, configuration, exec, site, workspace};
use crate::document::diagnostic::nearest;
use crate::engine::{Engine, ExecRequest, Output};
use crate::model::{
    CommandAction, DesiredCommand, DesiredWorkspace, ExecCommand, ObservedState, WorkspaceId,
};
use crate::source::Source;

/// Run a command of a workspace's devfile
///
/// COMMAND is the id of a command, or what it is for: build, run, test, debug or deploy mean the default command of that
/// group. Without it, the workspace's commands are listed. A composite runs its commands in order and ends at the first
/// that fails, or all at once where it is parallel. The exit code is the command's own.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The workspace: OWNER/NAME, or NAME where only one has it
    #[arg(value_name = "WS")]
    workspace: String,
    /// The command's id, or its group
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
    /// The command gets no terminal, even on one
    #[arg(short = 'T', long)]
    no_tty: bool,
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let configuration =
        configuration::accept(context, &context.dir, &Source::WorkingTree, Access::default()).await?;
    let id = workspace::pick(&args.workspace, configuration.desired.workspaces.keys())?;
    // Invariant: it was picked among them.
    let Some(declared) = configuration.desired.workspaces.get(&id) else {
        return Err(Error::new(format!("there is no workspace {id}")));
    };
    let Some(asked) = &args.command else {
        return list(context, declared);
    };
    let command = pick(declared, asked)?;
    let site = site::find(context, None).await?;
    let runner = Runner {
        context,
        declared,
        observed: site.engine.observe(&site.name).await?,
        engine: &*site.engine,
        tty: !args.no_tty && io::stdin().is_terminal() && io::stdout().is_terminal(),
    };
    let _presence = Presence::begin(&site.name, &id);
    Ok(exec::exit(runner.command(command, None).await?))
}

fn list(context: &Context, workspace: &DesiredWorkspace) -> Result<Exit, Error> {
    if workspace.commands.is_empty() {
        context
            .out
            .say(&format!("the devfile of {} has no commands", workspace.id));
        return Ok(Exit::Success);
    }
    let rows = workspace.commands.iter().map(|command| {
        let group = match &command.group {
            Some((kind, true)) => format!("{kind}, default"),
            Some((kind, false)) => kind.clone(),
            None => String::new(),
        };
        let does = match &command.action {
            CommandAction::Exec(exec) => format!("{}: {}", exec.component, exec.command_line),
            CommandAction::Apply(component) => format!("brings up {component}"),
            CommandAction::Composite {
                commands,
                parallel: true,
            } => commands.join(" and "),
            CommandAction::Composite {
                commands,
                parallel: false,
            } => commands.join(", then "),
        };
        let does = command.label.clone().unwrap_or(does);
        vec![command.id.clone(), group, does]
    });
    context.out.data(&table(
        &context.out,
        &["command", "group", "does"],
        rows.collect(),
    ))?;
    Ok(Exit::Success)
}

/// The command that `asked` names: by its id, else the default one of a group, or the only one.
fn pick<'w>(workspace: &'w DesiredWorkspace, asked: &str) -> Result<&'w DesiredCommand, Error> {
    if let Some(command) = by_id(workspace, asked) {
        return Ok(command);
    }
    let of_group = |command: &&DesiredCommand| command.group.as_ref().is_some_and(|(kind, _)| kind == asked);
    let group: Vec<&DesiredCommand> = workspace.commands.iter().filter(of_group).collect();
    let default = group
        .iter()
        .find(|command| command.group.as_ref().is_some_and(|(_, default)| *default));
    match (default, group.as_slice()) {
        (Some(command), _) => Ok(command),
        (None, [only]) => Ok(only),
        (None, []) => {
            let ids = workspace.commands.iter().map(|command| command.id.as_str());
            let groups = workspace
                .commands
                .iter()
                .filter_map(|c| Some(c.group.as_ref()?.0.as_str()));
            let hint = match nearest(asked, ids.chain(groups)) {
                Some(near) => format!("Did you mean {near}?"),
                None => format!("wharf run {} lists its commands.", workspace.id),
            };
            Err(Error::new(format!("the devfile of {} has no command {asked}", workspace.id)).hint(hint))
        }
        (None, several) => {
            let ids: Vec<&str> = several.iter().map(|command| command.id.as_str()).collect();
            Err(Error::new(format!(
                "none of the {asked} commands is the default one: {}",
                ids.join(", ")
            ))
            .hint("Name one of them, or give one isDefault: true in the devfile."))
        }
    }
}

/// Ids differ in more than case, and references may differ from them in case.
fn by_id<'w>(workspace: &'w DesiredWorkspace, id: &str) -> Option<&'w DesiredCommand> {
    let all = &workspace.commands;
    let exact = all.iter().find(|command| command.id == id);
    exact.or_else(|| all.iter().find(|command| command.id.eq_ignore_ascii_case(id)))
}

/// Runs commands of one workspace.
struct Runner<'r> {
    context: &'r Context,
    declared: &'r DesiredWorkspace,
    observed: ObservedState,
    engine: &'r dyn Engine,
    tty: bool,
}

type Code<'r> = Pin<Box<dyn Future<Output = Result<i32, Error>> + 'r>>;

impl Runner<'_> {
    /// Runs a command, and those that it is made of; `beside` is what its lines begin with where others run at the same
    /// time. The exit code is that of the first one that failed.
    fn command<'r>(&'r self, command: &'r DesiredCommand, beside: Option<&'r str>) -> Code<'r> {
        Box::pin(async move {
            match &command.action {
                CommandAction::Exec(exec) => match beside {
                    None => self.alone(exec).await,
                    Some(name) => self.beside(exec, name).await,
                },
                CommandAction::Apply(component) => Err(Error::new(format!(
                    "the command {} brings up the component {component}; only events do that",
                    command.id
                ))),
                CommandAction::Composite { commands, parallel } => {
                    // Invariant: the devfile's rules let no composite name what is not there.
                    let commands = commands.iter().filter_map(|id| by_id(self.declared, id));
                    if *parallel {
                        let runs = commands.map(|command| self.command(command, Some(&command.id)));
                        let codes = join_all(runs)
                            .await
                            .into_iter()
                            .collect::<Result<Vec<i32>, Error>>()?;
                        return Ok(codes.into_iter().find(|code| *code != 0).unwrap_or(0));
                    }
                    for command in commands {
                        let code = self.command(command, beside).await?;
                        if code != 0 {
                            let (id, out) = (&command.id, &self.context.out);
                            out.warn(&format!(
                                "{id} ended with {code}; what comes after it was not run"
                            ));
                            return Ok(code);
                        }
                    }
                    Ok(0)
                }
            }
        })
    }

    /// Input and output are this process's own.
    async fn alone(&self, command: &ExecCommand) -> Result<i32, Error> {
        let request = ExecRequest {
            tty: self.tty,
            stdin: true,
            ..self.request(command)
        };
        let session = self.engine.exec(&self.container(command)?, &request).await?;
        exec::attend(self.context, session, self.tty).await
    }

    /// Without input, and every line with the command's name.
    async fn beside(&self, command: &ExecCommand, name: &str) -> Result<i32, Error> {
        let session = self
            .engine
            .exec(&self.container(command)?, &self.request(command))
            .await?;
        drop(session.stdin);
        let mut output = session.output;
        let out = &self.context.out;
        let (mut lines, mut errors) = (Lines::default(), Lines::default());
        while let Some(piece) = output.next().await {
            match piece? {
                Output::Stdout(bytes) => out.bytes(&lines.whole(name, &bytes))?,
                Output::Stderr(bytes) => out.error_bytes(&errors.whole(name, &bytes))?,
            }
        }
        out.bytes(&lines.rest(name))?;
        out.error_bytes(&errors.rest(name))?;
        match session.exit.await {
            Ok(code) => Ok(code?),
            Err(_) => Err(Error::new("the engine did not say how the command ended")),
        }
    }

    fn request(&self, command: &ExecCommand) -> ExecRequest {
        let term = std::env::var("TERM").ok().filter(|_| self.tty);
        let term = term.map(|term| ("TERM".to_owned(), term));
        ExecRequest {
            argv: command.argv(),
            env: term.into_iter().chain(command.env.iter().cloned()).collect(),
            ..ExecRequest::default()
        }
    }

    fn container(&self, command: &ExecCommand) -> Result<crate::model::EngineId, Error> {
        let id: &WorkspaceId = &self.declared.id;
        let found = self.observed.objects.values().find(|object| {
            object.owner.workspace == *id && object.owner.role.component() == Some(command.component.as_str())
        });
        match found {
            Some(container) if container.run.is_running() => Ok(container.id.clone()),
            Some(_) => Err(Error::new(format!(
                "the container of {} in {id} does not run",
                command.component
            ))
            .hint(format!("wharf start {id} starts it."))),
            None => Err(Error::new(format!(
                "{id} has no container of a component {}",
                command.component
            ))
            .hint("wharf apply makes what is missing.")),
        }
    }
}

/// Output cut into lines, each with a name in front.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    /// The lines that `bytes` complete.
    fn whole(&mut self, name: &str, bytes: &[u8]) -> Vec<u8> {
        self.0.extend_from_slice(bytes);
        let Some(end) = self.0.iter().rposition(|byte| *byte == b'\n') else {
            return Vec::new();
        };
        let rest = self.0.split_off(end + 1);
        named(name, &std::mem::replace(&mut self.0, rest))
    }

    /// What is left without a line break.
    fn rest(self, name: &str) -> Vec<u8> {
        if self.0.is_empty() {
            return Vec::new();
        }
        named(name, &[&self.0[..], b"\n"].concat())
    }
}

fn named(name: &str, lines: &[u8]) -> Vec<u8> {
    let line = |line: &[u8]| [format!("{name} | ").as_bytes(), line].concat();
    lines
        .split_inclusive(|byte| *byte == b'\n')
        .flat_map(line)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_named_once_wherever_its_pieces_are_cut() {
        let mut lines = Lines::default();
        assert_eq!(lines.whole("a", b"one\ntw"), b"a | one\n");
        assert_eq!(lines.whole("a", b"o"), b"");
        assert_eq!(lines.whole("a", b"\nthree\nfo"), b"a | two\na | three\n");
        assert_eq!(lines.rest("a"), b"a | fo\n");
        assert_eq!(Lines::default().rest("a"), b"");
    }
}
