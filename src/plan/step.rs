//! Steps: one engine action each, with its full input and what it expects to find. A plan's steps form a graph; what
//! executes them makes no choice.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{
    CloneProject, ContainerSpec, EngineId, ExecCommand, HealthCheck, ImageSpec, Labels, Limits, MarkSpec,
    NetworkSpec, ObjectId, PodSpec, Spec, UidRange, VolumeSpec, WorkspaceId,
};

/// A step's place in its plan's list.
pub type StepId = usize;

/// One action on one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The workspace it is for; it stands alone, so that a failure stops nothing else.
    pub workspace: WorkspaceId,
    /// The object it acts on.
    pub object: ObjectId,
    /// What it does.
    pub action: Action,
    /// The steps that must have succeeded before, by their place in the plan; all of them smaller than its own.
    pub after: Vec<StepId>,
}

/// An existing object: which incarnation the plan saw. `None` where an earlier step of the plan creates it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The engine's name.
    pub name: String,
    /// What was seen; an action on another incarnation fails.
    pub id: Option<EngineId>,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Action {
    /// Pulls or builds an image that is not there.
    EnsureImage {
        /// The image.
        image: ImageSpec,
        /// The labels of an image that is built.
        labels: Labels,
    },
    /// Creates an object; its name must be free.
    Create {
        /// What it is.
        what: Creation,
        /// Its labels.
        labels: Labels,
    },
    /// Starts a container and sees to it that its limits are in force.
    Start {
        /// Which.
        target: Target,
        /// What it may use.
        limits: Limits,
    },
    /// Changes what a running container may use.
    SetLimits {
        /// Which.
        target: Target,
        /// What it may use.
        limits: Limits,
    },
    /// Stops a container, or a pod with all its containers.
    Stop {
        /// Which.
        target: Target,
    },
    /// Removes an object; for a volume, with its data.
    Remove {
        /// Which.
        target: Target,
    },
    /// Moves a volume's data to this one, which is empty.
    MoveData {
        /// Where the data is.
        from: Target,
        /// Where it goes.
        to: Target,
        /// The owners' ids before and after, where they differ.
        reown: Option<(UidRange, UidRange)>,
    },
    /// Copies the data of a volume that is not wharf's to this one, which is empty.
    CopyData {
        /// What is copied; it stays as it is.
        from: Target,
        /// Where it goes.
        to: Target,
        /// The owners' ids there and here.
        reown: (UidRange, UidRange),
    },
    /// Creates a container, runs it to its end, which must be exit code 0, and removes it.
    RunToEnd {
        /// What it is.
        spec: ContainerSpec,
        /// What it may use.
        limits: Limits,
        /// Its labels.
        labels: Labels,
        /// The most seconds it may take.
        seconds: u64,
        /// Whether a failure stops what comes after (it does not around a stop).
        required: bool,
    },
    /// Clones a project, unless its directory is there already.
    Clone {
        /// The project.
        project: CloneProject,
        /// The container that clones it.
        container: Target,
        /// The short-lived container that does it where that one lacks the programs.
        tools: Option<ToolsContainer>,
    },
    /// Runs commands in containers, one after another but for parallel groups; the first failure ends it.
    RunCommands {
        /// The commands.
        commands: Vec<ExecCommand>,
        /// The container of each component that they name.
        containers: Vec<(String, Target)>,
        /// Whether a failure stops what comes after (it does not around a stop).
        required: bool,
    },
    /// Waits until a container is ready.
    AwaitReady {
        /// Which.
        target: Target,
        /// Its component.
        component: String,
        /// How to know it.
        check: HealthCheck,
    },
    /// Records that something was done, valid for the present incarnation of `subject`.
    Mark {
        /// What was done.
        spec: MarkSpec,
        /// The labels, to which the subject's incarnation is added.
        labels: Labels,
        /// What it was done to.
        subject: Vec<ObjectId>,
    },
}

/// What a step creates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "spec", rename_all = "camelCase")]
pub enum Creation {
    /// A network.
    Network(NetworkSpec),
    /// An empty volume.
    Volume(VolumeSpec),
    /// A pod.
    Pod(PodSpec),
    /// A container, and what it may use.
    Container(ContainerSpec, Limits),
}

