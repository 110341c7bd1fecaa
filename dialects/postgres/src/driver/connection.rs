//! One connection.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use relata_core::{
    Error, ErrorClass, Result,
    dialect::Dialect,
    driver::{BoxFuture, Connection, Job},
};
use tokio::time::timeout;
use tokio_postgres::CancelToken;

use super::{cache::Cache, cancel::cancel, connect::Tls, run::run, socket::Address, wire::Wire};
use crate::{Postgres, PostgresOptions};

/// How long a reset waits for what is still running before it asks the server to cancel that.
const CANCEL_AFTER: Duration = Duration::from_millis(100);

/// How long asking for that may take. One that comes late could hit a later statement, so after that the
/// connection is given up.
const CANCEL_WITHIN: Duration = Duration::from_secs(5);

/// How long saying good-bye may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

pub(crate) struct PostgresConnection {
    /// Behind a mutex, never a contended one, since [`Connection::is_closed`] has only a shared reference.
    wire: Mutex<Wire>,
    cache: Cache,
    token: CancelToken,
    address: Address,
    options: Arc<PostgresOptions>,
    tls: Tls,
    dialect: Arc<dyn Dialect>,
}

impl PostgresConnection {
    pub(super) fn new(
        wire: Wire,
        token: CancelToken,
        address: Address,
        options: Arc<PostgresOptions>,
        tls: Tls,
    ) -> Self {
        let cache = Cache::new(options.statement_cache);
        PostgresConnection {
            wire: Mutex::new(wire),
            cache,
            token,
            address,
            options,
            tls,
            dialect: Arc::new(Postgres),
        }
    }

    async fn roll_back(&mut self) -> Result<()> {
        let wire = self.wire.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut patience = CANCEL_AFTER;
        let mut cancelled = false;
        // Behind whatever is still running, of which nobody wants the answer.
        wire.queue_query("ROLLBACK")?;
        let mut failure = None;
        loop {
            match timeout(patience, wire.settle(&mut failure)).await {
                Ok(settled) => {
                    settled?;
                    match failure.take() {
                        // It may be what was cancelled.
                        Some(error) if cancelled && error.code() == Some(QUERY_CANCELED) => {
                            wire.queue_query("ROLLBACK")?;
                            cancelled = false;
                        }
                        Some(error) => return Err(error),
                        None => return Ok(()),
                    }
                }
                // Each time it is one statement that ends: others may wait, or the request came between two of them.
                Err(_) => {
                    cancelled = true;
                    let asking = cancel(&self.token, self.address.clone(), &self.options, &self.tls);
                    if !matches!(timeout(CANCEL_WITHIN, asking).await, Ok(Ok(()))) {
                        let why = "what is still running could not be cancelled";
                        return Err(Error::new(ErrorClass::Disconnected, why));
                    }
                    patience = patience.saturating_mul(2);
                }
            }
        }
    }
}

/// The server's code for a statement that was cancelled.
const QUERY_CANCELED: &str = "57014";

impl Connection for PostgresConnection {
    fn dialect(&self) -> Arc<dyn Dialect> {
        Arc::clone(&self.dialect)
    }

    fn run<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        let wire = self.wire.get_mut().unwrap_or_else(PoisonError::into_inner);
        Box::pin(run(wire, &mut self.cache, jobs))
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<()>> {
        let wire = self.wire.get_mut().unwrap_or_else(PoisonError::into_inner);
        Box::pin(async move {
            wire.queue_sync();
            let alive = wire.settle(&mut None).await;
            alive.map_err(|error| error.reclassified(ErrorClass::Disconnected))
        })
    }

    fn reset(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.roll_back())
    }

    fn is_closed(&self) -> bool {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner).is_closed()
    }

    fn in_transaction(&self) -> bool {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner).in_transaction
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let wire = self.wire.into_inner().unwrap_or_else(PoisonError::into_inner);
            // Whether the server hears it changes nothing for us.
            let _ = timeout(CLOSE_WITHIN, wire.close()).await;
        })
    }
}
