//! Jobs: what they give back, on each runtime and in each mode of blocking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails loudly, and so do its helpers

mod common;

use std::time::Duration;

use common::{Collect, Folder, column, driver, execute, memory, one, texts};
use relata_core::{
    Error, ErrorClass, Result,
    driver::{Driver, Flow, Job, Mode, Row, Sink},
    render::Bind,
    value::Value,
};

const TABLE: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL)";
const INSERT: &str = "INSERT INTO users (name) VALUES (?)";

async fn works(url: &str) {
    let driver = driver(url).unwrap();
    let mut connection = driver.connect().await.unwrap();
    texts(&mut *connection, &[TABLE]).await.unwrap();
    for name in ["ann", "bob", "cid"] {
        assert_eq!(execute(&mut *connection, INSERT, &[Value::Text(name.into())]).await.unwrap(), 1);
    }
    let names: Vec<String> =
        column(&mut *connection, "SELECT name FROM users WHERE id > ? ORDER BY id", &[Value::I64(1)])
            .await
            .unwrap();
    assert_eq!(names, ["bob", "cid"]);
    assert_eq!(execute(&mut *connection, "UPDATE users SET name = 'x'", &[]).await.unwrap(), 3);
    assert_eq!(execute(&mut *connection, "UPDATE users SET name = 'y' WHERE id = 99", &[]).await.unwrap(), 0);
    connection.close().await;
}

#[tokio::test]
async fn on_a_current_thread_runtime() {
    for blocking in ["auto", "inline", "thread"] {
        works(&format!("sqlite::memory:?blocking={blocking}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_multi_threaded_runtime() {
    for blocking in ["auto", "inline", "thread"] {
        works(&format!("sqlite::memory:?blocking={blocking}")).await;
        let url = format!("sqlite::memory:?blocking={blocking}&statement_cache=0");
        tokio::spawn(async move { works(&url).await }).await.unwrap();
    }
}

/// Takes no row.
struct Refuse;

impl Sink for Refuse {
    fn row(&mut self, _: &mut dyn Row) -> Result<Flow> {
        Err(Error::new(ErrorClass::Decode, "no"))
    }
}

#[tokio::test]
async fn a_refused_row_does_not_end_the_transaction() {
    for blocking in ["inline", "thread"] {
        let url = format!("sqlite::memory:?blocking={blocking}");
        let mut connection = driver(&url).unwrap().connect().await.unwrap();
        texts(&mut *connection, &[TABLE]).await.unwrap();
        let many = "WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n WHERE x < 20000) \
                    INSERT INTO users (name) SELECT 'n' || x FROM n RETURNING id";
        let mut refuse = Refuse;
        let mut jobs = [Job::text("BEGIN"), Job::new(many, &[], Mode::Cached).with_sink(&mut refuse)];
        let error = connection.run(&mut jobs).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Decode, "{error}");
        assert_eq!(execute(&mut *connection, INSERT, &[Value::Text("ann".into())]).await.unwrap(), 1);
        texts(&mut *connection, &["ROLLBACK"]).await.unwrap();
        assert_eq!(one::<i64>(&mut *connection, "SELECT count(*) FROM users", &[]).await.unwrap(), 0);
    }
}

#[test]
fn in_a_local_set_of_a_multi_threaded_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        tokio::task::spawn_local(works("sqlite::memory:")).await.unwrap();
        works("sqlite::memory:").await;
    });
}

#[test]
fn without_a_runtime() {
    let waker = std::task::Waker::noop();
    let mut future = std::pin::pin!(works("sqlite::memory:"));
    assert!(future.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_ready());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_long_statement_leaves_the_worker_to_others() {
    let mut connection = memory().await;
    let (ticks, mut ticked) = tokio::sync::mpsc::unbounded_channel();
    let long = tokio::spawn(async move {
        let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT COUNT(*) FROM n";
        assert_eq!(one::<i64>(&mut *connection, sql, &[]).await.unwrap(), 3_000_000);
    });
    let other = tokio::spawn(async move {
        for tick in 0..5 {
            tokio::task::yield_now().await;
            ticks.send(tick).unwrap();
        }
    });
    other.await.unwrap();
    assert!(!long.is_finished(), "the other task had to wait");
    assert_eq!(ticked.recv().await, Some(0));
    long.await.unwrap();
}

#[tokio::test]
async fn several_jobs_in_one_call() {
    let mut connection = memory().await;
    let ann = [Bind::from(Value::Text("ann".into()))];
    let bob = [Bind::from(Value::Text("bob".into()))];
    let mut ids = Collect::<i64>::new(|row| row.read());
    let mut jobs = [
        Job::text("BEGIN IMMEDIATE"),
        Job::text(TABLE),
        Job::new(INSERT, &ann, Mode::Cached),
        Job::new("INSERT INTO users (name) VALUES (?) RETURNING id", &bob, Mode::Cached).with_sink(&mut ids),
        Job::text("COMMIT"),
    ];
    connection.run(&mut jobs).await.unwrap();
    assert!(jobs.iter().all(|job| job.done));
    let [_, create, insert, returning, _] = jobs;
    assert_eq!((returning.rows, returning.rows_affected), (1, 1));
    assert_eq!((create.rows_affected, create.last_insert_id), (0, None));
    assert_eq!((insert.rows_affected, insert.last_insert_id), (1, Some(1)));
    assert_eq!(ids.rows, [2]);
}

#[tokio::test]
async fn the_first_failure_ends_the_call() {
    let mut connection = memory().await;
    let mut jobs =
        [Job::text(TABLE), Job::text("INSERT INTO nowhere VALUES (1)"), Job::text("DROP TABLE users")];
    let error = connection.run(&mut jobs).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Statement);
    assert_eq!(error.statement(), Some("INSERT INTO nowhere VALUES (1)"));
    assert_eq!(jobs.map(|job| job.done), [true, false, false]);
    assert_eq!(one::<i64>(&mut *connection, "SELECT COUNT(*) FROM users", &[]).await.unwrap(), 0);
}

