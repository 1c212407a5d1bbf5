//! The devfile itself, its metadata and its events.

use super::commands::COMMAND;
use super::components::COMPONENT;
use super::imports::PARENT;
use super::projects::{DEPENDENT_PROJECT, PROJECT, STARTER_PROJECT};
use super::{Choice, Object, Shape, choice, field, object};
use crate::devfile::version::SchemaVersion::{V2_1_0, V2_2_0, V2_2_2};

/// The whole devfile.
pub(in crate::devfile) static DEVFILE: Object = object(
    "a devfile",
    &[
        // Its value is checked before anything else, for it decides how the rest is read.
        field("schemaVersion", Shape::Text).required(),
        field("metadata", Shape::Object(&METADATA)),
        field("attributes", Shape::Open).since(V2_1_0),
        field("variables", Shape::Texts).since(V2_1_0),
        field("parent", Shape::Object(&PARENT)),
        field("components", Shape::List(&Shape::Object(&COMPONENT))),
        field("commands", Shape::List(&Shape::Object(&COMMAND))),
        field("events", Shape::Object(&EVENTS)),
        field("projects", Shape::List(&Shape::Object(&PROJECT))),
        field("starterProjects", Shape::List(&Shape::Object(&STARTER_PROJECT))),
        field(
            "dependentProjects",
            Shape::List(&Shape::Object(&DEPENDENT_PROJECT)),
        )
        .since(V2_2_2),
    ],
);

static METADATA: Object = Object {
    what: "metadata",
    open: true,
    id: None,
    fields: &[
        field("name", Shape::Text),
        field("version", Shape::SemanticVersion),
        field("displayName", Shape::Text),
        field("description", Shape::Text),
        field("tags", Shape::List(&Shape::Text)),
        field("icon", Shape::Text),
        field("globalMemoryLimit", Shape::Text),
        field("attributes", Shape::Open),
        field("language", Shape::Text).since(V2_1_0),
        field("projectType", Shape::Text).since(V2_1_0),
        field("website", Shape::Text).since(V2_1_0),
        field("supportUrl", Shape::Text).since(V2_2_0),
        field("provider", Shape::Text).since(V2_2_0),
        field("architectures", Shape::List(&Shape::Choice(&ARCHITECTURES))).since(V2_2_0),
    ],
};

static ARCHITECTURES: [Choice; 4] = [
    choice("amd64"),
    choice("arm64"),
    choice("ppc64le"),
    choice("s390x"),
];

static EVENTS: Object = object(
    "events",
    &[
        field("preStart", Shape::List(&Shape::Text)),
        field("postStart", Shape::List(&Shape::Text)),
        field("preStop", Shape::List(&Shape::Text)),
        field("postStop", Shape::List(&Shape::Text)),
    ],
);
