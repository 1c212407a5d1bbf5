//! `wharf gc`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::confirm::confirm;
use super::error::{Error, Exit};
use super::imports::Access;
use super::pipeline::{Pipeline, Planned};
use super::site::{self, Site};
use super::status::{self, Form};
use super::table::table;
use super::trail::{By, Trail};
use super::{Context, configuration};
use crate::apply::lock;
use crate::engine::{Engine, EngineError, ImageRef, VolumeRef};
use crate::manifest::SITE_FILE;
use crate::model::{DesiredState, Kind, Name, ObservedState, Seconds, WorkspaceId};
use crate::plan::{Candidate, FORMAT_VERSION, Garbage, Look, Plan, Revision, garbage};
use crate::source::{self, Source};

/// Remove what is the site's own and unused
///
/// Shows what would go, with sizes and reasons, asks, and removes it: images that wharf built and that no workspace
/// declares and no container uses; records of what is gone; and volumes of workspaces that have been removed for longer
/// than the Site's policy.retain. Nothing without the site's label goes, and nothing in use. Images that were pulled
/// stay, for nothing records who wanted them. Outside the site's repository no volume goes.
///
/// --yes doesn't cover volumes: their data needs the digest that the list shows, and another list needs another one.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show what would go and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Don't ask
    #[arg(short, long)]
    yes: bool,
    /// Leave images built, and workspaces removed, less than DURATION ago; it can't shorten policy.retain
    #[arg(long, value_name = "DURATION")]
    older_than: Option<Seconds>,
    /// Approve the loss of the listed volumes' data
    #[arg(long, value_name = "DIGEST")]
    allow_data_loss: Option<String>,
    /// The form
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t = Form::Human)]
    output: Form,
    /// The site, where there are several and no repository here
    #[arg(long, value_name = "NAME")]
    site: Option<Name>,
}

/// A site as it is, and as it is declared where its repository is here.
struct Found {
    site: Site,
    observed: ObservedState,
    declared: Option<Declared>,
}

/// What a repository says.
struct Declared {
    desired: Arc<DesiredState>,
    revision: Revision,
    plan: Plan,
    retain: Option<Seconds>,
    removed: BTreeMap<WorkspaceId, i64>,
}

/// What became of what was to go.
#[derive(Default)]
struct Outcome<'a> {
    removed: Vec<&'a Candidate>,
    failed: Vec<(&'a Candidate, EngineError)>,
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let site = find(context, args).await?;
    let lock = || lock::take(&lock::directory(), &site.1.name, &site.1.engine.address());
    let _lock = (!args.dry_run).then(lock).transpose()?;
    let found = look(site).await?;
    let mut garbage = sort(&found, args).await?;
    measure(context, found.site.engine.as_ref(), &mut garbage).await;
    unknown_approval(args, &garbage)?;
    let approved = args.allow_data_loss.is_some();
    let chosen: Vec<&Candidate> = garbage
        .candidates
        .iter()
        .filter(|c| !c.data || approved)
        .collect();
    if args.output == Form::Human {
        context.out.data(&human(context, &garbage))?;
    }
    if !approved {
        waits(context, &garbage);
    }
    let mut outcome = Outcome::default();
    if !args.dry_run && !chosen.is_empty() {
        if !args.yes {
            confirm(&question(&chosen))?;
        }
        outcome = remove_recorded(context, &found, chosen).await;
    }
    if args.output == Form::Json {
        context
            .out
            .data(&status::pretty(&form(&found.site.name, &garbage, &outcome)))?;
    }
    Ok(if outcome.failed.is_empty() {
        Exit::Success
    } else {
        Exit::NotWell
    })
}

/// The site, and its repository where that is here. A repository that is here and not valid says nothing of what is
/// unused, so that nothing goes.
async fn find(context: &Context, args: &Args) -> Result<(Option<Pipeline>, Site), Error> {
    let site = site::find(context, args.site.as_ref()).await?;
    if !context.dir.join(SITE_FILE).is_file() || site::name(context, None).await? != site.name {
        return Ok((None, site));
    }
    configuration::expect_site(&context.dir)?;
    let pipeline = Pipeline::open(context, &context.dir, &Source::WorkingTree, Access::default()).await?;
    Ok((Some(pipeline), site))
}

