//! What is known of a workspace, read off what is declared, what is there and what is planned.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    DesiredEndpoint, DesiredState, DesiredWorkspace, EngineId, Kind, MarkSpec, ObservedObject, ObservedState,
    Power, Role, RunState, Seconds, Spec, WorkspaceId, spec_hash,
};
use crate::plan::diff::join_incarnations;
use crate::plan::{Asked, Blocked, Plan, room};

/// What a workspace is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Run.
    #[default]
    Running,
    /// Be down, by declaration.
    Stopped,
    /// Be down until a person starts it, after one has stopped it or nobody has used it.
    Suspended,
    /// Go: nothing declares it any more.
    Gone,
}

/// What is known of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What it is to do.
    pub wanted: Wanted,
    /// Whether anything of it runs.
    pub up: bool,
    /// Why it was stopped, where that was recorded.
    pub suspended: Option<String>,
    /// For how long nobody has used it until it is suspended; never where there is nothing.
    pub idle_timeout: Option<Seconds>,
    /// Whether all its containers are there.
    pub made: bool,
    /// What of it does not run.
    pub down: Vec<String>,
    /// Which of its containers have run and ended, and how.
    pub ended: Vec<String>,
    /// What has not passed since its start.
    pub unpassed: Vec<String>,
    /// Which of its services do not answer.
    pub silent: Vec<String>,
    /// Why it has to wait for room.
    pub room: Option<String>,
    /// Why it can't be brought to what is declared without a person.
    pub blocked: Option<String>,
    /// How many seconds its devfile gives its containers to become ready, one after another.
    pub patience: u32,
}

impl Facts {
    /// What is missing until it is ready; nothing where it is.
    #[must_use]
    pub fn awaited(&self) -> Option<String> {
        let all: Vec<&str> = [&self.down, &self.unpassed, &self.silent]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

/// What is known of every workspace that is declared, or of which anything but data is there.
#[must_use]
pub fn facts(desired: &DesiredState, observed: &ObservedState, plan: &Plan) -> BTreeMap<WorkspaceId, Facts> {
    let mut objects: BTreeMap<&WorkspaceId, Present<'_>> = BTreeMap::new();
    for object in observed.objects.values() {
        let owner = &object.owner;
        objects
            .entry(&owner.workspace)
            .or_default()
            .insert(&owner.role, object);
    }
    let empty = Present::new();
    let mut all = BTreeMap::new();
    for (id, workspace) in &desired.workspaces {
        let present = objects.get(id).unwrap_or(&empty);
        all.insert(id.clone(), declared(workspace, present, plan, desired.suspend));
    }
    for (id, present) in objects {
        let is_there = present
            .values()
            .any(|o| matches!(o.object.kind, Kind::Pod | Kind::Container));
        if is_there && !desired.workspaces.contains_key(id) {
            let gone = Facts {
                wanted: Wanted::Gone,
                up: present.values().any(|o| is_up(o)),
                blocked: blocked(plan, id).map(|b| b.reason.clone()),
                ..Facts::default()
            };
            all.insert(id.clone(), gone);
        }
    }
    all
}

/// The services that have to answer now, with the container of each.
#[must_use]
pub fn services<'d>(
    desired: &'d DesiredState,
    observed: &ObservedState,
) -> Vec<(&'d WorkspaceId, &'d DesiredEndpoint, EngineId)> {
    let mut found = Vec::new();
    for workspace in desired.workspaces.values() {
        for endpoint in workspace.endpoints.iter().filter(|e| e.awaited) {
            let role = Role::Component(endpoint.component.clone());
            let object = observed
                .objects
                .get(&role.object_id(&desired.site, &workspace.id));
            if let Some(container) = object.filter(|container| container.run.is_running()) {
                found.push((&workspace.id, endpoint, container.id.clone()));
            }
        }
    }
    found
}

type Present<'a> = BTreeMap<&'a Role, &'a ObservedObject>;

fn declared(workspace: &DesiredWorkspace, present: &Present<'_>, plan: &Plan, suspend: bool) -> Facts {
    let stopped = present.get(&DesiredWorkspace::stopped_role());
    let blocked = blocked(plan, &workspace.id);
    let room = |b: &&Blocked| b.reason.starts_with(room::WAITS);
    let timeouts = workspace
        .containers
        .iter()
        .filter_map(|c| Some(c.health.as_ref()?.timeout));
    let mut facts = Facts {
        wanted: match workspace.power {
            Power::On => Wanted::Running,
            Power::Off => Wanted::Stopped,
            Power::Auto if stopped.is_some() => Wanted::Suspended,
            Power::Auto => Wanted::Running,
        },
        up: present.values().any(|o| is_up(o)),
        suspended: stopped.and_then(|mark| why_stopped(mark)),
        idle_timeout: workspace
            .idle_timeout
            .filter(|_| workspace.power == Power::Auto && !workspace.suspend && !suspend),
        made: true,
        room: blocked.filter(room).map(|b| b.reason.clone()),
        blocked: blocked.filter(|b| !room(b)).map(|b| b.reason.clone()),
        patience: timeouts.fold(0, u32::saturating_add),
        unpassed: unpassed(workspace, present),
        ..Facts::default()
    };
    for container in &workspace.containers {
        let component = &container.component;
        let Some(found) = present.get(&Role::Component(component.clone())) else {
            facts.made = false;
            facts.down.push(format!("{component} is not there"));
            continue;
        };
        match found.run {
            RunState::Running { .. } => {}
            RunState::Exited { code } => {
                let ended = format!("{component} has ended with exit code {code}");
                facts.down.push(ended.clone());
                facts.ended.push(ended);
            }
            RunState::Inert
            | RunState::Created
            | RunState::Paused
            | RunState::Degraded
            | RunState::Unknown => {
                facts.down.push(format!("{component} does not run"));
            }
        }
    }
    facts
}

/// What the record of a stop says of its cause.
fn why_stopped(mark: &ObservedObject) -> Option<String> {
    let recorded = mark.recorded()?;
    let by_person = recorded.done == Asked::Stop.to_string();
    Some(if by_person {
        "a person has stopped it".to_owned()
    } else {
        recorded.done
    })
}

fn blocked<'p>(plan: &'p Plan, id: &WorkspaceId) -> Option<&'p Blocked> {
    plan.blocked.iter().find(|blocked| blocked.workspace == *id)
}

