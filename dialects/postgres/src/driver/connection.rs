//! One connection.

use std::{
    future::ready,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use relata_core::{
    Error, ErrorClass, Result,
    dialect::Dialect,
    driver::{BoxFuture, Connection, Job, SharedReader},
};
use tokio::time::timeout;
use tokio_postgres::CancelToken;

use super::{
    cache::Cache,
    cancel::cancel,
    connect::Tls,
    line::{Line, Reader, SharedLine},
    run::{forget, run},
    socket::Address,
    wire::Wire,
};
use crate::{Postgres, PostgresOptions};

/// How long a reset waits for what is still running before it asks the server to cancel that.
const CANCEL_AFTER: Duration = Duration::from_millis(100);

/// How long asking for that may take. One that comes late could hit a later statement, so after that the
/// connection is given up.
const CANCEL_WITHIN: Duration = Duration::from_secs(5);

/// How long saying good-bye may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

pub(crate) struct PostgresConnection {
    /// `None` while reads share it. Behind a mutex, never a contended one, since [`Connection::is_closed`] has only a shared reference.
    line: Mutex<Option<Line>>,
    shared: Option<Arc<SharedLine>>,
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
            line: Mutex::new(Some(Line { wire, cache })),
            shared: None,
            token,
            address,
            options,
            tls,
            dialect: Arc::new(Postgres),
        }
    }

    fn ask<T>(&self, ask: impl FnOnce(&mut Line) -> T) -> Option<T> {
        match &self.shared {
            Some(shared) => shared.with(ask),
            None => self.line.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(ask),
        }
    }

    async fn roll_back(&mut self) -> Result<()> {
        let Line { wire, .. } = alone(&mut self.line, &mut self.shared)?;
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

/// The line, which nobody shares any more.
fn alone<'c>(
    line: &'c mut Mutex<Option<Line>>,
    shared: &mut Option<Arc<SharedLine>>,
) -> Result<&'c mut Line> {
    let line = line.get_mut().unwrap_or_else(PoisonError::into_inner);
    if let Some(shared) = shared.take() {
        *line = shared.take_back();
    }
    line.as_mut().ok_or_else(|| Error::new(ErrorClass::Disconnected, "the connection was given away"))
}

/// The server's code for a statement that was cancelled.
const QUERY_CANCELED: &str = "57014";

impl Connection for PostgresConnection {
    fn dialect(&self) -> Arc<dyn Dialect> {
        Arc::clone(&self.dialect)
    }

    fn run<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        match alone(&mut self.line, &mut self.shared) {
            Ok(Line { wire, cache }) => Box::pin(run(wire, cache, jobs)),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let Line { wire, .. } = alone(&mut self.line, &mut self.shared)?;
            wire.queue_sync();
            let alive = wire.settle(&mut None).await;
            alive.map_err(|error| error.reclassified(ErrorClass::Disconnected))
        })
    }

    fn reset(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.roll_back())
    }

    fn is_closed(&self) -> bool {
        self.ask(|line| line.wire.is_closed()).unwrap_or(true)
    }

    fn in_transaction(&self) -> bool {
        self.ask(|line| line.wire.in_transaction).unwrap_or(false)
    }

    fn share(&mut self) -> Option<(Arc<dyn SharedReader>, BoxFuture<'static, ()>)> {
        let Line { wire, cache } = alone(&mut self.line, &mut self.shared).ok()?;
        // Later, one of them might be in use.
        forget(wire, cache).ok()?;
        let line = self.line.get_mut().unwrap_or_else(PoisonError::into_inner).take()?;
        let shared = SharedLine::new(line);
        self.shared = Some(Arc::clone(&shared));
        Some((Arc::new(Reader(Arc::clone(&shared))), Box::pin(shared.move_bytes())))
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let _ = alone(&mut self.line, &mut self.shared);
            let line = self.line.into_inner().unwrap_or_else(PoisonError::into_inner);
            let Some(Line { wire, .. }) = line else { return };
            // Whether the server hears it changes nothing for us.
            let _ = timeout(CLOSE_WITHIN, wire.close()).await;
        })
    }
}
