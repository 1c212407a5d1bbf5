//! Mounts of one container have paths of their own.

use std::collections::BTreeMap;

use super::{Rule, Subject};
use crate::devfile::findings::Findings;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/mount-path",
    why: "Two volumes at one path of a container would hide each other; no engine starts such a container.",
    example: include_str!("../../../fixtures/devfile/mount-path/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/mount-path/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    for (_, container) in subject.devfile.containers() {
        let mut first = BTreeMap::new();
        for mount in &container.volume_mounts {
            let other = first.insert(mount.path(), &mount.name.value);
            if let Some(other) = other {
                let place = mount.path.as_ref().unwrap_or(&mount.name);
                let message = format!("{other:?} is mounted at {} already", mount.path());
                let error = found.error(RULE.code, place.span, message);
                found.report(error.help("give one of them another path"));
            }
        }
    }
}
