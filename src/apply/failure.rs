//! What can go wrong with a step, and what to do about it.

use super::output::mask;
use super::report::Failure;
use crate::engine::EngineError;
use crate::model::{ObjectId, ProjectSource};

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    /// The engine could not do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Data can't be copied, however often it is tried.
    #[error("{0}")]
    Uncopied(String),
    /// An object that an earlier step was to make.
    #[error("{0} was to be made by an earlier step of this plan, and was not")]
    NotMade(ObjectId),
    /// A step that no plan of wharf's has.
    #[error("nothing of the kind of {0} can be {1}")]
    Impossible(ObjectId, &'static str),
    /// A command of the devfile failed.
    #[error("command {id} in component {component} ended with exit code {code}{}", written(.output))]
    Command {
        id: String,
        component: String,
        code: i32,
        output: String,
    },
    /// A command of the devfile takes too long.
    #[error("command {id} in component {component} is not through after {seconds} s; it goes on there")]
    Endless {
        id: String,
        component: String,
        seconds: u64,
    },
    /// A container that runs to its end failed.
    #[error("it ended with exit code {code}{}", written(.output))]
    Ended { code: i32, output: String },
    /// A container that runs to its end was not through in time.
    #[error("it had not ended after {seconds} s and was stopped{}", written(.output))]
    NotEnded { seconds: u64, output: String },
    /// A container did not become ready.
    #[error("component {component} is not ready after {seconds} s of waiting: {check} fails{}", written(.output))]
    NotReady {
        component: String,
        seconds: u32,
        check: String,
        output: String,
    },
    /// A container ended instead of becoming ready.
    #[error("component {component} ended before it was ready: {cause}")]
    EndedUnready { component: String, cause: String },
    /// A project's sources could not be fetched.
    #[error("project {project} can't be fetched{}", written(.output))]
    Clone {
        project: String,
        from: Box<ProjectSource>,
        output: String,
    },
    /// There is nothing to fetch the sources with.
    #[error(
        "project {project} can't be fetched: {programs} is missing in the image of component {component}{also}"
    )]
    NoProgram {
        project: String,
        programs: &'static str,
        component: String,
        also: &'static str,
    },
}

fn written(output: &str) -> String {
    if output.is_empty() {
        String::new()
    } else {
        format!(":\n{output}")
    }
}

impl StepError {
    /// What happened to `object`, and what to do.
    pub(super) fn failure(&self, object: &ObjectId) -> Failure {
        Failure {
            object: object.clone(),
            cause: mask(&self.to_string()),
            hint: self.hint(),
            outdated: self.is_outdated(),
        }
    }

    /// See [`Failure::outdated`].
    fn is_outdated(&self) -> bool {
        match self {
            Self::Engine(EngineError::NotFound(_) | EngineError::Conflict(_)) => true,
            Self::Engine(
                EngineError::Unreachable { .. }
                | EngineError::Timeout { .. }
                | EngineError::Image { .. }
                | EngineError::NotAsAsked { .. }
                | EngineError::Failed { .. }
                | EngineError::Unsupported(_),
            )
            | Self::Uncopied(_)
            | Self::NotMade(_)
            | Self::Impossible(..)
            | Self::Command { .. }
            | Self::Endless { .. }
            | Self::Ended { .. }
            | Self::NotEnded { .. }
            | Self::Clone { .. }
            | Self::NotReady { .. }
            | Self::EndedUnready { .. }
            | Self::NoProgram { .. } => false,
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::Engine(error) => engine_hint(error),
            Self::Uncopied(_) => {
                "Nothing was copied. See to it and apply again, or remove the volume from the workspace's adopt."
                    .to_owned()
            }
            Self::NotMade(_) | Self::Impossible(..) => {
                "This plan can't be carried out; make a new one with wharf plan.".to_owned()
            }
            Self::Command { .. } => {
                "Correct the command in the devfile, or what it needs; the next apply runs it again."
                    .to_owned()
            }
            Self::Endless { .. } => {
                "A command of an event must end; start what is to go on running in the background.".to_owned()
            }
            Self::Ended { .. } | Self::NotEnded { .. } => {
                "Correct the command in the devfile; the next apply runs it again.".to_owned()
            }
            Self::NotReady { .. } => {
                "wharf logs shows what it wrote; correct it or its wharf.dev/health-check, and apply again."
                    .to_owned()
            }
            Self::EndedUnready { .. } => {
                "wharf logs shows what it wrote; correct it, and apply again.".to_owned()
            }
            Self::Clone { from, .. } => {
                let see = match **from {
                    ProjectSource::Git { .. } => {
                        "the remote and the revision exist and can be read without a password"
                    }
                    ProjectSource::Zip { .. } => "its address gives a zip archive, and without a password",
                };
                format!("See that {see}; the next apply tries again.")
            }
            Self::NoProgram { programs, .. } => {
                format!("Add {programs} to the image, or name an image that has it as the Site's toolsImage.")
            }
        }
    }
}

fn engine_hint(error: &EngineError) -> String {
    match error {
        EngineError::Unreachable { .. } => "Start the engine, then apply again.".to_owned(),
        EngineError::Timeout { .. } => {
            "Apply again: it looks first whether the call took effect after all.".to_owned()
        }
        EngineError::NotFound(_) | EngineError::Conflict(_) => {
            "Something changed after the plan was made; plan and apply again.".to_owned()
        }
        EngineError::Image { reference, .. } if reference.starts_with("localhost/") => {
            format!("{reference} comes from no registry: build it on this machine, then apply again.")
        }
        EngineError::Image { .. } => {
            "Correct the image in the devfile, or see that its registry can be reached; then apply again.".to_owned()
        }
        EngineError::NotAsAsked { .. } => {
            "The engine ignored a setting, and nothing runs without it; see which engine versions are supported.".to_owned()
        }
        EngineError::Failed { .. } => {
            "Apply again; where it fails again, the engine's own log says more.".to_owned()
        }
        EngineError::Unsupported(_) => "This engine can't do it; take it out of the configuration.".to_owned(),
    }
}
