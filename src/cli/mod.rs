//! The command line: one file a command, and what they show. A command reads its arguments, calls the stages, and
//! shows what they return; what a plan holds or how it is carried out is decided there.
//!
//! In: arguments, the environment, the terminal. Out: data on standard output, everything else on standard error, and
//! an exit code ([`error`]).
#![allow(clippy::disallowed_methods)] // commands are effects: they read files, the environment and the terminal

mod adopt;
mod apply;
mod audit;
mod builds;
mod completions;
mod configuration;
mod confirm;
mod daemon;
mod daemon_client;
mod describe;
pub mod diagnostics;
mod dial_helper;
mod diff;
mod error;
mod events;
mod exec;
mod explain;
mod fetch_helper;
mod follow;
mod forward;
mod gc;
mod get;
mod imports;
mod init;
mod interrupt;
mod lock;
mod logs;
mod man;
mod output;
mod pipeline;
mod plan;
mod power;
mod presence;
mod progress;
mod restart;
mod rollback;
mod run;
mod schema;
mod site;
mod start;
mod state;
mod status;
mod stop;
mod sync;
mod table;
mod terminal;
mod trail;
mod validate;
mod volume;
mod watch;
mod window;
mod workspace;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgAction, CommandFactory as _, Parser, Subcommand};

use error::{Error, Exit};
use interrupt::Interrupts;
use output::{Color, Output};

/// Development workspaces, declared in git and reconciled on Podman
///
/// A git repository declares users, workspaces and the classes that limit them; devfiles say what a workspace is made
/// of. wharf compares that with what Podman runs, shows the difference as a plan, and applies it.
///
/// Exit codes: 0 is success, 1 an error, 64 wrong usage; `exec` and `run` return the command's own, and
/// `plan --detailed-exitcode` returns 2 where there are changes.
#[derive(Debug, Parser)]
#[command(name = "wharf", version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Everywhere")]
struct Global {
    /// Run as if started in DIR
    // Its own id: commands have a DIR of theirs.
    #[arg(
        id = "work_dir",
        short = 'C',
        long = "dir",
        global = true,
        value_name = "DIR",
        default_value = ".",
        hide_default_value = true
    )]
    dir: PathBuf,
    /// When to use colours; NO_COLOR is heeded as well
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    color: Color,
    /// Say nothing but data, warnings and errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say what happens inside; twice says more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Validate(validate::Args),
    Plan(plan::Args),
    Diff(diff::Args),
    Rollback(rollback::Args),
    Apply(apply::Args),
    Status(status::Args),
    Get(get::Args),
    Describe(describe::Args),
    Start(start::Args),
    Stop(stop::Args),
    Restart(restart::Args),
    Exec(exec::Args),
    Run(run::Args),
    Logs(logs::Args),
    Forward(forward::Args),
    Daemon(daemon::Args),
    Sync(sync::Args),
    Pause(sync::Pause),
    Resume(sync::Resume),
    Approve(sync::Approve),
    Events(events::Args),
    Volume(volume::Args),
    Audit(audit::Args),
    Gc(gc::Args),
    Adopt(adopt::Args),
    Lock(lock::Args),
    Schema(schema::Args),
    Explain(explain::Args),
    Completions(completions::Args),
    Man(man::Args),
    #[command(hide = true, name = dial_helper::NAME)]
    DialHelper(dial_helper::Args),
    #[command(hide = true, name = fetch_helper::NAME)]
    FetchHelper(fetch_helper::Args),
}

/// What a command works with.
struct Context {
    out: Output,
    /// Where it works: paths are relative to it.
    dir: PathBuf,
    /// What Ctrl-C does.
    interrupts: Interrupts,
}

impl Context {
    /// The path that an argument names.
    fn path(&self, given: &Path) -> PathBuf {
        // Without `./` in front, which messages would show.
        if self.dir == Path::new(".") {
            given.to_owned()
        } else {
            self.dir.join(given)
        }
    }

    /// The directory that an optional argument names, else where the command works.
    fn directory(&self, given: Option<&PathBuf>) -> PathBuf {
        given.map_or_else(|| self.dir.clone(), |dir| self.path(dir))
    }
}

/// Runs the command that `arguments` name, the program's own name first.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return error::of_arguments(&error),
    };
    let Global {
        dir,
        color,
        quiet,
        verbose,
    } = cli.global;
    let out = Output::new(color, quiet);
    match &cli.command {
        Command::Daemon(args) => args.log(verbose),
        _ => output::trace(verbose),
    }
    let context = Context {
        out,
        dir,
        interrupts: Interrupts::default(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return error::exit(&context.out, Err(error.into())),
    };
    let result = runtime.block_on(run(&context, cli.command));
    // A thread may still wait for standard input, which nobody needs any more.
    runtime.shutdown_background();
    error::exit(&context.out, result)
}

async fn run(context: &Context, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Init(args) => init::run(context, &args),
        Command::Validate(args) => validate::run(context, &args).await,
        Command::Plan(args) => plan::run(context, &args).await,
        Command::Diff(args) => diff::run(context, &args).await,
        Command::Rollback(args) => rollback::run(context, &args).await,
        Command::Apply(args) => apply::run(context, &args).await,
        Command::Status(args) => status::run(context, &args).await,
        Command::Get(args) => get::run(context, &args).await,
        Command::Describe(args) => describe::run(context, &args).await,
        Command::Start(args) => start::run(context, &args).await,
        Command::Stop(args) => stop::run(context, &args).await,
        Command::Restart(args) => restart::run(context, &args).await,
        Command::Exec(args) => exec::run(context, args).await,
        Command::Run(args) => run::run(context, &args).await,
        Command::Logs(args) => logs::run(context, &args).await,
        Command::Forward(args) => forward::run(context, &args).await,
        Command::Daemon(args) => daemon::run(context, &args).await,
        Command::Sync(args) => sync::run(context, &args).await,
        Command::Pause(args) => sync::pause(context, &args).await,
        Command::Resume(args) => sync::resume(context, &args).await,
        Command::Approve(args) => sync::approve(context, &args).await,
        Command::Events(args) => events::run(context, &args).await,
        Command::Volume(args) => volume::run(context, args).await,
        Command::Audit(args) => audit::run(context, &args),
        Command::Gc(args) => gc::run(context, &args).await,
        Command::Adopt(args) => adopt::run(context, &args).await,
        Command::Lock(args) => lock::run(context, &args).await,
        Command::Schema(args) => schema::run(context, &args),
        Command::Explain(args) => explain::run(context, &args),
        Command::Completions(args) => completions::run(context, &args),
        Command::Man(args) => man::run(context, &args),
        Command::DialHelper(args) => dial_helper::run(&args),
        Command::FetchHelper(args) => fetch_helper::run(&args),
    }
}

/// The command line as clap knows it, for reference pages.
fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_arguments_contradict_nothing() {
        super::command().debug_assert();
    }
}
