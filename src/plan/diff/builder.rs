//! The draft of one workspace while it grows.

use super::{Draft, DraftStep, Key, Verb};
use crate::model::{
    EngineId, Identity, Kind, Labels, Name, ObjectId, ObservedObject, ObservedState, Ownership, Role, Spec,
    WorkspaceId,
};
use crate::plan::Request;
use crate::plan::change::{Blocked, Change, ChangeAction, FieldChange, Hold, Impact};
use crate::plan::step::{Action, Target};

/// What every draft of a plan shares.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) site: &'a Name,
    pub(super) observed: &'a ObservedState,
    pub(super) request: &'a Request,
    /// Whether it is recorded what is declared, because the Site does not just repair drift.
    pub(super) records: bool,
    /// Whether the Site says `suspend: true`.
    pub(super) suspended: bool,
}

pub(super) struct Builder<'a> {
    pub(super) context: Context<'a>,
    pub(super) draft: Draft,
}

impl<'a> Builder<'a> {
    pub(super) fn new(context: Context<'a>, workspace: &WorkspaceId) -> Self {
        let draft = Draft {
            workspace: workspace.clone(),
            changes: Vec::new(),
            steps: Vec::new(),
            conflicts: Vec::new(),
            noop: 0,
            removal: false,
            asked: false,
        };
        Self { context, draft }
    }

    /// The name of the workspace's object of that role.
    pub(super) fn object(&self, role: &Role) -> ObjectId {
        role.object_id(self.context.site, &self.draft.workspace)
    }

    pub(super) fn key(&self, role: &Role, verb: Verb) -> Key {
        Key(self.object(role), verb)
    }

    /// The labels of a new object.
    pub(super) fn labels(&self, role: &Role, spec: &Spec, stop_hooks: Option<String>) -> Labels {
        Ownership {
            site: self.context.site.clone(),
            workspace: self.draft.workspace.clone(),
            role: role.clone(),
            identity: Identity::of(spec),
            commit: self.context.request.revision.commit.clone(),
            subject: None,
            stop_hooks,
        }
        .to_labels()
    }

    pub(super) fn change(
        &mut self,
        role: &Role,
        action: ChangeAction,
        impact: Impact,
        reason: impl Into<String>,
    ) {
        let object = self.object(role);
        let workspace = self.draft.workspace.clone();
        self.change_of(object, workspace, action, impact, reason.into(), Vec::new());
    }

    pub(super) fn change_of(
        &mut self,
        object: ObjectId,
        workspace: WorkspaceId,
        action: ChangeAction,
        impact: Impact,
        reason: String,
        fields: Vec<FieldChange>,
    ) {
        self.draft.changes.push(Change {
            object,
            workspace,
            action,
            impact,
            fields,
            reason,
            drift: None,
        });
    }

    pub(super) fn step(&mut self, key: Key, action: Action, after: Vec<Key>) {
        self.draft.steps.push(DraftStep { key, action, after });
    }

    pub(super) fn conflict(&mut self, object: ObjectId, reason: String) {
        let workspace = self.draft.workspace.clone();
        self.draft.conflicts.push(Blocked {
            object,
            workspace,
            reason,
            approve: None,
            hold: Hold::Conflict,
            until: None,
        });
    }

    /// A name that is about to be taken must be free.
    pub(super) fn claim(&mut self, object: &ObjectId) {
        // Podman 4.3 keeps pods and containers in one name space, Podman 5 no longer.
        let kinds: &[Kind] = match object.kind {
            Kind::Pod | Kind::Container => &[Kind::Pod, Kind::Container],
            Kind::Image => &[Kind::Image],
            Kind::Network => &[Kind::Network],
            Kind::Volume => &[Kind::Volume],
        };
        for kind in kinds {
            let taken = ObjectId::new(*kind, object.name.clone());
            if self.context.observed.foreign.contains(&taken) {
                let reason = format!(
                    "a {kind} named {} exists that this site does not own; rename or remove it by hand",
                    object.name
                );
                self.conflict(taken, reason);
            }
        }
    }

    /// Stops a container that runs, or a pod of which anything runs.
    pub(super) fn stop(&mut self, object: &ObservedObject, after: Vec<Key>) {
        let key = Key(object.object.clone(), Verb::Stop);
        self.step(key, Action::Stop { target: seen(object) }, after);
    }

    /// Removes an object, after it has been stopped and after `after`.
    pub(super) fn remove(&mut self, object: &ObservedObject, mut after: Vec<Key>) {
        after.push(Key(object.object.clone(), Verb::Stop));
        let key = Key(object.object.clone(), Verb::Remove);
        self.step(key, Action::Remove { target: seen(object) }, after);
    }
}

/// An object as the plan saw it.
pub(super) fn seen(object: &ObservedObject) -> Target {
    target(&object.object, Some(object.id.clone()))
}

pub(super) fn target(object: &ObjectId, id: Option<EngineId>) -> Target {
    Target {
        name: object.name.clone(),
        id,
    }
}
