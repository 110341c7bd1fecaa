//! One connection.

use std::{pin::pin, sync::Arc, time::Duration};

use relata_core::{
    Error, ErrorClass, Result,
    dialect::Dialect,
    driver::{BoxFuture, Connection, Job},
};
use tokio::time::timeout;
use tokio_postgres::{Client, error::SqlState};

use super::{cache::Cache, cancel::cancel, connect::Tls, link::Link, run::run};
use crate::{Postgres, PostgresOptions, error::from_driver};

/// How long a reset waits for what is still running before it asks the server to cancel that.
const CANCEL_AFTER: Duration = Duration::from_millis(100);

/// How long asking for that may take. One that comes late could hit a later statement, so after that the
/// connection is given up.
const CANCEL_WITHIN: Duration = Duration::from_secs(5);

/// How long saying good-bye may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

pub(crate) struct PostgresConnection {
    // Dropped in this order: statements are not worth a message when the client is gone, and the link says good-bye.
    client: Client,
    cache: Cache,
    link: Link,
    options: Arc<PostgresOptions>,
    tls: Tls,
    dialect: Arc<dyn Dialect>,
}

impl PostgresConnection {
    pub(crate) fn new(client: Client, link: Link, options: Arc<PostgresOptions>, tls: Tls) -> Self {
        let cache = Cache::new(options.statement_cache);
        PostgresConnection { client, cache, link, options, tls, dialect: Arc::new(Postgres) }
    }

    /// An error with what the system or the server said when the connection ended, if it did.
    fn explain(&mut self, error: Error) -> Error {
        if error.class() != ErrorClass::Disconnected || error.code().is_some() {
            return error;
        }
        match self.link.take_error().map(from_driver) {
            None => error,
            Some(cause) => {
                let cause = cause.reclassified(ErrorClass::Disconnected);
                match error.statement() {
                    Some(sql) => cause.with_statement(sql),
                    None => cause,
                }
            }
        }
    }

    async fn roll_back(&mut self) -> Result<()> {
        let (client, options, tls) = (&self.client, &self.options, &self.tls);
        let rolling_back = async {
            // Behind whatever is still running, of which nobody wants the answer.
            let mut rolled_back = pin!(client.batch_execute("ROLLBACK"));
            let mut patience = CANCEL_AFTER;
            let mut cancelled = false;
            loop {
                match timeout(patience, &mut rolled_back).await {
                    // It may be what was cancelled.
                    Ok(Err(error)) if cancelled && error.code() == Some(&SqlState::QUERY_CANCELED) => {
                        return client.batch_execute("ROLLBACK").await.map_err(from_driver);
                    }
                    Ok(result) => return result.map_err(from_driver),
                    // Each time it is one statement that ends: others may wait, or the request came between two of them.
                    Err(_) => {
                        cancelled = true;
                        let asking =
                            timeout(CANCEL_WITHIN, cancel(&client.cancel_token(), options, tls)).await;
                        if !matches!(asking, Ok(Ok(()))) {
                            let why = "what is still running could not be cancelled";
                            return Err(Error::new(ErrorClass::Disconnected, why));
                        }
                        patience = patience.saturating_mul(2);
                    }
                }
            }
        };
        self.link.drive(rolling_back).await
    }
}

impl Connection for PostgresConnection {
    fn dialect(&self) -> Arc<dyn Dialect> {
        Arc::clone(&self.dialect)
    }

    fn run<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let result = {
                let running = pin!(run(&self.client, &mut self.cache, jobs));
                self.link.drive(running).await
            };
            result.map_err(|error| self.explain(error))
        })
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let alive = self.link.drive(self.client.check_connection()).await;
            alive.map_err(|error| self.explain(from_driver(error).reclassified(ErrorClass::Disconnected)))
        })
    }

    fn reset(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            match self.roll_back().await {
                Ok(()) => Ok(()),
                Err(error) => Err(self.explain(error)),
            }
        })
    }

    fn is_closed(&self) -> bool {
        self.link.is_closed()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let PostgresConnection { client, cache, mut link, .. } = *self;
            drop(client);
            drop(cache);
            // Whether the server hears it changes nothing for us.
            let _ = timeout(CLOSE_WITHIN, link.finish()).await;
        })
    }
}
