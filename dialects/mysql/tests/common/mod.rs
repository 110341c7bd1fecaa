//! What the tests share: the servers, a database of one's own, running texts.

#![allow(dead_code, unreachable_pub)]

pub mod item;

use std::{
    future::Future,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use relata_core::{
    Result,
    driver::{Connection, Driver, Flow, Job, Mode, Row, Sink},
    projection::RowReader,
    render::{Bind, Statement},
    types::Type,
    url::DatabaseUrl,
    value::Value,
};
use relata_mysql::{MysqlDriver, MysqlOptions};

/// The servers to test on: those whose variables are set.
pub fn servers() -> Vec<String> {
    let mut urls = Vec::new();
    for name in ["RELATA_TEST_MARIADB_URL", "RELATA_TEST_MYSQL_URL"] {
        match std::env::var(name) {
            Ok(url) => urls.push(url),
            Err(_) if std::env::var("CI").as_deref() == Ok("true") => panic!("{name} is not set"),
            Err(_) => println!("skipped: {name} is not set"),
        }
    }
    urls
}

/// A connection with a database of its own, which is dropped at the end.
pub struct Db {
    pub url: String,
    pub name: String,
    pub connection: Box<dyn Connection>,
}

/// Runs a test on each server.
pub fn on_each<F: Future<Output = ()>>(test: impl Fn(Db) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for url in servers() {
        runtime.block_on(async {
            let name = unique_name();
            let mut admin = open(&url).await;
            run(&mut *admin, &format!("CREATE DATABASE `{name}`")).await.unwrap();
            let url = with_database(&url, &name);
            let connection = open(&url).await;
            let db = Db { url, name: name.clone(), connection };
            println!("on {}", db.connection.dialect().name());
            let outcome = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(test(db))).await;
            run(&mut *admin, &format!("DROP DATABASE `{name}`")).await.unwrap();
            admin.close().await;
            if let Err(panic) = outcome {
                std::panic::resume_unwind(panic);
            }
        });
    }
}

fn unique_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("relata_{}_{nanos}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The same URL with another database.
pub fn with_database(url: &str, name: &str) -> String {
    let (before, _) = url.rsplit_once('/').unwrap();
    format!("{before}/{name}")
}

/// The options of a URL.
pub fn options(url: &str) -> MysqlOptions {
    MysqlOptions::from_url(DatabaseUrl::parse(url).unwrap()).unwrap()
}

pub async fn try_open(url: &str) -> Result<Box<dyn Connection>> {
    MysqlDriver::from_url(DatabaseUrl::parse(url)?)?.connect().await
}

pub async fn open(url: &str) -> Box<dyn Connection> {
    try_open(url).await.unwrap()
}

/// What a job did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    pub rows_affected: u64,
    pub last_insert_id: Option<u64>,
}

/// Runs a text.
pub async fn run(connection: &mut dyn Connection, sql: &str) -> Result<Done> {
    let mut jobs = [Job::text(sql)];
    connection.run(&mut jobs).await?;
    Ok(Done { rows_affected: jobs[0].rows_affected, last_insert_id: jobs[0].last_insert_id })
}

/// Runs a statement with binds.
pub async fn exec(connection: &mut dyn Connection, sql: &str, binds: &[Value]) -> Result<Done> {
    let binds: Vec<Bind<'_>> = binds.iter().map(Bind::from).collect();
    let mut jobs = [Job::new(sql, &binds, Mode::Cached)];
    connection.run(&mut jobs).await?;
    Ok(Done { rows_affected: jobs[0].rows_affected, last_insert_id: jobs[0].last_insert_id })
}

/// Runs a statement that was built.
pub async fn execute(connection: &mut dyn Connection, statement: &impl Statement) -> Result<Done> {
    let dialect = connection.dialect();
    let compiled = statement.compile(&*dialect)?;
    let mut jobs = [Job::new(&compiled.sql, &compiled.binds, Mode::Cached)];
    connection.run(&mut jobs).await?;
    Ok(Done { rows_affected: jobs[0].rows_affected, last_insert_id: jobs[0].last_insert_id })
}

/// Collects what a function reads from each row.
pub struct Collect<T> {
    pub rows: Vec<T>,
    read: fn(&mut dyn Row) -> Result<T>,
}

impl<T: Send + 'static> Collect<T> {
    pub fn new(read: fn(&mut dyn Row) -> Result<T>) -> Self {
        Collect { rows: Vec::new(), read }
    }
}

impl<T: Send + 'static> Sink for Collect<T> {
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
        self.rows.push((self.read)(row)?);
        Ok(Flow::Continue)
    }
}

/// The rows of a statement with binds.
pub async fn rows<T: Send + 'static>(
    connection: &mut dyn Connection,
    mode: Mode,
    sql: &str,
    binds: &[Value],
    read: fn(&mut dyn Row) -> Result<T>,
) -> Result<Vec<T>> {
    let binds: Vec<Bind<'_>> = binds.iter().map(Bind::from).collect();
    let mut sink = Collect::new(read);
    connection.run(&mut [Job::new(sql, &binds, mode).with_sink(&mut sink)]).await?;
    Ok(sink.rows)
}

/// The first column of all rows.
pub async fn column<T: Type>(connection: &mut dyn Connection, sql: &str, binds: &[Value]) -> Result<Vec<T>> {
    rows(connection, Mode::Cached, sql, binds, |row| RowReader::new(row).read::<T>()).await
}

/// The one value of a statement.
pub async fn one<T: Type>(connection: &mut dyn Connection, sql: &str, binds: &[Value]) -> Result<T> {
    let mut values = column(connection, sql, binds).await?;
    assert_eq!(values.len(), 1, "{sql}");
    Ok(values.remove(0))
}

/// The rows of a SELECT.
pub async fn all<R: Send + 'static>(
    connection: &mut dyn Connection,
    select: &relata_core::statement::Select<R>,
) -> Result<Vec<R>> {
    struct Read<R>(relata_core::statement::ReadRow<R>, Vec<R>);
    impl<R: Send + 'static> Sink for Read<R> {
        fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
            self.1.push((self.0)(&mut RowReader::new(row))?);
            Ok(Flow::Continue)
        }
    }
    let dialect = connection.dialect();
    let compiled = select.compile(&*dialect)?;
    let mut sink = Read(select.reader(), Vec::new());
    connection
        .run(&mut [Job::new(&compiled.sql, &compiled.binds, Mode::Cached).with_sink(&mut sink)])
        .await?;
    Ok(sink.1)
}
