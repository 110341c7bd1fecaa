//! Sending what is pending: all of it, or nothing.

mod change;
mod send;
mod settle;

use relata_core::Result;

use super::{
    Session,
    plan::plan,
    transaction::{ends_transaction, exclusive, lost_transaction},
};
use send::send;

impl Session {
    /// Sends what is pending: INSERTs in the order of the foreign keys, UPDATEs of the changed columns only, DELETEs. Keys
    /// and defaults come back into the entities.
    ///
    /// It is all or nothing: if a statement fails, the database is as before, and everything is pending still. Only where the failure
    /// has ended the transaction, as a deadlock does, and something was done in it before, the session has to be rolled back.
    ///
    /// # Errors
    ///
    /// What the database says of a statement, with the entity it is about; [`Stale`](relata_core::ErrorClass::Stale) if a row was changed
    /// or deleted by somebody else since it was read; [`Session`](relata_core::ErrorClass::Session) if the changes cannot be ordered.
    pub async fn flush(&mut self) -> Result<()> {
        self.check_usable_at_all()?;
        if !self.has_pending() {
            return Ok(());
        }
        let operations = plan(self)?;
        if operations.is_empty() {
            self.settle_flush(Vec::new())?;
            return Ok(());
        }
        let fresh = self.begin().await?;
        // Until this is done, nobody knows what the database did.
        self.poisoned = true;
        let result = match exclusive(&mut self.transaction) {
            None => return Err(lost_transaction()),
            // Nothing was done in this transaction: if the flush fails, all of it can go.
            Some(transaction) if fresh => send(&mut self.stores, transaction, operations).await,
            Some(transaction) => {
                let mut savepoint = transaction.begin().await?;
                match send(&mut self.stores, &mut savepoint, operations).await {
                    Ok(done) => savepoint.commit().await.map(|()| done),
                    Err(error) if ends_transaction(&error) => Err(error),
                    Err(error) => match savepoint.rollback().await {
                        Ok(()) => {
                            self.poisoned = false;
                            Err(error)
                        }
                        Err(lost) => {
                            Err(error.context(format!("the savepoint of the flush is lost ({lost})")))
                        }
                    },
                }
            }
        };
        match result {
            Ok(done) => {
                self.settle_flush(done)?;
                self.poisoned = false;
                Ok(())
            }
            Err(error) => {
                for (_, store) in &mut self.stores {
                    store.clear_staged();
                }
                if fresh {
                    if let Some(transaction) = exclusive(&mut self.transaction).take() {
                        // What comes of it says nothing that the first error does not.
                        let _ = transaction.rollback().await;
                    }
                    // All of it is gone, and all that is pending can be flushed again.
                    self.poisoned = false;
                }
                Err(error)
            }
        }
    }
}
