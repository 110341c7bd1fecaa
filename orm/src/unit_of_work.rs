//! A unit of work that is tried again when others were in its way.

use relata_core::{Result, transaction::TransactionOptions};
use relata_pool::{Engine, RetryOptions};

use crate::session::{Session, Uncommitted};

/// Runs a closure with a fresh session, again and again while it fails for reasons that another try may mend: serialization
/// failures and deadlocks. [`EngineExt::unit_of_work`](crate::EngineExt::unit_of_work) makes it.
///
/// The closure is given the session, and commits it, which [`run`](UnitOfWork::run) checks: what it does besides the database is
/// done again as well. It runs at SERIALIZABLE (SQLite: with an immediate transaction) unless told otherwise.
#[derive(Debug)]
pub struct UnitOfWork<'e> {
    engine: &'e Engine,
    transaction: Option<TransactionOptions>,
    retry: RetryOptions,
}

impl<'e> UnitOfWork<'e> {
    pub(crate) fn new(engine: &'e Engine) -> Self {
        UnitOfWork { engine, transaction: None, retry: RetryOptions::new() }
    }

    /// With another kind of transaction.
    #[must_use]
    pub fn transaction(mut self, options: TransactionOptions) -> Self {
        self.transaction = Some(options);
        self
    }

    /// With another number of attempts, or another time between them; and with the transaction that these options say, if
    /// [`transaction`](UnitOfWork::transaction) says none.
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
    ///
    /// [`Session`](relata_core::ErrorClass::Session) if it returns `Ok`, but has dropped the session with work that was neither
    /// committed nor rolled back: what was added, edited, deleted or linked, or rows that its statements changed. Nothing of that is
    /// saved then. A session that it has handed to somebody else is theirs; and a commit that failed has told the closure itself.
    pub async fn run<T, F, U>(self, mut unit: F) -> Result<T>
    where
        F: FnMut(Session) -> U,
        U: Future<Output = Result<T>>,
    {
        let options = self.transaction.unwrap_or_else(|| self.retry.transaction_on(&**self.engine.dialect()));
        let mut attempt = 1;
        loop {
            let uncommitted = Uncommitted::default();
            let session = Session::with(self.engine, options).watched(&uncommitted);
            match unit(session).await {
                Ok(value) => return uncommitted.check().map(|()| value),
                Err(error) => self.retry.wait_for_next(attempt, error).await?,
            }
            attempt += 1;
        }
    }
}
