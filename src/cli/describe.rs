//! `wharf describe`.

use serde_json::Value;

use super::Context;
use super::error::{Error, Exit};
use super::get::{manifests, role};
use super::state::{self, Overview, run_word};
use super::status::limits;
use super::table::{facts, table};
use super::workspace::pick;
use crate::document::diagnostic::nearest;
use crate::model::{DesiredEndpoint, Kind, Name, ObjectId, ObservedObject, Power, Reading, Role};
use crate::plan::{ChangeAction, display};

/// Show everything about one thing
///
/// KIND is workspace, user, class, container, pod, network or volume.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What, such as workspace/alice/api or container/lab.alice.api.tools
    #[arg(value_name = "KIND/NAME")]
    what: String,
    /// The site, where there are several and no repository here
    #[arg(long, value_name = "NAME")]
    site: Option<Name>,
}

const KINDS: [&str; 7] = [
    "workspace",
    "user",
    "class",
    "container",
    "pod",
    "network",
    "volume",
];

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let Some((kind, name)) = args.what.split_once('/') else {
        return Err(
            Error::usage(format!("{:?} is not of the form KIND/NAME", args.what))
                .hint(format!("KIND is one of {}.", KINDS.join(", "))),
        );
    };
    if !KINDS.contains(&kind) {
        let near = nearest(kind, KINDS).map(|near| format!("Did you mean {near}/{name}?"));
        return Err(Error::usage(format!("there is no kind {kind}"))
            .hint(format!("It is one of {}.", KINDS.join(", ")))
            .hint_opt(near));
    }
    let overview = state::overview(context, args.site.as_ref()).await?;
    let text = match kind {
        "workspace" => workspace(context, &overview, name)?,
        "user" => user(context, &overview, name)?,
        "class" => class(&overview, name)?,
        _ => object(&overview, &args.what)?,
    };
    context.out.data(&text)?;
    Ok(Exit::Success)
}

fn workspace(context: &Context, overview: &Overview, name: &str) -> Result<String, Error> {
    let all = overview.workspaces();
    let id = pick(name, all.iter().map(|w| &w.id))?;
    let shown = overview.workspace(&id);
    let manifest = overview
        .declared
        .as_ref()
        .and_then(|d| d.configuration.manifests.workspaces.get(&id));
    let power = shown.power.map_or("not declared", |power| match power {
        Power::On => "on",
        Power::Off => "off",
        Power::Auto => "auto",
    });
    let mut text = facts(&[
        ("Workspace", id.to_string()),
        ("State", shown.state.as_str().to_owned()),
        ("Power", power.to_owned()),
        (
            "Main component",
            shown.main.clone().unwrap_or_else(|| "-".to_owned()),
        ),
        ("Limits", limits(&shown.limits)),
        ("Declared in", manifest.map_or("-", |m| m.path()).to_owned()),
        (
            "Created by commit",
            shown.commit.clone().unwrap_or_else(|| "-".to_owned()),
        ),
    ]);
    let rows: Vec<Vec<String>> = overview
        .objects_of(&id)
        .filter(|o| !matches!(o.owner.role, Role::Mark(_)))
        .map(|o| vec![o.object.to_string(), run_word(o.run)])
        .collect();
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&table(&context.out, &["object", "state"], rows));
    }
    let Some(declared) = &overview.declared else {
        return Ok(text);
    };
    let desired = declared.configuration.desired.workspaces.get(&id);
    let endpoints = desired.map(|d| d.endpoints.as_slice()).unwrap_or_default();
    if !endpoints.is_empty() {
        let row = |e: &DesiredEndpoint| vec![e.name.clone(), e.component.clone(), e.port.to_string()];
        let rows = endpoints.iter().map(row).collect();
        text.push('\n');
        text.push_str(&table(&context.out, &["endpoint", "component", "port"], rows));
    }
    let changes: Vec<Vec<String>> = declared
        .plan
        .changes
        .iter()
        .filter(|c| c.workspace == id && c.action != ChangeAction::Retain)
        .map(|c| {
            vec![
                c.action.as_str().to_owned(),
                c.object.to_string(),
                display::why(c),
            ]
        })
        .collect();
    if !changes.is_empty() {
        text.push_str("\nDiffers from what is declared:\n\n");
        text.push_str(&table(&context.out, &["change", "object", "why"], changes));
    }
    Ok(text)
}

