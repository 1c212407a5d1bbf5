//! From a repository and an engine to a plan: the stages in their order, and what each needs from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::try_join_all;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::configuration::{self, Configuration};
use super::error::Error;
use super::imports::Access;
use super::{Context, site};
use crate::apply::ApplyReport;
use crate::document::diagnostic::nearest;
use crate::engine::Engine;
use crate::model::{DesiredState, Kind, ObjectId, ObservedState, WorkspaceId};
use crate::plan::{self, ChangeAction, Plan, Request, Selection};
use crate::source::{self, Source};

/// Up to how many workspaces are observed one by one: beyond it, one look at everything costs less.
const FEW_WORKSPACES: usize = 4;
/// How many containers are asked at a time what was written in them.
const SIZES_AT_ONCE: usize = 8;

/// A repository, its engine, and what is asked of both.
pub(super) struct Pipeline {
    pub(super) configuration: Configuration,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) dir: PathBuf,
    pub(super) request: Request,
}

/// A plan, and the state that it was made from.
pub(super) struct Planned {
    pub(super) plan: Plan,
    pub(super) observed: ObservedState,
}

impl Pipeline {
    /// Reads the repository at `dir` and finds its engine.
    pub(super) async fn open(
        context: &Context,
        dir: &Path,
        source: &Source,
        access: Access,
    ) -> Result<Self, Error> {
        let configuration = configuration::accept(context, dir, source, access).await?;
        let declared = &configuration.manifests.site.spec.engine;
        let engine = site::engine(declared.as_ref().map(|e| e.value.as_str()))?;
        let request = Request {
            revision: configuration.revision.clone(),
            ..Request::default()
        };
        Ok(Self {
            configuration,
            engine,
            dir: dir.to_owned(),
            request,
        })
    }

    /// Observes, and plans what would make the difference go.
    pub(super) async fn plan(&self) -> Result<Planned, Error> {
        let observed = self.engine.observe(&self.configuration.desired.site).await?;
        self.plan_for(observed).await
    }

    /// Observes what an apply has touched, and plans again. Where that is much, or it did not go as planned, everything
    /// is observed once more.
    pub(super) async fn plan_after(&self, before: Planned, report: &ApplyReport) -> Result<Planned, Error> {
        let touched = touched(&before);
        let as_planned = report.counts().done == report.steps.len();
        if !as_planned || touched.len() > FEW_WORKSPACES || fetches(&before.plan) {
            return self.plan().await;
        }
        let site = &self.configuration.desired.site;
        let reads = touched
            .iter()
            .map(|workspace| self.engine.observe_workspace(site, workspace));
        let now = try_join_all(reads).await?;
        let mut observed = before.observed;
        for (workspace, objects) in touched.iter().zip(now) {
            observed.refresh(workspace, objects);
        }
        self.plan_for(observed).await
    }

    async fn plan_for(&self, mut observed: ObservedState) -> Result<Planned, Error> {
        let desired = &self.configuration.desired;
        self.find_users(&mut observed).await?;
        let mut request = self.request.clone();
        request.moment = Some(jiff::Timestamp::now().as_second());
        let revision = self.configuration.revision.commit.as_deref().unwrap_or("HEAD");
        request.removed = source::removed(&self.dir, revision, &undeclared(desired, &observed));
        if plan::room::is_short(desired, &observed) {
            request.ages = source::ages(&self.dir, revision, &self.places());
        }
        let plan = plan::plan(desired, &observed, &request)?;
        let replaced = replaced_containers(&plan);
        if replaced.is_empty() {
            return Ok(Planned { plan, observed });
        }
        self.measure(&replaced, &mut observed).await?;
        let plan = plan::plan(desired, &observed, &request)?;
        Ok(Planned { plan, observed })
    }

    /// Asks who uses the volumes that are to be adopted.
    async fn find_users(&self, observed: &mut ObservedState) -> Result<(), Error> {
        for volume in plan::pending_adoptions(&self.configuration.desired, observed) {
            let used_by = self.engine.volume_users(&volume).await?;
            if let Some(found) = observed.volumes.get_mut(&volume) {
                found.used_by = used_by;
            }
        }
        Ok(())
    }

