//! The dependency queue: which step may begin now. Pure; [`super::jobs`] carries the steps out.
//!
//! A step is ready when all that it waits for is done. Among ready steps the first of the plan goes first, so that one
//! workspace is finished before the next is begun, and yet no slot stays empty while any step is ready. Steps that wait
//! for a registry or for a workspace's own commands have slots of their own: they hold up nobody else's.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Action, Step, StepId};

/// What a step mostly waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    /// The engine: each is a mutation.
    Mutation,
    /// A registry, or a build.
    Image,
    /// What runs in a workspace: clones, commands, containers that run to their end.
    Work,
}

impl Lane {
    pub(super) fn of(action: &Action) -> Self {
        match action {
            Action::EnsureImage { .. } => Self::Image,
            Action::CopyData { .. }
            | Action::Clone { .. }
            | Action::RunCommands { .. }
            | Action::RunToEnd { .. }
            | Action::AwaitReady { .. } => Self::Work,
            Action::Create { .. }
            | Action::Start { .. }
            | Action::SetLimits { .. }
            | Action::Stop { .. }
            | Action::Remove { .. }
            | Action::MoveData { .. }
            | Action::Mark { .. } => Self::Mutation,
        }
    }
}

/// How many steps of each lane may be under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slots {
    pub(super) mutation: usize,
    pub(super) image: usize,
    pub(super) work: usize,
}

/// What the end of a step means for others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Consequences {
    /// Steps that would have done the very same and have ended with it.
    pub(super) twins: Vec<StepId>,
    /// Steps that will not run, because it or a twin failed.
    pub(super) skipped: Vec<StepId>,
}

pub(super) struct Queue {
    nodes: Vec<Node>,
    /// Ready steps, by lane.
    ready: BTreeMap<Lane, BTreeSet<StepId>>,
    free: BTreeMap<Lane, usize>,
}

struct Node {
    lane: Lane,
    state: State,
    /// How many steps it still waits for.
    waits: usize,
    followers: Vec<StepId>,
    /// Later steps that do the very same: an image that several workspaces need is fetched once.
    twins: Vec<StepId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not begun.
    Open,
    /// Ends with the step of which it is a twin.
    Twin,
    /// Begun.
    Running,
    /// Ended, or never to begin.
    Settled,
}

impl Queue {
    /// The steps of a plan, each of which stands after those that it waits for.
    pub(super) fn new(steps: &[Step], slots: Slots) -> Self {
        let mut queue = Self {
            nodes: steps.iter().map(Node::of).collect(),
            ready: BTreeMap::new(),
            free: [
                (Lane::Mutation, slots.mutation.max(1)),
                (Lane::Image, slots.image.max(1)),
                (Lane::Work, slots.work.max(1)),
            ]
            .into(),
        };
        let mut images: BTreeMap<&str, StepId> = BTreeMap::new();
        for (id, step) in steps.iter().enumerate() {
            for before in &step.after {
                if let Some(node) = queue.nodes.get_mut(*before) {
                    node.followers.push(id);
                }
            }
            if let (Action::EnsureImage { image, .. }, []) = (&step.action, &*step.after) {
                let first = *images.entry(&image.reference).or_insert(id);
                if first != id {
                    queue.nodes[first].twins.push(id);
                    queue.nodes[id].state = State::Twin;
                }
            }
        }
        for id in 0..queue.nodes.len() {
            queue.make_ready(id);
        }
        queue
    }

    /// A step that may begin now; it is under way from here on.
    pub(super) fn begin(&mut self) -> Option<StepId> {
        let lanes = self
            .ready
            .iter()
            .filter(|(lane, _)| self.free.get(lane).is_some_and(|free| *free > 0));
        let id = lanes.filter_map(|(_, ready)| ready.first()).min().copied()?;
        let lane = self.nodes[id].lane;
        self.ready.entry(lane).or_default().remove(&id);
        *self.free.entry(lane).or_default() -= 1;
        self.nodes[id].state = State::Running;
        Some(id)
    }

    /// A step has ended, well or not.
    pub(super) fn end(&mut self, id: StepId, good: bool) -> Consequences {
        *self.free.entry(self.nodes[id].lane).or_default() += 1;
        let twins = std::mem::take(&mut self.nodes[id].twins);
        let mut skipped = BTreeSet::new();
        for id in twins.iter().copied().chain([id]) {
            self.nodes[id].state = State::Settled;
            if good {
                for follower in self.nodes[id].followers.clone() {
                    self.nodes[follower].waits -= 1;
                    self.make_ready(follower);
                }
            } else {
                self.skip_followers(id, &mut skipped);
            }
        }
        let skipped = skipped.into_iter().collect();
        Consequences { twins, skipped }
    }

    /// Begins no step any more; returns those that will never have begun.
    pub(super) fn close(&mut self) -> Vec<StepId> {
        self.ready.clear();
        let mut left = Vec::new();
        for id in 0..self.nodes.len() {
            let twins = self.nodes[id].twins.clone();
            if self.nodes[id].state == State::Open {
                self.nodes[id].twins.clear();
                for id in twins.into_iter().chain([id]) {
                    self.nodes[id].state = State::Settled;
                    left.push(id);
                }
            }
        }
        left.sort_unstable();
        left
    }

