//! One connection and what is known of its state.
//!
//! The state is marked before the first await that changes it, so that a future dropped midway leaves the link marked
//! busy: nobody then knows what the server has done, and the link is cleaned or dropped before anybody else has it.

mod control;

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use relata_core::{
    Error, ErrorClass, Result,
    dialect::Dialect,
    driver::{BoxFuture, Connection, Job, Mode, SharedReader},
    render::Compiler,
    transaction::AfterError,
};
use tokio::time::timeout;

use crate::{
    manager::{Shared, some_of, within},
    trace::Watch,
};
use control::Step;

/// One connection and what is known of its state.
pub(crate) struct Link {
    // `None` once it has left the pool.
    connection: Option<Box<dyn Connection>>,
    compiler: Arc<Compiler>,
    shared: Arc<Shared>,
    pub(crate) generation: u64,
    pub(crate) idle_since: Instant,
    expires: Option<Instant>,
    /// A call was begun and has not come to its end.
    busy: bool,
    /// The connection is of no more use.
    dead: bool,
    /// The server is in a transaction.
    open: bool,
    /// What is left of that transaction.
    health: AfterError,
    /// Whether somebody has it for what belongs to a connection.
    kept: bool,
    /// How many transactions and savepoints the user holds, one in the other.
    depth: usize,
    /// The depth of the outermost of those in which rows were changed that are neither committed nor rolled back.
    wrote: Option<usize>,
    /// What goes out ahead of the next statement.
    ahead: Vec<Step>,
}

fn poisoned(why: &'static str) -> Error {
    Error::new(ErrorClass::Poisoned, why)
}

impl Link {
    pub(crate) fn new(connection: Box<dyn Connection>, generation: u64, shared: Arc<Shared>) -> Self {
        let now = Instant::now();
        Link {
            compiler: Arc::new(Compiler::new(connection.dialect())),
            connection: Some(connection),
            expires: shared.options.max_lifetime.and_then(|time| now.checked_add(time - some_of(time / 10))),
            shared,
            generation,
            idle_since: now,
            busy: false,
            dead: false,
            open: false,
            health: AfterError::Open,
            kept: false,
            depth: 0,
            wrote: None,
            ahead: Vec::new(),
        }
    }

    pub(crate) fn compiler(&self) -> &Arc<Compiler> {
        &self.compiler
    }

    pub(crate) fn dialect(&self) -> &Arc<dyn Dialect> {
        self.compiler.dialect()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// How many transactions and savepoints are open, as the user sees it.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Whether rows were changed in the open transaction that were not rolled back since, as far as the database counts them.
    pub(crate) fn has_written(&self) -> bool {
        self.wrote.is_some()
    }

    /// Nothing is open and nothing in doubt: anybody may have it.
    pub(crate) fn is_clean(&self) -> bool {
        // SQL by hand may have begun one.
        !self.busy && !self.open && !self.dead && self.ahead.is_empty() && !self.in_transaction()
    }

    fn in_transaction(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.in_transaction())
    }

