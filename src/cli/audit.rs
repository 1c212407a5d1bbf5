//! `wharf audit`.

use std::path::PathBuf;

use clap::Subcommand;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use super::error::{Error, Exit};
use super::status::{self, Form};
use super::table::table;
use super::{Context, site, workspace};
use crate::audit::record::{Event, Opened, Outcome};
use crate::audit::{self, Verdict, place};
use crate::model::{Name, WorkspaceId};
use crate::plan::FORMAT_VERSION;

/// Show what was done to workspaces, and check that nobody has changed the record
///
/// Every step that wharf apply, start, stop, restart, volume purge, gc and the daemon carry out is appended to a log on
/// this machine, in the state directory of the user who carried it out, and so is what wharf approve was given for. Each line holds the hash of the one before it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the steps of a workspace, or of the whole site, the newest last
    Show {
        /// The workspace: OWNER/NAME, or NAME where only one had it; it may be gone
        #[arg(value_name = "WS")]
        workspace: Option<String>,
        /// The form
        #[arg(short, long, value_enum, value_name = "FORM", default_value_t = Form::Human)]
        output: Form,
        /// Only what happened since: 2026-01-31, 2026-01-31T12:00:00Z, or 2h, 7d ago
        #[arg(long, value_name = "TIME", value_parser = since)]
        since: Option<Timestamp>,
        /// Only the last ones
        #[arg(short = 'n', long = "last", value_name = "N")]
        last: Option<usize>,
        /// The site; by default the repository's, else the only one that has a log
        #[arg(long, value_name = "NAME")]
        site: Option<Name>,
    },
    /// Tell whether every line is as it was written; exit with 1 where one is not
    Verify {
        /// The form
        #[arg(short, long, value_enum, value_name = "FORM", default_value_t = Form::Human)]
        output: Form,
        /// The hash of a line, as an earlier verify has shown it, that must still be there
        #[arg(long, value_name = "HASH")]
        holds: Option<String>,
        /// The site; by default the repository's, else the only one that has a log
        #[arg(long, value_name = "NAME")]
        site: Option<Name>,
    },
}

fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    if let Ok(date) = text.parse::<Date>() {
        let midnight = date.to_zoned(TimeZone::UTC);
        return midnight.map(|zoned| zoned.timestamp()).map_err(|e| e.to_string());
    }
    let span = text.parse::<Span>().map_err(|_| {
        "expected a day such as 2026-01-31, a time such as 2026-01-31T12:00:00Z, or how long ago, such as 2h".to_owned()
    })?;
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    let then = now.checked_sub(span).map_err(|e| e.to_string())?;
    Ok(then.timestamp())
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    match &args.command {
        Command::Show {
            workspace,
            output,
            since,
            last,
            site,
        } => {
            let place = Place::find(context, site.as_ref())?;
            let mut shown = Shown::read(&place, workspace.as_deref(), *since)?;
            if let Some(last) = last {
                let old = shown.records.len().saturating_sub(*last);
                shown.records.drain(..old);
            }
            shown.show(context, &place, *output)
        }
        Command::Verify { output, holds, site } => {
            let place = Place::find(context, site.as_ref())?;
            let verdict = audit::verify(&place.directory, &place.site, holds.as_deref());
            let verdict = verdict.map_err(|e| place.unreadable(&e))?;
            let verdict = verdict.ok_or_else(|| place.nothing())?;
            verified(context, &place, &verdict, (*output, holds.as_deref()))
        }
    }
}

/// Whose log it is, and where.
struct Place {
    site: Name,
    directory: PathBuf,
}

impl Place {
    fn find(context: &Context, asked: Option<&Name>) -> Result<Self, Error> {
        let directory = place::directory().ok_or_else(|| {
            Error::new("this user has no home, and so no audit log")
                .hint(format!("{} names the state directory.", place::VARIABLE))
        })?;
        let declared = || site::declared_name(context);
        let named = match asked {
            Some(site) => Some(site.clone()),
            None => declared()?,
        };
        if let Some(site) = named {
            return Ok(Self { site, directory });
        }
        let mut sites = audit::sites(&directory)
            .map_err(|e| Error::new(format!("{} can't be read: {e}", directory.display())))?;
        match sites.len() {
            0 => Err(Error::new(format!("there is no audit log in {}", directory.display())).hint(WHERE)),
            1 => Ok(Self {
                site: sites.remove(0),
                directory,
            }),
            _ => {
                let names: Vec<&str> = sites.iter().map(Name::as_str).collect();
                let names = names.join(", ");
                Err(Error::new(format!(
                    "{} has the logs of several sites: {names}",
                    directory.display()
                ))
                .hint("Name one with --site, or run it in its repository."))
            }
        }
    }

