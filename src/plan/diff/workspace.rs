//! The draft of one declared workspace.

use std::collections::BTreeMap;

use super::builder::{Builder, Context, seen, target};
use super::fate::{Fate, Fates, pod_role};
use super::{Draft, Key, Present, Verb, limits, marks, moved};
use crate::model::{
    DesiredContainer, DesiredWorkspace, ExecCommand, ImageSpec, Kind, Labels, ObservedObject, Power, Role,
    RunState, Spec,
};
use crate::plan::change::{ChangeAction, Impact};
use crate::plan::step::Action;

/// The most seconds that a container of an event may run.
const EVENT_SECONDS: u64 = 600;

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
    let fates = Fates::of(desired, present);
    let run = wants_to_run(context, desired, present, &fates);
    let mut walk = Walk {
        builder: Builder::new(context, &desired.id),
        desired,
        present,
        fates,
        run,
    };
    walk.stop();
    walk.tear_down();
    walk.surplus();
    walk.create();
    if let Some(former) = former {
        moved::take_over(&mut walk, former);
    }
    walk.containers();
    if walk.run {
        walk.pre_start();
        marks::clones(&mut walk);
        marks::post_start(&mut walk);
    } else {
        marks::keep(&mut walk);
    }
    walk.images();
    walk.builder.draft
}

/// Whether the containers are to run: as declared, or as a person asked for just now.
fn wants_to_run(
    context: Context<'_>,
    desired: &DesiredWorkspace,
    present: &Present<'_>,
    fates: &Fates<'_>,
) -> bool {
    if let Some(asked) = context.request.power.get(&desired.id) {
        return *asked;
    }
    match desired.power {
        Power::On => true,
        Power::Off => false,
        Power::Auto => !desired.pods.keys().all(|role| {
            let kept = fates.get(role).kept().is_some();
            let stopped = present
                .get(role)
                .is_some_and(|pod| matches!(pod.run, RunState::Exited { .. }));
            kept && stopped
        }),
    }
}

