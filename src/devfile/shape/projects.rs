//! Projects, starter projects and dependent projects.

use super::{Object, Shape, field, item, object};
use crate::devfile::version::SchemaVersion::V2_0_0;

pub(super) static PROJECT: Object = item(
    "a project",
    "name",
    &[
        field("name", Shape::Name).required(),
        field("attributes", Shape::Open),
        field("git", Shape::Object(&GIT)).arm(),
        field("zip", Shape::Object(&ZIP)).arm(),
        field("github", Shape::Object(&GIT)).arm().until(V2_0_0),
        field("clonePath", Shape::Text).replaced(),
        field("sparseCheckoutDirs", Shape::List(&Shape::Text)).until(V2_0_0),
    ],
);

/// The same without what 2.0.0 had, for it came later.
pub(super) static DEPENDENT_PROJECT: Object = item(
    "a dependent project",
    "name",
    &[
        field("name", Shape::Name).required(),
        field("attributes", Shape::Open),
        field("git", Shape::Object(&GIT)).arm(),
        field("zip", Shape::Object(&ZIP)).arm(),
        field("clonePath", Shape::Text).replaced(),
    ],
);

pub(super) static STARTER_PROJECT: Object = item(
    "a starter project",
    "name",
    &[
        field("name", Shape::Name).required(),
        field("attributes", Shape::Open),
        field("git", Shape::Object(&GIT)).arm(),
        field("zip", Shape::Object(&ZIP)).arm(),
        field("github", Shape::Object(&GIT)).arm().until(V2_0_0),
        field("description", Shape::Text).replaced(),
        field("subDir", Shape::Text).replaced(),
    ],
);

static GIT: Object = object(
    "a git source",
    &[
        field("remotes", Shape::Texts).replaced().required(),
        field("checkoutFrom", Shape::Object(&CHECKOUT_FROM)),
    ],
);

pub(super) static CHECKOUT_FROM: Object = object(
    "checkoutFrom",
    &[
        field("remote", Shape::Text).replaced(),
        field("revision", Shape::Text).replaced(),
    ],
);

static ZIP: Object = object("a zip source", &[field("location", Shape::Text).replaced()]);
