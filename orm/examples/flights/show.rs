//! Prints: tables, statements, a progress bar. Nothing here is about databases.

use std::{
    cell::Cell,
    fmt,
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

/// Asks questions, and shows what comes back and what it took.
pub struct Show<'e> {
    db: &'e Engine,
    recorder: Recorder,
    all_sql: bool,
    began: Instant,
    total: Cell<usize>,
}

/// What ran.
pub struct Ran {
    statements: Vec<Recorded>,
    time: Duration,
}

impl<'e> Show<'e> {
    /// Records what the engine runs from now on.
    pub fn new(db: &'e Engine, all_sql: bool) -> Self {
        println!("{}", bold(&format!("A month of flights, on {}", db.dialect().name())));
        Show { db, recorder: db.record(), all_sql, began: Instant::now(), total: Cell::new(0) }
    }

    /// A chapter.
    pub fn heading(&self, text: &str) {
        println!("\n{}\n{}", bold(text), "─".repeat(text.chars().count()));
    }

    /// A section.
    pub fn title(&self, text: &str) {
        println!("\n{}", bold(text));
    }

    /// Waits for something to run on the engine.
    pub async fn run<T>(&self, what: impl Future<Output = T>) -> (T, Ran) {
        let began = Instant::now();
        let result = what.await;
        let time = began.elapsed();
        let mut statements = self.recorder.take();
        statements.retain(|ran| !ran.transaction_control);
        self.total.set(self.total.get() + statements.len());
        (result, Ran { statements, time })
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
        let (rows, ran) = self.run(statement.all(self.db)).await;
        self.table(headings, rows?);
        self.ran(&ran);
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

    /// Says how many statements ran, and shows them if all are to be shown.
    pub fn ran(&self, ran: &Ran) {
        println!("{}", dim(&ran.to_string()));
        if self.all_sql {
            self.sql(ran);
        }
    }

    /// Shows the statements that ran; the same one many times is shown once.
    pub fn sql(&self, ran: &Ran) {
        for same in ran.statements.chunk_by(|one, next| one.sql == next.sql) {
            let times = if same.len() > 1 { format!("{} times: ", same.len()) } else { String::new() };
            println!("{}", dim(&format!("  {times}{}", same[0].sql)));
        }
    }

    /// Says how many statements ran since the beginning.
    pub fn total(&self) {
        let seconds = self.began.elapsed().as_secs_f64();
        println!("\n{} statements in all, {seconds:.2} s", self.total.get());
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.statements.len();
        let statements = if count == 1 { "statement" } else { "statements" };
        write!(f, "{count} {statements}, {:.1} ms", self.time.as_secs_f64() * 1000.0)
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

fn bold(text: &str) -> String {
    styled("1", text)
}

fn dim(text: &str) -> String {
    styled("2", text)
}

fn styled(code: &str, text: &str) -> String {
    if stdout().is_terminal() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}
