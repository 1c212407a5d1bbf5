//! What runs in workspaces: commands, clones, and containers that run to their end. Each is bounded in time; none holds
//! a mutation's slot while it runs.

use std::time::Duration;

use futures_util::future::join_all;

use super::execute::{Executor, Progress};
use super::failure::StepError;
use super::output::{Tail, finish, tail_of};
use crate::engine::{Create, EngineError, ExecRequest, LogOptions};
use crate::model::{
    CloneProject, ContainerSpec, EngineId, ExecCommand, Identity, ImageSource, ImageSpec, Kind, Limits,
    ObjectId, Ownership, Spec,
};
use crate::plan::step::ToolsContainer;
use crate::plan::{Target, clone};

/// The most seconds that a clone may take.
const CLONE_SECONDS: u64 = 3600;
/// The most seconds that a command may take after a start.
const COMMAND_SECONDS: u64 = 1800;
/// The most seconds that a question to a container may take.
const ASK_SECONDS: u64 = 10;
/// The most seconds that a command may hold up a stop.
const STOP_COMMAND_SECONDS: u64 = 60;

/// Exit codes of a shell that could not be run, or was not found.
const NO_SHELL: [i32; 2] = [126, 127];

impl Executor<'_> {
    /// Runs commands in order, those of one parallel group at the same time; the first failure ends it.
    pub(super) async fn run_commands(
        &self,
        commands: &[ExecCommand],
        containers: &[(String, Target)],
        required: bool,
    ) -> Result<(), StepError> {
        if required {
            // Before they run: what is recorded afterwards counts for this run of the containers only.
            for (_, target) in containers {
                self.incarnation(&ObjectId::new(Kind::Container, &*target.name))
                    .await?;
            }
        }
        let seconds = if required {
            COMMAND_SECONDS
        } else {
            STOP_COMMAND_SECONDS
        };
        let together = |a: &ExecCommand, b: &ExecCommand| {
            a.parallel_group.is_some() && a.parallel_group == b.parallel_group
        };
        for group in commands.chunk_by(together) {
            let runs = group
                .iter()
                .map(|command| self.run_command(command, containers, (required, seconds)));
            for result in join_all(runs).await {
                result?;
            }
        }
        Ok(())
    }

    async fn run_command(
        &self,
        command: &ExecCommand,
        containers: &[(String, Target)],
        (kept, seconds): (bool, u64),
    ) -> Result<(), StepError> {
        let found = containers.iter().find(|(name, _)| *name == command.component);
        let Some((component, target)) = found else {
            let object = ObjectId::new(Kind::Container, &*command.component);
            return Err(StepError::NotMade(object));
        };
        let id = self.id(&ObjectId::new(Kind::Container, &*target.name), target)?;
        let request = ExecRequest {
            argv: if kept { command.kept_argv() } else { command.argv() },
            env: command.env.clone(),
            ..ExecRequest::default()
        };
        let (id_of, component) = (command.id.clone(), component.clone());
        match self.exec(&id, &request, seconds).await? {
            Some((_, 0)) => Ok(()),
            Some((tail, code)) => Err(StepError::Command {
                id: id_of,
                component,
                code,
                output: tail.text(),
            }),
            None => Err(StepError::Endless {
                id: id_of,
                component,
                seconds,
            }),
        }
    }

    /// Runs a command to its end; nothing where it takes too long.
    pub(super) async fn exec(
        &self,
        id: &EngineId,
        request: &ExecRequest,
        seconds: u64,
    ) -> Result<Option<(Tail, i32)>, StepError> {
        let session = self.engine.exec(id, request).await?;
        match tokio::time::timeout(Duration::from_secs(seconds), finish(session)).await {
            Ok(ended) => Ok(Some(ended?)),
            Err(_) => Ok(None),
        }
    }

    /// Fetches a project with the container's own programs, else in a container of the tools image, which is fetched only then:
    /// a workspace that has them must not fail for want of it.
    pub(super) async fn clone_project(
        &self,
        project: &CloneProject,
        container: &Target,
        tools: Option<&ToolsContainer>,
        progress: Progress<'_>,
    ) -> Result<(), StepError> {
        let object = ObjectId::new(Kind::Container, &*container.name);
        let id = self.id(&object, container)?;
        self.incarnation(&object).await?;
        let request = ExecRequest {
            argv: clone::command(project),
            ..ExecRequest::default()
        };
        let failed = |output: String| StepError::Clone {
            project: project.name.clone(),
            from: Box::new(project.source.clone()),
            output,
        };
        let no_program = |also: &'static str| StepError::NoProgram {
            project: project.name.clone(),
            programs: clone::programs(&project.source),
            component: project.component.clone(),
            also,
        };
        match self.exec(&id, &request, CLONE_SECONDS).await? {
            Some((_, 0)) => return Ok(()),
            Some((_, code)) if code == clone::NO_PROGRAM || NO_SHELL.contains(&code) => {}
            Some((tail, _)) => return Err(failed(tail.text())),
            None => return Err(failed(format!("it is not through after {CLONE_SECONDS} s"))),
        }
        let tools = tools.ok_or_else(|| no_program(""))?;
        let image = ImageSpec {
            reference: tools.spec.image.clone(),
            source: ImageSource::Pull,
        };
        self.engine.ensure_image(&image, &tools.labels, progress).await?;
        let tools = self.as_user_of(&id, tools).await?;
        let create = Create {
            name: &tools.name,
            spec: &tools.spec,
            labels: &tools.labels,
        };
        match self.run_to_end(create, &tools.limits, CLONE_SECONDS).await {
            Err(StepError::Ended { code, .. }) if code == clone::NO_PROGRAM || NO_SHELL.contains(&code) => {
                Err(no_program(", and in the tools image"))
            }
            Err(StepError::Ended { output, .. }) => Err(failed(output)),
            result => result,
        }
    }

    /// The tools container as the user of the workspace's container, who is to own the files; as its own image's user
    /// where that can't be asked.
    async fn as_user_of(&self, id: &EngineId, tools: &ToolsContainer) -> Result<ToolsContainer, StepError> {
        let request = ExecRequest {
            argv: ["/bin/sh", "-c", "echo \"$(id -u):$(id -g)\""]
                .map(str::to_owned)
                .to_vec(),
            ..ExecRequest::default()
        };
        let mut tools = tools.clone();
        let answer = self.exec(id, &request, ASK_SECONDS).await?;
        let user = answer.and_then(|(tail, code)| (code == 0).then(|| tail.text()));
        let is_id = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let both = |user: &String| user.split_once(':').is_some_and(|(u, g)| is_id(u) && is_id(g));
        if let (Some(user), Some(mut owner)) = (user.filter(both), Ownership::from_labels(&tools.labels)) {
            tools.spec.user = Some(user);
            owner.identity = Identity::of(&Spec::Container(tools.spec.clone()));
            tools.labels = owner.to_labels();
        }
        Ok(tools)
    }

    /// Creates a container, runs it to its end and removes it, however it ended.
    pub(super) async fn run_to_end(
        &self,
        create: Create<'_, ContainerSpec>,
        limits: &Limits,
        seconds: u64,
    ) -> Result<(), StepError> {
        let id = self.mutate(self.engine.create_container(create, limits)).await?;
        let ended = match self.mutate(self.engine.start_container(&id, limits)).await {
            Ok(_) => self.ended(&id, seconds).await,
            Err(error) => Err(error.into()),
        };
        let removed = async {
            if ended.is_err() {
                self.mutate(self.engine.stop_container(&id)).await?;
            }
            self.mutate(self.engine.remove_container(&id)).await
        };
        let removed = removed.await;
        ended?;
        Ok(removed?)
    }

    async fn ended(&self, id: &EngineId, seconds: u64) -> Result<(), StepError> {
        let code = match self.engine.wait_container(id, seconds).await {
            Ok(0) => return Ok(()),
            Ok(code) => Some(code),
            Err(EngineError::Timeout { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let options = LogOptions {
            follow: false,
            tail: Some(100),
        };
        // How it ended matters more than that its log can't be read.
        let output = match self.engine.logs(id, &options).await {
            Ok(stream) => tail_of(stream).await.map(|t| t.text()).unwrap_or_default(),
            Err(_) => String::new(),
        };
        Err(match code {
            Some(code) => StepError::Ended { code, output },
            None => StepError::NotEnded { seconds, output },
        })
    }
}