fn is_up(object: &ObservedObject) -> bool {
    match object.run {
        RunState::Running { .. } | RunState::Paused | RunState::Degraded | RunState::Unknown => true,
        RunState::Inert | RunState::Created | RunState::Exited { .. } => false,
    }
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

    fn pods_up(&self) -> impl Iterator<Item = (&Role, &'a ObservedObject)> {
        self.present
            .iter()
            .filter(|(role, o)| role.kind() == Kind::Pod && is_up(o))
            .map(|(r, o)| (r, *o))
    }

    /// Every key that must be done before a pod's or network's namespace may go.
    fn container_removals(&self) -> Vec<Key> {
        self.present
            .values()
            .filter(|o| o.object.kind == Kind::Container)
            .map(|o| Key(o.object.clone(), Verb::Remove))
            .collect()
    }

    /// Stops the workspace as a whole where it is not to run.
    fn stop(&mut self) {
        if self.run {
            return;
        }
        let pods: Vec<(Role, &ObservedObject)> = self.pods_up().map(|(r, o)| (r.clone(), o)).collect();
        if pods.is_empty() {
            return;
        }
        let pre_stop: Vec<Key> = self.pre_stop(|_| true).into_iter().collect();
        let before = self.post_stop(&pre_stop).unwrap_or(pre_stop);
        for (role, pod) in &pods {
            let reason = match self.desired.power {
                Power::Off => "power is off",
                Power::On | Power::Auto => "asked for",
            };
            if self.fates.get(role).kept().is_some() {
                self.builder
                    .change(role, ChangeAction::Stop, Impact::Restart, reason);
            }
            self.builder.stop(pod, before.clone());
        }
    }

    /// Runs the post-stop containers after the others have stopped and before their pod does: they need its network.
    fn post_stop(&mut self, before: &[Key]) -> Option<Vec<Key>> {
        // In a pod that is replaced they would have to wait for the new one, and that for the old one's end.
        if self.desired.post_stop.is_empty() || self.fates.get(&Role::Pod).kept().is_none() {
            return None;
        }
        let up: Vec<&ObservedObject> = self
            .present
            .values()
            .filter(|o| o.object.kind == Kind::Container && is_up(o))
            .copied()
            .collect();
        let mut stops = before.to_vec();
        for container in up {
            self.builder.stop(container, before.to_vec());
            stops.push(Key(container.object.clone(), Verb::Stop));
        }
        let chain = self.desired.post_stop.clone();
        self.run_to_end(&chain, Verb::PostStop, stops);
        chain
            .last()
            .map(|last| vec![self.event_key(last, Verb::PostStop)])
    }

    /// Runs the pre-stop commands of components that `which` picks and that run now.
    fn pre_stop(&mut self, which: impl Fn(&str) -> bool) -> Option<Key> {
        let commands: Vec<ExecCommand> = self
            .desired
            .pre_stop
            .iter()
            .filter(|c| {
                let role = Role::Component(c.component.clone());
                which(&c.component) && self.present.get(&role).is_some_and(|o| o.run.is_running())
            })
            .cloned()
            .collect();
        if commands.is_empty() {
            return None;
        }
        let mut containers = BTreeMap::new();
        for command in &commands {
            let role = Role::Component(command.component.clone());
            if let Some(object) = self.present.get(&role) {
                containers.insert(command.component.clone(), seen(object));
            }
        }
        let key = self.builder.key(&Role::Pod, Verb::PreStop);
        let containers = containers.into_iter().collect();
        let action = Action::RunCommands {
            commands,
            containers,
            required: false,
        };
        self.builder.step(key.clone(), action, Vec::new());
        Some(key)
    }

    /// Stops and removes what is replaced.
    fn tear_down(&mut self) {
        let replaced: Vec<(Role, &ObservedObject)> = self
            .fates
            .iter()
            .filter_map(|(role, fate)| match fate {
                Fate::Replace { old, .. } => Some((role.clone(), *old)),
                Fate::Keep(_) | Fate::Create => None,
            })
            .collect();
        let fetched: Vec<Key> = self.desired.images.iter().map(image_key).collect();
        let components: Vec<String> = replaced
            .iter()
            .filter_map(|(role, _)| match role {
                Role::Component(name) => Some(name.clone()),
                Role::Network
                | Role::Pod
                | Role::DedicatedPod(_)
                | Role::Projects
                | Role::Home
                | Role::Data(_)
                | Role::Event(_)
                | Role::Mark(_) => None,
            })
            .collect();
        let pre_stop = if self.run {
            self.pre_stop(|c| components.iter().any(|x| x == c))
        } else {
            None
        };
        for (role, old) in replaced {
            let mut before = fetched.clone();
            before.extend(pre_stop.clone());
            match role.kind() {
                Kind::Container => {
                    if is_up(old) {
                        self.builder.stop(old, before.clone());
                    }
                    self.builder.remove(old, before);
                }
                Kind::Pod => {
                    before.extend(self.container_removals());
                    self.builder.remove(old, before);
                }
                Kind::Network => {
                    let pods = self.present.iter().filter(|(r, _)| r.kind() == Kind::Pod);
                    before.extend(pods.map(|(_, o)| Key(o.object.clone(), Verb::Remove)));
                    self.builder.remove(old, before);
                }
                Kind::Volume => {
                    before.extend(self.container_removals());
                    self.builder.remove(old, before);
                }
                Kind::Image => {}
            }
        }
    }

    /// What belongs to the workspace and is not declared any more.
    fn surplus(&mut self) {
        let surplus: Vec<(Role, &ObservedObject)> = self
            .present
            .iter()
            .filter(|(role, _)| match role {
                Role::Mark(_) => false,
                Role::Network => false,
                Role::Component(name) => !self.desired.containers.iter().any(|c| c.component == *name),
                Role::Pod | Role::DedicatedPod(_) => !self.desired.pods.contains_key(role),
                Role::Projects | Role::Home | Role::Data(_) => !self.desired.volumes.contains_key(role),
                Role::Event(_) => true,
            })
            .map(|(role, object)| (role.clone(), *object))
            .collect();
        for (role, object) in surplus {
            match role.kind() {
                Kind::Volume if !is_ephemeral(object) => {
                    let reason = "nothing declares it any more; it is kept";
                    self.builder
                        .change(&role, ChangeAction::Retain, Impact::None, reason);
                }
                Kind::Volume | Kind::Pod | Kind::Network => {
                    let reason = "nothing declares it any more";
                    self.builder
                        .change(&role, ChangeAction::Delete, Impact::Restart, reason);
                    let before = self.container_removals();
                    self.builder.remove(object, before);
                }
                Kind::Container => {
                    let event = matches!(role, Role::Event(_));
                    let (reason, impact) = if event {
                        ("it is left from an interrupted run", Impact::None)
                    } else {
                        ("its component is not declared any more", Impact::Recreate)
                    };
                    self.builder.change(&role, ChangeAction::Delete, impact, reason);
                    if is_up(object) {
                        self.builder.stop(object, Vec::new());
                    }
                    self.builder.remove(object, Vec::new());
                }
                Kind::Image => {}
            }
        }
    }

    /// Network, volumes and pods: creates what is missing or was torn down.
    fn create(&mut self) {
        let network = self.desired.network.clone();
        self.create_one(
            &Role::Network,
            &Spec::Network(network.clone()),
            Vec::new(),
            |labels| Action::CreateNetwork {
                spec: network.clone(),
                labels,
            },
        );
        for (role, spec) in self.desired.volumes.clone() {
            self.create_one(&role, &Spec::Volume(spec.clone()), Vec::new(), |labels| {
                Action::CreateVolume {
                    spec: spec.clone(),
                    labels,
                }
            });
        }
        let mut before = vec![self.builder.key(&Role::Network, Verb::Create)];
        // As long as no pod is there, a plan after a crash knows that the volumes hold nothing of the workspace's own.
        let moves = self.desired.volumes.keys().map(moved::mark_role);
        before.extend(moves.map(|mark| self.builder.key(&mark, Verb::Mark)));
        for (role, spec) in self.desired.pods.clone() {
            self.create_one(&role, &Spec::Pod(spec.clone()), before.clone(), |labels| {
                Action::CreatePod {
                    spec: spec.clone(),
                    labels,
                }
            });
        }
    }

    fn create_one(
        &mut self,
        role: &Role,
        spec: &Spec,
        mut after: Vec<Key>,
        action: impl Fn(Labels) -> Action,
    ) {
        let object = self.builder.object(role);
        match self.fates.get(role).clone() {
            Fate::Keep(_) => {
                self.builder.draft.noop += 1;
                return;
            }
            Fate::Create => {
                self.builder.claim(&object);
                self.builder
                    .change(role, ChangeAction::Create, Impact::None, "it is missing");
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
        let labels = self.builder.labels(role, spec, hooks);
        self.builder
            .step(Key(object, Verb::Create), action(labels), after);
    }

    /// The containers: created, started, resized.
    fn containers(&mut self) {
        let desired = self.desired;
        let main = desired.containers.first().map(|c| Self::role(c));
        for container in &desired.containers {
            let role = Self::role(container);
            let object = self.builder.object(&role);
            let spec = Spec::Container(container.spec.clone());
            let starts = match self.fates.get(&role).clone() {
                Fate::Keep(old) => self.kept_container(container, &role, old),
                Fate::Create => {
                    self.builder.claim(&object);
                    let reason = if self.present.contains_key(&Role::Pod) {
                        "it is gone"
                    } else {
                        "it is missing"
                    };
                    self.builder
                        .change(&role, ChangeAction::Create, Impact::None, reason);
                    self.run
                }
                Fate::Replace { old, reason, fields } => {
                    let reason = match old.written {
                        Some(written) => format!(
                            "{reason}; {} written in the container outside its volumes are lost",
                            crate::plan::display::size(written)
                        ),
                        None => reason,
                    };
                    let (action, impact) = (ChangeAction::Replace, Impact::Recreate);
                    let workspace = desired.id.clone();
                    self.builder
                        .change_of(object.clone(), workspace, action, impact, reason, fields);
                    self.run
                }
            };
            if self.fates.get(&role).kept().is_none() {
                let after = self.container_needs(container, &role);
                let labels = self.builder.labels(&role, &spec, None);
                let (spec, limits) = (container.spec.clone(), container.limits);
                let action = Action::CreateContainer { spec, limits, labels };
                self.builder
                    .step(Key(object.clone(), Verb::Create), action, after);
            }
            if starts {
                let mut after = vec![Key(object.clone(), Verb::Create), Key(object.clone(), Verb::Stop)];
                // The main container goes first: a new volume belongs to the user of the first container that mounts it.
                if let Some(main) = main.as_ref().filter(|main| **main != role) {
                    after.push(self.builder.key(main, Verb::Start));
                }
                after.extend(
                    desired
                        .pre_start
                        .iter()
                        .map(|c| self.event_key(c, Verb::PreStart)),
                );
                let id = self.fates.get(&role).kept().map(|o| o.id.clone());
                let action = Action::Start {
                    target: target(&object, id),
                    limits: container.limits,
                };
                self.builder.step(Key(object, Verb::Start), action, after);
            }
        }
    }

    /// A container that stays: whether it must be started.
    fn kept_container(&mut self, container: &DesiredContainer, role: &Role, old: &'a ObservedObject) -> bool {
        if !self.run {
            if !self
                .present
                .values()
                .any(|o| o.object.kind == Kind::Pod && is_up(o))
            {
                self.builder.draft.noop += 1;
            }
            return false;
        }
        if !old.run.is_running() {
            let reason = match old.run {
                RunState::Created => "it was created and never started".to_owned(),
                RunState::Exited { code } => format!("it has ended with exit code {code}"),
                RunState::Paused => "it is paused".to_owned(),
                RunState::Running { .. } | RunState::Inert | RunState::Degraded | RunState::Unknown => {
                    "it does not run".to_owned()
                }
            };
            self.builder
                .change(role, ChangeAction::Start, Impact::Restart, reason);
            return true;
        }
        let fields = old
            .enforced
            .as_ref()
            .map_or_else(Vec::new, |e| limits::differences(&container.limits, e));
        if fields.is_empty() {
            self.builder.draft.noop += 1;
            return false;
        }
        let reason = "the kernel enforces other limits".to_owned();
        let (object, workspace) = (old.object.clone(), self.desired.id.clone());
        let (action, impact) = (ChangeAction::Update, Impact::Resize);
        self.builder
            .change_of(object.clone(), workspace, action, impact, reason, fields);
        let action = Action::SetLimits {
            target: seen(old),
            limits: container.limits,
        };
        self.builder.step(Key(object, Verb::Resize), action, Vec::new());
        false
    }

    /// What must be there before a container can be created.
    pub(super) fn container_needs(&self, container: &DesiredContainer, role: &Role) -> Vec<Key> {
        let pod = pod_role(self.desired, role);
        let mut needs = vec![
            self.builder.key(&pod, Verb::Create),
            Key(self.builder.object(role), Verb::Remove),
        ];
        for volume in self.desired.volumes.keys() {
            let object = self.builder.object(volume);
            if container.spec.mounts.iter().any(|m| m.volume == object.name) {
                needs.push(Key(object.clone(), Verb::Create));
                needs.push(self.builder.key(&moved::mark_role(volume), Verb::Mark));
            }
        }
        let image = self
            .desired
            .images
            .iter()
            .find(|i| i.reference == container.spec.image);
        needs.extend(image.map(image_key));
        needs
    }

    /// Runs the pre-start containers where the workspace starts from nothing.
    fn pre_start(&mut self) {
        let starts = self.builder.draft.steps.iter().any(|s| s.key.1 == Verb::Start);
        let goes_on = self
            .desired
            .containers
            .iter()
            .any(|c| self.goes_on(&c.component).is_some());
        if starts && !goes_on {
            let stops: Vec<Key> = self
                .builder
                .draft
                .steps
                .iter()
                .filter(|s| matches!(s.key.1, Verb::Stop | Verb::Remove))
                .map(|s| s.key.clone())
                .collect();
            let chain = self.desired.pre_start.clone();
            self.run_to_end(&chain, Verb::PreStart, stops);
        }
    }

    fn event_key(&self, container: &DesiredContainer, verb: Verb) -> Key {
        self.builder.key(&Role::Event(container.component.clone()), verb)
    }

    /// Containers that run to their end, one after another.
    fn run_to_end(&mut self, chain: &[DesiredContainer], verb: Verb, first: Vec<Key>) {
        let mut before = first;
        for container in chain {
            let role = Role::Event(container.component.clone());
            let key = Key(self.builder.object(&role), verb);
            let mut after = self.container_needs(container, &role);
            after.extend(before);
            let labels = self
                .builder
                .labels(&role, &Spec::Container(container.spec.clone()), None);
            let (spec, limits) = (container.spec.clone(), container.limits);
            let action = Action::RunToEnd {
                spec,
                limits,
                labels,
                seconds: EVENT_SECONDS,
            };
            self.builder.step(key.clone(), action, after);
            before = vec![key];
        }
    }

    /// The images that new containers need and that are not there.
    fn images(&mut self) {
        for image in &self.desired.images {
            let wanted = self.builder.draft.steps.iter().any(|s| match &s.action {
                Action::CreateContainer { spec, .. } | Action::RunToEnd { spec, .. } => {
                    spec.image == image.reference
                }
                Action::Clone { tools, .. } => {
                    tools.as_ref().is_some_and(|t| t.spec.image == image.reference)
                }
                Action::EnsureImage { .. }
                | Action::CreateNetwork { .. }
                | Action::CreateVolume { .. }
                | Action::CreatePod { .. }
                | Action::Start { .. }
                | Action::SetLimits { .. }
                | Action::Stop { .. }
                | Action::Remove { .. }
                | Action::MoveData { .. }
                | Action::RunCommands { .. }
                | Action::Mark { .. } => false,
            });
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

/// What is to run around a stop, for when the devfile is no longer there; see the label's description.
fn stop_hooks(desired: &DesiredWorkspace) -> Option<String> {
    if desired.pre_stop.is_empty() {
        return None;
    }
    serde_json::to_string(&desired.pre_stop).ok()
}
