//! What is done once, or once a start, and recorded by a mark: projects cloned, post-start commands passed, health checks
//! passed (see [`super::ready`]).
//!
//! A mark counts only for the incarnation of what it was done to: a project is cloned once for each projects volume
//! (once a start, where that volume is ephemeral), and the post-start commands run once for each start.

use std::collections::{BTreeMap, BTreeSet};

use super::builder::target;
use super::workspace::{Walk, is_ephemeral};
use super::{Key, Verb, stopped};
use crate::model::{CloneProject, Kind, MarkSpec, ObjectId, Role, Spec};
use crate::plan::change::{ChangeAction, Impact};
use crate::plan::clone;
use crate::plan::step::{Action, Target, ToolsContainer};

/// Clones what is not cloned yet, in the devfile's order, after the containers have started.
pub(super) fn clones(walk: &mut Walk<'_, '_>) {
    let mut before: Option<Key> = None;
    let ephemeral = walk
        .desired
        .volumes
        .get(&Role::Projects)
        .is_some_and(|v| v.ephemeral);
    for project in &walk.desired.projects {
        let (role, spec) = project.mark();
        let container = Role::Component(project.component.clone());
        let subject = if ephemeral {
            container.clone()
        } else {
            Role::Projects
        };
        let subject_object = walk.builder.object(&subject);
        if holds(walk, &role, &spec, std::slice::from_ref(&subject)) {
            walk.builder.draft.noop += 1;
            continue;
        }
        // Data that is moved here brings its clones along, if they were ever made: cloning over one does nothing.
        let moved = Key(subject_object.clone(), Verb::Move);
        let reason = if walk.builder.draft.steps.iter().any(|s| s.key == moved) {
            format!("project {} is moved along", project.name)
        } else {
            format!("project {} is not cloned yet", project.name)
        };
        let key = walk.builder.key(&role, Verb::Clone);
        let mut after = vec![Key(walk.builder.object(&container), Verb::Start)];
        after.extend(before.take());
        let action = clone_action(walk, project, &container);
        walk.builder.step(key.clone(), action, after);
        mark(
            walk,
            &role,
            spec,
            vec![subject_object.clone()],
            vec![key.clone(), Key(subject_object, Verb::Move)],
            &reason,
        );
        before = Some(key);
    }
    drop_others(walk);
}

fn clone_action(walk: &Walk<'_, '_>, project: &CloneProject, container: &Role) -> Action {
    let object = walk.builder.object(container);
    let id = walk.fates.get(container).kept().map(|c| c.id.clone());
    let tools = walk.desired.tools.as_ref().map(|tools| {
        let role = Role::Event(format!("clone-{}", project.name));
        let spec = clone::in_container(&tools.spec, project);
        let labels = walk.builder.labels(&role, &Spec::Container(spec.clone()), None);
        ToolsContainer {
            name: walk.builder.object(&role).name,
            spec,
            limits: tools.limits,
            labels,
        }
    });
    Action::Clone {
        project: project.clone(),
        container: target(&object, id),
        tools,
    }
}

/// Runs the post-start commands where one of their containers has started since they passed.
pub(super) fn post_start(walk: &mut Walk<'_, '_>) {
    let Some((role, spec)) = walk.desired.post_start_mark() else {
        return;
    };
    let mut containers: BTreeMap<String, Target> = BTreeMap::new();
    for command in &walk.desired.post_start {
        let role = Role::Component(command.component.clone());
        let id = walk.fates.get(&role).kept().map(|c| c.id.clone());
        containers.insert(command.component.clone(), target(&walk.builder.object(&role), id));
    }
    if !post_start_is_due(walk) {
        walk.builder.draft.noop += 1;
        return;
    }
    let before = |s: &super::DraftStep| matches!(s.key.1, Verb::Start | Verb::Ready | Verb::Clone);
    let mut after: Vec<Key> = walk
        .builder
        .draft
        .steps
        .iter()
        .filter(|s| before(s))
        .map(|s| s.key.clone())
        .collect();
    after.sort();
    let key = walk.builder.key(&Role::Pod, Verb::PostStart);
    let commands = walk.desired.post_start.clone();
    let containers = containers.into_iter().collect();
    walk.builder.step(
        key.clone(),
        Action::RunCommands {
            commands,
            containers,
            required: true,
        },
        after,
    );
    let subjects = post_start_subjects(walk);
    let objects = subjects.iter().map(|r| walk.builder.object(r)).collect();
    mark(
        walk,
        &role,
        spec,
        objects,
        vec![key],
        "the post-start commands have not passed since the start",
    );
}

