//! `wharf apply`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::confirm::confirm;
use super::error::{Error, Exit};
use super::pipeline::Pipeline;
use super::plan::{self, At, Format, View};
use super::progress::Progress;
use super::trail::By;
use super::{Context, site, window};
use crate::apply::{self, ApplyReport, Options, PARALLELISM, lock, planfile};
use crate::engine::Engine;
use crate::plan::{Approval, FORMAT_VERSION, Hold, Plan};

/// Carry out what wharf plan shows
///
/// Plans for the configuration repository at DIR, or reads a plan that wharf plan --out saved; shows it, asks, and
/// carries it out. A saved plan is refused where what it saw has changed since. Afterwards it observes and plans again:
/// the exit code is 0 only where nothing is left.
///
/// Where a maintenance window closes meanwhile, nothing more is begun that interrupts somebody's work; what was begun is
/// finished, and the rest waits for the next window.
///
/// --yes covers everything but the loss of data and more removals than the Site allows; these need the digest that the
/// plan shows. Ctrl-C begins nothing new and waits for the steps under way; a second Ctrl-C ends at once.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration repository, or a saved plan
    #[arg(value_name = "DIR|PLANFILE")]
    path: Option<PathBuf>,
    /// Don't ask
    #[arg(short, long)]
    yes: bool,
    /// Show the plan and change nothing
    #[arg(long)]
    dry_run: bool,
    /// How many changes are under way at a time
    #[arg(long, value_name = "N", default_value_t = PARALLELISM, value_parser = parallelism)]
    parallelism: usize,
    /// Approve a plan's removals
    #[arg(long, value_name = "DIGEST")]
    allow_deletions: Option<String>,
    /// Approve a plan's loss of data
    #[arg(long, value_name = "DIGEST")]
    allow_data_loss: Option<String>,
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    view: View,
}

/// How often one apply plans where what it finds has changed since.
const PASSES: usize = 3;

pub(super) fn parallelism(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=64) => Ok(number),
        Ok(_) | Err(_) => Err("expected a number from 1 to 64".to_owned()),
    }
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let path = context.directory(args.path.as_ref());
    if path.is_file() {
        return saved(context, args, &path).await;
    }
    if !path.is_dir() {
        return Err(Error::new(format!(
            "there is neither a directory nor a saved plan at {}",
            path.display()
        ))
        .hint("wharf plan --out FILE saves a plan."));
    }
    if args.dry_run {
        return plan::show(context, &path, &args.at, &args.view, None)
            .await
            .map(|_| Exit::Success);
    }
    repository(context, args, &path).await
}

/// Plans and applies a repository.
async fn repository(context: &Context, args: &Args, dir: &Path) -> Result<Exit, Error> {
    let mut pipeline = Pipeline::open(context, dir, &args.at.source(), args.view.access).await?;
    pipeline.request.selection = args.view.selection();
    args.at.ask(&mut pipeline.request);
    pipeline.request.approval = Approval {
        deletions: args.allow_deletions.clone(),
        data_loss: args.allow_data_loss.clone(),
    };
    let site = pipeline.configuration.desired.site.clone();
    let _lock = lock::take(&lock::directory(), &site, &pipeline.engine.address())?;
    let mut planned = pipeline.plan().await?;
    pipeline.check_targets(&planned.observed)?;
    site::warn(context, &planned.observed.facts);
    unknown_approval(args, &planned.plan)?;
    let (mut passes, mut ask, mut closed) = (1, !args.yes, false);
    let (plan, report, left) = loop {
        let plan = planned.plan.clone();
        let engine = pipeline.engine.as_ref();
        let Some(carried) = carry_out(context, args, engine, (&plan, ask), dir).await? else {
            if !plan.is_converged() {
                context.out.warn("nothing was done: all that is left is blocked");
            }
            return ended(context, args, &plan, None, &plan);
        };
        planned = pipeline.plan_after(planned, &carried.report).await?;
        // What nobody was asked about is not done.
        let next = match () {
            () if planned.plan.steps.is_empty() || passes == PASSES => None,
            () if carried.closed && (args.yes || window::goes_on(&plan, &planned.plan)) => {
                Some("the maintenance window has closed; what was begun is finished")
            }
            () if args.yes && carried.report.outdated() => {
                Some("something changed after the plan was made; planning again")
            }
            () => None,
        };
        closed |= carried.closed;
        let Some(why) = next else {
            break (plan, carried.report, planned.plan);
        };
        context.out.warn(why);
        ask &= !carried.closed;
        passes += 1;
    };
    if closed {
        window::waiting(&left).for_each(|one| context.out.warn(&one));
    }
    if !left.is_converged() {
        context
            .out
            .warn(&format!("not converged: {}; wharf plan shows it", rest(&left)));
    }
    ended(context, args, &plan, Some(&report), &left)
}

