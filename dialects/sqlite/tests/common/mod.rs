//! What the tests of the driver share.
#![allow(dead_code, unreachable_pub)] // each test file uses a part of it

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use relata_core::{
    Error, Result,
    driver::{Connection, Driver, Flow, Job, Mode, Row, Sink},
    projection::RowReader,
    render::{Bind, Statement},
    statement::{ReadRow, Select},
    types::Type,
    url::DatabaseUrl,
    value::Value,
};
use relata_sqlite::SqliteDriver;

/// Takes rows into a list.
pub struct Collect<R> {
    pub rows: Vec<R>,
    read: ReadRow<R>,
}

impl<R: Send + 'static> Collect<R> {
    pub fn new(read: ReadRow<R>) -> Self {
        Collect { rows: Vec::new(), read }
    }
}

impl<R: Send + 'static> Sink for Collect<R> {
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
        self.rows.push((self.read)(&mut RowReader::new(row))?);
        Ok(Flow::Continue)
    }
}

/// A driver for a URL.
pub fn driver(url: &str) -> Result<SqliteDriver> {
    SqliteDriver::from_url(DatabaseUrl::parse(url)?)
}

/// A connection to a database in memory of its own.
pub async fn memory() -> Box<dyn Connection> {
    driver("sqlite::memory:").unwrap().connect().await.unwrap()
}

/// Runs a statement without rows; gives the count of changed rows.
pub async fn execute(connection: &mut dyn Connection, sql: &str, binds: &[Value]) -> Result<u64> {
    let binds: Vec<Bind<'_>> = binds.iter().map(Bind::from).collect();
    let mut jobs = [Job::new(sql, &binds, Mode::Cached)];
    connection.run(&mut jobs).await?;
    let [job] = jobs;
    Ok(job.rows_affected)
}

/// Runs texts in one call.
pub async fn texts(connection: &mut dyn Connection, sql: &[&str]) -> Result<()> {
    let mut jobs: Vec<Job<'_>> = sql.iter().map(|sql| Job::text(sql)).collect();
    connection.run(&mut jobs).await
}

/// Runs a statement and reads its first column.
pub async fn column<T: Type>(connection: &mut dyn Connection, sql: &str, binds: &[Value]) -> Result<Vec<T>> {
    let binds: Vec<Bind<'_>> = binds.iter().map(Bind::from).collect();
    let mut sink = Collect::<T>::new(|row| row.read());
    connection.run(&mut [Job::new(sql, &binds, Mode::Cached).with_sink(&mut sink)]).await?;
    Ok(sink.rows)
}

/// Runs a statement and reads the first column of its only row.
pub async fn one<T: Type>(connection: &mut dyn Connection, sql: &str, binds: &[Value]) -> Result<T> {
    let mut rows = column(connection, sql, binds).await?;
    assert_eq!(rows.len(), 1, "{sql}");
    rows.pop().ok_or_else(|| Error::new(relata_core::ErrorClass::NotFound, "no row"))
}

/// Compiles a statement, runs it and reads its rows.
pub async fn rows<R: Send + 'static>(
    connection: &mut dyn Connection,
    statement: &impl Statement,
    read: ReadRow<R>,
) -> Result<Vec<R>> {
    let dialect = connection.dialect();
    let compiled = statement.compile(&*dialect)?;
    let mut sink = Collect::new(read);
    connection
        .run(&mut [Job::new(&compiled.sql, &compiled.binds, Mode::Cached).with_sink(&mut sink)])
        .await?;
    Ok(sink.rows)
}

/// The rows of a SELECT.
pub async fn fetch<R: Send + 'static>(connection: &mut dyn Connection, select: Select<R>) -> Result<Vec<R>> {
    let read = select.reader();
    rows(connection, &select, read).await
}

/// Compiles a statement for its text.
pub fn spelled(statement: &impl Statement) -> String {
    statement.compile(&relata_sqlite::Sqlite::new()).unwrap().sql
}

/// A folder that goes away with the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("relata-sqlite-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The URL of a database in the folder.
    pub fn url(&self, options: &str) -> String {
        format!("sqlite:{}?{options}", self.0.join("test.db").display())
    }

    /// A driver for a database in the folder.
    pub fn driver(&self, options: &str) -> SqliteDriver {
        driver(&self.url(options)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