fn user(context: &Context, overview: &Overview, name: &str) -> Result<String, Error> {
    let users = &manifests(overview)?.users;
    let (name, user) = entry(users.iter(), "user", name)?;
    let quota = user.spec.quota.as_ref();
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let mut shown = facts(&[
        ("User", name.to_string()),
        ("Name", text(user.spec.display_name.clone())),
        ("E-mail", text(user.spec.email.as_ref().map(|e| e.value.clone()))),
        ("Role", role(user.spec.role).to_owned()),
        (
            "Most workspaces",
            text(quota.and_then(|q| Some(q.workspaces.as_ref()?.value.to_string()))),
        ),
        (
            "Most cpu",
            text(quota.and_then(|q| Some(q.cpu.as_ref()?.value.to_string()))),
        ),
        (
            "Most memory",
            text(quota.and_then(|q| Some(q.memory.as_ref()?.value.to_string()))),
        ),
        ("Declared in", user.path().to_owned()),
    ]);
    let rows: Vec<Vec<String>> = overview
        .workspaces()
        .iter()
        .filter(|w| w.id.owner == *name)
        .map(|w| vec![w.id.to_string(), w.state.as_str().to_owned()])
        .collect();
    if !rows.is_empty() {
        shown.push('\n');
        shown.push_str(&table(&context.out, &["workspace", "state"], rows));
    }
    Ok(shown)
}

fn class(overview: &Overview, name: &str) -> Result<String, Error> {
    let classes = &manifests(overview)?.classes;
    let (name, class) = entry(classes.iter(), "class", name)?;
    Ok(facts(&[
        ("Class", name.to_string()),
        ("CPU", class.spec.cpu.to_string()),
        ("Memory", class.spec.memory.to_string()),
        ("Processes", class.spec.pids.to_string()),
        (
            "Storage",
            class
                .spec
                .storage
                .map_or_else(|| "-".to_owned(), |s| s.to_string()),
        ),
        ("Declared in", class.path().to_owned()),
    ]))
}

/// The entry of that name.
fn entry<'a, T>(
    all: impl Iterator<Item = (&'a Name, &'a T)> + Clone,
    kind: &str,
    name: &str,
) -> Result<(&'a Name, &'a T), Error> {
    all.clone()
        .find(|(found, _)| found.as_str() == name)
        .ok_or_else(|| {
            let near = nearest(name, all.map(|(found, _)| found.as_str()));
            Error::new(format!("there is no {kind} {name}"))
                .hint_opt(near.map(|near| format!("Did you mean {near}?")))
        })
}

fn object(overview: &Overview, what: &str) -> Result<String, Error> {
    let objects = &overview.observed.objects;
    let found = objects.values().find(|o| o.object.to_string() == what);
    let Some(found) = found else {
        let words: Vec<String> = objects.keys().map(ObjectId::to_string).collect();
        let near = nearest(what, words.iter().map(String::as_str));
        return Err(Error::new(format!("site {} has no {what}", overview.site.name))
            .hint_opt(near.map(|near| format!("Did you mean {near}?"))));
    };
    let mut text = facts(&[
        ("Object", found.object.to_string()),
        ("Workspace", found.owner.workspace.to_string()),
        ("Role", found.owner.role.to_string()),
        ("State", run_word(found.run)),
        ("Id", found.id.to_string()),
        ("Hash", found.owner.identity.hash.clone()),
        (
            "Created by commit",
            found.owner.commit.clone().unwrap_or_else(|| "-".to_owned()),
        ),
    ]);
    text.push_str(&enforced(found));
    let spec = serde_json::from_str::<Value>(&found.owner.identity.spec).unwrap_or(Value::Null);
    text.push_str(&format!("\nCreated as:\n{spec:#}\n"));
    Ok(text)
}

/// What the kernel enforces on a running container.
fn enforced(object: &ObservedObject) -> String {
    let (Kind::Container, Some(enforced)) = (object.object.kind, &object.enforced) else {
        return String::new();
    };
    let word = |reading: Reading, show: fn(u64) -> String| match reading {
        Reading::Unknown => "can't be read".to_owned(),
        Reading::Unlimited => "unlimited".to_owned(),
        Reading::Value(value) => show(value),
    };
    let memory = |v: u64| crate::model::Bytes(v).to_string();
    let cpu = |v: u64| crate::model::MilliCpu(v).to_string();
    let lines = facts(&[
        ("  memory", word(enforced.memory, memory)),
        ("  cpu", word(enforced.cpu, cpu)),
        ("  processes", word(enforced.pids, |v| v.to_string())),
    ]);
    format!("\nEnforced by the kernel:\n{lines}")
}