fn is_up(object: &ObservedObject) -> bool {
    matches!(object.object.kind, Kind::Pod | Kind::Container) && object.run.is_up()
}

/// What is recorded once it has passed, and is not recorded.
fn unpassed(workspace: &DesiredWorkspace, present: &Present<'_>) -> Vec<String> {
    let mut missing = Vec::new();
    for project in &workspace.projects {
        let (role, spec) = project.mark();
        let cloned = present
            .get(&role)
            .is_some_and(|mark| mark.owner.identity.hash == spec_hash(&Spec::Mark(spec.clone())));
        if !cloned {
            missing.push(format!("project {} is not cloned", project.name));
        }
    }
    let checked = workspace.containers.iter().filter(|c| c.health.is_some());
    let checked: BTreeSet<&str> = checked.map(|c| c.component.as_str()).collect();
    if workspace
        .ready_mark()
        .is_some_and(|mark| !holds(present, &mark, &checked))
    {
        missing.push("the health checks have not passed".to_owned());
    }
    let commanded: BTreeSet<&str> = workspace
        .post_start
        .iter()
        .map(|c| c.component.as_str())
        .collect();
    if workspace
        .post_start_mark()
        .is_some_and(|mark| !holds(present, &mark, &commanded))
    {
        missing.push("the post-start commands have not passed".to_owned());
    }
    missing
}

/// Whether a mark is there and counts for these containers as they run now.
fn holds(present: &Present<'_>, (role, spec): &(Role, MarkSpec), components: &BTreeSet<&str>) -> bool {
    let now: Option<Vec<String>> = components
        .iter()
        .map(|component| {
            let container = present.get(&Role::Component((*component).to_owned()))?;
            container.incarnation()
        })
        .collect();
    let (Some(mark), Some(now)) = (present.get(role), now) else {
        return false;
    };
    mark.owner.identity.hash == spec_hash(&Spec::Mark(spec.clone()))
        && mark.owner.subject.as_deref() == Some(join_incarnations(&now).as_str())
}
