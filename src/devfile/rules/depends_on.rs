//! What a container waits for.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

use super::{Rule, Subject, report_component};
use crate::devfile::component::ComponentKind;
use crate::devfile::findings::Findings;
use crate::document::Spanned;

/// See the module.
pub(in crate::devfile) const RULE: Rule = Rule {
    code: "devfile/depends-on",
    why: "The attribute wharf.dev/depends-on of a container component names container components that are ready before \
          it starts. They stay up with the workspace, and none waits for itself, not even through others.",
    example: include_str!("../../../fixtures/devfile/depends-on/invalid.yaml"),
    fixed: include_str!("../../../fixtures/devfile/depends-on/valid.yaml"),
};

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings<'_>) {
    let devfile = subject.devfile;
    let staying: BTreeSet<&str> = devfile
        .main_containers()
        .iter()
        .map(|(component, _)| component.name.value.as_str())
        .collect();
    let mut waits: BTreeMap<&str, &[Spanned<String>]> = BTreeMap::new();
    for (component, container) in devfile.containers() {
        let names = container.readiness.depends_on.as_slice();
        waits.insert(&component.name.value, names);
        for name in names {
            let is_container = |kind: &ComponentKind| matches!(kind, ComponentKind::Container(_));
            report_component(RULE.code, subject, name, (is_container, "a container"), found);
            let known = devfile
                .component(&name.value)
                .is_some_and(|c| is_container(&c.kind));
            if known && !staying.contains(name.value.as_str()) {
                let message = format!(
                    "{:?} runs at an event only, so that nothing can wait for it",
                    name.value
                );
                let error = found.error(RULE.code, name.span, message);
                found.report(error);
            }
        }
    }
    report_cycles(&waits, found);
}

/// Reports every reference that lies on a way back to the component that makes it.
fn report_cycles(waits: &BTreeMap<&str, &[Spanned<String>]>, found: &mut Findings<'_>) {
    let mut graph: DiGraphMap<&str, ()> = DiGraphMap::new();
    for (component, names) in waits {
        for name in *names {
            graph.add_edge(component, name.value.as_str(), ());
        }
    }
    let circles = tarjan_scc(&graph);
    let number: BTreeMap<&str, usize> = circles
        .iter()
        .enumerate()
        .flat_map(|(number, members)| members.iter().map(move |member| (*member, number)))
        .collect();
    for (component, names) in waits {
        let same = |name: &&Spanned<String>| number.get(component) == number.get(name.value.as_str());
        for name in names.iter().filter(same) {
            let message = format!("component {component:?} would wait for itself");
            let error = found.error(RULE.code, name.span, message);
            found.report(error.help("remove one of these references"));
        }
    }
}
