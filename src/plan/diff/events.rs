//! What runs around a start and a stop: an event's containers, each to its end, and the pre-stop commands.

use std::collections::BTreeMap;

use super::builder::{Builder, seen};
use super::workspace::Walk;
use super::{Key, Present, Verb};
use crate::model::{DesiredContainer, ExecCommand, Role, Spec};
use crate::plan::step::Action;

/// The most seconds that a container of an event may run.
const EVENT_SECONDS: u64 = 600;

impl Walk<'_, '_> {
    /// Runs the pre-start containers where the workspace starts from nothing.
    pub(super) fn pre_start(&mut self) {
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

    pub(super) fn event_key(&self, container: &DesiredContainer, verb: Verb) -> Key {
        self.builder.key(&Role::Event(container.component.clone()), verb)
    }

    /// Containers that run to their end, one after another.
    pub(super) fn run_to_end(&mut self, chain: &[DesiredContainer], verb: Verb, first: Vec<Key>) {
        let mut before = first;
        for container in chain {
            let role = Role::Event(container.component.clone());
            let mut after = self.container_needs(container, &role);
            after.extend(before);
            before = vec![self.builder.run_to_end(container, verb, after)];
        }
    }
}

impl Builder<'_> {
    /// Runs an event's container to its end. Only before a start does a failure stop what comes after.
    pub(super) fn run_to_end(&mut self, container: &DesiredContainer, verb: Verb, after: Vec<Key>) -> Key {
        let role = Role::Event(container.component.clone());
        let key = self.key(&role, verb);
        let spec = container.spec.clone();
        let action = Action::RunToEnd {
            labels: self.labels(&role, &Spec::Container(spec.clone()), None),
            spec,
            limits: container.limits,
            seconds: EVENT_SECONDS,
            required: verb == Verb::PreStart,
        };
        self.step(key.clone(), action, after);
        key
    }

    /// Runs those of the pre-stop commands whose containers run now.
    pub(super) fn run_pre_stop<'c>(
        &mut self,
        commands: impl Iterator<Item = &'c ExecCommand>,
        present: &Present<'_>,
        after: &[Key],
    ) -> Option<Key> {
        let mut containers = BTreeMap::new();
        let mut running = Vec::new();
        for command in commands {
            let role = Role::Component(command.component.clone());
            if let Some(container) = present.get(&role).filter(|c| c.run.is_running()) {
                containers.insert(command.component.clone(), seen(container));
                running.push(command.clone());
            }
        }
        if running.is_empty() {
            return None;
        }
        let pod = present.get(&Role::Pod).map(|pod| pod.object.clone());
        let key = Key(pod.unwrap_or_else(|| self.object(&Role::Pod)), Verb::PreStop);
        let action = Action::RunCommands {
            commands: running,
            containers: containers.into_iter().collect(),
            required: false,
        };
        self.step(key.clone(), action, after.to_vec());
        Some(key)
    }
}
