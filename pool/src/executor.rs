//! What runs statements.

use std::sync::Arc;

use relata_core::{
    Result,
    dialect::Dialect,
    driver::{BoxFuture, Job},
    render::Compiler,
    schema::Table,
};

use crate::Transaction;

/// What a statement does to rows that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowChange {
    /// An UPDATE, or an INSERT that updates what it meets.
    Update,
    /// A DELETE.
    Delete,
}

/// What runs statements: an engine, a connection, a transaction, a session.
///
/// It is passed as `&engine`, `&mut connection`, `&mut transaction` to [`Fetch`](crate::Fetch) and
/// [`Execute`](crate::Execute), whose methods users call. This is the one trait below them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot run statements",
    note = "pass `&engine`, `&mut connection`, `&mut transaction` or `&mut session`"
)]
pub trait Executor: Send {
    /// What compiles its statements.
    fn compiler(&self) -> &Arc<Compiler>;

    /// How the database spells SQL.
    fn dialect(&self) -> &Arc<dyn Dialect> {
        self.compiler().dialect()
    }

    /// Runs the jobs one after another on one connection, in as few round trips as possible, and stops at the first failure.
    ///
    /// # Errors
    ///
    /// What the database says of the first job that fails; and the errors of getting a connection from the pool.
    fn run<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>>;

    /// Runs the jobs as a unit: in a transaction of their own, whose BEGIN and COMMIT travel along, or, if one is open, in a savepoint.
    /// There is no savepoint where a failed statement lets nothing be done but to roll back (PostgreSQL).
    ///
    /// # Errors
    ///
    /// As [`run`](Executor::run); none of the jobs has then had an effect, or nothing can be done but to roll back. One job alone needs
    /// neither: it has had its effect where its sink could not take a row. And
    /// [`CommitUnknown`](relata_core::ErrorClass::CommitUnknown) if the connection broke before COMMIT was answered.
    fn run_atomic<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>>;

    /// The transaction that is open, or else a new one: for units of several trips, that depend on each other.
    ///
    /// Committing it ends a new one only; one that was open before goes on. Dropping it rolls back a new one only.
    ///
    /// # Errors
    ///
    /// As getting a connection from the pool.
    fn join<'a>(&'a mut self) -> BoxFuture<'a, Result<Transaction<'a>>>;

    /// Says that a statement may have changed rows of a table behind the back of whoever keeps them in memory: called after each
    /// UPDATE, DELETE and upsert. A session then knows what it holds to be stale; others do not care.
    fn wrote(&mut self, table: &'static Table, change: RowChange) {
        let _ = (table, change);
    }
}

impl<X: Executor + ?Sized> Executor for &mut X {
    fn compiler(&self) -> &Arc<Compiler> {
        (**self).compiler()
    }

    fn run<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        (**self).run(jobs)
    }

    fn run_atomic<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        (**self).run_atomic(jobs)
    }

    fn join<'a>(&'a mut self) -> BoxFuture<'a, Result<Transaction<'a>>> {
        (**self).join()
    }

    fn wrote(&mut self, table: &'static Table, change: RowChange) {
        (**self).wrote(table, change);
    }
}
