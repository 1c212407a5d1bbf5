//! What runs at which moment of a workspace's life: events as the single commands behind them, and the containers
//! that stay up.

use std::collections::BTreeSet;

use super::command::{Command, CommandKind};
use super::component::{Component, ComponentKind, Container};
use super::root::Devfile;
use crate::document::Spanned;

/// One single command of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf<'a> {
    /// The exec or apply command.
    pub command: &'a Command,
    /// The component that it runs in or brings up.
    pub component: &'a Component,
    /// Leaves of one number run at the same time (a parallel composite); numbers rise. One without a number runs alone.
    pub group: Option<u32>,
}

impl Devfile {
    /// The apply commands before the containers start, in order.
    #[must_use]
    pub fn pre_start(&self) -> Vec<Leaf<'_>> {
        self.leaves(&self.events.pre_start)
    }

    /// The exec commands after the containers have started, in order.
    #[must_use]
    pub fn post_start(&self) -> Vec<Leaf<'_>> {
        self.leaves(&self.events.post_start)
    }

    /// The exec commands before the containers stop, in order.
    #[must_use]
    pub fn pre_stop(&self) -> Vec<Leaf<'_>> {
        self.leaves(&self.events.pre_stop)
    }

    /// The apply commands after the containers have stopped, in order.
    #[must_use]
    pub fn post_stop(&self) -> Vec<Leaf<'_>> {
        self.leaves(&self.events.post_stop)
    }

    /// The containers that stay up. One that preStart or postStop applies runs to completion then, and is up besides
    /// only where another command needs it.
    #[must_use]
    pub fn main_containers(&self) -> Vec<(&Component, &Container)> {
        let applied: Vec<Leaf<'_>> = self.pre_start().into_iter().chain(self.post_stop()).collect();
        let at_events: BTreeSet<&str> = applied.iter().map(|l| l.command.id.value.as_str()).collect();
        let once: BTreeSet<&str> = applied.iter().map(|l| l.component.name.value.as_str()).collect();
        let needed: BTreeSet<&str> = self
            .commands
            .iter()
            .filter(|c| !at_events.contains(c.id.value.as_str()))
            .filter_map(|c| c.component().map(|name| name.value.as_str()))
            .collect();
        let stays = |name: &str| !once.contains(name) || needed.contains(name);
        self.containers()
            .filter(|(component, _)| stays(&component.name.value))
            .collect()
    }

    /// The single commands behind the ids of an event. An id that names nothing, a composite within a composite and
    /// components of a cluster yield none: the rules have reported them.
    fn leaves<'a>(&'a self, ids: &[Spanned<String>]) -> Vec<Leaf<'a>> {
        let mut leaves = Vec::new();
        let mut groups = 0;
        for id in ids {
            let Some(command) = self.command(&id.value) else {
                continue;
            };
            match &command.kind {
                CommandKind::Exec(_) | CommandKind::Apply(_) => leaves.extend(self.leaf(command, None)),
                CommandKind::Composite(composite) => {
                    let group = composite.parallel.then_some(groups);
                    groups += u32::from(composite.parallel);
                    let children = composite.commands.iter().filter_map(|c| self.command(&c.value));
                    leaves.extend(children.filter_map(|c| self.leaf(c, group)));
                }
            }
        }
        leaves
    }

    fn leaf<'a>(&'a self, command: &'a Command, group: Option<u32>) -> Option<Leaf<'a>> {
        let component = self.component(&command.component()?.value)?;
        match component.kind {
            ComponentKind::Container(_) | ComponentKind::Image(_) | ComponentKind::Volume(_) => Some(Leaf {
                command,
                component,
                group,
            }),
            ComponentKind::Cluster(_) => None,
        }
    }
}

impl Command {
    /// The component that it runs in or brings up; a composite has none.
    #[must_use]
    pub fn component(&self) -> Option<&Spanned<String>> {
        match &self.kind {
            CommandKind::Exec(exec) => Some(&exec.component),
            CommandKind::Apply(apply) => Some(&apply.component),
            CommandKind::Composite(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::devfile::Imports;

    fn read(text: &str) -> Devfile {
        let (documents, _) = crate::document::parse("devfile.yaml", text.as_bytes());
        let document = Arc::new(documents.into_iter().next().unwrap());
        let read = crate::devfile::read(&document, &document.root, &BTreeMap::new(), &Imports::none());
        read.devfile.unwrap_or_else(|| panic!("{:?}", read.diagnostics))
    }

    const COMPONENTS: &str = "
schemaVersion: 2.2.0
components:
  - name: tools
    container: {image: tools}
  - name: seed
    container: {image: seed}
  - name: cluster
    kubernetes: {uri: x.yaml}
commands:
  - {id: a, exec: {component: tools, commandLine: a}}
  - {id: b, exec: {component: tools, commandLine: b}}
  - {id: seed, apply: {component: seed}}
  - {id: create, apply: {component: cluster}}
  - {id: at-once, composite: {commands: [a, b], parallel: true}}
  - {id: in-turn, composite: {commands: [b, a]}}
";

    fn shown(leaves: &[Leaf<'_>]) -> Vec<(String, Option<u32>)> {
        leaves
            .iter()
            .map(|l| (l.command.id.value.clone(), l.group))
            .collect()
    }

    #[test]
    fn an_event_is_its_single_commands_in_order() {
        let devfile = read(&format!(
            "{COMPONENTS}events: {{postStart: [a, at-once, in-turn, AT-ONCE], preStart: [create, seed]}}"
        ));
        let expected = [
            ("a", None),
            ("a", Some(0)),
            ("b", Some(0)),
            ("b", None),
            ("a", None),
            ("a", Some(1)),
            ("b", Some(1)),
        ];
        assert_eq!(
            shown(&devfile.post_start()),
            expected.map(|(id, group)| (id.to_owned(), group))
        );
        // What a cluster would do is skipped.
        assert_eq!(shown(&devfile.pre_start()), [("seed".to_owned(), None)]);
    }

    fn main(devfile: &Devfile) -> Vec<&str> {
        let containers = devfile.main_containers();
        containers.iter().map(|(c, _)| c.name.value.as_str()).collect()
    }

    #[test]
    fn a_container_that_only_events_apply_does_not_stay_up() {
        assert_eq!(main(&read(COMPONENTS)), ["tools", "seed"]);
        let seeded = format!("{COMPONENTS}events: {{preStart: [seed]}}");
        assert_eq!(main(&read(&seeded)), ["tools"]);
        let after = format!("{COMPONENTS}events: {{postStop: [seed]}}");
        assert_eq!(main(&read(&after)), ["tools"]);
        let used = seeded.replace(
            "component: tools, commandLine: b",
            "component: seed, commandLine: b",
        );
        assert_eq!(main(&read(&used)), ["tools", "seed"]);
    }
}
