//! The draft of one declared workspace.

use super::builder::{Builder, Context};
use super::fate::{Fate, Fates};
use super::{Draft, DraftStep, Key, Present, Verb, adopted, drift, marks, moved, ready, stopped};
use crate::model::{
    DesiredContainer, DesiredWorkspace, ImageSpec, Kind, Labels, ObservedObject, Power, Role, Seconds, Spec,
    StopHooks,
};
use crate::plan::Asked;
use crate::plan::change::{ChangeAction, Impact, MISSING};
use crate::plan::step::{Action, Creation};

/// One declared workspace on its way to a draft.
pub(super) struct Walk<'a, 'd> {
    pub(super) builder: Builder<'a>,
    pub(super) desired: &'d DesiredWorkspace,
    pub(super) present: &'d Present<'a>,
    pub(super) fates: Fates<'a>,
    /// Whether its containers are to run after this plan.
    pub(super) run: bool,
}

pub(super) fn draft<'a>(
    context: Context<'a>,
    desired: &DesiredWorkspace,
    present: &Present<'a>,
    former: Option<&Present<'a>>,
) -> Draft {
    let asked = context.request.power.get(&desired.id).copied();
    if let Some(Asked::Suspend(time)) = asked
        && may_be_suspended(context, desired, time)
    {
        return suspension(context, desired, present);
    }
    let fates = Fates::of(desired, present);
    let run = wants_to_run(asked, desired, present);
    let mut walk = Walk {
        builder: Builder::new(context, &desired.id),
        desired,
        present,
        fates,
        run,
    };
    walk.builder.draft.asked = matches!(asked, Some(Asked::Run | Asked::Stop));
    stopped::record(&mut walk);
    walk.stop();
    walk.tear_down();
    walk.surplus();
    walk.create();
    if let Some(former) = former {
        moved::take_over(&mut walk, former);
    }
    adopted::take_over(&mut walk, former);
    walk.containers();
    if walk.run {
        ready::wait(&mut walk);
        walk.pre_start();
        marks::clones(&mut walk);
        marks::post_start(&mut walk);
    } else {
        marks::keep(&mut walk);
    }
    walk.images();
    drift::judge(&mut walk);
    drift::record(&mut walk);
    walk.builder.draft
}

/// Whether the containers are to run: as declared, or as is asked for where the declaration leaves that open.
fn wants_to_run(asked: Option<Asked>, desired: &DesiredWorkspace, present: &Present<'_>) -> bool {
    match (asked, desired.power) {
        (Some(Asked::Run), _) | (Some(Asked::Suspend(_)) | None, Power::On) => true,
        (Some(Asked::Stop), _) | (Some(Asked::Suspend(_)) | None, Power::Off) => false,
        (Some(Asked::Suspend(_)) | None, Power::Auto) => !stopped::is_recorded(present),
    }
}

/// Whether a workspace that nobody has used for so long is suspended, by what is declared now.
fn may_be_suspended(context: Context<'_>, desired: &DesiredWorkspace, time: Seconds) -> bool {
    let is_open = desired.power == Power::Auto && !desired.suspend && !context.suspended;
    is_open && desired.idle_timeout.is_some_and(|timeout| timeout <= time)
}

/// The stop of a workspace that nobody uses, and nothing else of what it lacks: that is for another plan, and may have to
/// wait.
fn suspension<'a>(context: Context<'a>, desired: &DesiredWorkspace, present: &Present<'a>) -> Draft {
    let mut walk = Walk {
        builder: Builder::new(context, &desired.id),
        desired,
        present,
        fates: Fates::kept(present),
        run: false,
    };
    walk.builder.draft.asked = true;
    stopped::record(&mut walk);
    walk.stop();
    walk.builder.draft
}

pub(in crate::plan) fn is_up(object: &ObservedObject) -> bool {
    object.run.is_up()
}

