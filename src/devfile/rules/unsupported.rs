//! What the devfile specification has and wharf does not have yet. It is refused by name, never ignored: a workspace
//! that starts without a part of what it asked for is worse than one that does not start.

use super::{Rule, Subject};
use crate::devfile::component::ComponentKind;
use crate::devfile::findings::Findings;
use crate::devfile::root::Attributes;
use crate::document::Span;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/unsupported",
    why: "This part of the devfile specification is not built yet. wharf refuses it rather than ignoring it, so that \
          no workspace starts without a part of what its devfile asks for.",
    example: include_str!("../../../fixtures/devfile/unsupported/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/unsupported/valid.yaml"),
};

/// Reports that `feature` (in the plural) is used at `span`.
pub(in crate::devfile) fn report(feature: &str, span: Span, found: &mut Findings<'_>) {
    let error = found.error(RULE.code, span, format!("{feature} are not supported yet"));
    found.report(error);
}

/// Attributes that ask for a feature.
const ATTRIBUTES: [(&str, &str); 1] = [("sparseCheckout", "sparse checkouts")];

/// Features that are asked for by a value rather than by a key of the schema.
pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let devfile = subject.devfile;
    let projects = devfile.projects.iter().chain(&devfile.dependent_projects);
    for project in projects {
        check_attributes(&project.attributes, found);
    }
    for component in &devfile.components {
        match &component.kind {
            ComponentKind::Image(image) if image.containerfile.value.contains("://") => {
                report("images built from an address", image.containerfile.span, found);
            }
            ComponentKind::Image(_)
            | ComponentKind::Container(_)
            | ComponentKind::Volume(_)
            | ComponentKind::Cluster(_) => {}
        }
    }
}

fn check_attributes(attributes: &Attributes, found: &mut Findings<'_>) {
    for (key, _) in &attributes.0 {
        if let Some((_, feature)) = ATTRIBUTES.iter().find(|(name, _)| *name == key.value) {
            report(feature, key.span, found);
        }
    }
}
