//! The results as tables, or as JSON.

use comfy_table::{CellAlignment, Table, presets::ASCII_MARKDOWN};

use crate::{Results, measure::Measured, task::Result};

pub fn print(results: &Results, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(results)?);
        return Ok(());
    }
    if !results.compiling.is_empty() {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN).set_header(["database", "W0", "ns", "allocations", "bytes"]);
        for row in &results.compiling {
            table.add_row([
                row.db.clone(),
                row.what.into(),
                format!("{:.0}", row.nanoseconds),
                row.allocations.to_string(),
                row.bytes.to_string(),
            ]);
        }
        align(&mut table, 2..5);
        println!("{table}\n");
    }
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header([
        "database",
        "",
        "workload",
        "ours µs",
        "raw µs",
        "ratio",
        "half within",
        "CPU",
        "KiB grown",
    ]);
    for row in &results.measured {
        table.add_row([
            row.db.clone(),
            row.workload.clone(),
            row.what.clone(),
            format!("{:.1}", row.ours_us),
            format!("{:.1}", row.raw_us),
            format!("{:.2}", row.ratio),
            format!("{:.2} - {:.2}", row.low, row.high),
            format!("{:.2}", row.cpu),
            memory(row),
        ]);
    }
    align(&mut table, 3..9);
    println!("{table}");
    Ok(())
}

fn memory(row: &Measured) -> String {
    row.memory.map(|(ours, raw)| format!("{ours} / {raw}")).unwrap_or_default()
}

fn align(table: &mut Table, columns: std::ops::Range<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
