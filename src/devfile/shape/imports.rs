//! Parents and plugins: where they come from, and what is to change in them.

use super::commands::COMMAND;
use super::components::COMPONENT;
use super::projects::{DEPENDENT_PROJECT, PROJECT, STARTER_PROJECT};
use super::{Object, Shape, field, object};
use crate::devfile::version::SchemaVersion::{V2_1_0, V2_2_2};

pub(super) static PARENT: Object = object(
    "a parent",
    &[
        field("uri", Shape::Text).arm(),
        field("id", Shape::Text).arm(),
        field("kubernetes", Shape::Object(&CLUSTER_OBJECT)).arm(),
        field("registryUrl", Shape::Text),
        field("version", Shape::Text).since(V2_1_0),
        field("attributes", Shape::Open).since(V2_1_0),
        field("variables", Shape::Texts).since(V2_1_0),
        field("components", Shape::List(&Shape::Overrides(&COMPONENT))),
        field("commands", Shape::List(&Shape::Overrides(&COMMAND))),
        field("projects", Shape::List(&Shape::Overrides(&PROJECT))),
        field(
            "starterProjects",
            Shape::List(&Shape::Overrides(&STARTER_PROJECT)),
        ),
        field(
            "dependentProjects",
            Shape::List(&Shape::Overrides(&DEPENDENT_PROJECT)),
        )
        .since(V2_2_2),
    ],
);

pub(super) static PLUGIN: Object = object(
    "a plugin",
    &[
        field("uri", Shape::Text).arm(),
        field("id", Shape::Text).arm(),
        field("kubernetes", Shape::Object(&CLUSTER_OBJECT)).arm(),
        field("registryUrl", Shape::Text),
        field("components", Shape::List(&Shape::Overrides(&COMPONENT))),
        field("commands", Shape::List(&Shape::Overrides(&COMMAND))),
    ],
);

static CLUSTER_OBJECT: Object = object(
    "an object of a cluster",
    &[
        field("name", Shape::Text).required(),
        field("namespace", Shape::Text),
    ],
);
