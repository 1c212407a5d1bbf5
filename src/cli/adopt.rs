//! `wharf adopt`.

mod volume;

use std::collections::BTreeMap;

use clap::Subcommand;

use super::Context;
use super::configuration::{self, Configuration, Reading};
use super::diagnostics;
use super::error::{Error, Exit};
use super::imports::Access;
use super::pipeline::{Pipeline, Planned};
use super::workspace::pick;
use crate::document::edit::{Edit, apply};
use crate::document::{Content, Document, Files, Node, parse};
use crate::manifest::DevfileRef;
use crate::model::{ObservedState, WorkspaceId};
use crate::plan::{self, Adopt, Adoption};
use crate::source::{self, Prepared, Source};

/// Declare what is: takes over values that have drifted, and volumes made by others
///
/// What it finds on the engine becomes a change of the manifests' text, which people look at like any other change. The
/// engine is not touched.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Declare a workspace's limits and power as they are now
    ///
    /// Changes the manifests, or the workspace's own devfile, and leaves everything else in them as it is written. It
    /// refuses what would change other workspaces as well, such as a class that others have. Shows the difference.
    Drift {
        #[command(flatten)]
        common: Common,
    },
    /// Declare that a workspace takes over the data of a volume that is not wharf's
    ///
    /// Adds the volume to the workspace's adopt; the next apply copies its data into the workspace's own volume, once. The
    /// volume must be there and be nobody's workspace's. Nothing ever changes or removes it.
    Volume(volume::Args),
}

#[derive(Debug, clap::Args)]
struct Common {
    /// The workspace: OWNER/NAME, or NAME where only one has it
    #[arg(value_name = "WS")]
    workspace: String,
    /// Show the difference and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Make a commit on the new branch wharf/adopt-OWNER-NAME instead of writing the files here
    #[arg(long)]
    commit: bool,
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    match &args.command {
        Command::Drift { common } => drift(context, common).await,
        Command::Volume(args) => volume::run(context, args).await,
    }
}

/// Where the difference goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Nowhere,
    Files,
    Branch,
}

impl Common {
    fn to(&self) -> To {
        match (self.dry_run, self.commit) {
            (true, _) => To::Nowhere,
            (false, true) => To::Branch,
            (false, false) => To::Files,
        }
    }

    async fn open(&self, context: &Context) -> Result<Opened, Error> {
        let source = match self.commit {
            true => Source::Revision("HEAD".to_owned()),
            false => Source::WorkingTree,
        };
        let pipeline = Pipeline::open(context, &context.dir, &source, Access::default()).await?;
        let id = pick(&self.workspace, pipeline.configuration.desired.workspaces.keys())?;
        let Planned { observed, .. } = pipeline.plan().await?;
        let files = source::load(&context.dir, &source)?.files;
        Ok(Opened {
            source,
            pipeline,
            id,
            observed,
            files,
        })
    }
}

/// The repository, the workspace in it, and what there is.
struct Opened {
    source: Source,
    pipeline: Pipeline,
    id: WorkspaceId,
    observed: ObservedState,
    files: Files,
}

/// What is to be declared, and the first line of the commit that does it.
struct Declared<'a> {
    edits: &'a [Edit],
    adopted: &'a [String],
    title: String,
}

async fn drift(context: &Context, common: &Common) -> Result<Exit, Error> {
    let opened = common.open(context).await?;
    let id = &opened.id;
    let adoption = find(&opened.pipeline, id, &opened.files, &opened.observed);
    for reason in &adoption.refused {
        context.out.warn(&format!("not adopted: {reason}"));
    }
    if adoption.edits.is_empty() {
        if adoption.refused.is_empty() {
            context.out.say(&format!(
                "{id} has no limits and no power that differ from what is declared."
            ));
            return Ok(Exit::Success);
        }
        return Err(Error::new(format!("nothing of {id} can be adopted")));
    }
    let declared = Declared {
        edits: &adoption.edits,
        adopted: &adoption.adopted,
        title: format!("Adopt drift of {id}"),
    };
    declare(context, &opened, &declared, common.to()).await?;
    Ok(match adoption.refused.is_empty() {
        true => Exit::Success,
        false => Exit::NotWell,
    })
}

/// Shows what changes and writes it, provided that it is right. Returns what is declared then.
async fn declare(
    context: &Context,
    opened: &Opened,
    declared: &Declared<'_>,
    to: To,
) -> Result<Configuration, Error> {
    let Opened {
        source,
        pipeline,
        id,
        files,
        ..
    } = opened;
    let changed = changed(files, declared.edits)?;
    let reading = configuration::read_with(&context.dir, source, Access::default(), &changed).await?;
    let configuration = check(context, pipeline, id, reading)?;
    for (path, text) in &changed {
        let old = text_of(files, path).unwrap_or_default();
        context.out.data(&difference(path, old, text))?;
    }
    match to {
        To::Nowhere => {}
        To::Files => write(context, &changed, files)?,
        To::Branch => {
            let branch = format!("wharf/adopt-{}-{}", id.owner, id.name);
            let message = format!("{}\n\n{}\n", declared.title, declared.adopted.join("\n"));
            let prepared = Prepared {
                parent: pipeline
                    .configuration
                    .revision
                    .commit
                    .as_deref()
                    .unwrap_or("HEAD"),
                branch: &branch,
                message: &message,
                files: &changed,
            };
            let commit = source::prepare(&context.dir, &prepared)?;
            context
                .out
                .say(&format!("commit {} on branch {branch}", &commit[..10]));
        }
    }
    for what in declared.adopted {
        context.out.say(&format!("adopted {what}"));
    }
    Ok(configuration)
}

