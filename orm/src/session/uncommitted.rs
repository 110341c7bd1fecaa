//! Work that went away with its session: whoever gave the session out wants to know.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use relata_core::{Error, ErrorClass, Result};
use relata_pool::Transaction;

use super::{Session, plan::has_work, transaction::exclusive};

/// Whether a session was dropped with work that was neither committed nor rolled back. The session says it, and
/// [`check`](Uncommitted::check) asks.
#[derive(Clone, Default)]
pub(crate) struct Uncommitted(Arc<AtomicBool>);

impl Uncommitted {
    /// # Errors
    ///
    /// If it was.
    pub(crate) fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Acquire) {
            return Err(Error::new(
                ErrorClass::Session,
                "the unit of work returned `Ok`, but did not commit what it did, so that nothing of it is saved: end the closure with `session.commit().await?`, or with `session.rollback().await?` if that is meant",
            ));
        }
        Ok(())
    }
}

impl Session {
    /// The same session, which says there if it goes away with work that is not committed.
    pub(crate) fn watched(mut self, uncommitted: &Uncommitted) -> Self {
        self.uncommitted = Some(uncommitted.clone());
        self
    }

    fn has_uncommitted(&mut self) -> bool {
        let wrote = exclusive(&mut self.transaction).as_ref().is_some_and(Transaction::has_written);
        !self.commit_called && (wrote || has_work(self))
    }
}

/// What is not committed is rolled back. In a [unit of work](crate::EngineExt::unit_of_work), that is an error.
impl Drop for Session {
    fn drop(&mut self) {
        let Some(Uncommitted(lost)) = self.uncommitted.take() else { return };
        // After a panic nobody asks.
        if !std::thread::panicking() && self.has_uncommitted() {
            lost.store(true, Ordering::Release);
        }
    }
}
