//! Drift: which differences no commit explains.
//!
//! A commit explains a difference where what is declared of the object is not what was declared when the workspace was last
//! as declared. That is known from a record, or from the state that the caller has seen applied ([`Request::before`]); where
//! neither is there, it is not known, and the difference is treated as a commit's. The record is a mark on the engine that
//! holds a hash of each object's declaration. It is made after everything else has been done, so that what an
//! interrupted apply has left undone is never taken for drift, and only where the Site does anything else than repair.
//!
//! [`Request::before`]: crate::plan::Request

use std::collections::{BTreeMap, BTreeSet};

use super::fate::pod_role;
use super::workspace::Walk;
use super::{Key, Present, adopted, marks};
use crate::model::{DesiredWorkspace, Kind, MarkSpec, ObjectId, Role, Spec, content_hash, spec_hash};
use crate::plan::change::{Change, ChangeAction};

/// The characters of a hash that a record keeps: enough for one workspace's objects.
const SHORT: usize = 19;
/// What stands for the workspace's power in a record; no role is called so.
const POWER: &str = "power";

/// The record's place.
pub(super) fn role() -> Role {
    Role::Mark("declared".to_owned())
}

/// Whether an object is a record of what is declared, whoever's.
pub(in crate::plan) fn is_record(object: &ObjectId) -> bool {
    object.kind == Kind::Volume && object.name.ends_with(".declared.mark")
}

/// What is declared of each object, by role.
struct Record(BTreeMap<String, String>);

impl Record {
    fn of(desired: &DesiredWorkspace) -> Self {
        let mut all = BTreeMap::from([(POWER.to_owned(), format!("{:?}", desired.power))]);
        let mut add = |role: &Role, spec: &Spec| all.insert(role.to_string(), short(&spec_hash(spec)));
        add(&Role::Network, &Spec::Network(desired.network.clone()));
        for (role, spec) in &desired.volumes {
            add(role, &Spec::Volume(spec.clone()));
        }
        for (role, spec) in &desired.pods {
            add(role, &Spec::Pod(spec.clone()));
        }
        let projects = desired.projects.iter().map(crate::model::CloneProject::mark);
        let marks = projects
            .chain(desired.post_start_mark())
            .chain(desired.ready_mark());
        for (role, spec) in marks {
            add(&role, &Spec::Mark(spec));
        }
        for (role, volume) in &desired.adopt {
            let done = volume.clone();
            add(&adopted::mark_role(role), &Spec::Mark(MarkSpec { done }));
        }
        for container in &desired.containers {
            let role = Walk::role(container);
            add(&role, &Spec::Container(container.spec.clone()));
        }
        for container in &desired.containers {
            // Invariant: limits are numbers, which serialise.
            let limits = serde_json::to_string(&container.limits).unwrap_or_default();
            let hash = content_hash(limits.as_bytes());
            all.insert(limits_of(&Walk::role(container)), short(&hash));
        }
        Self(all)
    }

    /// The record that is there; nothing where it can't be read.
    fn read(present: &Present<'_>) -> Option<Self> {
        let mark = present.get(&role())?;
        let Ok(Spec::Mark(MarkSpec { done })) = serde_json::from_str(&mark.owner.identity.spec) else {
            return None;
        };
        serde_json::from_str(&done).ok().map(Self)
    }

    fn spec(&self) -> MarkSpec {
        // Invariant: texts by texts serialise.
        let done = serde_json::to_string(&self.0).unwrap_or_default();
        MarkSpec { done }
    }
}

fn short(hash: &str) -> String {
    hash.chars().take(SHORT).collect()
}

/// Where a record keeps a container's limits, which change without anything else; no role is called so.
fn limits_of(container: &Role) -> String {
    format!("limits/{container}")
}

/// Says of each change whether it is drift.
pub(super) fn judge(walk: &mut Walk<'_, '_>) {
    if walk.builder.draft.changes.is_empty() {
        return;
    }
    let context = walk.builder.context;
    let recorded = context.records.then(|| Record::read(walk.present)).flatten();
    let before = context.request.before.as_ref();
    let known = recorded.or_else(|| before?.workspaces.get(&walk.desired.id).map(Record::of));
    let Some(known) = known else { return };
    let now = Record::of(walk.desired);
    let explained = Explained::of(walk, &known, &now);
    for change in &mut walk.builder.draft.changes {
        change.drift = Some(!explained.holds(change));
    }
}

