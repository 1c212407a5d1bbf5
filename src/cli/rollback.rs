//! `wharf rollback`.

use std::path::PathBuf;

use super::error::{Error, Exit};
use super::imports::Access;
use super::{Context, configuration, diff};
use crate::plan::{Selection, display};
use crate::source::rollback::{self, Rollback};
use crate::source::{Source, SourceError};

/// Prepare a commit that takes the configuration back
///
/// Writes a commit whose configuration is that of COMMIT, by default of the one before what is checked out, on a branch
/// of its own in the clone at DIR; shows what merging it would change, and how to push it. Nothing is checked out,
/// pushed or applied. A commit that is not valid and a work tree with changes are refused.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The commit to go back to
    #[arg(value_name = "COMMIT")]
    commit: Option<String>,
    /// The clone of the configuration repository
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The branch to make; by default rollback- and the beginning of COMMIT's id
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    #[command(flatten)]
    access: Access,
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let dir = context.directory(args.dir.as_ref());
    if !dir.is_dir() {
        return Err(SourceError::NoDirectory(dir).into());
    }
    let out = &context.out;
    let rollback = rollback::plan(&dir, args.commit.as_deref(), args.branch.as_deref())?;
    let at = |commit: &str| Source::Revision(commit.to_owned());
    let target = configuration::read(&dir, &at(&rollback.target.id), args.access).await?;
    let (after, _) = configuration::accepted(context, target, "committed")?;
    let head = configuration::read(
        &dir,
        &at(&rollback.head),
        Access {
            locked: false,
            ..args.access
        },
    )
    .await?;
    match head.configuration {
        Some(before) => {
            let plan = diff::compare(Some(&before), &after, Selection::All).await?;
            out.data(&display::human(&plan, out.look()))?;
        }
        // That may well be why somebody wants to go back.
        None => out.warn("what is checked out is not valid, so there is nothing to compare with"),
    }
    let commit = rollback::write(&dir, &rollback)?;
    out.say(&next(&rollback, &commit));
    Ok(Exit::Success)
}

/// What was made, and what to do with it.
fn next(rollback: &Rollback, commit: &str) -> String {
    let branch = &rollback.branch;
    let short: String = commit.chars().take(10).collect();
    let head = format!(
        "Commit {short} on branch {branch} goes back to {}; nothing is checked out. Next:\n",
        rollback.target.short()
    );
    let next = match &rollback.remote {
        None => format!("  git merge --ff-only {branch}"),
        Some((remote, None)) => format!("  git push {remote} {branch}"),
        Some((remote, Some(checked_out))) => {
            format!(
                "  git push {remote} {branch}  for a merge request, or\n  git push {remote} {branch}:{checked_out}"
            )
        }
    };
    head + &next
}
