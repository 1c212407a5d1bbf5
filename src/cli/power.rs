//! Starting and stopping one workspace: a plan for it alone, carried out.

use std::path::PathBuf;

use super::Context;
use super::apply::execute;
use super::error::{Error, Exit};
use super::imports::Access;
use super::pipeline::Pipeline;
use super::presence;
use super::trail::By;
use super::workspace;
use crate::apply::{Options, lock};
use crate::model::{Power, WorkspaceId};
use crate::plan::target::Target;
use crate::plan::{Asked, ChangeAction, Impact, Plan, Selection, display};
use crate::source::Source;

/// A workspace that a repository declares.
#[derive(Debug, clap::Args)]
pub(super) struct Switched {
    /// The workspace: OWNER/NAME, or NAME where only one has it
    #[arg(value_name = "WS")]
    pub(super) workspace: String,
    /// Carry out other changes of the workspace as well, without asking
    #[arg(short, long)]
    pub(super) yes: bool,
}

/// One workspace with its repository.
pub(super) struct Switch<'a> {
    context: &'a Context,
    pipeline: Pipeline,
    id: WorkspaceId,
    yes: bool,
    /// What is carried out.
    command: &'static str,
}

impl<'a> Switch<'a> {
    pub(super) async fn open(
        context: &'a Context,
        args: &Switched,
        command: &'static str,
    ) -> Result<Self, Error> {
        let dir: PathBuf = context.dir.clone();
        let mut pipeline = Pipeline::open(context, &dir, &Source::WorkingTree, Access::default()).await?;
        let id = workspace::pick(&args.workspace, pipeline.configuration.desired.workspaces.keys())?;
        pipeline.request.selection = Selection::Only(vec![Target::Workspace(id.clone())]);
        Ok(Self {
            context,
            pipeline,
            id,
            yes: args.yes,
            command,
        })
    }

    /// What a person switches must be left open by the declaration, or the next apply would switch it back.
    pub(super) fn must_not_be(&self, refused: Power, verb: &str) -> Result<(), Error> {
        let declared = self.pipeline.configuration.desired.workspaces.get(&self.id);
        if declared.map(|w| w.power) != Some(refused) {
            return Ok(());
        }
        let word = match refused {
            Power::On => "on",
            Power::Off => "off",
            Power::Auto => "auto",
        };
        let manifest = self.pipeline.configuration.manifests.workspaces.get(&self.id);
        let file = manifest.map_or("its manifest", |m| m.path());
        Err(Error::new(format!(
            "{} is declared with power: {word}, so the next apply would undo a {verb}",
            self.id
        ))
        .hint(format!(
            "Change power in {file} and run wharf apply, or declare power: auto."
        )))
    }

    /// Plans for the workspace running or stopped, and carries it out.
    pub(super) async fn switch(&mut self, run: bool) -> Result<Exit, Error> {
        let out = &self.context.out;
        let asked = if run { Asked::Run } else { Asked::Stop };
        self.pipeline.request.power.insert(self.id.clone(), asked);
        let site = &self.pipeline.configuration.desired.site;
        let _lock = lock::take(&lock::directory(), site, &self.pipeline.engine.address())?;
        let plan = self.pipeline.plan().await?.plan;
        let (state, verb) = if run {
            ("running", "started")
        } else {
            ("stopped", "stopped")
        };
        if plan.is_converged() {
            out.say(&format!("{} is {state}.", self.id));
            return Ok(Exit::Success);
        }
        if let Some(blocked) = plan.blocked.iter().find(|blocked| blocked.approve.is_none()) {
            return Err(Error::new(format!(
                "{} can't be {verb}: {}",
                self.id, blocked.reason
            )));
        }
        if !plan.blocked.is_empty() || (does_more(&plan) && !self.yes) {
            out.show(&display::human(&plan, out.look()));
            return Err(Error::new(format!(
                "{} has other changes, which this would carry out as well",
                self.id
            ))
            .hint("Run wharf apply first, or go ahead with --yes."));
        }
        let engine = self.pipeline.engine.as_ref();
        let by = By {
            command: self.command,
            dir: &self.pipeline.dir,
        };
        // What a person asks for by name waits for no window.
        let (report, _) = execute(self.context, engine, &plan, Options::default(), by).await;
        if report.converged() {
            if run {
                presence::tell(&plan.site, &self.id).await;
            }
            out.say(&format!("{} is {state}.", self.id));
            Ok(Exit::Success)
        } else {
            Ok(Exit::NotWell)
        }
    }
}

/// Whether a plan does more than start, stop, resize and create what is missing.
fn does_more(plan: &Plan) -> bool {
    plan.changes.iter().any(|change| match change.action {
        ChangeAction::Replace | ChangeAction::Delete => change.impact > Impact::None,
        ChangeAction::Create
        | ChangeAction::Update
        | ChangeAction::Start
        | ChangeAction::Stop
        | ChangeAction::Retain => false,
    })
}
