//! A unit of work that is tried again when others were in its way.

use relata_core::{Result, transaction::TransactionOptions};
use relata_pool::{Engine, RetryOptions};

use crate::session::Session;

/// Runs a closure with a fresh session, again and again while it fails for reasons that another try may mend: serialization
/// failures and deadlocks. [`EngineExt::unit_of_work`](crate::EngineExt::unit_of_work) makes it.
///
/// The closure is given the session, and commits it: what it does besides the database is done again as well. It runs at
/// SERIALIZABLE (SQLite: with an immediate transaction) unless told otherwise.
#[derive(Debug)]
pub struct UnitOfWork<'e> {
    engine: &'e Engine,
    options: TransactionOptions,
    retry: RetryOptions,
}

impl<'e> UnitOfWork<'e> {
    pub(crate) fn new(engine: &'e Engine) -> Self {
        let mut options = TransactionOptions::new();
        options.isolation = engine.dialect().strictest_isolation();
        UnitOfWork { engine, options, retry: RetryOptions::new() }
    }

    /// With another kind of transaction.
    #[must_use]
    pub fn transaction(mut self, options: TransactionOptions) -> Self {
        self.options = options;
        self
    }

    /// With another number of attempts, or another time between them.
    #[must_use]
    pub fn retry(mut self, retry: RetryOptions) -> Self {
        self.retry = retry;
        self
    }

    /// Runs it.
    ///
    /// # Errors
    ///
    /// What the closure returns, if another try would not mend it or there were enough of them.
    pub async fn run<T, F, U>(self, mut unit: F) -> Result<T>
    where
        F: FnMut(Session) -> U,
        U: Future<Output = Result<T>>,
    {
        let mut attempt = 1;
        loop {
            match unit(Session::with(self.engine, self.options)).await {
                Ok(value) => return Ok(value),
                Err(error) => self.retry.wait_for_next(attempt, error).await?,
            }
            attempt += 1;
        }
    }
}
