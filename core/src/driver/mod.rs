//! What reaches a database: the contract of a driver.
//!
//! A driver opens [`Connection`]s; a connection runs [`Job`]s: a text, its binds, and a [`Sink`] that takes the rows where
//! they are read. Nothing is collected on the way: the driver lends each [`Row`] to the sink, which decodes it.

mod mask;

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

pub use self::mask::{Wording, mask};
use crate::{dialect::Dialect, error::Result, render::Bind, value::Cell};

/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Opens connections to one database. Made from a URL or a builder by each dialect's crate.
///
/// Its `Debug` must not show a password.
pub trait Driver: Send + Sync + fmt::Debug {
    /// Opens one connection, logs in and sets it up.
    ///
    /// # Errors
    ///
    /// [`Connect`](crate::ErrorClass::Connect), [`Authentication`](crate::ErrorClass::Authentication) or
    /// [`Tls`](crate::ErrorClass::Tls); the time limit is the caller's.
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>>>;
}

/// One connection to a database.
///
/// Any future may be dropped at any await: whoever holds the connection then no longer knows its state, and must
/// [`reset`](Connection::reset) or drop it.
pub trait Connection: Send {
    /// How this server spells SQL; known once connected, since versions differ.
    fn dialect(&self) -> Arc<dyn Dialect>;

    /// Runs the jobs one after another, in as few round trips as the database allows, and stops at the first failure.
    ///
    /// Each job that succeeded is marked [`done`](Job::done), so that after an error the first one that is not is the one
    /// that failed. Later ones had no effect, except that a driver which pipelines outside of a transaction cannot promise so.
    ///
    /// # Errors
    ///
    /// What the database says of the first job that fails, classified, with its statement.
    fn run<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>>;

    /// Says how long one call of [`run`](Connection::run) may take, streams aside; `None` for no limit.
    ///
    /// Whoever holds the connection watches, too, but cannot while a driver works without yielding: such a one ends the
    /// statement by itself, with [`Timeout`](crate::ErrorClass::Timeout).
    fn limit_time(&mut self, limit: Option<Duration>) {
        let _ = limit;
    }

    /// Asks the server for a sign of life.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](crate::ErrorClass::Disconnected) if there is none.
    fn ping(&mut self) -> BoxFuture<'_, Result<()>>;

    /// Makes the connection as good as new after a user has left it in an unknown state: rolls back what is open.
    ///
    /// # Errors
    ///
    /// Whatever prevents it; the connection must then be dropped.
    fn reset(&mut self) -> BoxFuture<'_, Result<()>>;

    /// Whether somebody has the connection for what belongs to it, such as temporary tables and locks: as long as that is so, it is
    /// not closed to save the reading of rows that nobody wants.
    fn keep(&mut self, kept: bool) {
        let _ = kept;
    }

    /// Whether the connection is known to be closed, without asking the server.
    fn is_closed(&self) -> bool;

    /// Whether the server is known to have a transaction open, whoever began it, without asking. A pool cleans such a connection
    /// before it gives it on, as SQL by hand may have begun it; and takes a transaction for over where a statement failed and this is
    /// false.
    fn in_transaction(&self) -> bool;

    /// Lends the connection to reads of several tasks at once, where the driver can do so: with a future that has to run meanwhile, and
    /// ends when the reader is dropped. The connection itself is used again only then.
    fn share(&mut self) -> Option<(Arc<dyn SharedReader>, BoxFuture<'static, ()>)> {
        None
    }

    /// Says good-bye to the server.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// A connection while several tasks read over it, side by side.
///
/// Each statement is sent at once, behind those that are not answered yet, and is answered in its turn. None hears of the failure of
/// another. Any future may be dropped at any await, or rest without being polled: the others go on.
pub trait SharedReader: Send + Sync {
    /// Runs a job that [reads alone](Job::reads_alone).
    ///
    /// # Errors
    ///
    /// As [`Connection::run`].
    fn read<'a, 's: 'a>(&'a self, job: &'a mut Job<'s>) -> BoxFuture<'a, Result<()>>;
}

