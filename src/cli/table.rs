//! Aligned columns without lines, as wide as the terminal at most.

use comfy_table::{ContentArrangement, Table, presets};

use super::output::Output;

/// Rows under a head, a line each where they fit.
pub(super) fn table(out: &Output, head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    if let Some(width) = out.table_width() {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    table.set_header(head.iter().map(|h| h.to_uppercase()));
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

/// `name: value` lines, aligned.
pub(super) fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or_default() + 1;
    facts
        .iter()
        .map(|(name, value)| {
            let head = format!("{name}:");
            format!("{head:width$} {value}\n")
        })
        .collect()
}
