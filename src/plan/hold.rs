//! Holds: what waits because the repository says so, although nothing is in its way. A suspended workspace waits as a
//! whole; drift that the Site only reports, and what would interrupt somebody's work outside the maintenance windows, wait
//! by themselves, and the rest of the workspace's changes goes on without them.
//!
//! In: a draft. Out: what of it may be done, and what waits and why. What a person asks for by name (`wharf start`, `wharf
//! stop`) never waits.

use std::collections::{BTreeMap, BTreeSet};

use super::Request;
use super::change::{Blocked, Change, ChangeAction, Hold, Impact};
use super::diff::{Draft, Key, Verb, is_record};
use crate::model::{DesiredState, DriftPolicy, Kind, Maintenance, ObjectId, ObservedState, Reaction, Role};

/// Why a draft waits as a whole: its workspace is suspended, or the Site is.
pub(super) fn suspended(draft: &Draft, desired: &DesiredState) -> Option<Blocked> {
    let own = desired
        .workspaces
        .get(&draft.workspace)
        .is_some_and(|w| w.suspend);
    if !(own || desired.suspend) || draft.asked || draft.steps.is_empty() {
        return None;
    }
    let reason = if own {
        "its manifest says suspend: true"
    } else {
        "the Site says suspend: true"
    };
    Some(Blocked {
        object: Role::Pod.object_id(&desired.site, &draft.workspace),
        workspace: draft.workspace.clone(),
        reason: reason.to_owned(),
        approve: None,
        hold: Hold::Suspended,
        until: None,
    })
}

/// Leaves out the drift that is not even shown.
pub(super) fn ignore(draft: &mut Draft, policy: &DriftPolicy, request: &Request) {
    if request.repair || !policy.any(Reaction::Off) || draft.asked {
        return;
    }
    let off =
        |change: &Change, _: &BTreeSet<usize>| drift(change, policy, Reaction::Off).is_some().then_some(());
    let divided = divide(draft, off);
    let mut held = divided.held.iter();
    draft.changes.retain(|_| held.next().is_some_and(Option::is_none));
    divided.leave(draft);
}

/// What holds a change of a draft back.
#[derive(Clone, Debug)]
enum Why {
    Drift(&'static str),
    Window,
}

/// Holds back drift that is only reported, and what would interrupt somebody's work while no window is open. Returns when
/// the windows close in which the rest does.
pub(super) fn hold(
    draft: &mut Draft,
    (desired, observed): (&DesiredState, &ObservedState),
    request: &Request,
    blocked: &mut Vec<Blocked>,
) -> Option<i64> {
    if draft.asked || draft.steps.is_empty() {
        return None;
    }
    let own = desired.workspaces.get(&draft.workspace);
    let maintenance = own.map_or(desired.maintenance.as_ref(), |w| w.maintenance.as_ref());
    let windows = maintenance.zip(request.moment).filter(|_| !request.now);
    let interrupting = windows.map_or_else(BTreeSet::new, |_| interrupting(draft, observed));
    let closes = windows.and_then(|(windows, at)| windows.closes(at));
    let waits = !interrupting.is_empty() && closes.is_none();
    let reports = !request.repair && desired.drift.any(Reaction::Report);
    if waits || reports {
        let held = |change: &Change, needs: &BTreeSet<usize>| {
            let reported = drift(change, &desired.drift, Reaction::Report).filter(|_| reports);
            let window = (waits && !needs.is_disjoint(&interrupting)).then_some(Why::Window);
            reported.map(Why::Drift).or(window)
        };
        let divided = divide(draft, held);
        blocked.extend(divided.blocked(draft, windows));
        divided.leave(draft);
    }
    closes.filter(|_| !interrupting.is_empty())
}

/// The kind of drift that a change is, where it is one that is treated that way.
fn drift(change: &Change, policy: &DriftPolicy, reaction: Reaction) -> Option<&'static str> {
    let (kind, set) = match (change.action, change.object.kind) {
        (ChangeAction::Update, _) => ("limits", policy.limits),
        (ChangeAction::Start | ChangeAction::Stop, _) => ("power", policy.power),
        (_, Kind::Network) => ("networks", policy.networks),
        // What is done after each start; cloning and adopting follow upon the volume.
        (_, Kind::Volume) if change.object.is_mark() && !follows_volume(&change.object) => {
            ("power", policy.power)
        }
        (_, Kind::Volume) => ("volumes", policy.volumes),
        (_, Kind::Pod | Kind::Container | Kind::Image) => ("containers", policy.containers),
    };
    (change.drift == Some(true) && set == reaction).then_some(kind)
}