/// What commits explain.
struct Explained {
    roles: BTreeMap<ObjectId, Role>,
    /// Of which another thing is declared now, and what can't outlive those.
    renewed: BTreeSet<Role>,
    /// The containers for which other limits are declared now.
    resized: BTreeSet<Role>,
    power: bool,
}

impl Explained {
    fn of(walk: &Walk<'_, '_>, known: &Record, now: &Record) -> Self {
        let differs = |key: &str| known.0.get(key) != now.0.get(key);
        let keys = known.0.keys().chain(now.0.keys());
        let all: BTreeSet<Role> = keys.filter_map(|key| key.parse().ok()).collect();
        let roles = || all.iter().cloned();
        let mut renewed: BTreeSet<Role> = roles().filter(|role| differs(&role.to_string())).collect();
        // Roles are in the order in which one pulls the next one along. Whether it has been done already is not asked:
        // an apply that was interrupted leaves the rest undone.
        for (role, _) in walk.fates.iter() {
            if pulled_by(walk, role).iter().any(|r| renewed.contains(r)) {
                renewed.insert(role.clone());
            }
        }
        Self {
            resized: roles().filter(|role| differs(&limits_of(role))).collect(),
            roles: roles().map(|role| (walk.builder.object(&role), role)).collect(),
            renewed,
            power: differs(POWER),
        }
    }

    fn holds(&self, change: &Change) -> bool {
        let role = self.roles.get(&change.object);
        let renewed = role.is_none_or(|role| self.renewed.contains(role));
        // What is done after each start, and images, follow upon the containers.
        let started = self.power || self.renewed.iter().any(|role| role.component().is_some());
        match change.action {
            ChangeAction::Delete | ChangeAction::Retain => true,
            ChangeAction::Start | ChangeAction::Stop => self.power || renewed,
            ChangeAction::Update => renewed || role.is_some_and(|role| self.resized.contains(role)),
            ChangeAction::Create | ChangeAction::Replace if change.object.kind == Kind::Image => started,
            ChangeAction::Create | ChangeAction::Replace => renewed || (change.object.is_mark() && started),
        }
    }
}

/// What an object can't outlive.
fn pulled_by(walk: &Walk<'_, '_>, role: &Role) -> Vec<Role> {
    match role {
        Role::Pod | Role::DedicatedPod(_) => vec![Role::Network],
        Role::Component(name) => {
            let mut roles = vec![pod_role(walk.desired, role)];
            let container = walk.desired.containers.iter().find(|c| c.component == *name);
            let mounts = || container.iter().flat_map(|c| &c.spec.mounts);
            let mounted = |volume: &&Role| {
                let object = walk.builder.object(volume);
                mounts().any(|m| m.volume == object.name)
            };
            roles.extend(walk.desired.volumes.keys().filter(mounted).cloned());
            roles
        }
        Role::Network | Role::Projects | Role::Home | Role::Data(_) | Role::Event(_) | Role::Mark(_) => {
            Vec::new()
        }
    }
}

/// Records what is declared, once everything else has been done.
pub(super) fn record(walk: &mut Walk<'_, '_>) {
    if !walk.builder.context.records {
        return;
    }
    let (role, spec) = (role(), Record::of(walk.desired).spec());
    let hash = spec_hash(&Spec::Mark(spec.clone()));
    if walk
        .present
        .get(&role)
        .is_some_and(|mark| mark.owner.identity.hash == hash)
    {
        walk.builder.draft.noop += 1;
        return;
    }
    let all: Vec<Key> = walk
        .builder
        .draft
        .steps
        .iter()
        .map(|step| step.key.clone())
        .collect();
    let reason = "what is declared is recorded, to tell drift from a commit's change";
    marks::mark(walk, &role, spec, Vec::new(), all, reason);
    if let Some(change) = walk.builder.draft.changes.last_mut() {
        change.drift = Some(false);
    }
}
