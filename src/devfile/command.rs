//! Commands: what runs in a workspace, on request or at an event.

use super::component::EnvVar;
use super::root::Attributes;
use crate::document::Spanned;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its id, unique among commands.
    pub id: Spanned<String>,
    /// What it does.
    pub kind: CommandKind,
    /// What it is for.
    pub group: Option<Group>,
    /// Its name for people.
    pub label: Option<Spanned<String>>,
    /// Free-form settings of tools.
    pub attributes: Attributes,
}

/// What a command does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandKind {
    /// Runs a command line in a container.
    Exec(Exec),
    /// Brings a component up.
    Apply(Apply),
    /// Runs other commands.
    Composite(Composite),
}

impl CommandKind {
    /// What it is, in the words of a message.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Exec(_) => "an exec command",
            Self::Apply(_) => "an apply command",
            Self::Composite(_) => "a composite command",
        }
    }
}

/// A command line in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The container component.
    pub component: Spanned<String>,
    /// What the container's shell runs.
    pub command_line: Spanned<String>,
    /// Where; the shell in the container expands `$PROJECT_SOURCE` and the like.
    pub working_dir: Option<Spanned<String>>,
    /// Added to the container's environment.
    pub env: Vec<EnvVar>,
    /// Whether what it starts notices changed files itself and need not be restarted.
    pub hot_reload_capable: bool,
}

/// Brings a component up: a container that runs to completion, or an image that is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apply {
    /// The component.
    pub component: Spanned<String>,
}

/// Other commands, in order or at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composite {
    /// Their ids.
    pub commands: Vec<Spanned<String>>,
    /// Whether they run at the same time.
    pub parallel: bool,
}

/// What a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// The kind.
    pub kind: Spanned<GroupKind>,
    /// Whether it is the one that runs when only the kind is asked for.
    pub is_default: bool,
}

/// The kinds of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKind {
    /// Builds the project.
    Build,
    /// Runs it.
    Run,
    /// Tests it.
    Test,
    /// Runs it under a debugger.
    Debug,
    /// Deploys it.
    Deploy,
}

impl GroupKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Build, Self::Run, Self::Test, Self::Debug, Self::Deploy];

    /// As a devfile writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Run => "run",
            Self::Test => "test",
            Self::Debug => "debug",
            Self::Deploy => "deploy",
        }
    }
}
