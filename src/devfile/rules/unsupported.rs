//! What the devfile specification has and wharf does not have yet. It is refused by name, never ignored: a workspace
//! that starts without a part of what it asked for is worse than one that does not start.

use super::{Rule, Subject};
use crate::devfile::component::ComponentKind;
use crate::devfile::findings::Findings;
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

/// Features that are asked for by a value rather than by a key of the schema.
pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let devfile = subject.devfile;
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
