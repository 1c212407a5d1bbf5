//! `wharf diff`: what merging would change, told by the repository alone.
//!
//! The first commit is applied to an engine in memory, and the second one is planned against that: the same code that
//! plans and applies for real, with nothing in between that could differ from it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::Context;
use super::configuration::{self, Configuration};
use super::diagnostics;
use super::error::{Error, Exit};
use super::imports::Access;
use super::pipeline;
use super::plan::View;
use crate::apply::{self, Cancellation, Options, Unobserved};
use crate::engine::Engine as _;
use crate::engine::simulated::{Meddling, Simulated};
use crate::manifest::SITE_FILE;
use crate::model::{DesiredState, EngineId, ImageSource, Kind, ObjectId, OnRemove, WorkspaceId};
use crate::plan::{self, Plan, Request, Selection};
use crate::source::{self, Source, SourceError};

/// Show what merging would change, without an engine
///
/// Compares two commits: what wharf plan would show for the second one on a machine where the first one has been applied.
/// A..B compares both, A...B what B changed since it left A; either side may be left out and is HEAD then. What a
/// machine has drifted to, and how much data its containers hold, only wharf plan can tell.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The two commits
    #[arg(value_name = "REV..REV")]
    range: Range,
    /// The configuration repository
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Exit with 2 where there are changes
    #[arg(long)]
    detailed_exitcode: bool,
    #[command(flatten)]
    view: View,
}

/// Two commits by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Range {
    from: String,
    to: String,
    /// Whether the first side is where both have parted.
    since_parting: bool,
}

impl FromStr for Range {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to, since_parting) = match (text.split_once("..."), text.split_once("..")) {
            (Some((from, to)), _) => (from, to, true),
            (None, Some((from, to))) => (from, to, false),
            (None, None) => return Err("expected two commits such as main..HEAD"),
        };
        let or_head = |name: &str| if name.is_empty() { "HEAD" } else { name }.to_owned();
        Ok(Self {
            from: or_head(from),
            to: or_head(to),
            since_parting,
        })
    }
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let dir = context.directory(args.dir.as_ref());
    let Range {
        from,
        to,
        since_parting,
    } = &args.range;
    let from = if *since_parting {
        source::parting(&dir, from, to).map_err(elsewhere)?
    } else {
        from.clone()
    };
    let before = before(&dir, &from, args).await?;
    let source = Source::Revision(to.clone());
    let after = configuration::accept(context, &dir, &source, args.view.access).await?;
    let plan = compare(before.as_ref(), &after, args.view.selection()).await?;
    context.out.data(&args.view.render(&context.out, &plan))?;
    Ok(if args.detailed_exitcode && !plan.is_converged() {
        Exit::Changes
    } else {
        Exit::Success
    })
}

/// The plan for one configuration where another one, or none, has been applied.
pub(super) async fn compare(
    before: Option<&Configuration>,
    after: &Configuration,
    selection: Selection,
) -> Result<Plan, Error> {
    let engine = applied(before, &after.desired).await?;
    let observed = engine.observe(&after.desired.site).await?;
    let removed: BTreeMap<WorkspaceId, OnRemove> = before
        .iter()
        .flat_map(|b| &b.desired.workspaces)
        .map(|(id, workspace)| (id.clone(), workspace.on_remove))
        .collect();
    let request = Request {
        revision: after.revision.clone(),
        selection,
        removed,
        ..Request::default()
    };
    pipeline::check_targets(&request.selection, &after.desired, &observed)?;
    Ok(plan::plan(&after.desired, &observed, &request)?)
}

/// Commits are compared, so that there has to be a repository.
fn elsewhere(error: SourceError) -> Error {
    match error {
        SourceError::NoRepository(_) => {
            Error::new(error.to_string()).hint("Run it in a clone of the configuration repository.")
        }
        other => other.into(),
    }
}

/// What the first commit declares; nothing where it is no configuration repository yet.
async fn before(dir: &Path, from: &str, args: &Args) -> Result<Option<Configuration>, Error> {
    let source = Source::Revision(from.to_owned());
    if source::load(dir, &source)
        .map_err(elsewhere)?
        .files
        .get(SITE_FILE)
        .is_none()
    {
        return Ok(None);
    }
    // Only what is to be merged has to be locked.
    let access = Access {
        locked: false,
        ..args.view.access
    };
    let reading = configuration::read(dir, &source, access).await?;
    let summary = diagnostics::summary(&reading.checked, &reading.diagnostics);
    match reading.configuration {
        Some(configuration) => Ok(Some(configuration)),
        None => Err(
            Error::new(format!("{from} is not valid: {}", summary.trim())).hint(format!(
                "wharf plan --rev {from} shows what is wrong; compare with a commit that is valid."
            )),
        ),
    }
}

/// An engine on which a commit has been applied. What `after` needs from elsewhere and `before` did not have is not there.
async fn applied(before: Option<&Configuration>, after: &DesiredState) -> Result<Simulated, Error> {
    let engine = Simulated::in_memory();
    let images = |desired: &DesiredState| -> BTreeMap<String, EngineId> {
        let all = desired.workspaces.values().flat_map(|w| &w.images);
        all.map(|image| (image.reference.clone(), EngineId(image.reference.clone())))
            .collect()
    };
    // An image without a registry is on the machine, or the plan would fail there whatever the commits say.
    let local = after.workspaces.values().flat_map(|w| &w.images).filter(|image| {
        matches!(image.source, ImageSource::Pull) && image.reference.starts_with("localhost/")
    });
    let local: Vec<String> = local.map(|image| image.reference.clone()).collect();
    engine.edit(|state| {
        state
            .images
            .extend(local.into_iter().map(|name| (name.clone(), EngineId(name))));
        state
            .images
            .extend(before.iter().flat_map(|b| images(&b.desired)));
    })?;
    let adopted = before
        .iter()
        .flat_map(|before| before.desired.workspaces.values());
    let adopted = adopted
        .chain(after.workspaces.values())
        .flat_map(|w| w.adopt.values());
    // What somebody else has made there is not known here.
    for volume in adopted.collect::<BTreeSet<_>>() {
        engine.meddle(&Meddling::AddForeign(ObjectId::new(Kind::Volume, volume)))?;
    }
    let Some(before) = before else {
        return Ok(engine);
    };
    // What waits there is taken as applied as well, or merging would seem to create it.
    let mut desired = DesiredState::clone(&before.desired);
    desired.suspend = false;
    desired.workspaces.values_mut().for_each(|w| w.suspend = false);
    let observed = engine.observe(&desired.site).await?;
    let plan = plan::plan(&desired, &observed, &Request::default())?;
    let options = Options::default();
    let report = apply::apply(&engine, &plan, &options, &Unobserved, Cancellation::never()).await;
    match report.failures().next() {
        None => Ok(engine),
        Some((_, failure)) => Err(Error::new(format!(
            "the first commit can't be taken as applied: {}: {}",
            failure.object, failure.cause
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: &str, to: &str, since_parting: bool) -> Result<Range, &'static str> {
        Ok(Range {
            from: from.to_owned(),
            to: to.to_owned(),
            since_parting,
        })
    }

    #[test]
    fn a_range_is_read_as_git_reads_it() {
        assert_eq!("main..HEAD".parse(), range("main", "HEAD", false));
        assert_eq!("main...topic".parse(), range("main", "topic", true));
        assert_eq!("v1..".parse(), range("v1", "HEAD", false));
        assert_eq!("..topic".parse(), range("HEAD", "topic", false));
        assert!("main".parse::<Range>().is_err());
    }
}
