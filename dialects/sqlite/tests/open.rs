//! How a database is opened: URLs, options, the same database for all connections.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails loudly, and so do its helpers

mod common;

use common::{Folder, driver, execute, memory, one, texts};
use relata_core::{ErrorClass, driver::Driver, url::DatabaseUrl, value::Value};
use relata_sqlite::{Access, BeginMode, Blocking, JournalMode, SqliteDriver, SqliteOptions, Synchronous};
use std::time::Duration;

fn options(url: &str) -> relata_core::Result<SqliteOptions> {
    SqliteOptions::from_url(DatabaseUrl::parse(url)?)
}

#[test]
fn a_url_says_what_the_builder_says() {
    assert_eq!(options("sqlite:app.db").unwrap(), SqliteOptions::file("app.db"));
    assert_eq!(options("sqlite:///var/app%20one.db").unwrap(), SqliteOptions::file("/var/app one.db"));
    assert_eq!(options("sqlite::memory:").unwrap(), SqliteOptions::memory());
    let url = "sqlite:x.db?mode=ro&journal_mode=truncate&synchronous=extra&foreign_keys=false&busy_timeout=250ms\
               &case_sensitive_like=false&begin=deferred&statement_cache=7&blocking=thread";
    let built = SqliteOptions::file("x.db")
        .access(Access::ReadOnly)
        .journal_mode(JournalMode::Truncate)
        .synchronous(Synchronous::Extra)
        .foreign_keys(false)
        .busy_timeout(Duration::from_millis(250))
        .case_sensitive_like(false)
        .begin(BeginMode::Deferred)
        .statement_cache(7)
        .blocking(Blocking::Thread);
    assert_eq!(options(url).unwrap(), built);
}

#[test]
fn a_url_that_makes_no_sense_is_refused() {
    for (url, why) in [
        ("sqlite:", "names no file"),
        ("sqlite://app.db", "names no host"),
        ("sqlite://user@/app.db", "names no host"),
        ("postgres:app.db", "the scheme of a SQLite URL is sqlite"),
        ("sqlite:x?mode=rx", "option mode is \"rx\", but should be one of ro, rw, rwc"),
        ("sqlite:x?busy_timeout=5", "option busy_timeout"),
        (
            "sqlite:x?journal=wal",
            "unknown option \"journal\"; known are begin, blocking, busy_timeout, case_sensitive_like, foreign_keys, \
             journal_mode, mode, statement_cache, synchronous",
        ),
    ] {
        let error = options(url).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Configuration);
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn the_defaults_of_a_file() {
    let folder = Folder::new();
    let mut connection = folder.driver("").connect().await.unwrap();
    let c = &mut *connection;
    assert_eq!(one::<String>(c, "PRAGMA journal_mode", &[]).await.unwrap(), "wal");
    assert_eq!(one::<i64>(c, "PRAGMA synchronous", &[]).await.unwrap(), 1);
    assert_eq!(one::<i64>(c, "PRAGMA foreign_keys", &[]).await.unwrap(), 1);
    assert!(!one::<bool>(c, "SELECT 'a' LIKE 'A'", &[]).await.unwrap());
    assert!(one::<bool>(c, "SELECT 'abc' LIKE 'a%'", &[]).await.unwrap());
}

#[tokio::test]
async fn other_options_of_a_file() {
    let folder = Folder::new();
    let url = "journal_mode=delete&synchronous=full&foreign_keys=false&case_sensitive_like=false";
    let mut connection = folder.driver(url).connect().await.unwrap();
    let c = &mut *connection;
    assert_eq!(one::<String>(c, "PRAGMA journal_mode", &[]).await.unwrap(), "delete");
    assert_eq!(one::<i64>(c, "PRAGMA synchronous", &[]).await.unwrap(), 2);
    assert_eq!(one::<i64>(c, "PRAGMA foreign_keys", &[]).await.unwrap(), 0);
    assert!(one::<bool>(c, "SELECT 'a' LIKE 'A'", &[]).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_connections_to_a_new_file_at_once() {
    let folder = Folder::new();
    let driver = std::sync::Arc::new(folder.driver(""));
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let driver = driver.clone();
            tokio::spawn(async move {
                let mut connection = driver.connect().await.unwrap();
                one::<String>(&mut *connection, "PRAGMA journal_mode", &[]).await.unwrap()
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), "wal");
    }
}

#[tokio::test]
async fn a_file_whose_name_looks_like_a_uri() {
    let folder = Folder::new();
    let here = std::env::current_dir().unwrap();
    // Relative, so that the name begins with `file:`; as a URI it would have no such folder.
    let name = format!("file:relata-{}?mode=memory", std::process::id());
    let mut connection = SqliteDriver::new(SqliteOptions::file(&name)).unwrap().connect().await.unwrap();
    texts(&mut *connection, &["CREATE TABLE t (x)"]).await.unwrap();
    connection.close().await;
    assert!(here.join(&name).exists());
    std::fs::remove_file(here.join(&name)).unwrap();
    drop(folder);
}

#[tokio::test]
async fn all_connections_to_memory_see_one_database() {
    let driver = driver("sqlite::memory:").unwrap();
    let mut first = driver.connect().await.unwrap();
    let mut second = driver.connect().await.unwrap();
    texts(&mut *first, &["CREATE TABLE t (x)"]).await.unwrap();
    execute(&mut *first, "INSERT INTO t VALUES (?)", &[Value::I64(7)]).await.unwrap();
    assert_eq!(one::<i64>(&mut *second, "SELECT x FROM t", &[]).await.unwrap(), 7);
    // It outlives its connections, and is not that of another driver.
    first.close().await;
    second.close().await;
    let mut third = driver.connect().await.unwrap();
    assert_eq!(one::<i64>(&mut *third, "SELECT x FROM t", &[]).await.unwrap(), 7);
    assert!(one::<i64>(&mut *memory().await, "SELECT x FROM t", &[]).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_writes_to_memory_waits_for_the_other() {
    let driver = std::sync::Arc::new(driver("sqlite::memory:").unwrap());
    let mut connection = driver.connect().await.unwrap();
    texts(&mut *connection, &["CREATE TABLE t (x)", "INSERT INTO t VALUES (0)"]).await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let driver = driver.clone();
            tokio::spawn(async move {
                let mut connection = driver.connect().await.unwrap();
                for _ in 0..25 {
                    texts(&mut *connection, &["BEGIN IMMEDIATE", "UPDATE t SET x = x + 1", "COMMIT"])
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(one::<i64>(&mut *connection, "SELECT x FROM t", &[]).await.unwrap(), 200);
}