/// The container that clones with the Site's tools image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolsContainer {
    /// The engine's name for it.
    pub name: String,
    /// What it is; its command is the clone's script.
    pub spec: ContainerSpec,
    /// What it may use.
    pub limits: Limits,
    /// Its labels.
    pub labels: Labels,
}

impl Creation {
    /// What can't be changed in place of it.
    #[must_use]
    pub fn spec(&self) -> Spec {
        match self {
            Self::Network(spec) => Spec::Network(spec.clone()),
            Self::Volume(spec) => Spec::Volume(spec.clone()),
            Self::Pod(spec) => Spec::Pod(spec.clone()),
            Self::Container(spec, _) => Spec::Container(spec.clone()),
        }
    }
}

impl Action {
    /// The image that it creates a container from.
    #[must_use]
    pub fn image(&self) -> Option<&str> {
        match self {
            Self::Create {
                what: Creation::Container(spec, _),
                ..
            }
            | Self::RunToEnd { spec, .. } => Some(&spec.image),
            Self::Create {
                what: Creation::Network(_) | Creation::Volume(_) | Creation::Pod(_),
                ..
            }
            // Whether a clone needs the tools image is only known when it runs.
            | Self::Clone { .. }
            | Self::EnsureImage { .. }
            | Self::Start { .. }
            | Self::SetLimits { .. }
            | Self::Stop { .. }
            | Self::Remove { .. }
            | Self::MoveData { .. }
            | Self::CopyData { .. }
            | Self::RunCommands { .. }
            | Self::AwaitReady { .. }
            | Self::Mark { .. } => None,
        }
    }

    /// The hash of what it creates.
    #[must_use]
    pub fn hash(&self) -> Option<&str> {
        match self {
            Self::Create { labels, .. } | Self::RunToEnd { labels, .. } | Self::Mark { labels, .. } => {
                labels.get(crate::model::labels::HASH).map(String::as_str)
            }
            Self::EnsureImage { .. }
            | Self::Start { .. }
            | Self::SetLimits { .. }
            | Self::Stop { .. }
            | Self::Remove { .. }
            | Self::MoveData { .. }
            | Self::CopyData { .. }
            | Self::Clone { .. }
            | Self::RunCommands { .. }
            | Self::AwaitReady { .. } => None,
        }
    }

    /// Each word of [`Action::verb`].
    pub const VERBS: [&'static str; 13] = [
        "fetch",
        "create",
        "start",
        "resize",
        "stop",
        "remove",
        "move data to",
        "copy data to",
        "run",
        "clone into",
        "run commands in",
        "wait for",
        "record",
    ];

    /// What it does, as a word for progress and errors.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::EnsureImage { .. } => "fetch",
            Self::Create { .. } => "create",
            Self::Start { .. } => "start",
            Self::SetLimits { .. } => "resize",
            Self::Stop { .. } => "stop",
            Self::Remove { .. } => "remove",
            Self::MoveData { .. } => "move data to",
            Self::CopyData { .. } => "copy data to",
            Self::RunToEnd { .. } => "run",
            Self::Clone { .. } => "clone into",
            Self::RunCommands { .. } => "run commands in",
            Self::AwaitReady { .. } => "wait for",
            Self::Mark { .. } => "record",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.action {
            Action::Clone { project, .. } => write!(f, "clone project {}", project.name),
            Action::AwaitReady { component, .. } => {
                write!(f, "wait until {component} of {} is ready", self.workspace)
            }
            Action::RunCommands { commands, .. } => {
                let ids: Vec<&str> = commands.iter().map(|c| c.id.as_str()).collect();
                write!(f, "run {} of {}", ids.join(", "), self.workspace)
            }
            Action::EnsureImage { .. }
            | Action::Create { .. }
            | Action::Start { .. }
            | Action::SetLimits { .. }
            | Action::Stop { .. }
            | Action::Remove { .. }
            | Action::MoveData { .. }
            | Action::CopyData { .. }
            | Action::RunToEnd { .. }
            | Action::Mark { .. } => write!(f, "{} {}", self.action.verb(), self.object),
        }
    }
}
