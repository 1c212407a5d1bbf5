//! What runs: starting and stopping, limits, commands and their answers, and what becomes of volumes meanwhile.

use std::collections::BTreeMap;

use super::objects::{check_limits, conflict, not_found};
use super::state::{Command, Container, Script, State};
use crate::engine::{EngineError, Reown, Result, VolumeRef};
use crate::model::observed::Reading;
use crate::model::{Enforced, Kind, Limits, RunState};

/// The kernel's least quota is 1 ms of each 100 ms.
const LEAST_CPU: u64 = 10;
/// The processor share of one processor, and of a container that asks for none.
const SHARE: u64 = 1024;

impl State {
    /// Starts a container with the limits of its creation, its pod first. One that runs to completion has ended when
    /// this returns. Returns its run.
    pub(super) fn start(&mut self, name: &str) -> Result<RunState> {
        let container = (self.containers.get(name)).ok_or_else(|| not_found(Kind::Container, name))?;
        if container.run.is_running() {
            return Ok(container.run);
        }
        let (spec, limits) = (container.spec.clone(), container.limits);
        self.check_ingredients(&spec)?;
        if !self.pods.get(&spec.pod).is_some_and(|pod| pod.infra.is_running()) {
            let run = self.new_run();
            if let Some(pod) = self.pods.get_mut(&spec.pod) {
                pod.infra = run;
            }
        }
        let run = self.new_run();
        let enforced = self.enforced(&limits);
        if let Some(container) = self.containers.get_mut(name) {
            container.run = run;
            container.enforced = Some(enforced);
        }
        if self.is_event(name) {
            self.complete(name);
        }
        Ok(run)
    }

    /// Runs a container's own command to its end.
    fn complete(&mut self, name: &str) {
        let Some(container) = self.containers.get(name) else {
            return;
        };
        let spec = &container.spec;
        let argv = (spec.entrypoint.iter().flatten()).chain(spec.command.iter().flatten());
        let command = Command {
            container: name.to_owned(),
            argv: argv.cloned().collect(),
            env: Vec::new(),
            working_dir: None,
        };
        let answer = self.answer(command).unwrap_or_default();
        self.halt(name);
        if let Some(container) = self.containers.get_mut(name) {
            container.run = RunState::Exited {
                code: answer.exit_code,
            };
            container.log.push_str(&answer.stdout);
            container.log.push_str(&answer.stderr);
        }
    }

    /// Sets what is enforced on a running container.
    pub(super) fn set_limits(&mut self, name: &str, limits: &Limits) -> Result<Enforced> {
        check_limits(limits)?;
        let enforced = self.enforced(limits);
        let container = (self.containers.get_mut(name)).ok_or_else(|| not_found(Kind::Container, name))?;
        if !container.run.is_running() {
            return Err(conflict(format!("container {name} does not run")));
        }
        container.enforced = Some(enforced);
        Ok(enforced)
    }

    /// What the kernel enforces where a container has these limits.
    fn enforced(&self, limits: &Limits) -> Enforced {
        if !self.enforces_limits {
            return Enforced::default();
        }
        let reading = |limit: Option<u64>| limit.map_or(Reading::Unlimited, Reading::Value);
        Enforced {
            memory: reading(limits.memory.map(|m| m.0)),
            memory_request: reading(limits.memory_request.map(|m| m.0)),
            cpu: reading(limits.cpu.map(|c| c.0.max(LEAST_CPU))),
            cpu_shares: Reading::Value(
                limits
                    .cpu_request
                    .map_or(SHARE, |c| (c.0 * SHARE / 1000).clamp(2, 262_144)),
            ),
            pids: reading(limits.pids),
        }
    }

    /// Ends a container where it runs.
    pub(super) fn halt(&mut self, name: &str) {
        if let Some(container) = self.containers.get_mut(name)
            && container.run.is_running()
        {
            container.run = RunState::Exited { code: 143 };
            container.enforced = None;
        }
        self.empty_unused();
    }

    /// Ends a pod and its containers where they run.
    pub(super) fn halt_pod(&mut self, name: &str) {
        let members: Vec<_> = self.members(name).map(|(member, _)| member.clone()).collect();
        members.iter().for_each(|member| self.halt(member));
        if let Some(pod) = self.pods.get_mut(name)
            && pod.infra.is_running()
        {
            pod.infra = RunState::Exited { code: 0 };
        }
    }

    /// What a pod does: its infra container and its members together.
    pub(super) fn pod_run(&self, name: &str) -> RunState {
        let Some(pod) = self.pods.get(name) else {
            return RunState::Unknown;
        };
        let members: Vec<_> = self.members(name).map(|(_, c)| c.run).collect();
        let ended = |run: &RunState| matches!(run, RunState::Exited { .. });
        if pod.infra.is_running() && members.iter().all(|run| run.is_running()) {
            pod.infra
        } else if pod.infra.is_running() || members.iter().any(|run| run.is_running()) {
            RunState::Degraded
        } else if ended(&pod.infra) || members.iter().any(ended) {
            RunState::Exited { code: 0 }
        } else {
            RunState::Created
        }
    }

