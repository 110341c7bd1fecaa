//! Transactions and savepoints, as guards.

use std::{fmt, sync::Arc};

use relata_core::{
    Result,
    driver::{BoxFuture, Job},
    render::Compiler,
    transaction::TransactionOptions,
};

use crate::{Executor, lease::Lease, link::Link};

/// A transaction, or a savepoint in one. Dropping it rolls back.
///
/// `BEGIN` travels with the first statement; a transaction without statements costs nothing.
///
/// ```ignore
/// let mut tx = engine.begin().await?;
/// insert(new_user).execute(&mut tx).await?;
/// tx.commit().await?;
/// ```
///
/// Where the database lets nothing more be done after a statement has failed (PostgreSQL), committing is an error of class
/// [`Poisoned`](relata_core::ErrorClass::Poisoned), as COMMIT would roll back without a word. The same holds everywhere
/// after a deadlock or a serialization failure. A savepoint around what may fail keeps the rest.
pub struct Transaction<'c> {
    lease: Held<'c>,
    compiler: Arc<Compiler>,
    /// 1 for a transaction, 2 for a savepoint in it, and so on.
    depth: usize,
    scope: Scope,
    /// Whether a failure takes all of it back, so that no unit in it needs a savepoint.
    unit: bool,
    over: bool,
}

/// What of the transaction is this guard's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// All: it ends with the guard.
    Whole,
    /// Statements that are a unit, without a savepoint: if the guard is dropped, nothing more can be done.
    Unit,
    /// Nothing: it goes on behind the guard.
    Nothing,
}

enum Held<'c> {
    Own(Box<Lease>),
    Lent(&'c mut Lease),
}

impl Held<'_> {
    fn get(&self) -> &Lease {
        match self {
            Held::Own(lease) => lease,
            Held::Lent(lease) => lease,
        }
    }

    fn get_mut(&mut self) -> &mut Lease {
        match self {
            Held::Own(lease) => lease,
            Held::Lent(lease) => lease,
        }
    }
}

/// A savepoint without a guard. [`Transaction::savepoint`] makes it.
#[derive(Debug, Clone, Copy)]
#[must_use = "roll back to it or release it; by itself it does nothing"]
pub struct Savepoint {
    /// How many transactions and savepoints are open with it: at least two.
    depth: usize,
}

