//! What is, workspace by workspace: what is observed beside what is declared.

use std::collections::BTreeSet;

use super::configuration::{self, Configuration};
use super::error::Error;
use super::imports::Access;
use super::pipeline::{Pipeline, Planned};
use super::site::{self, Site};
use super::{Context, diagnostics};
use crate::health::Health;
use crate::manifest::SITE_FILE;
use crate::model::{
    DesiredWorkspace, Kind, Limits, Name, ObservedObject, ObservedState, Power, Role, RunState, WorkspaceId,
};
use crate::plan::{ChangeAction, Plan, Request};
use crate::source::Source;

/// A site as it is, and as it is declared where a repository says so.
pub(super) struct Overview {
    pub(super) site: Site,
    pub(super) observed: ObservedState,
    pub(super) declared: Option<Declared>,
}

/// What a valid repository declares, and what differs.
pub(super) struct Declared {
    pub(super) configuration: Configuration,
    pub(super) plan: Plan,
}

/// Observes a site, and plans where its repository is here and valid.
pub(super) async fn overview(context: &Context, asked: Option<&Name>) -> Result<Overview, Error> {
    let site = site::find(context, asked).await?;
    let Some(configuration) = here(context, &site.name).await? else {
        let observed = site.engine.observe(&site.name).await?;
        return Ok(Overview {
            site,
            observed,
            declared: None,
        });
    };
    let pipeline = Pipeline {
        request: Request {
            revision: configuration.revision.clone(),
            ..Request::default()
        },
        configuration,
        engine: site.engine.clone(),
        dir: context.dir.clone(),
    };
    let Planned { plan, observed } = pipeline.plan().await?;
    let configuration = pipeline.configuration;
    Ok(Overview {
        site,
        observed,
        declared: Some(Declared { configuration, plan }),
    })
}

/// The configuration of that site in the directory, where there is a valid one.
async fn here(context: &Context, site: &Name) -> Result<Option<Configuration>, Error> {
    if !context.dir.join(SITE_FILE).is_file() {
        return Ok(None);
    }
    let reading = configuration::read(&context.dir, &Source::WorkingTree, Access::default()).await?;
    if reading.configuration.is_none() {
        let summary = diagnostics::summary(&reading.checked, &reading.diagnostics);
        context.out.warn(&format!(
            "the repository is not valid ({}); only what is observed is shown, wharf validate says more",
            summary.trim().trim_end_matches('.')
        ));
    }
    Ok(reading.configuration.filter(|c| c.desired.site == *site))
}

/// What a workspace does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// All its containers run.
    Running,
    /// A person has stopped it, and may start it again.
    Suspended,
    /// It is stopped.
    Stopped,
    /// Some of it runs and some does not, or is missing.
    Degraded,
    /// Nothing of it is there but perhaps its data.
    Missing,
}

impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Stopped => "stopped",
            Self::Degraded => "degraded",
            Self::Missing => "missing",
        }
    }
}

/// One workspace.
pub(super) struct WorkspaceState {
    pub(super) id: WorkspaceId,
    pub(super) state: State,
    /// What the daemon says of it, where one runs and was asked.
    pub(super) health: Option<Health>,
    /// Nothing where it is not declared.
    pub(super) power: Option<Power>,
    /// The main component, where it is known.
    pub(super) main: Option<String>,
    /// What all its declared containers may use together.
    pub(super) limits: Limits,
    /// The commit that created its pod.
    pub(super) commit: Option<String>,
    /// Whether it differs from what is declared; nothing where that is not known.
    pub(super) drift: Option<bool>,
    /// Its components' containers.
    pub(super) containers: Vec<(String, RunState)>,
}

impl Overview {
    /// Every workspace that is declared, or of which anything but data is there.
    pub(super) fn workspaces(&self) -> Vec<WorkspaceState> {
        let mut ids: BTreeSet<&WorkspaceId> = self
            .observed
            .objects
            .values()
            .filter(|o| matches!(o.object.kind, Kind::Pod | Kind::Container))
            .map(|o| &o.owner.workspace)
            .collect();
        if let Some(declared) = &self.declared {
            ids.extend(declared.configuration.desired.workspaces.keys());
        }
        ids.into_iter().map(|id| self.workspace(id)).collect()
    }

