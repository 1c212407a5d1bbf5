//! Waiting until containers are ready, and the record that they were: a mark that counts, like that of the post-start
//! commands, for one start of the containers. Without it a check that failed once would never be asked again.

use std::collections::BTreeMap;

use super::builder::target;
use super::workspace::Walk;
use super::{Key, Verb, marks};
use crate::model::{DesiredContainer, HealthCheck, Role};
use crate::plan::step::Action;

/// Waits for every container that says when it is ready, unless all of them are known to have been since their start.
/// Even then it waits for those that a container which starts waits for, and for all before the post-start commands.
pub(super) fn wait(walk: &mut Walk<'_, '_>) {
    let Some((mark, spec)) = walk.desired.ready_mark() else {
        return;
    };
    let checked: BTreeMap<Role, (&DesiredContainer, &HealthCheck)> = walk
        .desired
        .containers
        .iter()
        .filter_map(|c| Some((Walk::role(c), (c, c.health.as_ref()?))))
        .collect();
    let subjects: Vec<Role> = checked.keys().cloned().collect();
    let known = marks::holds(walk, &mark, &spec, &subjects);
    let all = !known || marks::post_start_is_due(walk);
    let steps = &walk.builder.draft.steps;
    let starts = |c: &DesiredContainer| {
        let key = walk.builder.key(&Walk::role(c), Verb::Start);
        steps.iter().any(|s| s.key == key)
    };
    let waited_for: Vec<&String> = walk
        .desired
        .containers
        .iter()
        .filter(|c| starts(c))
        .flat_map(|c| &c.depends_on)
        .collect();
    let mut keys = Vec::new();
    for (role, (container, check)) in &checked {
        if !all && !waited_for.contains(&&container.component) {
            continue;
        }
        let object = walk.builder.object(role);
        let id = walk.fates.get(role).kept().map(|o| o.id.clone());
        let action = Action::AwaitReady {
            target: target(&object, id),
            component: container.component.clone(),
            check: (*check).clone(),
        };
        let after = vec![Key(object.clone(), Verb::Start)];
        let key = Key(object, Verb::Ready);
        keys.push(key.clone());
        walk.builder.step(key, action, after);
    }
    if known {
        walk.builder.draft.noop += 1;
        return;
    }
    let objects = subjects.iter().map(|r| walk.builder.object(r)).collect();
    let reason = "the health checks have not passed since the start";
    marks::mark(walk, &mark, spec, objects, keys, reason);
}