    fn nothing(&self) -> Error {
        let directory = self.directory.display();
        Error::new(format!(
            "there is no audit log of site {} in {directory}",
            self.site
        ))
        .hint(WHERE)
    }

    fn unreadable(&self, error: &std::io::Error) -> Error {
        let directory = self.directory.display();
        Error::new(format!(
            "the audit log of site {} in {directory} can't be read: {error}",
            self.site
        ))
        .hint(WHERE)
    }
}

const WHERE: &str = "The log is kept by whoever applies: look as the user who runs wharf apply or the daemon, on that machine.";

/// The records that are asked for.
struct Shown {
    workspace: Option<WorkspaceId>,
    records: Vec<Opened>,
    /// Whether lines were changed.
    changed: bool,
}

impl Shown {
    fn read(place: &Place, workspace: Option<&str>, since: Option<Timestamp>) -> Result<Self, Error> {
        let since = since.map(|time| format!("{time:.3}"));
        let mut all = Vec::new();
        let mut changed = false;
        let read = audit::read(&place.directory, &place.site, |opened| {
            changed |= !opened.is_intact();
            all.push(opened);
        });
        read.map_err(|e| place.unreadable(&e))?
            .ok_or_else(|| place.nothing())?;
        let workspace = match workspace {
            None => None,
            Some(text) => {
                let ids = all.iter().filter_map(|opened| match &opened.record.event {
                    Event::Step(step) => step.workspace.as_ref()?.parse::<WorkspaceId>().ok(),
                    Event::Begin(_)
                    | Event::Apply(_)
                    | Event::Ended(_)
                    | Event::Approval(_)
                    | Event::Gap(_)
                    | Event::Recovered(_) => None,
                });
                let ids: Vec<WorkspaceId> = ids.collect();
                let picked = workspace::pick(text, &ids);
                Some(picked.map_err(|error| error.hint_opt(ids.is_empty().then(|| NO_STEP.to_owned())))?)
            }
        };
        let name = workspace.as_ref().map(ToString::to_string);
        all.retain(|opened| {
            // Times are written with the same number of digits, so their order is that of their texts.
            let is_late = since.as_ref().is_none_or(|since| opened.record.time >= *since);
            is_late && belongs(&opened.record.event, name.as_deref())
        });
        Ok(Self {
            workspace,
            records: all,
            changed,
        })
    }

    fn show(&self, context: &Context, place: &Place, form: Form) -> Result<Exit, Error> {
        let text = match form {
            Form::Json => {
                let records: Vec<Value> = self.records.iter().map(of_record).collect();
                status::pretty(&json!({
                    "formatVersion": FORMAT_VERSION,
                    "site": place.site,
                    "workspace": self.workspace,
                    "records": records,
                }))
            }
            Form::Human if self.records.is_empty() => "Nothing is recorded.\n".to_owned(),
            Form::Human => {
                let head = ["time", "commit", "by", "what", "outcome"];
                table(&context.out, &head, self.records.iter().map(row).collect())
            }
        };
        context.out.data(&text)?;
        if self.changed {
            context
                .out
                .warn("lines of the log were changed after they were written; wharf audit verify names them");
        }
        Ok(Exit::Success)
    }
}

const NO_STEP: &str = "No step of a workspace is recorded.";

/// Whether an event is about that workspace; about the site where none is asked for.
fn belongs(event: &Event, workspace: Option<&str>) -> bool {
    match (event, workspace) {
        (Event::Step(step), Some(workspace)) => step.workspace.as_deref() == Some(workspace),
        (Event::Begin(_), _) => false,
        (Event::Step(_), None) => true,
        (
            Event::Apply(_) | Event::Ended(_) | Event::Approval(_) | Event::Gap(_) | Event::Recovered(_),
            workspace,
        ) => workspace.is_none(),
    }
}

/// A record with its hash.
fn of_record(opened: &Opened) -> Value {
    let mut value = json!(opened.record);
    value["hash"] = json!(opened.claimed);
    value
}

/// What is shown of a record.
fn row(opened: &Opened) -> Vec<String> {
    let record = &opened.record;
    let origin = record.event.origin();
    let commit = origin.and_then(|origin| origin.commit.as_deref());
    let commit = commit.map_or_else(|| "-".to_owned(), |commit| commit.chars().take(10).collect());
    let time = record.time.get(..19).unwrap_or(&record.time);
    let (what, outcome) = words(&record.event);
    vec![format!("{time}Z"), commit, by(&record.event), what, outcome]
}

