//! A plan's steps for Graphviz: one cluster a workspace, an arrow from each step to those that wait for it.

use super::super::{Plan, Step};
use crate::model::WorkspaceId;

/// The plan as a `digraph`, for `dot -Tsvg`.
#[must_use]
pub fn dot(plan: &Plan) -> String {
    let mut text = format!(
        "digraph plan {{\n  label={};\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n",
        quoted(&format!("site {}, plan {}", plan.site, plan.digest))
    );
    let mut cluster: Option<&WorkspaceId> = None;
    for (place, step) in plan.steps.iter().enumerate() {
        if cluster != Some(&step.workspace) {
            if cluster.is_some() {
                text.push_str("  }\n");
            }
            let name = quoted(&format!("cluster {}", step.workspace));
            let label = quoted(&step.workspace.to_string());
            text.push_str(&format!("  subgraph {name} {{\n    label={label};\n"));
            cluster = Some(&step.workspace);
        }
        text.push_str(&format!("    step{place} [label={}];\n", label(step)));
    }
    if cluster.is_some() {
        text.push_str("  }\n");
    }
    for (place, step) in plan.steps.iter().enumerate() {
        for before in &step.after {
            text.push_str(&format!("  step{before} -> step{place};\n"));
        }
    }
    text + "}\n"
}

fn label(step: &Step) -> String {
    quoted(&step.to_string())
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