/// Says what has become of a plan, and which exit code that is; `left` is what a plan made now would do.
fn ended(
    context: &Context,
    args: &Args,
    plan: &Plan,
    report: Option<&ApplyReport>,
    left: &Plan,
) -> Result<Exit, Error> {
    let failed = report.is_some_and(|report| report.failures().next().is_some() && !report.outdated());
    let converged = !failed && left.is_converged();
    result(context, args, (plan, left), report, converged)?;
    Ok(if converged { Exit::Success } else { Exit::NotWell })
}

/// What a plan still has, in words.
fn rest(plan: &Plan) -> String {
    let changes = plan.changes.len() - plan.summary().retain;
    let mut words = match changes {
        1 => "1 change is left".to_owned(),
        n => format!("{n} changes are left"),
    };
    if !plan.blocked.is_empty() {
        words.push_str(", blocked ones among them");
    }
    words
}

/// Applies a saved plan.
async fn saved(context: &Context, args: &Args, file: &Path) -> Result<Exit, Error> {
    if args.allow_deletions.is_some() || args.allow_data_loss.is_some() {
        return Err(
            Error::new("a saved plan holds what was approved when it was made")
                .hint("Apply the repository with the digest instead."),
        );
    }
    let plan = planfile::read(file)?;
    if !args.dry_run {
        window::must_be_open(&plan)?;
    }
    let site = site::find(context, Some(&plan.site)).await?;
    let _lock = lock::take(&lock::directory(), &plan.site, &site.engine.address())?;
    let observed = site.engine.observe(&plan.site).await?;
    let stale = plan.stale(&observed);
    if !stale.is_empty() {
        let objects: Vec<&str> = stale.iter().map(String::as_str).collect();
        return Err(Error::new(format!(
            "the plan {} is stale: since it was made, {} changed",
            file.display(),
            objects.join(", ")
        ))
        .hint("Make the plan again."));
    }
    if args.dry_run {
        context.out.data(&args.view.render(&context.out, &plan))?;
        return Ok(Exit::Success);
    }
    let engine = site.engine.as_ref();
    let carried = carry_out(context, args, engine, (&plan, !args.yes), &context.dir).await?;
    if carried.as_ref().is_some_and(|carried| carried.closed) {
        context
            .out
            .warn("the maintenance window has closed; wharf apply finishes what was begun");
    }
    let report = carried.map(|carried| carried.report);
    let converged = report
        .as_ref()
        .map_or(plan.is_converged(), ApplyReport::converged);
    result(context, args, (&plan, &plan), report.as_ref(), converged)?;
    Ok(if converged { Exit::Success } else { Exit::NotWell })
}

/// An approval of another plan is a mistake, and saying so is kinder than blocking again without a word.
fn unknown_approval(args: &Args, plan: &Plan) -> Result<(), Error> {
    if plan.blocked.is_empty() {
        return Ok(());
    }
    let given = [&args.allow_deletions, &args.allow_data_loss];
    match given.into_iter().flatten().find(|digest| **digest != plan.digest) {
        None => Ok(()),
        Some(digest) => Err(Error::new(format!(
            "{digest} approves another plan; the digest of this one is {}",
            plan.digest
        ))
        .hint("Look at wharf plan before you approve it: its changes are not the ones that were approved.")),
    }
}

/// What became of a plan.
struct Carried {
    report: ApplyReport,
    /// Whether a maintenance window has closed in the midst of it.
    closed: bool,
}

/// Shows a plan, asks where that is to be, and carries it out; nothing where it has no step.
async fn carry_out(
    context: &Context,
    args: &Args,
    engine: &dyn Engine,
    (plan, ask): (&Plan, bool),
    dir: &Path,
) -> Result<Option<Carried>, Error> {
    let out = &context.out;
    if args.view.format != Format::Json {
        out.data(&args.view.render(out, plan))?;
    }
    if plan.steps.is_empty() {
        return Ok(None);
    }
    if ask {
        confirm("Apply these changes?")?;
    }
    let options = Options {
        parallelism: args.parallelism,
    };
    let by = By {
        command: "apply",
        dir,
    };
    let (report, closed) = execute(context, engine, plan, options, by).await;
    Ok(Some(Carried { report, closed }))
}

