//! `wharf plan`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::error::{Error, Exit};
use super::imports::Access;
use super::output::Output;
use super::pipeline::{Pipeline, Planned};
use super::{Context, site};
use crate::apply::planfile;
use crate::plan::target::Target;
use crate::plan::{Plan, Request, Selection, TargetError, display};
use crate::source::Source;

/// Show what wharf apply would change
///
/// Reads the configuration repository at DIR, observes the engine, and shows the difference. Changes nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration repository
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Save the plan for wharf apply FILE
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with 2 where there are changes
    #[arg(long)]
    detailed_exitcode: bool,
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    view: View,
}

/// What to plan, and how to show it.
#[derive(Debug, clap::Args)]
pub(super) struct View {
    /// The form
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Format::Human)]
    pub(super) format: Format,
    /// Plan for one workspace or user only: workspace/OWNER/NAME, workspace/NAME or user/NAME; may be repeated
    #[arg(long, value_name = "KIND/NAME", value_parser = target)]
    target: Vec<Target>,
    #[command(flatten)]
    pub(super) access: Access,
}

/// Which state of the repository, and what of it does not wait.
#[derive(Debug, clap::Args)]
pub(super) struct At {
    /// Read this commit instead of the files as they are
    #[arg(long, value_name = "REV")]
    rev: Option<String>,
    /// Don't wait for maintenance windows
    #[arg(long)]
    now: bool,
    /// Repair drift, whatever the Site says about it
    #[arg(long)]
    repair: bool,
}

impl At {
    pub(super) fn source(&self) -> Source {
        self.rev.clone().map_or(Source::WorkingTree, Source::Revision)
    }

    /// Says in a request what does not wait.
    pub(super) fn ask(&self, request: &mut Request) {
        request.now = self.now;
        request.repair = self.repair;
    }
}

/// A plan's forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Human,
    /// One JSON object
    Json,
    /// For a merge request
    Markdown,
    /// The steps, for Graphviz
    Dot,
}

fn target(text: &str) -> Result<Target, TargetError> {
    text.parse()
}

impl View {
    /// Which workspaces.
    pub(super) fn selection(&self) -> Selection {
        if self.target.is_empty() {
            Selection::All
        } else {
            Selection::Only(self.target.clone())
        }
    }

    /// The plan in the form that is asked for.
    pub(super) fn render(&self, out: &Output, plan: &Plan) -> String {
        match self.format {
            Format::Human => display::human(plan, out.look()),
            Format::Json => display::json(plan),
            Format::Markdown => display::markdown(plan),
            Format::Dot => display::dot(plan),
        }
    }
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let dir = context.directory(args.dir.as_ref());
    let exit = show(context, &dir, &args.at, &args.view, args.out.as_ref()).await?;
    Ok(if args.detailed_exitcode {
        exit
    } else {
        Exit::Success
    })
}

/// Plans and shows it; `Changes` where there are any.
pub(super) async fn show(
    context: &Context,
    dir: &std::path::Path,
    at: &At,
    view: &View,
    save: Option<&PathBuf>,
) -> Result<Exit, Error> {
    let mut pipeline = Pipeline::open(context, dir, &at.source(), view.access).await?;
    pipeline.request.selection = view.selection();
    at.ask(&mut pipeline.request);
    let Planned { plan, observed } = pipeline.plan().await?;
    pipeline.check_targets(&observed)?;
    site::warn(context, &observed.facts);
    context.out.data(&view.render(&context.out, &plan))?;
    if let Some(file) = save {
        let file = context.path(file);
        planfile::write(&file, &plan)?;
        context.out.say(&format!(
            "The plan is saved; to carry it out: wharf apply {}",
            file.display()
        ));
    }
    Ok(if plan.is_converged() {
        Exit::Success
    } else {
        Exit::Changes
    })
}