    /// Empties ephemeral volumes that no running container mounts.
    pub(super) fn empty_unused(&mut self) {
        let running = self.containers.values().filter(|c| c.run.is_running());
        let used: Vec<_> = running.flat_map(|c| &c.spec.mounts).map(|m| &m.volume).collect();
        for (name, volume) in &mut self.volumes {
            if volume.spec.ephemeral && !used.contains(&name) {
                volume.files.clear();
            }
        }
    }

    /// Moves data from one volume into another; only half of it where the call is cut short.
    pub(super) fn move_data(
        &mut self,
        from: VolumeRef<'_>,
        to: VolumeRef<'_>,
        reown: Option<Reown>,
        half: bool,
    ) -> Result<()> {
        self.check_unused(from, to)?;
        let files = |name: &str| (self.volumes.get(name)).map_or_else(BTreeMap::new, |v| v.files.clone());
        let (source, mut target) = (files(from.name), files(to.name));
        if let Some(path) = source.keys().find(|path| target.contains_key(*path)) {
            return Err(conflict(format!("volume {} already has {path}", to.name)));
        }
        let count = if half { source.len() / 2 } else { source.len() };
        let rest: BTreeMap<_, _> = source
            .iter()
            .skip(count)
            .map(|(p, t)| (p.clone(), t.clone()))
            .collect();
        target.extend(source.into_iter().take(count));
        if let Some(volume) = self.volumes.get_mut(from.name) {
            volume.files = rest;
        }
        if let Some(volume) = self.volumes.get_mut(to.name) {
            volume.files = target;
            volume.owner = if half {
                volume.owner
            } else {
                reown.map(|r| r.to).or(volume.owner)
            };
        }
        Ok(())
    }

    /// Copies files; until all of them are there, none is.
    pub(super) fn copy_data(
        &mut self,
        from: VolumeRef<'_>,
        to: VolumeRef<'_>,
        reown: Option<Reown>,
        half: bool,
    ) -> Result<()> {
        self.check_unused(from, to)?;
        let source = (self.volumes.get(from.name)).map_or_else(BTreeMap::new, |v| v.files.clone());
        let Some(target) = self.volumes.get_mut(to.name) else {
            return Ok(());
        };
        if !target.files.is_empty() {
            if target.copied_from.as_ref() == Some(from.id) {
                return Ok(());
            }
            let what = format!(
                "volume {} has data of its own, which would be mixed with what is copied",
                to.name
            );
            return Err(EngineError::Unsupported(what));
        }
        if !half {
            target.files = source;
            target.owner = reown.map(|reown| reown.to);
            target.copied_from = Some(from.id.clone());
        }
        Ok(())
    }

    /// Whether both volumes are there, and nothing runs with either.
    fn check_unused(&self, from: VolumeRef<'_>, to: VolumeRef<'_>) -> Result<()> {
        self.check_volume(from)?;
        self.check_volume(to)?;
        let mut users = [from, to].into_iter().flat_map(|volume| self.users(volume.name));
        match users.next() {
            Some(name) => Err(conflict(format!(
                "container {name} runs on a volume that is moved or copied"
            ))),
            None => Ok(()),
        }
    }

    /// The containers that run with a volume.
    pub(super) fn users(&self, volume: &str) -> Vec<String> {
        let uses = |container: &Container| {
            let runs = matches!(container.run, RunState::Running { .. } | RunState::Paused);
            runs && container.spec.mounts.iter().any(|m| m.volume == volume)
        };
        let users = self.containers.iter().filter(|(_, container)| uses(container));
        users.map(|(name, _)| name.clone()).collect()
    }

    /// Records a command and does what its script says, where one matches.
    pub(super) fn answer(&mut self, command: Command) -> Option<Script> {
        let line = command.argv.join(" ");
        let container = command.container.clone();
        self.commands.push(command);
        let matches = |s: &Script| line.contains(&s.matches) && container.contains(&s.container);
        let found = self.scripts.iter().position(matches)?;
        let script = self.scripts.get(found)?.clone();
        if script.once {
            self.scripts.remove(found);
        }
        for (path, text) in &script.writes {
            self.write_in(&container, path, text);
        }
        Some(script)
    }

    /// Writes a file where a container sees it: into the volume mounted nearest above it, else into its own layer.
    fn write_in(&mut self, container: &str, path: &str, text: &str) {
        let Some(found) = self.containers.get_mut(container) else {
            return;
        };
        let inside =
            |m: &&crate::model::Mount| path.strip_prefix(&m.path).is_some_and(|r| r.starts_with('/'));
        let mount = found
            .spec
            .mounts
            .iter()
            .filter(inside)
            .max_by_key(|m| m.path.len());
        match mount {
            Some(mount) => {
                let relative = path[mount.path.len()..].trim_start_matches('/').to_owned();
                if let Some(volume) = self.volumes.get_mut(&mount.volume) {
                    volume.files.insert(relative, text.to_owned());
                }
            }
            None => found.written += text.len() as u64,
        }
    }
}
