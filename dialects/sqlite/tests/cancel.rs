//! A future that is dropped midway: the connection is usable after a reset, and nothing stays open.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails loudly, and so do its helpers

mod common;

use std::time::{Duration, Instant};

use common::{Folder, driver, execute, memory, one, texts};
use relata_core::{
    ErrorClass,
    driver::{Connection, Driver},
};

const LONG: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT COUNT(*) FROM n";

async fn leave_midway(connection: &mut dyn Connection) {
    texts(connection, &["CREATE TABLE t (x)"]).await.unwrap();
    texts(connection, &["BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)"]).await.unwrap();
    let began = Instant::now();
    let given_up = tokio::time::timeout(Duration::from_millis(20), one::<i64>(connection, LONG, &[])).await;
    assert!(given_up.is_err());

    let error = execute(connection, "INSERT INTO t VALUES (2)", &[]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Poisoned, "{error}");
    // A reset that is itself dropped does no harm.
    let waker = std::task::Waker::noop();
    let _ = std::pin::pin!(connection.reset()).poll(&mut std::task::Context::from_waker(waker));
    connection.reset().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "the statement was not stopped");
    assert_eq!(one::<i64>(connection, "SELECT COUNT(*) FROM t", &[]).await.unwrap(), 0);
    execute(connection, "INSERT INTO t VALUES (3)", &[]).await.unwrap();
}

#[tokio::test]
async fn on_a_current_thread_runtime() {
    leave_midway(&mut *memory().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_multi_threaded_runtime() {
    let mut connection = driver("sqlite::memory:?blocking=thread").unwrap().connect().await.unwrap();
    leave_midway(&mut *connection).await;
}

#[tokio::test]
async fn while_it_waits_for_a_lock() {
    let folder = Folder::new();
    let driver = folder.driver("busy_timeout=1h");
    let mut holder = driver.connect().await.unwrap();
    let mut waiter = driver.connect().await.unwrap();
    texts(&mut *holder, &["CREATE TABLE t (x)", "BEGIN IMMEDIATE"]).await.unwrap();
    let began = Instant::now();
    let wait = texts(&mut *waiter, &["BEGIN IMMEDIATE"]);
    assert!(tokio::time::timeout(Duration::from_millis(20), wait).await.is_err());
    waiter.reset().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "it went on waiting");
    texts(&mut *holder, &["COMMIT"]).await.unwrap();
    texts(&mut *waiter, &["BEGIN IMMEDIATE", "COMMIT"]).await.unwrap();
}

#[tokio::test]
async fn at_each_of_its_awaits() {
    let folder = Folder::new();
    let driver = folder.driver("");
    let mut connection = driver.connect().await.unwrap();
    texts(&mut *connection, &["CREATE TABLE t (x)"]).await.unwrap();
    let waker = std::task::Waker::noop();
    for polls in 0..3 {
        {
            let mut run =
                std::pin::pin!(texts(&mut *connection, &["BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)"]));
            for _ in 0..polls {
                if run.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_ready() {
                    break;
                }
                std::thread::yield_now();
            }
        }
        connection.reset().await.unwrap();
        assert_eq!(one::<i64>(&mut *connection, "SELECT COUNT(*) FROM t", &[]).await.unwrap(), 0);
        // Nothing holds the lock.
        let mut other = driver.connect().await.unwrap();
        texts(&mut *other, &["BEGIN IMMEDIATE", "COMMIT"]).await.unwrap();
    }
}

#[tokio::test]
async fn a_dropped_connection_leaves_no_transaction() {
    let folder = Folder::new();
    let driver = folder.driver("busy_timeout=3s");
    let mut connection = driver.connect().await.unwrap();
    texts(&mut *connection, &["CREATE TABLE t (x)", "BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)"])
        .await
        .unwrap();
    assert!(
        tokio::time::timeout(Duration::from_millis(20), one::<i64>(&mut *connection, LONG, &[]))
            .await
            .is_err()
    );
    drop(connection);
    let mut other = driver.connect().await.unwrap();
    texts(&mut *other, &["BEGIN IMMEDIATE", "COMMIT"]).await.unwrap();
    assert_eq!(one::<i64>(&mut *other, "SELECT COUNT(*) FROM t", &[]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_reset_of_a_connection_at_rest() {
    let mut connection = memory().await;
    connection.reset().await.unwrap();
    texts(&mut *connection, &["CREATE TABLE t (x)", "BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)"])
        .await
        .unwrap();
    connection.reset().await.unwrap();
    assert_eq!(one::<i64>(&mut *connection, "SELECT COUNT(*) FROM t", &[]).await.unwrap(), 0);
    connection.ping().await.unwrap();
    assert!(!connection.is_closed());
}

#[test]
fn a_runtime_that_ends_takes_the_statement_along() {
    let mut connection = {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut connection = memory().await;
            let long = one::<i64>(&mut *connection, LONG, &[]);
            assert!(tokio::time::timeout(Duration::from_millis(20), long).await.is_err());
            connection
        })
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        connection.reset().await.unwrap();
        assert_eq!(one::<i64>(&mut *connection, "SELECT 1", &[]).await.unwrap(), 1);
    });
}
