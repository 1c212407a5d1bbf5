//! The containers of events: each runs to its end, one after another.

use super::workspace::Walk;
use super::{Key, Verb};
use crate::model::{DesiredContainer, Role, Spec};
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
}