impl<'a> Walk<'a, '_> {
    pub(super) fn role(container: &DesiredContainer) -> Role {
        Role::Component(container.component.clone())
    }

    /// The container of a component, as it runs now, if it goes on running.
    pub(super) fn goes_on(&self, component: &str) -> Option<&'a ObservedObject> {
        let role = Role::Component(component.to_owned());
        self.fates
            .get(&role)
            .kept()
            .filter(|c| self.run && c.run.is_running())
    }

    pub(super) fn pods_up(&self) -> impl Iterator<Item = (&Role, &'a ObservedObject)> {
        self.present
            .iter()
            .filter(|(role, o)| role.kind() == Kind::Pod && is_up(o))
            .map(|(r, o)| (r, *o))
    }

    /// Every key that must be done before a pod's or network's namespace may go.
    pub(super) fn container_removals(&self) -> Vec<Key> {
        self.present
            .values()
            .filter(|o| o.object.kind == Kind::Container)
            .map(|o| Key(o.object.clone(), Verb::Remove))
            .collect()
    }

    /// Network, volumes and pods: creates what is missing or was torn down.
    fn create(&mut self) {
        let network = Creation::Network(self.desired.network.clone());
        self.create_one(&Role::Network, network, Vec::new());
        for (role, spec) in self.desired.volumes.clone() {
            self.create_one(&role, Creation::Volume(spec), Vec::new());
        }
        let mut before = vec![self.builder.key(&Role::Network, Verb::Create)];
        // As long as no pod is there, a plan after a crash knows that the volumes hold nothing of the workspace's own.
        let moves = self.desired.volumes.keys().flat_map(adopted::filled_marks);
        before.extend(moves.map(|mark| self.builder.key(&mark, Verb::Mark)));
        for (role, spec) in self.desired.pods.clone() {
            self.create_one(&role, Creation::Pod(spec), before.clone());
        }
    }

    fn create_one(&mut self, role: &Role, what: Creation, mut after: Vec<Key>) {
        let object = self.builder.object(role);
        match self.fates.get(role).clone() {
            Fate::Keep(_) => {
                self.builder.draft.noop += 1;
                return;
            }
            Fate::Create => {
                self.builder.claim(&object);
                self.builder
                    .change(role, ChangeAction::Create, Impact::None, MISSING);
            }
            Fate::Replace { old, reason, fields } => {
                let lost = role.is_data() && !is_ephemeral(old);
                let impact = if lost { Impact::DataLoss } else { Impact::Recreate };
                let workspace = self.desired.id.clone();
                let change = ChangeAction::Replace;
                self.builder
                    .change_of(object.clone(), workspace, change, impact, reason, fields);
            }
        }
        after.push(Key(object.clone(), Verb::Remove));
        let hooks = (*role == Role::Pod).then(|| stop_hooks(self.desired)).flatten();
        let labels = self.builder.labels(role, &what.spec(), hooks);
        let action = Action::Create { what, labels };
        self.builder.step(Key(object, Verb::Create), action, after);
    }

    /// The images that new containers need and that are not there.
    fn images(&mut self) {
        for image in &self.desired.images {
            let uses = |s: &DraftStep| s.action.image() == Some(&*image.reference);
            let wanted = self.builder.draft.steps.iter().any(uses);
            if !wanted
                || self
                    .builder
                    .context
                    .observed
                    .images
                    .contains_key(&image.reference)
            {
                continue;
            }
            let key = image_key(image);
            let reason = match image.source {
                crate::model::ImageSource::Pull => "it is not on this machine and is pulled",
                crate::model::ImageSource::Build { .. } => "it is not on this machine and is built",
            };
            let workspace = self.desired.id.clone();
            let (action, impact) = (ChangeAction::Create, Impact::None);
            self.builder.change_of(
                key.0.clone(),
                workspace,
                action,
                impact,
                reason.to_owned(),
                Vec::new(),
            );
            let labels = Labels::from([
                (
                    crate::model::labels::SITE.to_owned(),
                    self.builder.context.site.to_string(),
                ),
                (
                    crate::model::labels::WORKSPACE.to_owned(),
                    self.desired.id.to_string(),
                ),
            ]);
            let action = Action::EnsureImage {
                image: image.clone(),
                labels,
            };
            self.builder.step(key, action, Vec::new());
        }
    }
}

pub(super) fn image_key(image: &ImageSpec) -> Key {
    Key(
        crate::model::ObjectId::new(Kind::Image, image.reference.clone()),
        Verb::Fetch,
    )
}

/// Whether an object's label says that it holds nothing that lasts.
pub(super) fn is_ephemeral(object: &ObservedObject) -> bool {
    match serde_json::from_str::<Spec>(&object.owner.identity.spec) {
        Ok(Spec::Volume(volume)) => volume.ephemeral,
        Ok(Spec::Network(_) | Spec::Pod(_) | Spec::Container(_) | Spec::Mark(_)) | Err(_) => false,
    }
}

/// What runs around a stop, as the pod's label keeps it.
fn stop_hooks(desired: &DesiredWorkspace) -> Option<String> {
    if desired.stop_hooks == StopHooks::default() {
        return None;
    }
    // Invariant: specifications are strings, numbers and lists, which serialise.
    serde_json::to_string(&desired.stop_hooks).ok()
}