    /// Somebody has it for what belongs to a connection, such as temporary tables and locks, until it [comes to rest](Link::rest).
    pub(crate) fn keep(&mut self) {
        self.kept = true;
        if let Some(connection) = &mut self.connection {
            connection.keep(true);
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead || self.connection.as_ref().is_none_or(|connection| connection.is_closed())
    }

    /// Whether it should be replaced when it comes to rest.
    pub(crate) fn is_worn_out(&self, now: Instant) -> bool {
        let idle = self.shared.options.idle_timeout;
        self.is_dead()
            || self.expires.is_some_and(|end| now >= end)
            || idle.is_some_and(|limit| now.saturating_duration_since(self.idle_since) >= limit)
    }

    /// Called when it goes back to the pool.
    pub(crate) fn rest(&mut self) {
        self.depth = 0;
        if std::mem::take(&mut self.kept)
            && let Some(connection) = &mut self.connection
        {
            connection.keep(false);
        }
        self.idle_since = Instant::now();
    }

    /// Forgets transaction control that the server has never heard of.
    pub(crate) fn forget_unsent(&mut self) {
        if !self.open {
            self.ahead.clear();
        }
    }

    pub(crate) async fn ping(&mut self) -> Result<()> {
        let limit = self.shared.options.connect_timeout;
        let connection = self.connection.as_mut().ok_or_else(closed)?;
        self.busy = true;
        let answer = within(limit, connection.ping()).await;
        self.busy = false;
        answer.unwrap_or_else(|limit| Err(silent("a ping", limit)))
    }

    /// Rolls back whatever is open and makes it as good as new.
    pub(crate) async fn clean(&mut self) -> Result<()> {
        let limit = self.shared.options.connect_timeout;
        let result = within(limit, self.clean_in_time()).await;
        let result = result.unwrap_or_else(|limit| Err(silent("a ROLLBACK", limit)));
        match &result {
            Ok(()) => self.ended(),
            Err(_) => self.dead = true,
        }
        result
    }

    async fn clean_in_time(&mut self) -> Result<()> {
        // What was begun by hand may be more than a transaction, such as autocommit that was turned off.
        let known = !self.busy && self.health != AfterError::Ended && self.open;
        self.ahead.clear();
        if known {
            // `open` is put off only by the answer.
            return self.trip(&mut [Job::text("ROLLBACK")], 1, 0).await;
        }
        let connection = self.connection.as_mut().ok_or_else(closed)?;
        self.busy = true;
        let result = connection.reset().await;
        self.busy = false;
        result
    }

    /// The transaction is over, whichever way.
    fn ended(&mut self) {
        self.open = false;
        self.health = AfterError::Open;
        self.depth = 0;
        self.ahead.clear();
    }

    /// Says good-bye without making anybody wait.
    pub(crate) fn close_in_background(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let shared = self.shared.clone();
        if self.dead && !self.busy {
            // It would not answer.
            drop(connection);
            shared.left.notify_waiters();
            return;
        }
        let busy = self.busy;
        let limit = shared.options.connect_timeout;
        let leaving = Leaving::new(shared.clone());
        // A runtime that has ended drops it.
        shared.spawn(async move {
            let _leaving = leaving;
            // Best effort: what cannot say good-bye is dropped. Where a statement was left running, the server is told to stop
            // it, or it would go on for nobody.
            let _ = match busy {
                true => within(limit, connection.reset()).await.map(drop),
                false => within(limit, connection.close()).await,
            };
        });
    }

    /// Lends the connection to reads that share it, if it can be, until [`end_share`](Link::end_share). With the future that has to run
    /// meanwhile.
    pub(crate) fn share(&mut self) -> Option<(Arc<dyn SharedReader>, BoxFuture<'static, ()>)> {
        if !self.is_clean() {
            return None;
        }
        let lent = self.connection.as_mut()?.share()?;
        self.busy = true;
        Some(lent)
    }

    /// The reads are over, or were given up midway, or the connection was lost.
    pub(crate) fn end_share(&mut self, disturbed: bool, lost: bool) {
        self.busy = disturbed;
        self.dead |= lost;
    }

    /// Makes sure that a statement can run. A connection in doubt is cleaned; a transaction in doubt is refused.
    pub(crate) async fn ready(&mut self) -> Result<()> {
        if self.dead {
            return Err(Error::new(
                ErrorClass::Disconnected,
                "the connection was given up after an earlier error",
            ));
        }
        if self.depth == 0 {
            // A transaction that was left open, and no ROLLBACK waits for it; or a statement that was dropped midway.
            let left_open = self.open && !matches!(self.ahead.first(), Some(Step::Rollback));
            return if self.busy || left_open { self.clean().await } else { Ok(()) };
        }
        if self.busy {
            return Err(poisoned(
                "a statement of this transaction was dropped before it came to its end: roll it back",
            ));
        }
        match self.health {
            AfterError::Open => Ok(()),
            AfterError::Aborted => Err(poisoned(
                "a statement failed in this transaction: roll it back, or to a savepoint made before",
            )),
            AfterError::Ended => {
                Err(poisoned("this transaction ended with an error of an earlier statement: begin it again"))
            }
        }
    }

    /// Runs the jobs, behind the transaction control that waits.
    pub(crate) async fn run(&mut self, jobs: &mut [Job<'_>]) -> Result<()> {
        self.ready().await?;
        if jobs.is_empty() {
            return Ok(());
        }
        let result = if self.ahead.is_empty() {
            self.trip(jobs, 0, 0).await
        } else {
            self.trip_behind(jobs, &[]).await
        };
        if jobs.iter().any(|job| job.rows_affected > 0) {
            // What is recorded is never deeper than where this is.
            self.wrote.get_or_insert(self.depth);
        }
        if let Err(error) = &result
            && self.open
        {
            self.health = worse(self.health, self.left_by(error));
        }
        result
    }

    /// What a failed statement leaves of the transaction.
    fn left_by(&self, error: &Error) -> AfterError {
        match error.class() {
            // Ours: the server has seen no failure.
            ErrorClass::Compile | ErrorClass::Decode => AfterError::Open,
            class => match self.dialect().after_error(class) {
                // The statement itself has ended it, such as a trigger that says RAISE(ROLLBACK).
                AfterError::Open if !self.in_transaction() => AfterError::Ended,
                left => left,
            },
        }
    }

    /// One trip to the server. The first `lead` and the last `trail` jobs are transaction control.
    async fn trip(&mut self, jobs: &mut [Job<'_>], lead: usize, trail: usize) -> Result<()> {
        let connection = self.connection.as_mut().ok_or_else(closed)?;
        let mut watch = Watch::start(&self.shared, &**self.compiler.dialect(), jobs);
        self.busy = true;
        // A stream takes as long as its reader does.
        let streams = jobs.iter().any(|job| job.mode == Mode::Stream);
        let running = Watch::run(&watch, connection.run(jobs));
        let in_time = match self.shared.options.statement_timeout.filter(|_| !streams) {
            None => Ok(running.await),
            Some(limit) => timeout(limit, running).await.map_err(|_| limit),
        };
        // Where the time is over, the server is still at it, and has to be stopped when the connection is given up.
        self.busy = in_time.is_err();
        self.dead |= self.busy;
        let result = in_time.unwrap_or_else(|limit| Err(late(limit)));
        let result = result.map_err(|error| told(error, &**self.compiler.dialect(), jobs));
        if let Some(watch) = &mut watch {
            watch.end(&self.shared, jobs, lead, trail, result.as_ref().err());
        }
        if let Err(error) = &result
            && (error.is_disconnect() || connection.is_closed())
        {
            self.dead = true;
            self.shared.lost(self.generation);
        }
        result
    }
}

/// A connection that says good-bye, for as long as this lives.
struct Leaving(Arc<Shared>);

impl Leaving {
    fn new(shared: Arc<Shared>) -> Self {
        shared.leaving.fetch_add(1, Ordering::AcqRel);
        Leaving(shared)
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.leaving.fetch_sub(1, Ordering::AcqRel);
        self.0.left.notify_waiters();
    }
}

/// That the connection gave no sign of life in time.
fn silent(what: &str, limit: Duration) -> Error {
    Error::new(ErrorClass::Disconnected, format!("no answer to {what} within {limit:?}"))
}

/// That there was no answer in time.
pub(crate) fn late(limit: Duration) -> Error {
    Error::new(ErrorClass::Timeout, format!("no answer within {limit:?}"))
}

/// An error with where it happened: the database, and the first of the jobs that is not done.
pub(crate) fn told(error: Error, dialect: &dyn Dialect, jobs: &[Job<'_>]) -> Error {
    let error = error.with_database(dialect.name());
    match jobs.iter().find(|job| !job.done) {
        Some(job) => error.with_statement(job.sql),
        None => error,
    }
}

fn worse(a: AfterError, b: AfterError) -> AfterError {
    match (a, b) {
        (AfterError::Ended, _) | (_, AfterError::Ended) => AfterError::Ended,
        (AfterError::Aborted, _) | (_, AfterError::Aborted) => AfterError::Aborted,
        (AfterError::Open, AfterError::Open) => AfterError::Open,
    }
}

#[cold]
pub(crate) fn closed() -> Error {
    Error::new(ErrorClass::PoolClosed, "the connection is closed")
}
