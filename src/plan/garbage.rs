//! What is the site's own and unused, and may be removed: images that wharf built, marks of what is gone, and the
//! volumes of removed workspaces past their time.
//!
//! In: the states, every image, since when workspaces are gone, and the time. Out: what may go and why, and what of it
//! stays and why. Networks, pods and containers that nothing declares are the plan's business. Nothing is removed here.

use std::collections::{BTreeMap, BTreeSet};

use super::{ChangeAction, Plan};
use crate::model::labels::{SITE, WORKSPACE};
use crate::model::{
    DesiredState, EngineId, Kind, Name, ObjectId, ObservedObject, ObservedState, Role, Seconds, StoredImage,
    WorkspaceId, content_hash,
};

/// How the names of images begin that wharf builds.
pub const BUILT: &str = "localhost/wharf/";

/// What [`garbage`] looks at.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The site.
    pub site: &'a Name,
    /// What it declares, and the plan for that; nothing where its repository is not at hand.
    pub declared: Option<(&'a DesiredState, &'a Plan)>,
    /// What there is.
    pub observed: &'a ObservedState,
    /// Every image.
    pub images: &'a [StoredImage],
    /// Since when workspaces are no longer declared, in seconds since 1970, where that is known.
    pub removed: &'a BTreeMap<WorkspaceId, i64>,
    /// The time, in seconds since 1970.
    pub now: i64,
    /// How long volumes are kept; nothing: for ever.
    pub retain: Option<Seconds>,
    /// How old what goes must be at least.
    pub older_than: Option<Seconds>,
}

/// Something that may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What it is called.
    pub object: ObjectId,
    /// Which incarnation.
    pub id: EngineId,
    /// Whose it was, where that is known.
    pub workspace: Option<WorkspaceId>,
    /// Why it may go.
    pub reason: String,
    /// Since when its workspace is gone, or it is there, in seconds since 1970, where that is known.
    pub since: Option<i64>,
    /// Its bytes, where they are known.
    pub bytes: Option<u64>,
    /// Whether somebody's data goes with it.
    pub data: bool,
}

/// Something unused that stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What it is called.
    pub object: ObjectId,
    /// Why it stays.
    pub reason: String,
}

/// What may go, and what stays though nothing uses it.
#[must_use]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Garbage {
    /// What may go, sorted by object.
    pub candidates: Vec<Candidate>,
    /// What stays.
    pub kept: Vec<Kept>,
    /// How many images nothing uses that wharf did not build: who wanted them is not recorded, so they stay.
    pub others: usize,
    /// Names the data that would be lost; nothing where none would be.
    pub digest: Option<String>,
}

/// Sorts what is unused into what may go and what stays.
pub fn garbage(look: &Look<'_>) -> Garbage {
    let mut garbage = Garbage::default();
    for image in look.images {
        look.image(image, &mut garbage);
    }
    for volume in look.observed.of_kind(Kind::Volume) {
        match &volume.owner.role {
            Role::Mark(_) => garbage.candidates.extend(look.mark(volume)),
            Role::Projects | Role::Home | Role::Data(_) => look.volume(volume, &mut garbage),
            Role::Network | Role::Pod | Role::DedicatedPod(_) | Role::Component(_) | Role::Event(_) => {}
        }
    }
    garbage.candidates.sort_by(|a, b| a.object.cmp(&b.object));
    garbage.kept.sort_by(|a, b| a.object.cmp(&b.object));
    garbage.digest = digest(look.site, &garbage.candidates);
    garbage
}

/// The digest over exactly the data that would go: consent to one list is none to another.
fn digest(site: &Name, candidates: &[Candidate]) -> Option<String> {
    let data = candidates.iter().filter(|c| c.data);
    let data: Vec<(&str, &str)> = data.map(|c| (c.object.name.as_str(), c.id.0.as_str())).collect();
    // Invariant: texts serialise.
    let text = serde_json::to_string(&("gc", site, &data)).unwrap_or_default();
    (!data.is_empty()).then(|| content_hash(text.as_bytes()))
}