fn find(pipeline: &Pipeline, id: &WorkspaceId, files: &Files, observed: &ObservedState) -> Adoption {
    let configuration = &pipeline.configuration;
    let manifest = configuration.manifests.workspaces.get(id);
    let devfile: Option<Document> = match manifest.map(|m| (&m.spec.devfile, m)) {
        Some((DevfileRef::Path(path), _)) => text_of(files, &path.value)
            .and_then(|text| parse(&path.value, text.as_bytes()).0.into_iter().next()),
        Some((DevfileRef::Inline(_), manifest)) => Some((*manifest.document).clone()),
        None => None,
    };
    let inline = manifest.is_some_and(|m| m.inline_devfile().is_some());
    let desired = &configuration.desired;
    desired
        .workspaces
        .get(id)
        .map_or_else(Adoption::default, |workspace| {
            plan::adopt(&Adopt {
                site: &desired.site,
                manifests: &configuration.manifests,
                devfile: devfile.as_ref().and_then(|document| root(document, inline)),
                desired: workspace,
                observed,
            })
        })
}

/// The devfile in a document: a part of it where the manifest holds it.
fn root(document: &Document, inline: bool) -> Option<(&Document, &Node)> {
    match inline {
        true => crate::manifest::inline_node(document).map(|node| (document, node)),
        false => Some((document, &document.root)),
    }
}

fn text_of<'f>(files: &'f Files, path: &str) -> Option<&'f str> {
    match &files.get(path)?.content {
        Content::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
        Content::TooLarge(_) | Content::OutsideLink(_) | Content::Unreadable(_) => None,
    }
}

/// The new text of each file that changes.
fn changed(files: &Files, edits: &[Edit]) -> Result<BTreeMap<String, String>, Error> {
    let paths: std::collections::BTreeSet<&String> = edits.iter().map(|edit| &edit.path).collect();
    let text = |path: &String| -> Result<(String, String), Error> {
        let old = text_of(files, path).ok_or_else(|| Error::new(format!("{path} can't be read any more")))?;
        let own = edits.iter().filter(|edit| edit.path == *path);
        Ok((path.clone(), apply(old, own)))
    };
    paths.into_iter().map(text).collect()
}

/// Nothing is written that is not valid, or means something for another workspace.
fn check(
    context: &Context,
    pipeline: &Pipeline,
    id: &WorkspaceId,
    reading: Reading,
) -> Result<Configuration, Error> {
    let Some(configuration) = reading.configuration else {
        let out = &context.out;
        let said = diagnostics::human(&reading.diagnostics, out.width(), out.colour_of_errors());
        out.show(&said);
        return Err(Error::new(format!(
            "{id} can't be declared as it is: the repository would not be valid; nothing was written"
        )));
    };
    let (before, after) = (&pipeline.configuration.desired, &configuration.desired);
    let others: Vec<String> = before
        .workspaces
        .iter()
        .filter(|(other, declared)| *other != id && after.workspaces.get(*other) != Some(*declared))
        .map(|(other, _)| other.to_string())
        .collect();
    if !others.is_empty() {
        return Err(Error::new(format!(
            "to declare {id} as it is would change {} as well; nothing was written",
            others.join(", ")
        )));
    }
    Ok(configuration)
}

/// The difference as git shows it.
fn difference(path: &str, old: &str, new: &str) -> String {
    let lines = similar::TextDiff::from_lines(old, new);
    lines
        .unified_diff()
        .header(&format!("a/{path}"), &format!("b/{path}"))
        .to_string()
}

/// Writes each file, whole or not at all, provided that it is as it was read.
fn write(context: &Context, changed: &BTreeMap<String, String>, files: &Files) -> Result<(), Error> {
    for (path, text) in changed {
        let file = context.dir.join(path);
        if std::fs::read(&file)? != text_of(files, path).unwrap_or_default().as_bytes() {
            return Err(Error::new(format!(
                "{path} was changed meanwhile; it is left as it is"
            )));
        }
        // A link stays one: what it leads to is written.
        let file = file.canonicalize()?;
        let folder = file.parent().unwrap_or(&context.dir);
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        std::io::Write::write_all(&mut temporary, text.as_bytes())?;
        temporary
            .as_file()
            .set_permissions(std::fs::metadata(&file)?.permissions())?;
        temporary
            .persist(&file)
            .map_err(|error| Error::from(error.error))?;
        context.out.say(&format!("wrote {path}"));
    }
    Ok(())
}
