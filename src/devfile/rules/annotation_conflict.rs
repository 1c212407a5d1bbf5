//! Annotations of containers that end up on one Kubernetes object.

use std::collections::BTreeMap;

use super::{Rule, Subject};
use crate::devfile::component::{Annotation, Container};
use crate::devfile::findings::Findings;
use crate::document::Spanned;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/annotation-conflict",
    why: "All containers of a pod put their annotations on one deployment and one service, so one key has \
          one value. The devfile library checks this where dedicatedPod: false is written out; elsewhere it \
          is a warning, since wharf makes no such objects.",
    example: include_str!("../../../fixtures/devfile/annotation-conflict/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/annotation-conflict/valid.yaml"),
};

type Entries = [(Spanned<String>, Spanned<String>)];

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    compare(subject, |annotation| &annotation.deployment, found);
    compare(subject, |annotation| &annotation.service, found);
}

fn compare(subject: &Subject<'_>, of: impl Fn(&Annotation) -> &Entries, found: &mut Findings<'_>) {
    let mut first: BTreeMap<&str, (&str, &Container)> = BTreeMap::new();
    for (_, container) in subject.devfile.containers().filter(|(_, c)| !c.dedicated_pod) {
        for (key, value) in of(&container.annotation) {
            let (other, owner) = *first.entry(&key.value).or_insert((&value.value, container));
            if other != value.value {
                let message = format!("another container gives {:?} the value {other:?}", key.value);
                let error = found.error(RULE.code, value.span, message);
                let error = error.help("give both the same value");
                let stated = owner.annotation.shared && container.annotation.shared;
                found.report(if stated { error } else { error.warning() });
            }
        }
    }
}