/// One statement to run, and afterwards its outcome.
#[non_exhaustive]
pub struct Job<'s> {
    /// The SQL text.
    pub sql: &'s str,
    /// The binds, in the order of the placeholders.
    pub binds: &'s [Bind<'s>],
    /// Takes the rows, if any are wanted.
    pub sink: Option<&'s mut (dyn Sink + 's)>,
    /// How it is run.
    pub mode: Mode,
    /// How many rows came for the sink: set by the driver.
    pub rows: u64,
    /// How many rows it changed, as the database counts them: set by the driver.
    pub rows_affected: u64,
    /// The first key that the database generated, on databases that report it so: set by the driver.
    pub last_insert_id: Option<u64>,
    /// Whether it succeeded: set by the driver.
    pub done: bool,
}

/// How a [`Job`] is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Prepared, and kept prepared for the next time.
    Cached,
    /// Prepared for this once.
    Once,
    /// Sent as text, without binds: transaction control, DDL.
    Text,
    /// As `Cached`, with rows that are read slowly: it takes as long as its reader does.
    Stream,
    /// Many rows, sent behind the statement instead of as parameters of it: each bind is a [`Bind::Column`]. Only where the
    /// dialect has a [`bulk_insert`](Dialect::bulk_insert).
    Copy,
}

impl<'s> Job<'s> {
    /// A statement with binds.
    pub fn new(sql: &'s str, binds: &'s [Bind<'s>], mode: Mode) -> Self {
        Job { sql, binds, sink: None, mode, rows: 0, rows_affected: 0, last_insert_id: None, done: false }
    }

    /// A text without binds, such as `COMMIT`.
    pub fn text(sql: &'s str) -> Self {
        Job::new(sql, &[], Mode::Text)
    }

    /// Whether it reads, and may do so between statements of others: a `SELECT` that is kept prepared, with a sink that takes
    /// rows without a rest.
    pub fn reads_alone(&self) -> bool {
        let takes = self.sink.as_ref().is_some_and(|sink| !sink.pauses());
        takes && self.mode == Mode::Cached && self.sql.starts_with("SELECT")
    }

    /// The same with a sink for the rows.
    #[must_use]
    pub fn with_sink(mut self, sink: &'s mut (dyn Sink + 's)) -> Self {
        self.sink = Some(sink);
        self
    }
}

impl fmt::Debug for Job<'_> {
    // No binds: they may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("sql", &self.sql)
            .field("mode", &self.mode)
            .field("done", &self.done)
            .finish()
    }
}

/// A row, lent by the driver while it reads.
pub trait Row {
    /// How many cells it has.
    fn width(&self) -> usize;

    /// The cell at a place, counted from 0.
    ///
    /// # Errors
    ///
    /// [`Decode`](crate::ErrorClass::Decode) if there is no such place or the driver cannot read the column's type.
    fn cell(&self, index: usize) -> Result<Cell<'_>>;

    /// The integer at a place, where the driver has a shorter way to it than over a [`Cell`]. `None` where it has none, or where
    /// there is something else.
    fn integer(&self, index: usize) -> Option<i64> {
        let _ = index;
        None
    }

    /// Takes the text at a place out of the row, where the driver can give it away without a copy: from then on it cannot be
    /// read again. `None` where it cannot, or where there is no text.
    fn take_text(&mut self, index: usize) -> Option<String> {
        let _ = index;
        None
    }

    /// The column's name, as the database gives it.
    fn name(&self, index: usize) -> &str;
}

/// Takes rows as they are read.
///
/// It stays in the task that awaits the job: a driver whose rows are on another thread brings them here.
pub trait Sink: Send {
    /// Takes a row.
    ///
    /// # Errors
    ///
    /// What the row cannot be decoded to; the statement is then given up.
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow>;

    /// Whether it may ask for a [`Pause`](Flow::Pause). Else the driver may read all rows without a rest.
    fn pauses(&self) -> bool {
        false
    }

    /// After [`Flow::Pause`]: ready when more rows are welcome.
    ///
    /// # Errors
    ///
    /// Whatever stops the one who reads.
    fn ready(&mut self) -> BoxFuture<'_, Result<Flow>> {
        Box::pin(std::future::ready(Ok(Flow::Continue)))
    }
}

/// What a sink wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// The next row.
    Continue,
    /// No more rows.
    Stop,
    /// A rest: await [`Sink::ready`] before the next row. Only of a sink that [`pauses`](Sink::pauses).
    Pause,
}
