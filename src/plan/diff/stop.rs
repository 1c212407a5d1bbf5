//! What goes: a workspace that is not to run is stopped, what is replaced is torn down, and what nothing declares any
//! more is removed, data excepted.

use super::fate::Fate;
use super::workspace::{Walk, image_key, is_ephemeral, is_up};
use super::{Key, Verb, stopped};
use crate::model::{DesiredWorkspace, Kind, ObservedObject, Power, Role};
use crate::plan::Asked;
use crate::plan::change::{ChangeAction, Impact};

impl Walk<'_, '_> {
    /// Stops the workspace as a whole where it is not to run.
    pub(super) fn stop(&mut self) {
        if self.run {
            return;
        }
        let pods: Vec<(Role, &ObservedObject)> = self.pods_up().map(|(r, o)| (r.clone(), o)).collect();
        if pods.is_empty() {
            return;
        }
        let first = vec![stopped::key(self)];
        let mut pre_stop = first.clone();
        pre_stop.extend(self.pre_stop(|_| true, &first));
        let before = self.post_stop(&pre_stop).unwrap_or(pre_stop);
        for (role, pod) in &pods {
            let asked = self.builder.context.request.power.get(&self.desired.id);
            let recorded = || self.present.get(&DesiredWorkspace::stopped_role())?.recorded();
            let reason = match (self.desired.power, asked) {
                (Power::Off, _) => "power is off".to_owned(),
                (Power::On | Power::Auto, Some(asked)) => asked.to_string(),
                (Power::On | Power::Auto, None) => {
                    recorded().map_or_else(|| Asked::Stop.to_string(), |mark| mark.done)
                }
            };
            if self.fates.get(role).kept().is_some() {
                self.builder
                    .change(role, ChangeAction::Stop, Impact::Restart, &reason);
            }
            self.builder.stop(pod, before.clone());
        }
    }

    /// Runs the post-stop containers after the others have stopped and before their pod does: they need its network.
    pub(super) fn post_stop(&mut self, before: &[Key]) -> Option<Vec<Key>> {
        // A pod that is down has ended already, and running them would bring it up again. In one that is replaced they
        // would have to wait for the new one, and that for the old one's end.
        let ends = self.fates.get(&Role::Pod).kept().is_some_and(is_up);
        if self.desired.stop_hooks.post_stop.is_empty() || !ends {
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
        let chain = self.desired.stop_hooks.post_stop.clone();
        self.run_to_end(&chain, Verb::PostStop, stops);
        chain
            .last()
            .map(|last| vec![self.event_key(last, Verb::PostStop)])
    }

    /// Runs the pre-stop commands of components that `which` picks and that run now.
    pub(super) fn pre_stop(&mut self, which: impl Fn(&str) -> bool, after: &[Key]) -> Option<Key> {
        let commands = &self.desired.stop_hooks.pre_stop;
        let commands = commands.iter().filter(|c| which(&c.component));
        self.builder.run_pre_stop(commands, self.present, after)
    }

    /// Stops and removes what is replaced.
    pub(super) fn tear_down(&mut self) {
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
            self.pre_stop(|c| components.iter().any(|x| x == c), &[])
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
    pub(super) fn surplus(&mut self) {
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
}
