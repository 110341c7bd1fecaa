//! Units of work that are run again.

use std::{fmt, sync::Arc, time::Duration};

use relata_core::{
    Error, ErrorClass, Result,
    dialect::Dialect,
    driver::{BoxFuture, Job},
    render::Compiler,
    transaction::TransactionOptions,
};
use tokio::sync::oneshot;

use crate::{Engine, Executor, Transaction, manager::some_of, trace::TARGET};

/// How a unit of work is run again after a serialization failure or a deadlock.
#[derive(Debug, Clone, Copy)]
pub struct RetryOptions {
    attempts: u32,
    backoff: Duration,
    max_backoff: Duration,
    transaction: Option<TransactionOptions>,
}

impl Default for RetryOptions {
    fn default() -> Self {
        RetryOptions {
            attempts: 5,
            backoff: Duration::from_millis(10),
            max_backoff: Duration::from_secs(1),
            transaction: None,
        }
    }
}

impl RetryOptions {
    /// Five attempts, 10 milliseconds apart and then twice as long each time, at the strictest isolation level.
    pub fn new() -> Self {
        Self::default()
    }

    /// How often it is run at most, the first time included.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// How long to wait before the second attempt. The time doubles with each further one; each is shortened by chance,
    /// so that those who met do not meet again.
    #[must_use]
    pub fn backoff(mut self, time: Duration) -> Self {
        self.backoff = time;
        self
    }

    /// The longest time to wait before an attempt. The default is a second.
    #[must_use]
    pub fn max_backoff(mut self, time: Duration) -> Self {
        self.max_backoff = time;
        self
    }

    /// How the transaction begins, instead of at the strictest isolation level.
    #[must_use]
    pub fn transaction(mut self, options: TransactionOptions) -> Self {
        self.transaction = Some(options);
        self
    }

    /// How the transaction of an attempt begins on a database: as was said, or at its strictest isolation level.
    pub fn transaction_on(&self, dialect: &dyn Dialect) -> TransactionOptions {
        self.transaction.unwrap_or_else(|| {
            let mut options = TransactionOptions::new();
            options.isolation = dialect.strictest_isolation();
            options
        })
    }

    /// After an attempt, counted from 1, that failed: waits if another one is to be made, otherwise gives the error back.
    ///
    /// # Errors
    ///
    /// The error, if another attempt would not mend it, or there were enough.
    pub async fn wait_for_next(&self, attempt: u32, error: Error) -> Result<()> {
        if !error.is_retryable() || attempt >= self.attempts {
            return Err(error);
        }
        let pause = self.pause(attempt);
        tracing::debug!(target: TARGET, attempt, ?pause, %error, "transaction is run again");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// How long to wait after an attempt, counted from 1.
    fn pause(&self, attempt: u32) -> Duration {
        let doubled =
            self.backoff.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
        let time = doubled.min(self.max_backoff);
        // From half of it to all of it.
        time / 2 + some_of(time / 2)
    }
}

/// Runs units of work on an engine. [`Engine::retry`] makes it.
#[derive(Debug, Clone, Copy)]
pub struct Retrying<'e> {
    engine: &'e Engine,
    options: RetryOptions,
}

impl<'e> Retrying<'e> {
    pub(crate) fn new(engine: &'e Engine, options: RetryOptions) -> Self {
        Retrying { engine, options }
    }

    /// Runs a unit of work in a transaction; see [`Engine::transaction`].
    ///
    /// # Errors
    ///
    /// As [`Engine::transaction`].
    pub async fn transaction<T, F, U>(self, mut unit: F) -> Result<T>
    where
        F: FnMut(Attempt) -> U + Send,
        U: Future<Output = Result<T>> + Send,
        T: Send,
    {
        let options = self.options.transaction_on(&**self.engine.dialect());
        let mut attempt = 1;
        loop {
            match self.once(&options, &mut unit).await {
                Ok(value) => return Ok(value),
                Err(error) => self.options.wait_for_next(attempt, error).await?,
            }
            attempt += 1;
        }
    }

    async fn once<T, F, U>(&self, options: &TransactionOptions, unit: &mut F) -> Result<T>
    where
        F: FnMut(Attempt) -> U + Send,
        U: Future<Output = Result<T>> + Send,
        T: Send,
    {
        let transaction = self.engine.begin_with(*options).await?;
        let (home, mut back) = oneshot::channel();
        let compiler = self.engine.compiler().clone();
        let attempt = Attempt { compiler, transaction: Some(transaction), home: Some(home) };
        let result = unit(attempt).await;
        // The handle comes home when it is dropped, which the unit of work has done unless it gave the handle away.
        let transaction = back.try_recv();
        match (result, transaction) {
            (Ok(value), Ok(transaction)) => transaction.commit().await.map(|()| value),
            (Ok(_), Err(_)) => Err(Error::new(
                ErrorClass::Poisoned,
                "the unit of work has come to its end, but somebody still holds its transaction; nothing was committed",
            )),
            (Err(error), Ok(transaction)) => {
                // Awaited, so that the locks are gone before the next attempt. If it fails, the connection is given up.
                let _ = transaction.rollback().await;
                Err(error)
            }
            (Err(error), Err(_)) => Err(error),
        }
    }
}

/// The transaction of one attempt at a unit of work: an owned handle, which is used as a [`Transaction`] is. Committing and
/// rolling back is up to [`Engine::transaction`].
pub struct Attempt {
    compiler: Arc<Compiler>,
    // Both are `Some` until it is dropped.
    transaction: Option<Transaction<'static>>,
    home: Option<oneshot::Sender<Transaction<'static>>>,
}

impl Attempt {
    /// Begins a savepoint in it; see [`Transaction::begin`].
    ///
    /// # Errors
    ///
    /// As [`Transaction::begin`].
    pub async fn begin(&mut self) -> Result<Transaction<'_>> {
        self.get()?.begin().await
    }

    fn get(&mut self) -> Result<&mut Transaction<'static>> {
        self.transaction
            .as_mut()
            .ok_or_else(|| Error::new(ErrorClass::Poisoned, "the attempt at this unit of work is over"))
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let (Some(transaction), Some(home)) = (self.transaction.take(), self.home.take()) {
            // If nobody waits for it any more, it is dropped here, which rolls back.
            let _ = home.send(transaction);
        }
    }
}

impl Executor for Attempt {
    fn compiler(&self) -> &Arc<Compiler> {
        &self.compiler
    }

    fn run<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        match self.get() {
            Ok(transaction) => transaction.run(jobs),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    fn run_atomic<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        match self.get() {
            Ok(transaction) => transaction.run_atomic(jobs),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    fn join<'a>(&'a mut self) -> BoxFuture<'a, Result<Transaction<'a>>> {
        match self.get() {
            Ok(transaction) => transaction.join(),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attempt").field(&self.transaction).finish()
    }
}
