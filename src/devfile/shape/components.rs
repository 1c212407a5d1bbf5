//! Components and their endpoints.

use super::imports::PLUGIN;
use super::projects::CHECKOUT_FROM;
use super::{Choice, Object, Shape, choice, field, item, object};
use crate::devfile::version::SchemaVersion::{V2_0_0, V2_1_0, V2_2_0};

pub(super) static COMPONENT: Object = item(
    "a component",
    "name",
    &[
        field("name", Shape::Name).required(),
        field("attributes", Shape::Open),
        field("container", Shape::Object(&CONTAINER)).arm(),
        field("volume", Shape::Object(&VOLUME)).arm(),
        field("image", Shape::Object(&IMAGE)).arm().since(V2_2_0),
        field("kubernetes", Shape::Object(&CLUSTER)).arm(),
        field("openshift", Shape::Object(&CLUSTER)).arm(),
        field("plugin", Shape::Object(&PLUGIN)).arm().until(V2_0_0),
    ],
);

static CONTAINER: Object = object(
    "a container",
    &[
        field("image", Shape::Text).replaced().required(),
        field("command", Shape::List(&Shape::Text)).replaced(),
        field("args", Shape::List(&Shape::Text)).replaced(),
        field("env", Shape::List(&Shape::Object(&ENV_VAR))),
        field("volumeMounts", Shape::List(&Shape::Object(&VOLUME_MOUNT))),
        field("memoryLimit", Shape::Text).replaced(),
        field("memoryRequest", Shape::Text).replaced().since(V2_1_0),
        field("cpuLimit", Shape::Text).since(V2_1_0),
        field("cpuRequest", Shape::Text).since(V2_1_0),
        field("mountSources", Shape::Flag),
        field("sourceMapping", Shape::Text).replaced(),
        field("dedicatedPod", Shape::Flag),
        field("annotation", Shape::Object(&ANNOTATION)).since(V2_2_0),
        field("endpoints", Shape::List(&Shape::Object(&ENDPOINT))),
    ],
);

pub(super) static ENV_VAR: Object = item(
    "an environment variable",
    "name",
    &[
        field("name", Shape::Text).replaced().required(),
        field("value", Shape::Text).replaced().required(),
    ],
);

static VOLUME_MOUNT: Object = item(
    "a volume mount",
    "name",
    &[
        field("name", Shape::Name).required(),
        field("path", Shape::Text).replaced(),
    ],
);

static ANNOTATION: Object = object(
    "an annotation",
    &[field("deployment", Shape::Texts), field("service", Shape::Texts)],
);

static ENDPOINT: Object = item(
    "an endpoint",
    "name",
    &[
        field("name", Shape::EndpointName).required(),
        field("targetPort", Shape::Integer).required(),
        field("exposure", Shape::Choice(&EXPOSURES)),
        field("protocol", Shape::Choice(&PROTOCOLS)),
        field("secure", Shape::Flag),
        field("path", Shape::Text).replaced(),
        field("attributes", Shape::Open),
        field("annotation", Shape::Texts).since(V2_2_0),
    ],
);

static EXPOSURES: [Choice; 3] = [choice("public"), choice("internal"), choice("none")];

static PROTOCOLS: [Choice; 6] = [
    choice("http"),
    choice("https"),
    choice("ws"),
    choice("wss"),
    choice("tcp"),
    choice("udp"),
];

static VOLUME: Object = object(
    "a volume",
    &[
        field("size", Shape::Text).replaced(),
        field("ephemeral", Shape::Flag).since(V2_1_0),
    ],
);

static IMAGE: Object = object(
    "an image",
    &[
        field("imageName", Shape::Text).replaced().required(),
        field("dockerfile", Shape::Object(&DOCKERFILE)).required(),
        field("autoBuild", Shape::Flag),
    ],
);

static DOCKERFILE: Object = object(
    "a dockerfile",
    &[
        field("uri", Shape::Text).replaced().arm(),
        field("git", Shape::Object(&DOCKERFILE_GIT)).arm(),
        field("devfileRegistry", Shape::Object(&DOCKERFILE_REGISTRY)).arm(),
        field("buildContext", Shape::Text).replaced(),
        field("args", Shape::List(&Shape::Text)).replaced(),
        field("rootRequired", Shape::Flag),
    ],
);

static DOCKERFILE_GIT: Object = object(
    "a git source",
    &[
        field("remotes", Shape::Texts).replaced().required(),
        field("checkoutFrom", Shape::Object(&CHECKOUT_FROM)),
        field("fileLocation", Shape::Text).replaced(),
    ],
);

static DOCKERFILE_REGISTRY: Object = object(
    "a registry source",
    &[
        field("id", Shape::Text).replaced().required(),
        field("registryUrl", Shape::Text).replaced(),
    ],
);

static CLUSTER: Object = object(
    "a cluster component",
    &[
        field("uri", Shape::Text).replaced().arm(),
        field("inlined", Shape::Text).replaced().arm(),
        field("endpoints", Shape::List(&Shape::Object(&ENDPOINT))),
        field("deployByDefault", Shape::Flag).since(V2_2_0),
    ],
);