async fn look((pipeline, site): (Option<Pipeline>, Site)) -> Result<Found, Error> {
    let Some(pipeline) = pipeline else {
        let observed = site.engine.observe(&site.name).await?;
        return Ok(Found {
            site,
            observed,
            declared: None,
        });
    };
    let Planned { plan, observed } = pipeline.plan().await?;
    let configuration = pipeline.configuration;
    let gone: Vec<WorkspaceId> = observed
        .of_kind(Kind::Volume)
        .map(|volume| volume.owner.workspace.clone())
        .filter(|id| !configuration.desired.workspaces.contains_key(id))
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    let revision = configuration.revision.commit.as_deref().unwrap_or("HEAD");
    let removals = source::removals(&pipeline.dir, revision, &gone);
    let declared = Declared {
        plan,
        retain: configuration.manifests.site.spec.policy.retain,
        removed: removals
            .into_iter()
            .map(|(id, removal)| (id, removal.time))
            .collect(),
        desired: configuration.desired,
        revision: configuration.revision,
    };
    Ok(Found {
        site,
        observed,
        declared: Some(declared),
    })
}

async fn sort(found: &Found, args: &Args) -> Result<Garbage, Error> {
    let images = found.site.engine.images().await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let nothing = BTreeMap::new();
    let declared = found.declared.as_ref();
    Ok(garbage(&Look {
        site: &found.site.name,
        declared: declared.map(|d| (&*d.desired, &d.plan)),
        observed: &found.observed,
        images: &images,
        removed: declared.map_or(&nothing, |d| &d.removed),
        now: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
        retain: declared.and_then(|d| d.retain),
        older_than: args.older_than,
    }))
}

/// Adds the volumes' sizes, where there are volumes; without them the list is as right.
async fn measure(context: &Context, engine: &dyn Engine, garbage: &mut Garbage) {
    if !garbage.candidates.iter().any(|c| c.data) {
        return;
    }
    match engine.volume_sizes().await {
        Ok(sizes) => {
            for candidate in garbage.candidates.iter_mut().filter(|c| c.data) {
                candidate.bytes = sizes.get(&candidate.object.name).copied();
            }
        }
        Err(error) => context
            .out
            .warn(&format!("the volumes' sizes are not known: {error}")),
    }
}

/// An approval of another list is a mistake, and nothing is done with it.
fn unknown_approval(args: &Args, garbage: &Garbage) -> Result<(), Error> {
    let Some(given) = args.allow_data_loss.as_ref() else {
        return Ok(());
    };
    let now = match &garbage.digest {
        Some(digest) if digest == given => return Ok(()),
        Some(digest) => format!("the digest of this one is {digest}"),
        None => "this one has no volumes".to_owned(),
    };
    Err(Error::new(format!("{given} approves another list; {now}")).hint(
        "Look at wharf gc --dry-run before you approve it: its volumes are not the ones that were approved.",
    ))
}

fn question(chosen: &[&Candidate]) -> String {
    let data = chosen.iter().filter(|c| c.data).count();
    let all = match chosen.len() {
        1 => "Remove this object".to_owned(),
        n => format!("Remove these {n} objects"),
    };
    match data {
        0 => format!("{all}?"),
        1 => format!("{all}, 1 volume with its data among them? This can't be undone."),
        n => format!("{all}, {n} volumes with their data among them? This can't be undone."),
    }
}

/// Says what data waits for an approval.
fn waits(context: &Context, garbage: &Garbage) {
    let data = garbage.candidates.iter().filter(|c| c.data).count();
    if let Some(digest) = &garbage.digest {
        let volumes = match data {
            1 => "1 volume stays until its loss is approved".to_owned(),
            n => format!("{n} volumes stay until their loss is approved"),
        };
        context
            .out
            .warn(&format!("{volumes}: wharf gc --allow-data-loss {digest}"));
    }
}