/// Whether there are post-start commands, and one of their containers has started since they passed, or will.
pub(super) fn post_start_is_due(walk: &Walk<'_, '_>) -> bool {
    let mark = walk.desired.post_start_mark();
    mark.is_some_and(|(role, spec)| !holds(walk, &role, &spec, &post_start_subjects(walk)))
}

/// The containers that the post-start commands run in, by name.
fn post_start_subjects(walk: &Walk<'_, '_>) -> Vec<Role> {
    let components: BTreeSet<&String> = walk.desired.post_start.iter().map(|c| &c.component).collect();
    components
        .into_iter()
        .map(|c| Role::Component(c.clone()))
        .collect()
}

/// A workspace that is not to run keeps its marks; they are looked at when it starts.
pub(super) fn keep(walk: &mut Walk<'_, '_>) {
    let is_kept = |role: &&Role| matches!(role, Role::Mark(_)) && **role != super::drift::role();
    walk.builder.draft.noop += walk.present.keys().filter(is_kept).count();
}

/// Whether a mark is there and counts for what there is, and will be after this plan.
pub(super) fn holds(walk: &Walk<'_, '_>, role: &Role, spec: &MarkSpec, subjects: &[Role]) -> bool {
    let Some(present) = walk.present.get(role) else {
        return false;
    };
    let now: Option<Vec<String>> = subjects
        .iter()
        .map(|subject| {
            let kept = match subject {
                Role::Component(component) => walk.goes_on(component),
                Role::Network
                | Role::Pod
                | Role::DedicatedPod(_)
                | Role::Projects
                | Role::Home
                | Role::Data(_)
                | Role::Event(_)
                | Role::Mark(_) => walk.fates.get(subject).kept().filter(|o| !is_ephemeral(o)),
            };
            kept?.incarnation()
        })
        .collect();
    let spec = Spec::Mark(spec.clone());
    present.owner.identity.hash == crate::model::spec_hash(&spec)
        && now.is_some_and(|now| present.owner.subject.as_deref() == Some(join(&now).as_str()))
}

/// The incarnations of a mark's subjects, as its label holds them.
#[must_use]
pub fn join(incarnations: &[String]) -> String {
    incarnations.join(",")
}

/// Records something, in place of an older record.
pub(super) fn mark(
    walk: &mut Walk<'_, '_>,
    role: &Role,
    spec: MarkSpec,
    subject: Vec<ObjectId>,
    mut after: Vec<Key>,
    reason: &str,
) {
    let object = walk.builder.object(role);
    let action = match walk.present.get(role) {
        Some(old) => {
            walk.builder.remove(old, after.clone());
            after.push(Key(object.clone(), Verb::Remove));
            ChangeAction::Replace
        }
        None => {
            walk.builder.claim(&object);
            ChangeAction::Create
        }
    };
    walk.builder.change(role, action, Impact::None, reason);
    let labels = walk.builder.labels(role, &Spec::Mark(spec.clone()), None);
    walk.builder.step(
        Key(object, Verb::Mark),
        Action::Mark {
            spec,
            labels,
            subject,
        },
        after,
    );
}

/// Removes the marks of what is no longer declared.
fn drop_others(walk: &mut Walk<'_, '_>) {
    let mut declared: Vec<Role> = walk.desired.projects.iter().map(|p| p.mark().0).collect();
    declared.extend(walk.desired.post_start_mark().map(|(role, _)| role));
    declared.extend(walk.desired.ready_mark().map(|(role, _)| role));
    declared.extend(walk.desired.volumes.keys().flat_map(super::adopted::filled_marks));
    declared.extend(walk.builder.context.records.then(super::drift::role));
    for (role, object) in walk.present {
        if matches!(role, Role::Mark(_)) && object.object.kind == Kind::Volume && !declared.contains(role) {
            let reason = stopped::reason(role).unwrap_or("what it records is not declared any more");
            walk.builder
                .change(role, ChangeAction::Delete, Impact::None, reason);
            walk.builder.remove(object, Vec::new());
        }
    }
}
