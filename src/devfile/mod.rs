//! Devfiles (<https://devfile.io>), schema versions 2.0.0 to 2.3.0: a YAML tree to a typed [`Devfile`] and every error
//! in it.
//!
//! In: a document's node (a whole file, or inline in a Workspace), the devfiles that it imports, and the Workspace's
//! variables. Out: the devfile, its parents and plugins merged into it and its variables replaced, and diagnostics. The
//! stages, each of which sees all that the one before let pass:
//!
//! 1. `import`: which devfiles it imports, and where they are;
//! 2. `shape`: the tree of each against the tables of the language, for exactly the version that it states;
//! 3. `flatten`: one tree of all of them;
//! 4. `variables`: the tree with its variables replaced;
//! 5. `read`: the tree to types;
//! 6. `rules`: what must hold between the parts, one rule a file.
//!
//! An element that can't be read is left out and remembered by name, so that a reference to it is no second error.
//!
//! What wharf makes of a devfile (containers, mounts, the environment, the class's limits) belongs to `resolve`;
//! nothing here knows a Workspace, a file system or an engine.

mod command;
mod component;
mod findings;
mod flatten;
mod import;
mod lifecycle;
mod overrides;
mod page;
mod project;
mod read;
mod readiness;
mod root;
mod rules;
mod shape;
mod variables;
mod version;

pub use command::{Apply, Command, CommandKind, Composite, Exec, Group, GroupKind};
pub use component::{
    Annotation, Cluster, Component, ComponentKind, Container, Containerfile, Endpoint, EnvVar, Exposure,
    Image, Platform, Protocol, Volume, VolumeMount,
};
pub use import::{Empty, Imports, Location, MAX_IMPORTS, Missing, Shelf, has_imports};
pub use lifecycle::Leaf;
pub(crate) use page::raw_file;
pub use project::{CheckoutFrom, Git, Kept, Project, Source, StarterProject};
pub use read::{Read, read};
pub use readiness::{HealthCheck, Probe, Readiness};
pub use root::{Attributes, Devfile, Events};
pub use rules::RULES;
pub use version::SchemaVersion;
