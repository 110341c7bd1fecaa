//! A connection of one's own.

use std::{fmt, sync::Arc};

use relata_core::{
    Result,
    driver::{BoxFuture, Job},
    render::Compiler,
    transaction::TransactionOptions,
};

use crate::{Executor, Transaction, lease::Lease};

/// A connection of one's own, until it is dropped: then it goes back to the pool.
///
/// For what belongs to a connection and not to a transaction, such as temporary tables and advisory locks. A statement
/// whose future is dropped midway leaves the connection in doubt: it is then reset before the next one, which loses such
/// things. What is open is rolled back when the connection is dropped. What else was set stays for who gets the connection next:
/// drop such tables, release such locks, and set back what was set.
pub struct Connection {
    lease: Lease,
    compiler: Arc<Compiler>,
}

impl Connection {
    pub(crate) fn new(mut lease: Lease) -> Result<Self> {
        let link = lease.link_mut()?;
        link.keep();
        Ok(Connection { compiler: link.compiler().clone(), lease })
    }

    /// Begins a transaction: `BEGIN`, which travels with its first statement.
    ///
    /// If the transaction is dropped, `ROLLBACK` goes out ahead of the next statement, or when the connection is dropped.
    ///
    /// # Errors
    ///
    /// If the connection was in doubt and cannot be reset.
    pub async fn begin(&mut self) -> Result<Transaction<'_>> {
        self.begin_with(TransactionOptions::new()).await
    }

    /// As [`begin`](Connection::begin), with an isolation level or read-only.
    ///
    /// # Errors
    ///
    /// As [`begin`](Connection::begin), and [`Compile`](relata_core::ErrorClass::Compile) if the database has no such
    /// transactions.
    pub async fn begin_with(&mut self, options: TransactionOptions) -> Result<Transaction<'_>> {
        Transaction::begin_lent(&mut self.lease, &options).await
    }
}

impl Executor for Connection {
    fn compiler(&self) -> &Arc<Compiler> {
        &self.compiler
    }

    fn run<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.lease.link_mut()?.run(jobs).await })
    }

    fn run_atomic<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.lease.link_mut()?.run_atomic(jobs).await })
    }

    fn join<'a>(&'a mut self) -> BoxFuture<'a, Result<Transaction<'a>>> {
        Box::pin(self.begin())
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("dialect", &self.dialect().name()).finish_non_exhaustive()
    }
}