/// Who did it, and with which command.
fn by(event: &Event) -> String {
    let (command, user) = match event {
        Event::Approval(approval) => ("approve", &approval.user),
        Event::Begin(_)
        | Event::Apply(_)
        | Event::Step(_)
        | Event::Ended(_)
        | Event::Gap(_)
        | Event::Recovered(_) => match event.origin() {
            Some(origin) => (origin.by.as_str(), &origin.user),
            None => return "-".to_owned(),
        },
    };
    format!("{command} ({})", user.shown())
}

/// What happened, and how it ended.
fn words(event: &Event) -> (String, String) {
    match event {
        Event::Step(step) => {
            let outcome = match step.outcome {
                Outcome::Done => "done",
                Outcome::Failed => "failed",
            };
            let cause = step
                .cause
                .as_ref()
                .map_or_else(String::new, |cause| format!(": {cause}"));
            (step.step.clone(), format!("{outcome}{cause}"))
        }
        Event::Apply(apply) => (format!("a plan of {} steps", apply.steps), "begun".to_owned()),
        Event::Ended(ended) => {
            let interrupted = if ended.interrupted { ", interrupted" } else { "" };
            let counts = format!(
                "{} done, {} failed, {} skipped",
                ended.done, ended.failed, ended.skipped
            );
            ("the plan".to_owned(), counts + interrupted)
        }
        Event::Approval(approval) => (
            format!("the approval of {}", approval.digest),
            approval.state.as_str().to_owned(),
        ),
        Event::Gap(gap) => (
            format!("{} records since {}", gap.lost, gap.since),
            format!("lost: {}", gap.cause),
        ),
        Event::Recovered(recovered) => (
            format!("a line of {} bytes", recovered.bytes),
            "never finished".to_owned(),
        ),
        Event::Begin(begin) => (format!("file {}", begin.file), "begun".to_owned()),
    }
}

/// Shows what a check has found.
fn verified(
    context: &Context,
    place: &Place,
    verdict: &Verdict,
    (form, wanted): (Form, Option<&str>),
) -> Result<Exit, Error> {
    let held = wanted.is_none() || verdict.holds;
    let sound = verdict.is_sound() && held;
    let text = match form {
        Form::Json => status::pretty(&of_verdict(place, verdict, wanted)),
        Form::Human => {
            let mut text = String::new();
            for note in &verdict.notes {
                text.push_str(&format!("{}:{}: note: {}\n", note.file, note.line, note.text));
            }
            for fault in &verdict.faults {
                text.push_str(&format!("{}:{}: {}\n", fault.file, fault.line, fault.flaw));
            }
            if !held {
                text.push_str("no line has the hash that was asked for\n");
            }
            let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
            let lines = count(usize::try_from(verdict.lines).unwrap_or(usize::MAX), "line");
            let all = format!("{lines} in {}", count(verdict.files, "file"));
            let (site, hash) = (&place.site, &verdict.hash);
            text.push_str(&match sound {
                true => {
                    format!("Site {site}: {all}, all as they were written. The last one has hash\n{hash}\n")
                }
                false => format!("Site {site}: the audit log is not as it was written.\n"),
            });
            text
        }
    };
    context.out.data(&text)?;
    Ok(if sound { Exit::Success } else { Exit::NotWell })
}

fn of_verdict(place: &Place, verdict: &Verdict, wanted: Option<&str>) -> Value {
    let faults = verdict
        .faults
        .iter()
        .map(|fault| json!({"file": fault.file, "line": fault.line, "message": fault.flaw.to_string()}));
    let notes = verdict
        .notes
        .iter()
        .map(|note| json!({"file": note.file, "line": note.line, "message": note.text}));
    json!({
        "formatVersion": FORMAT_VERSION,
        "site": place.site,
        "sound": verdict.is_sound() && (wanted.is_none() || verdict.holds),
        "lines": verdict.lines,
        "files": verdict.files,
        "last": {"seq": verdict.last, "hash": verdict.hash},
        "holds": wanted.map(|_| verdict.holds),
        "faults": faults.collect::<Vec<_>>(),
        "notes": notes.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_day_a_moment_or_how_long_ago() {
        let text = |given: &str| since(given).unwrap().to_string();
        assert_eq!(text("2026-01-31"), "2026-01-31T00:00:00Z");
        assert_eq!(text("2026-01-31T12:00:00+01:00"), "2026-01-31T11:00:00Z");
        let ago = |given: &str| Timestamp::now().as_second() - since(given).unwrap().as_second();
        assert!((7200..7300).contains(&ago("2h")));
        assert!((604_800..604_900).contains(&ago("7d")));
        assert!(since("yesterday").is_err());
    }
}
