//! Commit, rollback and savepoints: the database and the memory together.

use relata_core::{Error, ErrorClass, Result};

use super::{Session, entry::Time};

/// A point to go back to within the transaction of a session. [`Session::savepoint`] makes it.
///
/// A copy names the same point: it is of use where [`release`](Session::release) failed.
#[derive(Debug, Clone, Copy)]
#[must_use = "roll back to it or release it; by itself it does nothing"]
pub struct Savepoint {
    session: u64,
    began: Time,
    point: relata_pool::Savepoint,
}

impl Session {
    /// Flushes, and makes everything permanent. The entities stay in the session, and a next transaction begins when it is
    /// needed.
    ///
    /// # Errors
    ///
    /// As [`flush`](Session::flush); then nothing is committed, and the transaction is as it was. If the COMMIT itself fails,
    /// the session has to be rolled back; [`CommitUnknown`](ErrorClass::CommitUnknown) if its answer was lost.
    pub async fn commit(&mut self) -> Result<()> {
        self.commit_called = true;
        self.flush().await?;
        if let Some(transaction) = exclusive(&mut self.transaction).take() {
            self.poisoned = true;
            transaction.commit().await?;
            self.poisoned = false;
        }
        for (_, store) in &mut self.stores {
            store.commit();
        }
        self.next_transaction();
        Ok(())
    }

    /// Goes back to where the transaction began, in the database and in memory: entities that were edited have the values
    /// they had then, those that were added or first read in it leave, those that were deleted return. Only the ROLLBACK is
    /// sent. It ends the poisoning of a session; if that came from a COMMIT, all entities are stale, as it may have gone through.
    ///
    /// # Errors
    ///
    /// If the database refuses. A lost connection is no error: the database has rolled back by itself then.
    pub async fn rollback(&mut self) -> Result<()> {
        let transaction = exclusive(&mut self.transaction).take();
        // The memory goes back first: it does so whatever becomes of the connection.
        let began = self.levels.first().copied().unwrap_or(1);
        self.restore(began)?;
        if self.poisoned && transaction.is_none() {
            // A COMMIT may have gone through.
            for (_, store) in &mut self.stores {
                store.mark_stale(self.clock);
            }
        }
        self.next_transaction();
        self.poisoned = false;
        match transaction {
            Some(transaction) => transaction.rollback().await,
            None => Ok(()),
        }
    }

    /// Flushes, and marks a point to go back to.
    ///
    /// # Errors
    ///
    /// As [`flush`](Session::flush), or if the savepoint cannot be made.
    pub async fn savepoint(&mut self) -> Result<Savepoint> {
        self.flush().await?;
        self.check_usable_at_all()?;
        self.begin().await?;
        let transaction = exclusive(&mut self.transaction).as_mut().ok_or_else(lost_transaction)?;
        // It travels with the next statement.
        let point = transaction.savepoint().await?;
        self.clock += 1;
        self.levels.push(self.clock);
        Ok(Savepoint { session: self.id, began: self.clock, point })
    }

    /// Goes back to a savepoint, in the database and in memory, as [`rollback`](Session::rollback) does to the start. The
    /// savepoint and those made after it are gone.
    ///
    /// # Errors
    ///
    /// [`Session`](ErrorClass::Session) if it is not one of this transaction's; whatever the database says.
    pub async fn rollback_to(&mut self, savepoint: Savepoint) -> Result<()> {
        let level = self.level_of(&savepoint)?;
        let transaction = exclusive(&mut self.transaction).as_mut().ok_or_else(lost_transaction)?;
        self.poisoned = true;
        transaction.rollback_to(savepoint.point).await?;
        self.poisoned = false;
        self.restore(savepoint.began)?;
        self.levels.truncate(level);
        Ok(())
    }

    /// Flushes, and forgets a savepoint: what was done since belongs to what is around it.
    ///
    /// # Errors
    ///
    /// As [`flush`](Session::flush), or [`Poisoned`](ErrorClass::Poisoned) where a failed statement lets nothing be done but to roll back;
    /// the savepoint is then still there. [`Session`](ErrorClass::Session) if it is not one of this transaction's.
    pub async fn release(&mut self, savepoint: Savepoint) -> Result<()> {
        let level = self.level_of(&savepoint)?;
        self.flush().await?;
        let transaction = exclusive(&mut self.transaction).as_mut().ok_or_else(lost_transaction)?;
        transaction.release(savepoint.point).await?;
        self.levels.truncate(level);
        Ok(())
    }

    /// Begins the transaction if there is none; nothing is sent yet. Says whether it did.
    ///
    /// # Errors
    ///
    /// As getting a connection from the pool.
    pub(super) async fn begin(&mut self) -> Result<bool> {
        let fresh = exclusive(&mut self.transaction).is_none();
        if fresh {
            let transaction = self.engine.begin_with(self.options).await?;
            *exclusive(&mut self.transaction) = Some(transaction);
        }
        Ok(fresh)
    }

    fn level_of(&self, savepoint: &Savepoint) -> Result<usize> {
        let level = self.levels.iter().position(|began| *began == savepoint.began);
        level.filter(|_| savepoint.session == self.id).ok_or_else(|| {
            Error::new(ErrorClass::Session, "the savepoint is no longer there: it was used, or ended with another or with its transaction")
        })
    }

    /// Takes the memory back to a time.
    fn restore(&mut self, to: Time) -> Result<()> {
        self.pending.clear();
        self.dirty.clear();
        self.deleted.clear();
        self.links.clear();
        self.stores.iter_mut().try_for_each(|(_, store)| store.rollback(to))
    }

    fn next_transaction(&mut self) {
        self.clock += 1;
        self.levels = vec![self.clock];
        self.commit_called = false;
    }
}

/// The transaction, without locking: nobody else can have the session.
pub(super) fn exclusive<T>(mutex: &mut std::sync::Mutex<T>) -> &mut T {
    match mutex.get_mut() {
        Ok(inner) => inner,
        // Nobody locks it, so nobody can have panicked with it.
        Err(poisoned) => poisoned.into_inner(),
    }
}

pub(super) fn lost_transaction() -> Error {
    Error::new(ErrorClass::Poisoned, "the session has lost its transaction: roll it back")
}

/// Whether the server has ended the transaction with this error, savepoints and all.
pub(super) fn ends_transaction(error: &Error) -> bool {
    matches!(
        error.class(),
        ErrorClass::Serialization
            | ErrorClass::Deadlock
            | ErrorClass::Disconnected
            | ErrorClass::Timeout
            | ErrorClass::Poisoned
            | ErrorClass::CommitUnknown
    )
}