/// Whether a mark records what is done once for each incarnation of a volume.
fn follows_volume(mark: &ObjectId) -> bool {
    [".cloned-", ".adopted-"]
        .iter()
        .any(|part| mark.name.contains(part))
}

/// The steps that end what somebody may be working in.
fn interrupting(draft: &Draft, observed: &ObservedState) -> BTreeSet<usize> {
    let works = |object: &&crate::model::ObservedObject| {
        object.owner.role.component().is_some() && super::diff::is_up(object)
    };
    let ends = |key: &Key| {
        let Some(object) = observed.objects.get(&key.0).filter(|_| key.1 == Verb::Stop) else {
            return false;
        };
        match key.0.kind {
            Kind::Container => works(&object),
            Kind::Pod => observed
                .of_kind(Kind::Container)
                .any(|c| c.pod.as_ref() == Some(&object.id) && works(&c)),
            Kind::Image | Kind::Network | Kind::Volume => false,
        }
    };
    let steps = draft.steps.iter().enumerate();
    steps
        .filter(|(_, step)| ends(&step.key))
        .map(|(place, _)| place)
        .collect()
}

/// A draft, parted into what may be done and what is held back.
struct Divided<W> {
    /// What holds each change back; `Some(None)` where it follows upon one that is.
    held: Vec<Option<Option<W>>>,
    /// The steps that may be done.
    steps: BTreeSet<usize>,
}

/// Parts a draft. What a change that is not held back needs is done with it, whatever it is.
fn divide<W>(draft: &Draft, why: impl Fn(&Change, &BTreeSet<usize>) -> Option<W>) -> Divided<W> {
    let graph = Graph::of(draft);
    let needs: Vec<BTreeSet<usize>> = draft.changes.iter().map(|c| graph.needs(&c.object)).collect();
    let mut held: Vec<Option<Option<W>>> = Vec::new();
    for (change, needs) in draft.changes.iter().zip(&needs) {
        let own = !follows(change) && change.action != ChangeAction::Retain;
        held.push(if own { why(change, needs).map(Some) } else { None });
    }
    let all = || draft.changes.iter().zip(&needs).enumerate();
    let mut steps: BTreeSet<usize> = all()
        .filter(|(place, (change, _))| held[*place].is_none() && !follows(change))
        .flat_map(|(_, (_, needs))| needs.iter().copied())
        .collect();
    // Drift that something else needs repaired is repaired along with it.
    for (place, (change, _)) in all() {
        if graph
            .places(&change.object)
            .iter()
            .all(|step| steps.contains(step))
            && !follows(change)
        {
            held[place] = None;
        }
    }
    let left: BTreeSet<usize> = all()
        .filter(|(place, _)| held[*place].is_some())
        .flat_map(|(_, (change, _))| graph.places(&change.object).to_vec())
        .filter(|step| !steps.contains(step))
        .collect();
    let done = steps.clone();
    let marks = |change: &Change| follows(change) && change.object.is_mark() && !is_record(&change.object);
    for (place, (change, needs)) in all().filter(|(_, (change, _))| marks(change)) {
        let own = if needs.is_disjoint(&done) {
            why(change, needs)
        } else {
            None
        };
        if !needs.is_disjoint(&left) {
            held[place] = Some(None);
        } else if own.is_some() {
            held[place] = Some(own);
        } else {
            steps.extend(needs);
        }
    }
    let waits_for_more =
        all().any(|(place, (change, _))| held[place].is_some() && change.drift != Some(true));
    for (place, (change, needs)) in all() {
        if change.object.kind == Kind::Image && needs.is_disjoint(&steps) {
            held[place] = Some(None);
        } else if is_record(&change.object) && waits_for_more {
            // What has not been done yet must not be taken for drift afterwards.
            held[place] = Some(None);
        } else if is_record(&change.object) {
            steps.extend(graph.places(&change.object));
        }
    }
    Divided { held, steps }
}