impl<'c> Transaction<'c> {
    pub(crate) async fn begin_own(
        mut lease: Lease,
        options: &TransactionOptions,
    ) -> Result<Transaction<'static>> {
        let link = lease.link_mut()?;
        let depth = link.begin(options).await?;
        let compiler = link.compiler().clone();
        let lease = Held::Own(Box::new(lease));
        Ok(Transaction { lease, compiler, depth, scope: Scope::Whole, unit: false, over: false })
    }

    pub(crate) async fn begin_lent(
        lease: &'c mut Lease,
        options: &TransactionOptions,
    ) -> Result<Transaction<'c>> {
        let link = lease.link_mut()?;
        let depth = link.begin(options).await?;
        let compiler = link.compiler().clone();
        let lease = Held::Lent(lease);
        Ok(Transaction { lease, compiler, depth, scope: Scope::Whole, unit: false, over: false })
    }

    fn part(&mut self, scope: Scope, unit: bool) -> Transaction<'_> {
        Transaction {
            compiler: self.compiler.clone(),
            depth: self.depth,
            scope,
            unit,
            over: false,
            lease: Held::Lent(self.lease.get_mut()),
        }
    }

    /// The same transaction, for who rolls it back if any of the statements fails: lists that become several statements then need
    /// no savepoints of their own. It goes on when this is dropped.
    pub fn as_unit(&mut self) -> Transaction<'_> {
        self.part(Scope::Nothing, true)
    }

    /// For who has [joined](Executor::join) it and runs several statements that are one to the user: a savepoint, unless all that was
    /// joined goes with them anyway. Dropping it takes back what was done.
    pub(crate) async fn begin_unit(&mut self) -> Result<Transaction<'_>> {
        if self.unit || self.scope == Scope::Whole {
            return Ok(self.as_unit());
        }
        if !self.lease.get().link()?.goes_on_after_errors() {
            return Ok(self.part(Scope::Unit, true));
        }
        let mut savepoint = self.begin().await?;
        savepoint.unit = true;
        Ok(savepoint)
    }

    /// Begins a savepoint: `SAVEPOINT`, which travels with its first statement. Committing it is `RELEASE SAVEPOINT`,
    /// rolling it back or dropping it `ROLLBACK TO SAVEPOINT`.
    ///
    /// # Errors
    ///
    /// [`Poisoned`](relata_core::ErrorClass::Poisoned) if nothing more can be done in this transaction.
    pub async fn begin(&mut self) -> Result<Transaction<'_>> {
        Transaction::begin_lent(self.lease.get_mut(), &TransactionOptions::new()).await
    }

    /// Makes a savepoint as [`begin`](Transaction::begin) does, but without a guard: for who keeps the transaction and its
    /// savepoints in one place, as a session does. End it before the guard around it, and no other transaction's.
    ///
    /// # Errors
    ///
    /// As [`begin`](Transaction::begin).
    pub async fn savepoint(&mut self) -> Result<Savepoint> {
        let depth = self.lease.get_mut().link_mut()?.begin(&TransactionOptions::new()).await?;
        Ok(Savepoint { depth })
    }

    /// Whether statements have changed rows, as the database counts them, since the outermost transaction around this one began.
    /// What a savepoint took back does not count; what goes without a count, as creating a table does, is not known.
    pub fn has_written(&self) -> bool {
        self.lease.get().link().is_ok_and(Link::has_written)
    }

    /// `RELEASE SAVEPOINT`, with the next statement. Savepoints in it are released as well.
    ///
    /// # Errors
    ///
    /// [`Poisoned`](relata_core::ErrorClass::Poisoned) if a statement has failed and the database then lets nothing more be done but to
    /// roll back, to this savepoint or further; or if the savepoint has ended.
    pub async fn release(&mut self, savepoint: Savepoint) -> Result<()> {
        self.lease.get_mut().link_mut()?.release(savepoint.depth).await
    }

    /// `ROLLBACK TO SAVEPOINT`, and forgets it and the savepoints in it.
    ///
    /// # Errors
    ///
    /// As [`rollback`](Transaction::rollback) of a savepoint.
    pub async fn rollback_to(&mut self, savepoint: Savepoint) -> Result<()> {
        self.lease.get_mut().link_mut()?.undo(savepoint.depth).await
    }

    /// Makes what was done permanent: `COMMIT`. For a savepoint: `RELEASE SAVEPOINT`, with the next statement.
    ///
    /// # Errors
    ///
    /// * [`CommitUnknown`](relata_core::ErrorClass::CommitUnknown) if the connection broke before the answer came: it may
    ///   have happened or not;
    /// * [`Poisoned`](relata_core::ErrorClass::Poisoned) if a statement has failed and the database then lets nothing more
    ///   be done, or if the future of a statement was dropped midway;
    /// * [`Serialization`](relata_core::ErrorClass::Serialization) and whatever else the database finds only now.
    ///
    /// Except for `CommitUnknown`, the transaction is then rolled back.
    pub async fn commit(self) -> Result<()> {
        self.commit_with(&mut []).await
    }

    /// Runs some last statements and `COMMIT` in one trip. The transaction must not depend on their results.
    ///
    /// # Errors
    ///
    /// As [`commit`](Transaction::commit), and what the database says of the first job that fails; the transaction is then
    /// rolled back.
    pub async fn commit_with(mut self, jobs: &mut [Job<'_>]) -> Result<()> {
        let link = self.lease.get_mut().link_mut()?;
        if self.scope == Scope::Whole {
            let result = link.finish(self.depth, jobs).await;
            // Before this, dropping the future leaves it to the guard to roll back.
            self.over = true;
            return result;
        }
        if !jobs.is_empty() {
            link.run(jobs).await?;
        }
        self.over = true;
        Ok(())
    }

    /// Undoes what was done: `ROLLBACK`, or `ROLLBACK TO SAVEPOINT`.
    ///
    /// # Errors
    ///
    /// Whatever prevents it; the connection is then closed. For a transaction it is none that the connection was lost: the server then
    /// rolls back by itself.
    pub async fn rollback(mut self) -> Result<()> {
        if self.scope == Scope::Whole {
            let depth = self.depth;
            let result = self.lease.get_mut().link_mut()?.undo(depth).await;
            self.over = true;
            result
        } else {
            Ok(())
        }
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // One that owns its connection gives it back, and whatever is open is then rolled back at once.
        if !self.over
            && let Held::Lent(lease) = &mut self.lease
            && let Ok(link) = lease.link_mut()
        {
            match self.scope {
                Scope::Whole => link.abandon(self.depth),
                Scope::Unit => link.spoil(),
                Scope::Nothing => {}
            }
        }
    }
}

impl Executor for Transaction<'_> {
    fn compiler(&self) -> &Arc<Compiler> {
        &self.compiler
    }

    fn run<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.lease.get_mut().link_mut()?.run(jobs).await })
    }

    fn run_atomic<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        if self.unit {
            return self.run(jobs);
        }
        Box::pin(async move { self.lease.get_mut().link_mut()?.run_atomic(jobs).await })
    }

    fn join<'a>(&'a mut self) -> BoxFuture<'a, Result<Transaction<'a>>> {
        let unit = self.unit;
        Box::pin(std::future::ready(Ok(self.part(Scope::Nothing, unit))))
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let begun = self.lease.get().link().is_ok_and(|link| link.depth() >= self.depth);
        f.debug_struct("Transaction")
            .field("depth", &self.depth)
            .field("open", &begun)
            .finish_non_exhaustive()
    }
}
