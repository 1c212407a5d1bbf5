//! Volume mounts name a volume component.

use super::{Rule, Subject};
use crate::devfile::component::ComponentKind;
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/unknown-volume",
    why: "A container mounts volumes that the devfile declares. A name that no volume component has is a \
          slip, or the component is missing.",
    example: include_str!("../../../fixtures/devfile/unknown-volume/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/unknown-volume/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let devfile = subject.devfile;
    let volumes = || {
        let volumes = devfile
            .components
            .iter()
            .filter(|c| matches!(c.kind, ComponentKind::Volume(_)));
        volumes.map(|c| c.name.value.as_str())
    };
    for name in devfile
        .containers()
        .flat_map(|(_, c)| &c.volume_mounts)
        .map(|m| &m.name)
    {
        let message = match devfile.component(&name.value).map(|c| &c.kind) {
            Some(ComponentKind::Volume(_)) => continue,
            None if subject.unread.component(&name.value) => continue,
            None => format!("no volume component is named {:?}", name.value),
            Some(kind) => format!("{:?} is {}, not a volume", name.value, kind.describe()),
        };
        let error = found.error(RULE.code, name.span, message);
        let error = error.help(format!("add a component {:?} with volume: {{}}", name.value));
        let error = found.suggest(error, &name.value, volumes());
        found.report(error);
    }
}
