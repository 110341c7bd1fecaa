//! Prints: tables, statements, a progress bar. Nothing here is about databases.

use std::{
    cell::Cell,
    io::{IsTerminal, stdout},
    time::{Duration, Instant},
};

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use indicatif::{ProgressBar, ProgressStyle};
use relata::{Recorded, prelude::*};
use serde::Serialize;
use serde_json::Value;

/// Longer tables are cut.
const LINES: usize = 10;

/// Asks questions and shows what comes back.
pub struct Show<'e> {
    db: &'e Engine,
    recorder: Recorder,
    all_sql: bool,
    statements: Cell<usize>,
    time: Cell<Duration>,
}

impl<'e> Show<'e> {
    /// Records what the engine runs from now on.
    pub fn new(db: &'e Engine, all_sql: bool) -> Self {
        println!("{}", bold(&format!("A month of flights, on {}", db.dialect().name())));
        Show {
            db,
            recorder: db.record(),
            all_sql,
            statements: Cell::default(),
            time: Cell::default(),
        }
    }

    /// A chapter.
    pub fn heading(&self, text: &str) {
        println!("\n{}\n{}", bold(text), "─".repeat(text.chars().count()));
    }

    /// A section.
    pub fn title(&self, text: &str) {
        println!("\n{}", bold(text));
    }

    /// Runs a statement and shows its rows.
    pub async fn ask<R, const N: usize>(
        &self,
        question: &str,
        headings: [&str; N],
        statement: Select<R>,
    ) -> relata::Result<()>
    where
        R: Serialize + Send + 'static,
    {
        self.title(question);
        let rows = statement.all(self.db).await?;
        self.table(headings, rows);
        self.ran();
        Ok(())
    }

    /// Shows rows: each a tuple, with as many parts as there are headings.
    pub fn table<R: Serialize, const N: usize>(
        &self,
        headings: [&str; N],
        rows: impl IntoIterator<Item = R>,
    ) {
        let rows: Vec<Vec<Value>> = rows.into_iter().map(cells).collect();
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED.with_rounded_corners()).set_header(headings);
        for row in rows.iter().take(LINES) {
            table.add_row(row.iter().map(|cell| match cell {
                Value::Null => "–".to_owned(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            }));
        }
        for (column, cell) in rows.first().into_iter().flatten().enumerate() {
            if let (true, Some(column)) = (cell.is_number(), table.column_mut(column)) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        println!("{table}");
        if rows.len() > LINES {
            println!("… and {} more", rows.len() - LINES);
        }
    }

    /// Says what it took to load the rows.
    pub fn loaded(&self, rows: u64, began: Instant) {
        let ran = self.take();
        let seconds = began.elapsed().as_secs_f64();
        println!("{rows} rows loaded in {seconds:.2} s, by {}", count(ran.len()));
    }

    /// Says how many statements ran since it was last said, and shows them if all are to be shown.
    pub fn ran(&self) {
        let ran = self.take();
        let time: Duration = ran.iter().map(|ran| ran.duration).sum();
        println!("{}", dim(&format!("{} in {:.1} ms", count(ran.len()), time.as_secs_f64() * 1000.0)));
        if self.all_sql {
            show_sql(&ran);
        }
    }

    /// Shows the statements that ran since it was last said.
    pub fn written(&self) {
        let ran = self.take();
        show_sql(&ran);
        println!("{}", dim(&count(ran.len())));
    }

    /// Says how many statements ran in all.
    pub fn totals(&self) {
        self.take();
        println!(
            "\n{} in all, {:.2} s in the database",
            count(self.statements.get()),
            self.time.get().as_secs_f64()
        );
    }

    /// What ran since it was last asked, without BEGIN and COMMIT.
    fn take(&self) -> Vec<Recorded> {
        let ran: Vec<Recorded> =
            self.recorder.take().into_iter().filter(|ran| !ran.transaction_control).collect();
        self.statements.set(self.statements.get() + ran.len());
        self.time.set(self.time.get() + ran.iter().map(|ran| ran.duration).sum());
        ran
    }
}

/// A bar that fills up as rows are loaded. It is not drawn where there is no terminal.
pub fn progress_bar(rows: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("loading [{bar:40}] {pos} of {len} rows, {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(rows).with_style(style)
}

/// The parts of a tuple.
pub fn cells(row: impl Serialize) -> Vec<Value> {
    match serde_json::to_value(row) {
        Ok(Value::Array(cells)) => cells,
        Ok(cell) => vec![cell],
        Err(error) => vec![Value::String(error.to_string())],
    }
}

fn show_sql(ran: &[Recorded]) {
    let mut rest = ran;
    while let [first, ..] = rest {
        let same = rest.iter().take_while(|ran| ran.sql == first.sql).count();
        let times = if same > 1 { format!("  ({same} times)") } else { String::new() };
        println!("{}{times}", dim(&first.sql));
        rest = &rest[same..];
    }
}

fn count(statements: usize) -> String {
    if statements == 1 { "1 statement".to_owned() } else { format!("{statements} statements") }
}

fn bold(text: &str) -> String {
    styled("1", text)
}

fn dim(text: &str) -> String {
    styled("2", text)
}

fn styled(code: &str, text: &str) -> String {
    if stdout().is_terminal() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}
