//! The order: drafts' steps as one graph, each after those that it waits for. Two plans of the same drafts have the same
//! order.

use std::collections::BTreeMap;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use super::diff::{DraftStep, Key};
use super::step::Step;
use crate::model::WorkspaceId;

/// The steps can't be put in any order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these steps wait for each other: {}", .0.join(" -> "))]
pub struct OrderError(pub Vec<String>);

/// Puts the steps in an order: by workspace, then by dependency, then by object.
///
/// # Errors
/// A cycle, its steps by name.
pub fn order(drafts: Vec<(WorkspaceId, Vec<DraftStep>)>) -> Result<Vec<Step>, OrderError> {
    let mut steps = Vec::new();
    for (workspace, mut draft) in drafts {
        draft.sort_by(|a, b| a.key.cmp(&b.key));
        draft.dedup_by(|a, b| a.key == b.key);
        let first = steps.len();
        for step in sorted(draft)? {
            let after = step.1.into_iter().map(|place| first + place).collect();
            let object = step.0.key.0;
            steps.push(Step {
                workspace: workspace.clone(),
                object,
                action: step.0.action,
                after,
            });
        }
    }
    Ok(steps)
}

/// One workspace's steps in order, each with the places of those before it.
fn sorted(draft: Vec<DraftStep>) -> Result<Vec<(DraftStep, Vec<usize>)>, OrderError> {
    let mut graph: DiGraph<DraftStep, ()> = DiGraph::with_capacity(draft.len(), draft.len() * 2);
    let nodes: BTreeMap<Key, NodeIndex> = draft
        .into_iter()
        .map(|step| (step.key.clone(), graph.add_node(step)))
        .collect();
    for node in nodes.values() {
        for before in graph[*node].after.clone() {
            if let Some(before) = nodes.get(&before) {
                graph.update_edge(*before, *node, ());
            }
        }
    }
    if let Some(cycle) = tarjan_scc(&graph)
        .into_iter()
        .find(|c| c.len() > 1 || graph.contains_edge(c[0], c[0]))
    {
        let mut names: Vec<String> = cycle
            .iter()
            .map(|n| format!("{:?} {}", graph[*n].key.1, graph[*n].key.0))
            .collect();
        names.sort();
        return Err(OrderError(names));
    }
    // Kahn's algorithm over keys in their own order: petgraph's toposort is right, but its order among equals depends
    // on how the graph was built.
    let mut waiting: BTreeMap<Key, usize> = nodes
        .iter()
        .map(|(key, node)| {
            (
                key.clone(),
                graph.edges_directed(*node, petgraph::Incoming).count(),
            )
        })
        .collect();
    let mut places: BTreeMap<NodeIndex, usize> = BTreeMap::new();
    let mut order = Vec::new();
    while let Some(key) = waiting.iter().find(|(_, n)| **n == 0).map(|(k, _)| k.clone()) {
        waiting.remove(&key);
        let node = nodes[&key];
        places.insert(node, order.len());
        order.push(node);
        for edge in graph.edges_directed(node, petgraph::Outgoing) {
            if let Some(n) = waiting.get_mut(&graph[edge.target()].key) {
                *n -= 1;
            }
        }
    }
    Ok(order
        .into_iter()
        .map(|node| {
            let mut after: Vec<usize> = graph
                .edges_directed(node, petgraph::Incoming)
                .filter_map(|e| places.get(&e.source()).copied())
                .collect();
            after.sort_unstable();
            (graph[node].clone(), after)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, ObjectId};
    use crate::plan::diff::Verb;
    use crate::plan::step::{Action, Target};

    fn step(name: &str, after: &[&str]) -> DraftStep {
        let key = |name: &str| Key(ObjectId::new(Kind::Container, name), Verb::Stop);
        let target = Target {
            name: name.to_owned(),
            id: None,
        };
        DraftStep {
            key: key(name),
            action: Action::Stop { target },
            after: after.iter().map(|a| key(a)).collect(),
        }
    }

    #[test]
    fn steps_stand_after_what_they_wait_for() {
        let draft = vec![step("a", &["c"]), step("b", &[]), step("c", &["b", "nobody"])];
        let steps = order(vec![("x/y".parse().unwrap(), draft)]).unwrap();
        let names: Vec<_> = steps.iter().map(|s| s.object.name.as_str()).collect();
        assert_eq!(names, ["b", "c", "a"]);
        assert_eq!(steps[2].after, [1]);
    }

    #[test]
    fn a_cycle_is_reported_by_name() {
        let draft = vec![step("a", &["b"]), step("b", &["a"]), step("c", &[])];
        let error = order(vec![("x/y".parse().unwrap(), draft)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "these steps wait for each other: Stop container/a -> Stop container/b"
        );
    }
}