    /// Remembers a plan that finds everything applied: what differs from now on without a commit is drift.
    pub(super) fn saw(&mut self, plan: &Plan) {
        let all = match &self.request.selection {
            Selection::All => true,
            Selection::Except(ids) => ids.is_empty(),
            Selection::Only(_) => false,
        };
        let desired = &self.configuration.desired;
        let known = self
            .request
            .before
            .as_ref()
            .is_some_and(|before| before == desired);
        if plan.is_converged() && all && !known {
            self.request.before = Some(Arc::clone(desired));
        }
    }

    /// The file that declares each workspace.
    fn places(&self) -> BTreeMap<WorkspaceId, &str> {
        let manifests = &self.configuration.manifests.workspaces;
        manifests.iter().map(|(id, m)| (id.clone(), m.path())).collect()
    }

    /// Each target must name a workspace that is declared or there.
    pub(super) fn check_targets(&self, observed: &ObservedState) -> Result<(), Error> {
        check_targets(&self.request.selection, &self.configuration.desired, observed)
    }

    /// Asks how much the replaced containers hold that will be lost.
    async fn measure(&self, containers: &[ObjectId], observed: &mut ObservedState) -> Result<(), Error> {
        let ids: Vec<_> = containers
            .iter()
            .filter_map(|object| Some((object.clone(), observed.objects.get(object)?.id.clone())))
            .collect();
        let sizes: Vec<(ObjectId, u64)> = futures_util::stream::iter(ids)
            .map(|(object, id)| async move { self.engine.written(&id).await.map(|size| (object, size)) })
            .buffer_unordered(SIZES_AT_ONCE)
            .try_collect()
            .await?;
        for (object, size) in sizes {
            if let Some(found) = observed.objects.get_mut(&object) {
                found.written = Some(size);
            }
        }
        Ok(())
    }
}

/// Each target must name a workspace that is declared or there: a slip of the pen must not look like converged.
pub(super) fn check_targets(
    selection: &Selection,
    desired: &DesiredState,
    observed: &ObservedState,
) -> Result<(), Error> {
    let Selection::Only(targets) = selection else {
        return Ok(());
    };
    let declared = desired.workspaces.keys();
    let all: BTreeSet<&WorkspaceId> = declared
        .chain(observed.objects.values().map(|o| &o.owner.workspace))
        .collect();
    let lost = targets
        .iter()
        .find(|target| !all.iter().any(|id| target.names(id)));
    let Some(lost) = lost else {
        return Ok(());
    };
    let words: Vec<String> = all
        .iter()
        .flat_map(|id| {
            [
                format!("workspace/{id}"),
                format!("workspace/{}", id.name),
                format!("user/{}", id.owner),
            ]
        })
        .collect();
    let near = nearest(&lost.to_string(), words.iter().map(String::as_str)).map(str::to_owned);
    Err(Error::new(format!("--target {lost} names no workspace"))
        .hint_opt(near.map(|near| format!("Did you mean {near}?"))))
}

/// The workspaces that a plan acts on, and those whose objects it takes for another one.
fn touched(planned: &Planned) -> BTreeSet<WorkspaceId> {
    let steps = &planned.plan.steps;
    let owners = steps
        .iter()
        .filter_map(|step| planned.observed.objects.get(&step.object))
        .map(|object| &object.owner.workspace);
    let workspaces = steps.iter().map(|step| &step.workspace);
    workspaces.chain(owners).cloned().collect()
}

/// Whether a plan pulls or builds an image, which other workspaces may share.
fn fetches(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| step.object.kind == Kind::Image)
}

/// The workspaces that have objects and that nothing declares.
fn undeclared(desired: &DesiredState, observed: &ObservedState) -> Vec<WorkspaceId> {
    let present: BTreeSet<&WorkspaceId> = observed.objects.values().map(|o| &o.owner.workspace).collect();
    present
        .into_iter()
        .filter(|id| !desired.workspaces.contains_key(*id))
        .cloned()
        .collect()
}

fn replaced_containers(plan: &Plan) -> Vec<ObjectId> {
    plan.changes
        .iter()
        .filter(|c| c.action == ChangeAction::Replace && c.object.kind == Kind::Container)
        .map(|c| c.object.clone())
        .collect()
}