impl Look<'_> {
    /// For how long something is as it is; nothing where the clock was set back.
    fn age(&self, since: i64) -> Seconds {
        Seconds(u64::try_from(self.now - since).unwrap_or_default())
    }

    fn image(&self, image: &StoredImage, garbage: &mut Garbage) {
        if !image.containers.is_empty() {
            return;
        }
        let declared: BTreeSet<&str> = self
            .declared
            .iter()
            .flat_map(|(desired, _)| desired.workspaces.values())
            .flat_map(|workspace| &workspace.images)
            .map(|image| image.reference.as_str())
            .collect();
        let built = |name: &&String| name.starts_with(BUILT);
        // What somebody builds from an image of wharf's inherits its labels, but not its name.
        if image.labels.get(SITE).map(String::as_str) != Some(self.site.as_str())
            || !image.names.iter().any(|name| built(&name))
        {
            let unused =
                !image.names.is_empty() && !image.names.iter().any(|n| declared.contains(n.as_str()));
            garbage.others += usize::from(unused && !image.labels.contains_key(SITE));
            return;
        }
        let foreign = image.names.iter().find(|name| !built(name));
        let young = self.older_than.filter(|least| self.age(image.created) < *least);
        for name in image.names.iter().filter(|name| !name.contains('@')) {
            if declared.contains(name.as_str()) {
                continue;
            }
            let object = ObjectId::new(Kind::Image, name);
            let kept = match (foreign, young) {
                (Some(foreign), _) => Some(format!("somebody has named it {foreign} as well")),
                (None, Some(least)) => Some(format!("it was built less than {least} ago")),
                (None, None) => None,
            };
            match kept {
                Some(reason) => garbage.kept.push(Kept { object, reason }),
                None => garbage.candidates.push(Candidate {
                    object,
                    id: image.id.clone(),
                    workspace: image.labels.get(WORKSPACE).and_then(|w| w.parse().ok()),
                    reason: match self.declared {
                        Some(_) => "built here; nothing declares or uses it".to_owned(),
                        None => "built here; nothing uses it".to_owned(),
                    },
                    since: Some(image.created),
                    bytes: Some(image.bytes),
                    data: false,
                }),
            }
        }
    }

    /// A mark that can never hold again: what it was made for is gone, and incarnations don't come back.
    fn mark(&self, mark: &ObservedObject) -> Option<Candidate> {
        let touched = self
            .declared
            .is_some_and(|(_, plan)| plan.changes.iter().any(|c| c.object == mark.object));
        let subject = mark.owner.subject.as_deref().filter(|_| !touched)?;
        let is_there = |part: &str| {
            let id = part.split_once('@').map_or(part, |(id, _)| id);
            let mut own = self.observed.objects.values();
            own.any(|o| o.owner.workspace == mark.owner.workspace && o.id.0 == id)
        };
        (!subject.split(',').all(is_there)).then(|| Candidate {
            object: mark.object.clone(),
            id: mark.id.clone(),
            workspace: Some(mark.owner.workspace.clone()),
            reason: "what it was recorded of is gone".to_owned(),
            since: None,
            bytes: None,
            data: false,
        })
    }

    fn volume(&self, volume: &ObservedObject, garbage: &mut Garbage) {
        let Some((_, plan)) = self.declared else {
            return; // what nobody can say of is not even called unused
        };
        let retained = |c: &&super::Change| c.object == volume.object && c.action == ChangeAction::Retain;
        if !plan.changes.iter().any(|c| retained(&c)) {
            return;
        }
        let object = volume.object.clone();
        match self.past_its_time(volume) {
            Err(reason) => garbage.kept.push(Kept { object, reason }),
            Ok((reason, since)) => garbage.candidates.push(Candidate {
                object,
                id: volume.id.clone(),
                workspace: Some(volume.owner.workspace.clone()),
                reason,
                since: Some(since),
                bytes: None,
                data: true,
            }),
        }
    }

    /// Why a retained volume may go and since when its workspace is gone, or why it stays.
    fn past_its_time(&self, volume: &ObservedObject) -> Result<(String, i64), String> {
        let workspace = &volume.owner.workspace;
        // A person may ask for more time than the Site does, never for less.
        let (least, what) = match (self.retain, self.older_than) {
            (None, None) => {
                return Err("the Site has no policy.retain, so that it is kept for ever".to_owned());
            }
            (Some(retain), Some(asked)) if asked > retain => (asked, "--older-than"),
            (Some(retain), _) => (retain, "policy.retain"),
            (None, Some(asked)) => (asked, "--older-than"),
        };
        let declared = |(desired, _): (&DesiredState, &Plan)| desired.workspaces.contains_key(workspace);
        if self.declared.is_some_and(declared) {
            return Err(format!("{workspace} is declared, only without this volume"));
        }
        let up = |o: &&ObservedObject| matches!(o.object.kind, Kind::Pod | Kind::Container);
        let mut own = self.observed.objects.values().filter(up);
        if own.any(|o| o.owner.workspace == *workspace) {
            return Err(format!("{workspace} is not removed yet; wharf apply does it"));
        }
        let Some(since) = self.removed.get(workspace) else {
            return Err("no commit tells since when its workspace is gone".to_owned());
        };
        let age = self.age(*since);
        if age < least {
            let left = Seconds((least.0 - age.0).div_ceil(3600) * 3600);
            return Err(format!("{what} keeps it for another {left}"));
        }
        Ok((
            format!("{workspace} is gone for longer than {least} ({what})"),
            *since,
        ))
    }
}