    /// One workspace.
    pub(super) fn workspace(&self, id: &WorkspaceId) -> WorkspaceState {
        let desired = self
            .declared
            .as_ref()
            .and_then(|d| d.configuration.desired.workspaces.get(id));
        let objects: Vec<&ObservedObject> = self.objects_of(id).collect();
        let containers: Vec<(String, RunState)> = objects
            .iter()
            .filter_map(|o| Some((o.owner.role.component()?.to_owned(), o.run)))
            .collect();
        let pod = objects.iter().find(|o| o.owner.role == Role::Pod);
        let main = match (desired.and_then(|d| d.containers.first()), containers.as_slice()) {
            (Some(main), _) => Some(main.component.clone()),
            (None, [(only, _)]) => Some(only.clone()),
            (None, _) => None,
        };
        WorkspaceState {
            id: id.clone(),
            state: state(desired, &objects),
            health: None,
            power: desired.map(|d| d.power),
            main,
            limits: desired.map(total).unwrap_or_default(),
            commit: pod.and_then(|p| p.owner.commit.clone()),
            drift: self.declared.as_ref().map(|d| drifted(&d.plan, id)),
            containers,
        }
    }

    /// A workspace's objects.
    pub(super) fn objects_of<'a>(&'a self, id: &'a WorkspaceId) -> impl Iterator<Item = &'a ObservedObject> {
        self.observed
            .objects
            .values()
            .filter(move |o| o.owner.workspace == *id)
    }
}

fn drifted(plan: &Plan, id: &WorkspaceId) -> bool {
    let changes = plan
        .changes
        .iter()
        .any(|c| c.workspace == *id && c.action != ChangeAction::Retain);
    changes || plan.steps.iter().any(|s| s.workspace == *id)
}

fn state(desired: Option<&DesiredWorkspace>, objects: &[&ObservedObject]) -> State {
    let pods: Vec<&&ObservedObject> = objects.iter().filter(|o| o.object.kind == Kind::Pod).collect();
    let containers: Vec<&&ObservedObject> = objects
        .iter()
        .filter(|o| o.owner.role.component().is_some())
        .collect();
    if pods.is_empty() && containers.is_empty() {
        return State::Missing;
    }
    let wanted = desired.map_or(containers.len(), |d| d.containers.len());
    let running = containers.iter().filter(|c| c.run.is_running()).count();
    let down = |o: &&&ObservedObject| matches!(o.run, RunState::Exited { .. });
    let asked = objects
        .iter()
        .any(|o| o.owner.role == DesiredWorkspace::stopped_role());
    if running == containers.len() && running >= wanted && running > 0 {
        State::Running
    } else if pods.iter().all(&down) && containers.iter().all(down) {
        match desired.map(|d| d.power) {
            Some(Power::Auto) if asked => State::Suspended,
            Some(Power::On | Power::Off | Power::Auto) | None => State::Stopped,
        }
    } else {
        State::Degraded
    }
}

/// The sum of what is limited; a container without a limit leaves the sum without one.
fn total(desired: &DesiredWorkspace) -> Limits {
    let all = || desired.containers.iter().map(|c| c.limits);
    Limits {
        memory: all()
            .map(|l| l.memory.map(|m| m.0))
            .sum::<Option<u64>>()
            .map(crate::model::Bytes),
        cpu: all()
            .map(|l| l.cpu.map(|c| c.0))
            .sum::<Option<u64>>()
            .map(crate::model::MilliCpu),
        pids: all().map(|l| l.pids).sum(),
        ..Limits::default()
    }
}

/// A container's or pod's state in a word or two.
pub(super) fn run_word(run: RunState) -> String {
    match run {
        RunState::Inert => "-".to_owned(),
        RunState::Created => "created".to_owned(),
        RunState::Running { .. } => "running".to_owned(),
        RunState::Paused => "paused".to_owned(),
        RunState::Degraded => "degraded".to_owned(),
        RunState::Exited { code } => format!("exited ({code})"),
        RunState::Unknown => "unknown".to_owned(),
    }
}
