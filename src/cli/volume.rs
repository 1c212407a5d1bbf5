//! `wharf volume`.

use std::time::Instant;

use clap::Subcommand;
use serde_json::json;

use super::Context;
use super::confirm::confirm;
use super::error::{Error, Exit};
use super::imports::Access;
use super::pipeline::Pipeline;
use super::status::{self, Form};
use super::table::table;
use super::trail::{By, Trail};
use crate::apply::lock;
use crate::document::diagnostic::nearest;
use crate::engine::{EngineError, VolumeRef};
use crate::model::{Kind, ObservedObject, ObservedState};
use crate::plan::{ChangeAction, Plan};
use crate::source::Source;

/// List volumes, and remove those that nothing declares
///
/// Volumes of a workspace that is no longer declared stay, unless its manifest said otherwise while it was there. This
/// is how they go.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the volumes of all workspaces, retained ones marked
    List {
        /// The form
        #[arg(short, long, value_enum, value_name = "FORM", default_value_t = Form::Human)]
        output: Form,
    },
    /// Remove retained volumes, with their data
    #[command(group = clap::ArgGroup::new("which").required(true))]
    Purge {
        /// The volumes, as wharf volume list shows them
        #[arg(value_name = "NAME", group = "which")]
        names: Vec<String>,
        /// All that are retained
        #[arg(long, group = "which")]
        all_retained: bool,
        /// Don't ask
        #[arg(short, long)]
        yes: bool,
    },
}

pub(super) async fn run(context: &Context, args: Args) -> Result<Exit, Error> {
    match args.command {
        Command::List { output } => list(context, output).await,
        Command::Purge {
            names,
            all_retained,
            yes,
        } => {
            let which = if all_retained { None } else { Some(names) };
            purge(context, which.as_deref(), yes).await
        }
    }
}

/// The data volumes, each with whether nothing declares it.
fn volumes<'a>(plan: &Plan, observed: &'a ObservedState) -> Vec<(&'a ObservedObject, bool)> {
    let retained = |object: &ObservedObject| {
        plan.changes
            .iter()
            .any(|c| c.object == object.object && c.action == ChangeAction::Retain)
    };
    observed
        .of_kind(Kind::Volume)
        .filter(|o| o.owner.role.is_data())
        .map(|o| (o, retained(o)))
        .collect()
}

async fn list(context: &Context, form: Form) -> Result<Exit, Error> {
    let pipeline = Pipeline::open(context, &context.dir, &Source::WorkingTree, Access::default()).await?;
    let planned = pipeline.plan().await?;
    let all = volumes(&planned.plan, &planned.observed);
    let word = |retained: bool| if retained { "retained" } else { "in use" };
    let text = match form {
        Form::Json => status::pretty(
            &all.iter()
                .map(|(o, retained)| {
                    json!({
                        "volume": o.object.name,
                        "workspace": o.owner.workspace,
                        "role": o.owner.role.to_string(),
                        "retained": retained,
                    })
                })
                .collect(),
        ),
        Form::Human if all.is_empty() => "No volumes.\n".to_owned(),
        Form::Human => {
            let rows = all.iter().map(|(o, retained)| {
                vec![
                    o.object.name.clone(),
                    o.owner.workspace.to_string(),
                    word(*retained).to_owned(),
                ]
            });
            table(&context.out, &["volume", "workspace", "state"], rows.collect())
        }
    };
    context.out.data(&text)?;
    Ok(Exit::Success)
}

/// Removes the named volumes, or all, that are retained.
async fn purge(context: &Context, names: Option<&[String]>, yes: bool) -> Result<Exit, Error> {
    let pipeline = Pipeline::open(context, &context.dir, &Source::WorkingTree, Access::default()).await?;
    let site = &pipeline.configuration.desired.site;
    let _lock = lock::take(&lock::directory(), site, &pipeline.engine.address())?;
    let planned = pipeline.plan().await?;
    let all = volumes(&planned.plan, &planned.observed);
    let chosen = match names {
        None => all
            .iter()
            .filter(|(_, retained)| *retained)
            .map(|(o, _)| *o)
            .collect(),
        Some(names) => names
            .iter()
            .map(|name| choose(name, &all))
            .collect::<Result<Vec<_>, Error>>()?,
    };
    if chosen.is_empty() {
        context.out.say("No volume is retained.");
        return Ok(Exit::Success);
    }
    for volume in &chosen {
        let (name, workspace) = (&volume.object.name, &volume.owner.workspace);
        context.out.show(&format!("  {name}  of {workspace}"));
    }
    if !yes {
        confirm("Remove these volumes and their data? This can't be undone.")?;
    }
    let by = By {
        command: "volume purge",
        dir: &pipeline.dir,
    };
    let trail = by.acts(site, &pipeline.configuration.revision);
    let mut result = Ok(Exit::Success);
    for volume in chosen {
        if let Err(error) = remove(&pipeline, volume, &trail).await {
            result = Err(error.into());
            break;
        }
        context.out.say(&format!("removed {}", volume.object));
    }
    trail.end_shown(&context.out, None).await;
    result
}

/// Removes a volume with its data, and records it.
async fn remove(pipeline: &Pipeline, volume: &ObservedObject, trail: &Trail) -> Result<(), EngineError> {
    let volume_ref = VolumeRef {
        name: &volume.object.name,
        id: &volume.id,
    };
    let start = Instant::now();
    let result = pipeline.engine.remove_volume(volume_ref).await;
    trail.removal(Some(&volume.owner.workspace), &volume.object, start, &result);
    result
}

fn choose<'a>(name: &str, all: &[(&'a ObservedObject, bool)]) -> Result<&'a ObservedObject, Error> {
    match all.iter().find(|(o, _)| o.object.name == name) {
        Some((volume, true)) => Ok(volume),
        Some((volume, false)) => Err(Error::new(format!(
            "volume {name} is declared, by {}",
            volume.owner.workspace
        ))
        .hint("Only a volume that nothing declares can be purged; remove its declaration and apply first.")),
        None => {
            let near = nearest(name, all.iter().map(|(o, _)| o.object.name.as_str()));
            Err(Error::new(format!("there is no volume {name}"))
                .hint_opt(near.map(|near| format!("Did you mean {near}?"))))
        }
    }
}
