//! Where a problem is: files of the corpus whose single cause is known from reading them, each with the line and the code
//! that a diagnostic of it must have.

use std::path::Path;

use super::{Outcome, verdicts};

const COMMANDS: &str = "_assembled/devfile+api-v200/command-tests";
const COMPONENTS: &str = "_assembled/devfile+api-v200/component-tests";
const SOURCES: &str = "devfile+integration-tests/tests/examples/source/devfiles/nodejs";

const PLACES: &[(&str, &str, usize, &str)] = &[
    (COMMANDS, "CommandsAll", 78, "devfile/default-command"),
    (COMMANDS, "applyCommandBadGroupIsDefault", 7, "yaml/type"),
    (COMMANDS, "applyCommandBadGroupKind", 8, "devfile/value"),
    (COMMANDS, "applyCommandMixedCaseId", 3, "devfile/name"),
    (COMMANDS, "applyCommandNoComponent", 5, "yaml/missing-key"),
    (COMMANDS, "compositeCommandBadParallel", 9, "yaml/type"),
    (COMMANDS, "compositeCommandNoId", 3, "yaml/missing-key"),
    (COMMANDS, "execCommandBadHotReloadCapable", 10, "yaml/type"),
    (COMMANDS, "execCommandMissingEnvName", 13, "yaml/missing-key"),
    (COMMANDS, "execCommandMissingGroupKind", 8, "yaml/missing-key"),
    (COMMANDS, "execCommandNoCommand", 5, "yaml/missing-key"),
    (COMPONENTS, "componentAll", 111, "devfile/duplicate-endpoint"),
    (COMPONENTS, "componentContainerBadDedicatedPod", 7, "yaml/type"),
    (
        COMPONENTS,
        "componentContainerBadEndpointExposure",
        16,
        "devfile/value",
    ),
    (
        COMPONENTS,
        "componentContainerBadEndpointProtocol",
        18,
        "devfile/value",
    ),
    (COMPONENTS, "componentContainerBadMountSources", 10, "yaml/type"),
    (
        COMPONENTS,
        "componentContainerEndpointLongName",
        7,
        "devfile/name",
    ),
    (
        COMPONENTS,
        "componentContainerEndpointMissingPort",
        12,
        "yaml/missing-key",
    ),
    (COMPONENTS, "componentContainerEnvNoValue", 26, "yaml/missing-key"),
    (COMPONENTS, "componentContainerNoImage", 5, "yaml/missing-key"),
    (
        COMPONENTS,
        "componentContainerVolumeMissingName",
        22,
        "yaml/missing-key",
    ),
    (
        COMPONENTS,
        "componentKubernetesBadEndpointSecure",
        14,
        "yaml/type",
    ),
    (
        COMPONENTS,
        "componentKubernetesBothInlinedAndUri",
        6,
        "devfile/one-of",
    ),
    (COMPONENTS, "componentKubernetesMixedCaseName", 3, "devfile/name"),
    (
        COMPONENTS,
        "componentOpenshiftEndpointMissingName",
        7,
        "yaml/missing-key",
    ),
    (
        COMPONENTS,
        "componentOpenshiftMinimum",
        6,
        "devfile/duplicate-component",
    ),
    (
        COMPONENTS,
        "componentOpenshiftMissingInlinedAndUri",
        5,
        "devfile/one-of",
    ),
    (
        "_assembled/devfile+api-v200/metadata-tests",
        "metadataBadVersion",
        4,
        "devfile/value",
    ),
    (
        "devfile+api/test/v200/devfiles/schemaVersion",
        "schemabad",
        1,
        "devfile/schema-version",
    ),
    (
        SOURCES,
        "devfile-with-invalid-events",
        117,
        "devfile/event-command",
    ),
    (
        SOURCES,
        "devfile-with-multiple-defaults",
        126,
        "devfile/default-command",
    ),
    (SOURCES, "devfile-with-preStart", 116, "devfile/event-kind"),
    (
        SOURCES,
        "devfileCompositeInvalidComponent",
        40,
        "devfile/exec-component",
    ),
    (SOURCES, "devfileIndirectNesting", 50, "devfile/composite-cycle"),
];

pub(crate) fn places(root: &Path) -> Outcome {
    let mut outcome = Outcome::default();
    for (folder, name, line, code) in PLACES {
        let path = format!("{folder}/{name}.yaml");
        let (_, diagnostics) = verdicts::read(&root.join("corpus"), &path);
        let at = |d: &wharf::document::Diagnostic| d.position().map(|(line, _)| line);
        let found = diagnostics
            .0
            .iter()
            .any(|d| d.code == *code && at(d) == Some(*line));
        outcome.compare(found, || {
            let all = diagnostics.0.iter().map(|d| format!("{} on {:?}", d.code, at(d)));
            format!(
                "{path}: no {code} on line {line}: {}",
                all.collect::<Vec<_>>().join(", ")
            )
        });
    }
    outcome
}