    fn make_ready(&mut self, id: StepId) {
        let node = &self.nodes[id];
        if node.waits == 0 && node.state == State::Open {
            self.ready.entry(node.lane).or_default().insert(id);
        }
    }

    /// Everything that waits for `id`, however far away.
    fn skip_followers(&mut self, id: StepId, skipped: &mut BTreeSet<StepId>) {
        let mut next = self.nodes[id].followers.clone();
        while let Some(id) = next.pop() {
            let node = &mut self.nodes[id];
            // Neither begun nor a twin: what waits for a step has not begun, and images wait for nothing.
            if node.state == State::Open {
                node.state = State::Settled;
                skipped.insert(id);
                next.extend(node.followers.iter().copied());
            }
        }
    }
}

impl Node {
    fn of(step: &Step) -> Self {
        Self {
            lane: Lane::of(&step.action),
            state: State::Open,
            waits: step.after.len(),
            followers: Vec::new(),
            twins: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ImageSource, ImageSpec, Kind, Labels, NetworkSpec, ObjectId};
    use crate::plan::Creation;

    const ONE: Slots = Slots {
        mutation: 1,
        image: 1,
        work: 1,
    };
    const MANY: Slots = Slots {
        mutation: 9,
        image: 9,
        work: 9,
    };

    fn step(after: &[StepId]) -> Step {
        Step {
            workspace: "a/b".parse().unwrap(),
            object: ObjectId::new(Kind::Network, "n"),
            action: Action::Create {
                what: Creation::Network(NetworkSpec::default()),
                labels: Labels::new(),
            },
            after: after.to_vec(),
        }
    }

    fn image(reference: &str) -> Step {
        let image = ImageSpec {
            reference: reference.into(),
            source: ImageSource::Pull,
        };
        let labels = Labels::new();
        Step {
            action: Action::EnsureImage { image, labels },
            ..step(&[])
        }
    }

    fn begin_all(queue: &mut Queue) -> Vec<StepId> {
        std::iter::from_fn(|| queue.begin()).collect()
    }

    #[test]
    fn a_step_begins_when_all_that_it_waits_for_is_done() {
        let mut queue = Queue::new(&[step(&[]), step(&[]), step(&[0, 1])], MANY);
        assert_eq!(begin_all(&mut queue), [0, 1]);
        assert_eq!(queue.end(0, true), Consequences::default());
        assert_eq!(queue.begin(), None);
        queue.end(1, true);
        assert_eq!(begin_all(&mut queue), [2]);
    }

    #[test]
    fn the_first_of_the_plan_goes_first_and_no_slot_stays_empty() {
        let slots = Slots { mutation: 2, ..ONE };
        let mut queue = Queue::new(&[step(&[]), step(&[0]), step(&[]), step(&[2])], slots);
        assert_eq!(begin_all(&mut queue), [0, 2]);
        queue.end(2, true);
        assert_eq!(begin_all(&mut queue), [3]);
        queue.end(0, true);
        assert_eq!(begin_all(&mut queue), [1]);
    }

    #[test]
    fn a_failure_skips_whatever_waits_for_it_and_nothing_else() {
        let steps = [step(&[]), step(&[0]), step(&[1]), step(&[]), step(&[2, 3])];
        let mut queue = Queue::new(&steps, MANY);
        assert_eq!(begin_all(&mut queue), [0, 3]);
        assert_eq!(queue.end(0, false).skipped, [1, 2, 4]);
        assert_eq!(queue.end(3, true), Consequences::default());
        assert_eq!(queue.begin(), None);
        assert!(queue.close().is_empty());
    }

    #[test]
    fn images_have_slots_of_their_own() {
        let steps = [image("x"), image("y"), step(&[0]), step(&[])];
        let mut queue = Queue::new(&steps, ONE);
        assert_eq!(begin_all(&mut queue), [0, 3]);
        queue.end(3, true);
        assert_eq!(queue.begin(), None);
        queue.end(0, true);
        assert_eq!(begin_all(&mut queue), [1, 2]);
    }

    #[test]
    fn an_image_that_several_steps_want_is_had_once_or_for_none() {
        let steps = [image("x"), step(&[0]), image("x"), step(&[2])];
        for good in [true, false] {
            let mut queue = Queue::new(&steps, MANY);
            assert_eq!(begin_all(&mut queue), [0]);
            let consequences = queue.end(0, good);
            assert_eq!(consequences.twins, [2]);
            let (skipped, begun): (&[StepId], &[StepId]) = if good { (&[], &[1, 3]) } else { (&[1, 3], &[]) };
            assert_eq!(consequences.skipped, skipped);
            assert_eq!(begin_all(&mut queue), begun);
        }
    }

    #[test]
    fn closing_leaves_what_has_not_begun() {
        let steps = [
            step(&[]),
            step(&[0]),
            image("x"),
            image("x"),
            image("x"),
            step(&[]),
        ];
        let mut queue = Queue::new(&steps, ONE);
        assert_eq!(begin_all(&mut queue), [0, 2]);
        assert_eq!(queue.close(), [1, 5]);
        assert_eq!(queue.end(2, true).twins, [3, 4]);
        queue.end(0, true);
        assert_eq!(queue.begin(), None);
        assert!(queue.close().is_empty());
    }
}
