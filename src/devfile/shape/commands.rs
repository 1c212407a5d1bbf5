//! Commands.

use super::components::ENV_VAR;
use super::{Choice, Object, Shape, choice, field, item, object};
use crate::devfile::version::SchemaVersion::{V2_0_0, V2_2_0};

pub(super) static COMMAND: Object = item(
    "a command",
    "id",
    &[
        field("id", Shape::Name).required(),
        field("attributes", Shape::Open),
        field("exec", Shape::Object(&EXEC)).arm(),
        field("apply", Shape::Object(&APPLY)).arm(),
        field("composite", Shape::Object(&COMPOSITE)).arm(),
        field("vscodeTask", Shape::Object(&VSCODE)).arm().until(V2_0_0),
        field("vscodeLaunch", Shape::Object(&VSCODE)).arm().until(V2_0_0),
    ],
);

static EXEC: Object = object(
    "an exec command",
    &[
        field("component", Shape::Text).required(),
        field("commandLine", Shape::Text).replaced().required(),
        field("workingDir", Shape::Text).replaced(),
        field("env", Shape::List(&Shape::Object(&ENV_VAR))),
        field("hotReloadCapable", Shape::Flag),
        field("label", Shape::Text).replaced(),
        field("group", Shape::Object(&GROUP)),
    ],
);

static APPLY: Object = object(
    "an apply command",
    &[
        field("component", Shape::Text).required(),
        field("label", Shape::Text).replaced(),
        field("group", Shape::Object(&GROUP)),
    ],
);

static COMPOSITE: Object = object(
    "a composite command",
    &[
        field("commands", Shape::List(&Shape::Text)),
        field("parallel", Shape::Flag),
        field("label", Shape::Text).replaced(),
        field("group", Shape::Object(&GROUP)),
    ],
);

static VSCODE: Object = object(
    "a command of an editor",
    &[
        field("uri", Shape::Text).arm(),
        field("inlined", Shape::Text).arm(),
        field("group", Shape::Object(&GROUP)),
    ],
);

static GROUP: Object = object(
    "a group",
    &[
        field("kind", Shape::Choice(&GROUP_KINDS)).required(),
        field("isDefault", Shape::Flag),
    ],
);

static GROUP_KINDS: [Choice; 5] = [
    choice("build"),
    choice("run"),
    choice("test"),
    choice("debug"),
    Choice {
        text: "deploy",
        since: V2_2_0,
    },
];
