//! The containers that stay up: created, started, resized.

use std::collections::BTreeSet;

use super::builder::{seen, target};
use super::fate::{Fate, pod_role};
use super::workspace::{Walk, image_key, is_up};
use super::{Key, Verb, adopted, limits, stopped};
use crate::model::{DesiredContainer, Kind, ObservedObject, Role, RunState, Spec};
use crate::plan::change::{ChangeAction, Impact, MISSING};
use crate::plan::step::{Action, Creation};

impl<'a, 'd> Walk<'a, 'd> {
    /// The containers: created, started, resized.
    pub(super) fn containers(&mut self) {
        let desired = self.desired;
        let main = desired.containers.first().map(Self::role);
        let before_main = self.up_to_main();
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
                        MISSING
                    };
                    self.builder
                        .change(&role, ChangeAction::Create, Impact::None, reason);
                    self.run
                }
                Fate::Replace { old, reason, fields } => {
                    let reason = match old.written {
                        Some(written) if written > 0 => format!(
                            "{reason}; {} written in the container outside its volumes are lost",
                            crate::plan::display::size(written)
                        ),
                        Some(_) | None => reason,
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
                let what = Creation::Container(container.spec.clone(), container.limits);
                let action = Action::Create { what, labels };
                self.builder
                    .step(Key(object.clone(), Verb::Create), action, after);
            }
            if starts {
                let mut after = vec![Key(object.clone(), Verb::Create), Key(object.clone(), Verb::Stop)];
                after.push(stopped::removal(self));
                // The main container goes first: a new volume belongs to the user of the first container that mounts it.
                // Only those that it waits for itself can't come after it.
                if let Some(main) = main
                    .as_ref()
                    .filter(|_| !before_main.contains(&*container.component))
                {
                    after.push(self.builder.key(main, Verb::Start));
                }
                for name in &container.depends_on {
                    let needed = Role::Component(name.clone());
                    after.extend([Verb::Start, Verb::Ready].map(|verb| self.builder.key(&needed, verb)));
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

    /// The main container's component, and those that it waits for, directly or through others.
    fn up_to_main(&self) -> BTreeSet<&'d str> {
        let containers = &self.desired.containers;
        let mut found = BTreeSet::new();
        let mut next: Vec<&str> = containers.first().map(|c| &*c.component).into_iter().collect();
        while let Some(component) = next.pop() {
            if found.insert(component) {
                let container = containers.iter().find(|c| c.component == component);
                next.extend(container.iter().flat_map(|c| &c.depends_on).map(String::as_str));
            }
        }
        found
    }

    /// A container that stays: whether it must be started.
    pub(super) fn kept_container(
        &mut self,
        container: &DesiredContainer,
        role: &Role,
        old: &'a ObservedObject,
    ) -> bool {
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
                let marks = adopted::filled_marks(volume);
                needs.extend(marks.map(|mark| self.builder.key(&mark, Verb::Mark)));
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
}