/// Removes what was chosen, and records it. Without the repository no commit is known that it would be done for.
async fn remove_recorded<'a>(context: &Context, found: &Found, chosen: Vec<&'a Candidate>) -> Outcome<'a> {
    let by = By {
        command: "gc",
        dir: &context.dir,
    };
    let nowhere = Revision::default();
    let revision = found.declared.as_ref().map_or(&nowhere, |d| &d.revision);
    let trail = by.acts(&found.site.name, revision);
    let outcome = remove(context, found.site.engine.as_ref(), chosen, &trail).await;
    trail.end_shown(&context.out, None).await;
    outcome
}

async fn remove<'a>(
    context: &Context,
    engine: &dyn Engine,
    chosen: Vec<&'a Candidate>,
    trail: &Trail,
) -> Outcome<'a> {
    let mut outcome = Outcome::default();
    for candidate in chosen {
        let (name, id) = (candidate.object.name.as_str(), &candidate.id);
        let start = Instant::now();
        let removed = match candidate.object.kind {
            Kind::Image => engine.remove_image(ImageRef { name, id }).await,
            Kind::Volume => engine.remove_volume(VolumeRef { name, id }).await,
            Kind::Network => engine.remove_network(id).await,
            Kind::Pod => engine.remove_pod(id).await,
            Kind::Container => engine.remove_container(id).await,
        };
        trail.removal(candidate.workspace.as_ref(), &candidate.object, start, &removed);
        match removed {
            Ok(()) => {
                context.out.say(&format!("removed {}", candidate.object));
                outcome.removed.push(candidate);
            }
            Err(error) => {
                let said = format!("{} stays: {error}", candidate.object);
                context.out.error(&said, None);
                outcome.failed.push((candidate, error));
            }
        }
    }
    outcome
}

fn human(context: &Context, garbage: &Garbage) -> String {
    let mut text = String::new();
    if garbage.candidates.is_empty() {
        text.push_str("Nothing to remove.\n");
    } else {
        let dash = || "-".to_owned();
        let rows = garbage.candidates.iter().map(|c| {
            vec![
                c.object.to_string(),
                c.bytes.map_or_else(dash, size),
                c.since.map_or_else(dash, source::day),
                c.reason.clone(),
            ]
        });
        text.push_str(&table(
            &context.out,
            &["object", "size", "since", "why"],
            rows.collect(),
        ));
    }
    if !garbage.kept.is_empty() {
        text.push_str("\nStays:\n");
    }
    for kept in &garbage.kept {
        text.push_str(&format!("  {}: {}\n", kept.object, kept.reason));
    }
    match garbage.others {
        0 => {}
        1 => text.push_str("\n1 image that nothing uses was not built by wharf, and stays.\n"),
        n => text.push_str(&format!(
            "\n{n} images that nothing uses were not built by wharf, and stay.\n"
        )),
    }
    text
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let mut scaled = (bytes, 0);
    while scaled.0 >= 10_000 && scaled.1 + 1 < units.len() {
        scaled = (scaled.0 / 1000, scaled.1 + 1);
    }
    let unit = units.get(scaled.1).copied().unwrap_or_default();
    format!("{} {unit}", scaled.0)
}

fn form(site: &Name, garbage: &Garbage, outcome: &Outcome<'_>) -> Value {
    let candidate = |c: &Candidate| {
        json!({
            "object": c.object.to_string(),
            "workspace": c.workspace,
            "reason": c.reason,
            "since": c.since,
            "bytes": c.bytes,
            "data": c.data,
        })
    };
    json!({
        "formatVersion": FORMAT_VERSION,
        "site": site,
        "digest": garbage.digest,
        "candidates": garbage.candidates.iter().map(candidate).collect::<Vec<_>>(),
        "kept": garbage.kept.iter().map(|k| json!({"object": k.object.to_string(), "reason": k.reason}))
            .collect::<Vec<_>>(),
        "otherImages": garbage.others,
        "removed": outcome.removed.iter().map(|c| c.object.to_string()).collect::<Vec<_>>(),
        "failures": outcome.failed.iter()
            .map(|(c, error)| json!({"object": c.object.to_string(), "cause": error.to_string()}))
            .collect::<Vec<_>>(),
    })
}
