//! What the tests of this crate share: a connection with a schema of its own.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use relata_core::{
    Result,
    driver::{BoxFuture, Connection, Driver, Flow, Job, Mode, Row, Sink},
    projection::RowReader,
    render::Statement,
    statement::{RawStatement, ReadRow},
    url::DatabaseUrl,
};
use relata_postgres::{Postgres, PostgresDriver};

/// The URL of the server, or `None` after saying that the test is skipped.
pub fn url() -> Option<String> {
    variable("RELATA_TEST_POSTGRES_URL")
}

/// A variable that says what the tests may use.
pub fn variable(name: &str) -> Option<String> {
    match std::env::var(name) {
        Ok(value) => Some(value),
        Err(_) if std::env::var("CI").is_ok_and(|ci| ci == "true") => panic!("{name} is not set"),
        Err(_) => {
            println!("skipped: {name} is not set");
            None
        }
    }
}

pub fn driver(url: &str) -> PostgresDriver {
    PostgresDriver::from_url(DatabaseUrl::parse(url).unwrap()).unwrap()
}

pub async fn try_connect(url: &str) -> Result<Box<dyn Connection>> {
    PostgresDriver::from_url(DatabaseUrl::parse(url)?)?.connect().await
}

/// A connection, and a schema that nobody else uses.
pub struct Db {
    pub connection: Box<dyn Connection>,
    /// With the schema as search path.
    pub url: String,
    pub schema: String,
}

impl Db {
    /// `None` if there is no server.
    pub async fn open(options: &str) -> Option<Db> {
        let server = url()?;
        let schema = format!("test_{:016x}", RandomState::new().hash_one(std::process::id()));
        let mut first = driver(&server).connect().await.unwrap();
        let create = format!("CREATE SCHEMA {schema}");
        first.run(&mut [Job::text(&create)]).await.unwrap();
        first.close().await;
        let url = format!("{server}?search_path={schema}{options}");
        let connection = driver(&url).connect().await.unwrap();
        Some(Db { connection, url, schema })
    }

    /// Another connection to the same schema.
    pub async fn another(&self) -> Db {
        let connection = driver(&self.url).connect().await.unwrap();
        Db { connection, url: self.url.clone(), schema: self.schema.clone() }
    }

    pub async fn close(mut self) {
        let drop = format!("DROP SCHEMA {} CASCADE", self.schema);
        self.text(&drop).await.unwrap();
        self.connection.close().await;
    }

    pub async fn text(&mut self, sql: &str) -> Result<()> {
        self.connection.run(&mut [Job::text(sql)]).await
    }

    /// Runs a statement for its effect: how many rows it changed.
    pub async fn run(&mut self, statement: &(dyn Statement + Sync)) -> Result<u64> {
        let compiled = statement.compile(&Postgres)?;
        let mut jobs = [Job::new(&compiled.sql, &compiled.binds, Mode::Cached)];
        self.connection.run(&mut jobs).await?;
        Ok(jobs[0].rows_affected)
    }

    /// The rows of a statement.
    pub async fn rows<R: Send + 'static>(
        &mut self,
        statement: &(dyn Statement + Sync),
        read: ReadRow<R>,
    ) -> Result<Vec<R>> {
        self.rows_in(Mode::Cached, statement, read).await
    }

    pub async fn rows_in<R: Send + 'static>(
        &mut self,
        mode: Mode,
        statement: &(dyn Statement + Sync),
        read: ReadRow<R>,
    ) -> Result<Vec<R>> {
        let compiled = statement.compile(&Postgres)?;
        let mut sink = Collect::new(read);
        let job = Job::new(&compiled.sql, &compiled.binds, mode).with_sink(&mut sink);
        self.connection.run(&mut [job]).await?;
        Ok(sink.rows)
    }

    /// The rows of SQL text.
    pub async fn query<R: Send + 'static>(&mut self, statement: RawStatement<R>) -> Result<Vec<R>> {
        let read = statement.reader();
        self.rows(&statement, read).await
    }

    /// The only row of SQL text.
    pub async fn one<R: Send + 'static>(&mut self, statement: RawStatement<R>) -> R {
        let mut rows = self.query(statement).await.unwrap();
        assert_eq!(rows.len(), 1);
        rows.remove(0)
    }
}

/// Keeps the rows.
pub struct Collect<R> {
    read: ReadRow<R>,
    pub rows: Vec<R>,
}

impl<R: Send + 'static> Collect<R> {
    pub fn new(read: ReadRow<R>) -> Self {
        Collect { read, rows: Vec::new() }
    }
}

impl<R: Send + 'static> Sink for Collect<R> {
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
        self.rows.push((self.read)(&mut RowReader::new(row))?);
        Ok(Flow::Continue)
    }
}

/// Counts rows, and asks for a pause after each `every`.
pub struct Paused {
    pub rows: Arc<AtomicUsize>,
    pub every: usize,
    pub limit: usize,
}

impl Sink for Paused {
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
        row.cell(0)?;
        let rows = self.rows.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(match rows {
            rows if rows == self.limit => Flow::Stop,
            rows if rows % self.every == 0 => Flow::Pause,
            _ => Flow::Continue,
        })
    }

    fn pauses(&self) -> bool {
        true
    }

    fn ready(&mut self) -> BoxFuture<'_, Result<Flow>> {
        Box::pin(async {
            tokio::task::yield_now().await;
            Ok(Flow::Continue)
        })
    }
}