/// Whether a change is made for the sake of others only. A mark that a commit asks for itself is not.
fn follows(change: &Change) -> bool {
    let own = change.drift == Some(false) && !is_record(&change.object);
    change.object.kind == Kind::Image || (change.object.is_mark() && !own)
}

impl<W> Divided<W> {
    /// Leaves the steps that may be done.
    fn leave(&self, draft: &mut Draft) {
        if self.held.iter().all(Option::is_none) {
            return;
        }
        let mut place = 0..;
        draft
            .steps
            .retain(|_| place.next().is_some_and(|place| self.steps.contains(&place)));
    }
}

impl Divided<Why> {
    /// What waits, for who reads the plan.
    fn blocked(&self, draft: &Draft, windows: Option<(&Maintenance, i64)>) -> Vec<Blocked> {
        let opens = windows.and_then(|(windows, at)| windows.opens(at));
        let mut blocked = Vec::new();
        let mut unfelt = None;
        for (change, why) in draft.changes.iter().zip(&self.held) {
            let (hold, reason) = match why {
                Some(Some(Why::Drift(kind))) => (
                    Hold::Drift,
                    format!("drift is reported, not repaired: the Site says drift.{kind}: report"),
                ),
                Some(Some(Why::Window)) => {
                    let text = windows.map(|(windows, _)| {
                        let next = opens.map(|at| format!("; it opens {}", windows.local(at)));
                        format!(
                            "waits for its maintenance window: {windows}{}",
                            next.unwrap_or_default()
                        )
                    });
                    (Hold::Window, text.unwrap_or_default())
                }
                Some(None) | None => continue,
            };
            let one = Blocked {
                object: change.object.clone(),
                workspace: change.workspace.clone(),
                reason,
                approve: None,
                hold,
                until: opens.filter(|_| hold == Hold::Window),
            };
            // What nobody feels waits for what somebody does.
            if hold == Hold::Window && change.impact < Impact::Restart {
                unfelt = Some(one);
            } else {
                blocked.push(one);
            }
        }
        if !blocked.iter().any(|b| b.hold == Hold::Window) {
            blocked.extend(unfelt);
        }
        blocked
    }
}

/// What waits for what among a draft's steps.
struct Graph<'d> {
    draft: &'d Draft,
    keys: BTreeMap<&'d Key, usize>,
    objects: BTreeMap<&'d ObjectId, Vec<usize>>,
}

impl<'d> Graph<'d> {
    fn of(draft: &'d Draft) -> Self {
        let mut graph = Self {
            draft,
            keys: BTreeMap::new(),
            objects: BTreeMap::new(),
        };
        for (place, step) in draft.steps.iter().enumerate() {
            graph.keys.insert(&step.key, place);
            graph.objects.entry(&step.key.0).or_default().push(place);
        }
        graph
    }

    /// The steps on an object.
    fn places(&self, object: &ObjectId) -> &[usize] {
        self.objects.get(object).map_or(&[], Vec::as_slice)
    }

    /// The steps on an object and all that they need: what comes before them, and that what is taken down comes again.
    fn needs(&self, object: &ObjectId) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut next = self.places(object).to_vec();
        while let Some(place) = next.pop() {
            if !found.insert(place) {
                continue;
            }
            let step = &self.draft.steps[place];
            // What is replaced is there until then: a start that would come after its next one need not wait for it.
            let replaced = |key: &&Key| {
                let begins = step.key.1 == Verb::Start && matches!(key.1, Verb::Start | Verb::Ready);
                let removes = |place: &usize| self.draft.steps[*place].key.1 == Verb::Remove;
                begins && key.0 != step.key.0 && self.places(&key.0).iter().any(removes)
            };
            let before = step.after.iter().filter(|key| !replaced(key));
            next.extend(before.filter_map(|key| self.keys.get(key)));
            if matches!(step.key.1, Verb::Stop | Verb::Remove) {
                next.extend(self.places(&step.key.0));
            }
        }
        found
    }
}