/// With rows wanted behind the statement that fails, which will not come.
#[tokio::test]
async fn a_failure_ahead_of_a_statement_with_rows() {
    const COUNT: &str = "SELECT COUNT(*) FROM users";
    for blocking in ["inline", "thread"] {
        let folder = Folder::new();
        let driver = folder.driver(&format!("busy_timeout=20ms&blocking={blocking}"));
        let mut holder = driver.connect().await.unwrap();
        let mut waiter = driver.connect().await.unwrap();
        texts(&mut *holder, &[TABLE, "BEGIN IMMEDIATE"]).await.unwrap();
        let mut counts: [_; 2] = std::array::from_fn(|_| Collect::<i64>::new(|row| row.read()));
        let [first, second] = &mut counts;
        let mut jobs = [
            Job::new(COUNT, &[], Mode::Cached).with_sink(first),
            Job::text("BEGIN IMMEDIATE"),
            Job::new(COUNT, &[], Mode::Cached).with_sink(second),
            Job::text("COMMIT"),
        ];
        let run = tokio::time::timeout(Duration::from_secs(10), waiter.run(&mut jobs));
        let error = run.await.expect("it hangs").unwrap_err();
        assert_eq!(error.class(), ErrorClass::LockTimeout, "{error}");
        assert_eq!(error.statement(), Some("BEGIN IMMEDIATE"));
        assert_eq!(jobs.each_ref().map(|job| job.done), [true, false, false, false]);
        assert_eq!(counts.map(|count| count.rows), [vec![0], vec![]]);
        texts(&mut *holder, &["COMMIT"]).await.unwrap();
        texts(&mut *waiter, &["BEGIN IMMEDIATE", "COMMIT"]).await.unwrap();
    }
}

#[tokio::test]
async fn a_sink_may_have_enough() {
    struct First(Option<i64>);
    impl Sink for First {
        fn row(&mut self, row: &mut dyn Row) -> relata_core::Result<Flow> {
            assert_eq!((row.width(), row.name(0)), (1, "column1"));
            assert!(row.cell(1).is_err());
            self.0 = Some(relata_core::types::Type::decode(row.cell(0)?).unwrap());
            Ok(Flow::Stop)
        }
    }
    let mut connection = memory().await;
    let mut sink = First(None);
    let mut jobs = [Job::new("VALUES (7), (8)", &[], Mode::Once).with_sink(&mut sink)];
    connection.run(&mut jobs).await.unwrap();
    assert!(jobs[0].done);
    assert_eq!(sink.0, Some(7));
}

#[tokio::test]
async fn what_cannot_be_read_names_column_and_statement() {
    let mut connection = memory().await;
    let error = one::<i64>(&mut *connection, "SELECT 'x' AS word", &[]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Decode);
    assert_eq!(error.to_string(), "column 0 (word): expected an integer, found text in: SELECT 'x' AS word");
    let error = one::<String>(&mut *connection, "SELECT CAST(X'FF' AS TEXT) AS t", &[]).await.unwrap_err();
    assert!(error.to_string().starts_with("column 0 (t): text that is not UTF-8"), "{error}");
}

#[tokio::test]
async fn a_transaction_that_only_reads() {
    let folder = Folder::new();
    let driver = folder.driver("");
    let mut connection = driver.connect().await.unwrap();
    texts(&mut *connection, &[TABLE]).await.unwrap();
    let begin =
        connection.dialect().begin(&relata_core::transaction::TransactionOptions::new().read_only()).unwrap();
    let begin: Vec<&str> = begin.iter().map(String::as_str).collect();

    texts(&mut *connection, &begin).await.unwrap();
    let error = execute(&mut *connection, INSERT, &[Value::Text("ann".into())]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::ReadOnly);
    texts(&mut *connection, &["COMMIT"]).await.unwrap();
    execute(&mut *connection, INSERT, &[Value::Text("ann".into())]).await.unwrap();

    texts(&mut *connection, &begin).await.unwrap();
    connection.reset().await.unwrap();
    execute(&mut *connection, INSERT, &[Value::Text("bob".into())]).await.unwrap();
}

#[tokio::test]
async fn a_rollback_where_nothing_is_open_is_no_error() {
    let mut connection = memory().await;
    texts(&mut *connection, &["ROLLBACK"]).await.unwrap();
    assert!(texts(&mut *connection, &["COMMIT"]).await.is_err());
}

#[tokio::test]
async fn a_nul_in_the_text_is_refused() {
    let mut connection = memory().await;
    let error = texts(&mut *connection, &["SELECT 1\0; DROP TABLE users"]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Statement);
}

#[tokio::test]
async fn binds_are_counted() {
    let mut connection = memory().await;
    let error = one::<i64>(&mut *connection, "SELECT ?", &[]).await.unwrap_err();
    assert!(error.to_string().starts_with("the statement has 1 placeholders and 0 binds"), "{error}");
    let error = one::<i64>(&mut *connection, "SELECT 1; SELECT 2", &[]).await.unwrap_err();
    assert!(error.to_string().starts_with("the text holds more than one statement"), "{error}");
}
