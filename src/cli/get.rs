//! `wharf get`.

use clap::ValueEnum;
use serde_json::{Value, json};

use super::Context;
use super::error::{Error, Exit};
use super::state::{self, Declared, Overview, run_word};
use super::status::{self, Form};
use super::table::table;
use crate::manifest::{Manifests, Role};
use crate::model::{self, Name, ObservedObject};

/// List what there is of a kind
///
/// Users and classes are what the configuration repository declares; containers, pods, networks and volumes are what
/// the engine has; workspaces are both.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The kind
    #[arg(value_enum, value_name = "KIND")]
    kind: Kind,
    /// The form
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t = Form::Human)]
    output: Form,
    /// The site, where there are several and no repository here
    #[arg(long, value_name = "NAME")]
    site: Option<Name>,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Workspaces
    #[value(alias = "workspace")]
    Workspaces,
    /// Users
    #[value(alias = "user")]
    Users,
    /// Classes
    #[value(alias = "class")]
    Classes,
    /// Containers of workspaces
    #[value(alias = "container")]
    Containers,
    /// Pods of workspaces
    #[value(alias = "pod")]
    Pods,
    /// Networks of workspaces
    #[value(alias = "network")]
    Networks,
    /// Volumes of workspaces
    #[value(alias = "volume")]
    Volumes,
}

/// Rows under a head, and the same as JSON.
struct List {
    head: &'static [&'static str],
    rows: Vec<Vec<String>>,
    json: Vec<Value>,
}

pub(super) async fn run(context: &Context, args: &Args) -> Result<Exit, Error> {
    let overview = state::overview(context, args.site.as_ref()).await?;
    let text = if let Kind::Workspaces = args.kind {
        let all = overview.workspaces();
        match args.output {
            Form::Human => status::workspaces(context, &all),
            Form::Json => status::pretty(&all.iter().map(status::workspace_form).collect()),
        }
    } else {
        let list = list(&overview, args.kind)?;
        match args.output {
            Form::Human if list.rows.is_empty() => "Nothing.\n".to_owned(),
            Form::Human => table(&context.out, list.head, list.rows),
            Form::Json => status::pretty(&Value::Array(list.json)),
        }
    };
    context.out.data(&text)?;
    Ok(Exit::Success)
}

fn list(overview: &Overview, kind: Kind) -> Result<List, Error> {
    Ok(match kind {
        Kind::Users => users(manifests(overview)?),
        Kind::Classes => classes(manifests(overview)?),
        Kind::Containers => objects(overview, model::Kind::Container),
        Kind::Pods => objects(overview, model::Kind::Pod),
        Kind::Networks => objects(overview, model::Kind::Network),
        Kind::Volumes | Kind::Workspaces => objects(overview, model::Kind::Volume),
    })
}

/// What the repository declares, which must be here and valid.
pub(super) fn manifests(overview: &Overview) -> Result<&Manifests, Error> {
    let declared: Option<&Declared> = overview.declared.as_ref();
    declared.map(|d| &d.configuration.manifests).ok_or_else(|| {
        Error::new("there is no valid configuration repository of this site here")
            .hint("Run it in the repository, or name it with -C DIR.")
    })
}

/// A role as it stands in a manifest.
pub(super) fn role(role: Role) -> &'static str {
    match role {
        Role::Member => "member",
        Role::Admin => "admin",
    }
}

fn users(manifests: &Manifests) -> List {
    let mut list = List::new(&["user", "role", "email", "workspaces"]);
    for (name, user) in &manifests.users {
        let own = manifests.workspaces.keys().filter(|id| id.owner == *name).count();
        let email = user.spec.email.as_ref().map(|e| e.value.clone());
        let role = role(user.spec.role);
        list.json
            .push(json!({"user": name, "role": role, "email": email, "workspaces": own}));
        list.rows.push(vec![
            name.to_string(),
            role.to_owned(),
            email.unwrap_or_else(|| "-".to_owned()),
            own.to_string(),
        ]);
    }
    list
}

fn classes(manifests: &Manifests) -> List {
    let mut list = List::new(&["class", "cpu", "memory", "pids"]);
    for (name, class) in &manifests.classes {
        let (cpu, memory, pids) = (class.spec.cpu, class.spec.memory, class.spec.pids);
        list.json.push(json!({
            "class": name, "cpu": cpu.to_string(), "memory": memory.to_string(), "pids": pids,
        }));
        list.rows.push(vec![
            name.to_string(),
            cpu.to_string(),
            memory.to_string(),
            pids.to_string(),
        ]);
    }
    list
}

fn objects(overview: &Overview, kind: model::Kind) -> List {
    let runs = matches!(kind, model::Kind::Container | model::Kind::Pod);
    let mut list = if runs {
        List::new(&["name", "workspace", "state"])
    } else {
        List::new(&["name", "workspace"])
    };
    for object in overview.observed.of_kind(kind).filter(|o| !is_mark(o)) {
        list.json.push(object_form(object));
        let mut row = vec![object.object.name.clone(), object.owner.workspace.to_string()];
        if runs {
            row.push(run_word(object.run));
        }
        list.rows.push(row);
    }
    list
}

/// Records are volumes to the engine, and nothing to people.
fn is_mark(object: &ObservedObject) -> bool {
    matches!(object.owner.role, model::Role::Mark(_))
}

fn object_form(object: &ObservedObject) -> Value {
    json!({
        "object": object.object.to_string(),
        "workspace": object.owner.workspace,
        "role": object.owner.role.to_string(),
        "state": run_word(object.run),
        "id": object.id,
        "hash": object.owner.identity.hash,
        "commit": object.owner.commit,
    })
}

impl List {
    fn new(head: &'static [&'static str]) -> Self {
        Self {
            head,
            rows: Vec::new(),
            json: Vec::new(),
        }
    }
}