/// Carries a plan out and shows what became of it, and says whether a maintenance window has closed in the midst of it.
pub(super) async fn execute(
    context: &Context,
    engine: &dyn Engine,
    plan: &Plan,
    options: Options,
    by: By<'_>,
) -> (ApplyReport, bool) {
    let progress = Progress::new(&context.out, plan);
    let trail = by.carries_out(plan);
    let cancelled = context.interrupts.begin(context.out);
    let observer = trail.observer(&progress);
    let applying = apply::apply(engine, plan, &options, &observer, cancelled);
    let (report, closed) = window::within(plan, applying, || context.interrupts.cancel()).await;
    // Who asks for an end gets it, whatever closes.
    let asked = context.interrupts.end();
    progress.finish();
    trail.end_shown(&context.out, Some(&report)).await;
    show(context, plan, &report);
    (report, closed && !asked)
}

fn show(context: &Context, plan: &Plan, report: &ApplyReport) {
    let out = &context.out;
    for (_, warning) in report.warnings() {
        out.warn(&format!("{}: {}", warning.object, warning.cause));
    }
    for (step, failure) in report.failures() {
        let workspace = &plan.steps[step].workspace;
        out.error(
            &format!("{workspace}: {}: {}", failure.object, failure.cause),
            Some(&failure.hint),
        );
    }
    let counts = report.counts();
    let mut words = vec![match counts.done {
        1 => "1 step done".to_owned(),
        n => format!("{n} steps done"),
    }];
    if counts.failed > 0 {
        words.push(format!("{} failed", counts.failed));
    }
    if counts.skipped > 0 {
        words.push(format!("{} skipped", counts.skipped));
    }
    let blocked = match report.blocked {
        0 => String::new(),
        1 => " 1 change is blocked.".to_owned(),
        n => format!(" {n} changes are blocked."),
    };
    out.say(&format!("{}.{blocked}", words.join(", ")));
}

/// What became of a plan, for pipelines.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultForm<'a> {
    format_version: &'static str,
    site: &'a str,
    commit: Option<&'a str>,
    digest: &'a str,
    converged: bool,
    interrupted: bool,
    done: usize,
    failed: usize,
    skipped: usize,
    blocked: usize,
    waits: Vec<WaitForm<'a>>,
    failures: Vec<FailureForm<'a>>,
}

/// What waits for a maintenance window.
#[derive(Serialize)]
struct WaitForm<'a> {
    object: String,
    workspace: String,
    reason: &'a str,
    until: Option<i64>,
}

#[derive(Serialize)]
struct FailureForm<'a> {
    object: String,
    workspace: String,
    cause: &'a str,
    hint: &'a str,
}

fn result(
    context: &Context,
    args: &Args,
    (plan, left): (&Plan, &Plan),
    report: Option<&ApplyReport>,
    converged: bool,
) -> Result<(), Error> {
    if args.view.format != Format::Json {
        return Ok(());
    }
    let counts = report.map(ApplyReport::counts).unwrap_or_default();
    let failures = report.into_iter().flat_map(ApplyReport::failures);
    let waits = left.blocked.iter().filter(|b| b.hold == Hold::Window);
    let form = ResultForm {
        format_version: FORMAT_VERSION,
        site: plan.site.as_str(),
        commit: plan.revision.commit.as_deref(),
        digest: &plan.digest,
        converged,
        interrupted: report.is_some_and(|r| r.interrupted),
        done: counts.done,
        failed: counts.failed,
        skipped: counts.skipped,
        blocked: plan.blocked.len(),
        waits: waits
            .map(|blocked| WaitForm {
                object: blocked.object.to_string(),
                workspace: blocked.workspace.to_string(),
                reason: &blocked.reason,
                until: blocked.until,
            })
            .collect(),
        failures: failures
            .map(|(step, failure)| FailureForm {
                object: failure.object.to_string(),
                workspace: plan.steps[step].workspace.to_string(),
                cause: &failure.cause,
                hint: &failure.hint,
            })
            .collect(),
    };
    // Invariant: the form is made of strings, numbers and lists, which serialise.
    let text = serde_json::to_string_pretty(&form).unwrap_or_default();
    context.out.data(&(text + "\n"))
}
