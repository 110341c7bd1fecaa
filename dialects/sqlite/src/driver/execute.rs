//! Runs jobs on the thread it is called on.

use relata_core::{
    Error, ErrorClass, Result,
    driver::{Flow, Job, Mode},
};
use rusqlite::{Batch, Connection, Statement, fallible_iterator::FallibleIterator};

use super::{
    bind::bind,
    cooperate::{self, Wait},
    row::SqliteRow,
};
use crate::{
    dialect::QUERY_ONLY,
    error::{from_run, from_rusqlite},
};

/// An open connection, which moves between threads.
pub(super) struct Link {
    pub(super) connection: Connection,
    caches: bool,
    /// The file is only read, by transactions of whatever kind.
    read_only: bool,
    /// A transaction that only reads is open, or about to be.
    query_only: bool,
}

impl Link {
    pub(super) fn new(connection: Connection, caches: bool, read_only: bool) -> Self {
        Link { connection, caches, read_only, query_only: false }
    }

    /// Runs the jobs one after another and stops at the first failure.
    /// With [`Wait::Outside`] one for which [`can_wait_outside`](Link::can_wait_outside) fails at once where it finds a lock.
    pub(super) fn run(&mut self, jobs: &mut [Job<'_>], wait: Wait) -> Result<()> {
        for job in jobs {
            cooperate::wait(if self.can_wait_outside(job) { wait } else { Wait::Here });
            if cooperate::stopped() {
                return Err(Error::new(ErrorClass::Timeout, "the call was given up"));
            }
            self.job(job).map_err(|error| self.explain(error).with_statement(job.sql))?;
            job.done = true;
        }
        Ok(())
    }

    /// Whether nothing has happened yet, and nothing is held, so that the job can be run again.
    pub(super) fn can_wait_outside(&self, job: &Job<'_>) -> bool {
        let single = job.mode != Mode::Text || !job.sql.contains(';');
        single && job.rows == 0 && self.connection.is_autocommit()
    }

    /// SQLite does not wait where waiting is of no use: a transaction that has read cannot write once another has begun to (SQLite,
    /// "Write-ahead logging", 2.2, and "Transaction", 2.2).
    fn explain(&self, error: Error) -> Error {
        if error.class() == ErrorClass::LockTimeout && cooperate::stopped() {
            return given_up(&error);
        }
        if error.class() != ErrorClass::LockTimeout || self.connection.is_autocommit() || cooperate::waited()
        {
            return error;
        }
        Error::new(
            ErrorClass::Serialization,
            "database is locked: another transaction began to write after this one began to read; run it again, or begin it immediate",
        )
        .with_code(error.code().unwrap_or_default().to_owned())
    }

    /// Rolls back what is open.
    pub(super) fn reset(&mut self) -> Result<()> {
        if !self.connection.is_autocommit() {
            cooperate::give_way(|| self.connection.execute_batch("ROLLBACK")).map_err(from_rusqlite)?;
        }
        self.end_query_only()
    }

    fn job(&mut self, job: &mut Job<'_>) -> Result<()> {
        if job.sql.as_bytes().contains(&0) {
            // SQLite would take the NUL for the end of the text.
            return Err(Error::new(ErrorClass::Statement, "the SQL text holds a NUL"));
        }
        if job.mode == Mode::Text && job.sink.is_none() {
            job.rows_affected = self.text(job.sql)?;
            return Ok(());
        }
        let connection = &self.connection;
        if self.caches && matches!(job.mode, Mode::Cached | Mode::Stream) {
            let mut statement = connection.prepare_cached(job.sql).map_err(from_rusqlite)?;
            run_statement(connection, &mut statement, job)
        } else {
            let mut statement = connection.prepare(job.sql).map_err(from_rusqlite)?;
            run_statement(connection, &mut statement, job)
        }
    }

    /// Runs a text, and says how many rows it changed.
    fn text(&mut self, sql: &str) -> Result<u64> {
        let connection = &self.connection;
        let autocommit = connection.is_autocommit();
        if autocommit && sql == "ROLLBACK" {
            // SQLite rolls back by itself after some errors, and would call this one more (SQLite, "Transaction", 3).
            return self.end_query_only().map(|()| 0);
        }
        let outcome = match transaction_control(sql) {
            // They come again and again: kept prepared.
            Some(Control::Begin) => self.control(sql).map(|()| 0),
            Some(Control::End) => cooperate::give_way(|| self.control(sql)).map(|()| 0),
            None => cooperate::give_way(|| run_batch(connection, sql)),
        };
        if sql == QUERY_ONLY {
            self.query_only = !self.read_only;
        } else if self.query_only && connection.is_autocommit() {
            self.end_query_only()?;
        }
        outcome.map_err(from_rusqlite)
    }

    fn control(&self, sql: &str) -> rusqlite::Result<()> {
        if self.caches {
            self.connection.prepare_cached(sql)?.raw_execute()?;
        } else {
            self.connection.execute_batch(sql)?;
        }
        Ok(())
    }

    /// A connection reads and writes again after a transaction that only reads.
    fn end_query_only(&mut self) -> Result<()> {
        if self.query_only {
            self.connection.execute_batch("PRAGMA query_only = OFF").map_err(from_rusqlite)?;
            self.query_only = false;
        }
        Ok(())
    }
}

/// That the time was over while something else held a lock.
pub(super) fn given_up(locked: &Error) -> Error {
    let why = "the call was given up while another connection held the lock";
    Error::new(ErrorClass::Timeout, why).with_code(locked.code().unwrap_or_default().to_owned())
}

/// Runs the statements of a text one after another, and says how many rows they changed.
fn run_batch(connection: &Connection, sql: &str) -> rusqlite::Result<u64> {
    let mut changed = 0;
    let mut batch = Batch::new(connection, sql);
    while let Some(mut statement) = batch.next()? {
        let before = connection.total_changes();
        // A PRAGMA may give rows, too; nobody wants them.
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        if connection.total_changes() != before {
            changed += connection.changes();
        }
    }
    Ok(changed)
}

enum Control {
    Begin,
    /// It may write to the disk.
    End,
}

fn transaction_control(sql: &str) -> Option<Control> {
    let begins = ["BEGIN", "SAVEPOINT "];
    let ends = ["COMMIT", "RELEASE ", "ROLLBACK"];
    if sql.contains(';') {
        None
    } else if begins.iter().any(|word| sql.starts_with(word)) {
        Some(Control::Begin)
    } else if ends.iter().any(|word| sql.starts_with(word)) {
        Some(Control::End)
    } else {
        None
    }
}

fn run_statement(connection: &Connection, statement: &mut Statement<'_>, job: &mut Job<'_>) -> Result<()> {
    let wanted = statement.parameter_count();
    if wanted != job.binds.len() {
        return Err(Error::new(
            ErrorClass::Statement,
            format!("the statement has {wanted} placeholders and {} binds", job.binds.len()),
        ));
    }
    for (at, value) in job.binds.iter().enumerate() {
        bind(statement, at + 1, &value.value())?;
    }
    if statement.readonly() {
        return step(statement, job);
    }
    let before = connection.total_changes();
    if connection.is_autocommit() {
        // It commits by itself, which may write to the disk.
        cooperate::give_way(|| step(statement, job))?;
    } else {
        step(statement, job)?;
    }
    // The count of changes is that of the last statement which made one.
    if connection.total_changes() != before {
        job.rows_affected = connection.changes();
    }
    if job.rows_affected == 1 && is_plain_insert(job.sql) {
        job.last_insert_id = u64::try_from(connection.last_insert_rowid()).ok();
    }
    Ok(())
}

/// Whether the statement inserts, and does not change a row that is there instead: the last key is then its own.
fn is_plain_insert(sql: &str) -> bool {
    sql.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("INSERT")) && !sql.contains(" ON CONFLICT")
}

fn step(statement: &mut Statement<'_>, job: &mut Job<'_>) -> Result<()> {
    let width = statement.column_count();
    let binds = job.binds;
    let fail = |error| from_run(error, binds);
    if width == 0 {
        return statement.raw_execute().map(drop).map_err(fail);
    }
    let mut rows = statement.raw_query();
    let Some(sink) = &mut job.sink else {
        // RETURNING changes all rows before it gives the first, but a statement is done only at its end.
        while rows.next().map_err(fail)?.is_some() {}
        return Ok(());
    };
    while let Some(row) = rows.next().map_err(fail)? {
        job.rows += 1;
        // Sinks that pause do not come here.
        if sink.row(&mut SqliteRow::new(row, width))? == Flow::Stop {
            break;
        }
    }
    Ok(())
}
