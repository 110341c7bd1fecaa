//! Jobs, streams, and what becomes of a connection whose future was dropped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{future::Future, task::Poll, time::Duration};

use common::{Collect, column, exec, on_each, one, open, options, rows, run};
use futures_util::FutureExt;
use relata_core::{
    Error, ErrorClass, Result,
    dialect::Feature,
    driver::{BoxFuture, Connection, Driver, Flow, Job, Mode, Row, Sink},
    render::Bind,
    value::Value,
};
use relata_mysql::MysqlDriver;

#[test]
fn jobs_run_in_turn_and_stop_at_the_first_failure() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        run(connection, "CREATE TABLE t (id INT PRIMARY KEY)").await.unwrap();
        let one = Value::I32(1);
        let binds = [Bind::from(&one)];
        let insert = "INSERT INTO t VALUES (?)";
        let mut jobs = [
            Job::text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
            Job::text("START TRANSACTION"),
            Job::new(insert, &binds, Mode::Cached),
            Job::text("SAVEPOINT a"),
            Job::new(insert, &binds, Mode::Cached),
            Job::text("COMMIT"),
        ];
        let error = connection.run(&mut jobs).await.unwrap_err();
        assert!(error.is_unique_violation());
        assert_eq!(jobs.each_ref().map(|job| job.done), [true, true, true, true, false, false]);
        assert_eq!(jobs[2].rows_affected, 1);
        run(connection, "ROLLBACK").await.unwrap();
        assert_eq!(column::<i32>(connection, "SELECT id FROM t", &[]).await.unwrap(), Vec::<i32>::new());
    });
}

#[test]
fn texts_that_travel_together_answer_for_themselves() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        run(connection, "CREATE TABLE t (id INT PRIMARY KEY)").await.unwrap();
        let texts = [
            "INSERT INTO t VALUES (1), (2)",
            "SELECT 1",
            "UPDATE t SET id = 3 WHERE id = 1",
            "INSERT INTO t VALUES (2)",
            "DELETE FROM t",
        ];
        let mut jobs = texts.map(Job::text);
        let before = questions(connection).await;
        let error = connection.run(&mut jobs).await.unwrap_err();
        assert!(error.is_unique_violation());
        assert_eq!(error.statement(), Some(texts[3]));
        assert_eq!(jobs.each_ref().map(|job| job.done), [true, true, true, false, false]);
        assert_eq!((jobs[0].rows_affected, jobs[2].rows_affected), (2, 1));
        assert_eq!(column::<i32>(connection, "SELECT id FROM t ORDER BY id", &[]).await.unwrap(), [2, 3]);
        let _ = before;
        // The first one fails.
        let mut jobs = ["INSERT INTO t VALUES (2)", "DELETE FROM t"].map(Job::text);
        let error = connection.run(&mut jobs).await.unwrap_err();
        assert_eq!(error.statement(), Some("INSERT INTO t VALUES (2)"));
        assert!(!jobs[0].done && !jobs[1].done);
    });
}

async fn questions(connection: &mut dyn Connection) -> i64 {
    one::<i64>(connection, "SELECT CONNECTION_ID()", &[]).await.unwrap()
}

#[test]
fn isolation_levels_are_those_asked_for() {
    on_each(|mut db| async move {
        use relata_core::transaction::{Isolation, TransactionOptions};
        let connection = &mut *db.connection;
        run(connection, "CREATE TABLE t (n INT)").await.unwrap();
        let mut other = open(&db.url).await;
        for (isolation, seen) in
            [(Isolation::ReadUncommitted, 1), (Isolation::ReadCommitted, 0), (Isolation::RepeatableRead, 0)]
        {
            run(&mut *other, "START TRANSACTION").await.unwrap();
            run(&mut *other, "INSERT INTO t VALUES (1)").await.unwrap();
            let texts = connection.dialect().begin(&TransactionOptions::new().isolation(isolation)).unwrap();
            let mut jobs: Vec<Job<'_>> = texts.iter().map(|text| Job::text(text)).collect();
            connection.run(&mut jobs).await.unwrap();
            let count = one::<i64>(connection, "SELECT COUNT(*) FROM t", &[]).await.unwrap();
            assert_eq!(count, seen, "{isolation:?}");
            run(connection, "COMMIT").await.unwrap();
            run(&mut *other, "ROLLBACK").await.unwrap();
        }
    });
}

#[test]
fn prepared_statements_are_kept_up_to_a_number() {
    on_each(|db| async move {
        for (size, kept) in [(2, 2), (0, 0), (usize::MAX, usize::MAX)] {
            let driver = MysqlDriver::new(options(&db.url).statement_cache(size)).unwrap();
            let mut connection = driver.connect().await.unwrap();
            let connection = &mut *connection;
            for n in 0..5 {
                assert_eq!(one::<i64>(connection, &format!("SELECT {n}"), &[]).await.unwrap(), n);
            }
            for mode in [Mode::Once, Mode::Once, Mode::Cached, Mode::Stream] {
                rows(connection, mode, "SELECT 4", &[], |_| Ok(())).await.unwrap();
            }
            let before = prepared(connection).await;
            one::<i64>(connection, "SELECT 4", &[]).await.unwrap();
            assert_eq!(prepared(connection).await == before, kept > 0);
        }
    });
}

/// How many statements the session has prepared.
async fn prepared(connection: &mut dyn Connection) -> String {
    let sql = "SHOW SESSION STATUS LIKE 'Com_stmt_prepare'";
    rows(connection, Mode::Text, sql, &[], |row| Ok(format!("{:?}", row.cell(1)?))).await.unwrap().remove(0)
}

#[test]
fn what_cannot_be_prepared_is_sent_as_text() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        run(connection, "CREATE TABLE t (n INT)").await.unwrap();
        exec(connection, "LOCK TABLES t WRITE", &[]).await.unwrap();
        exec(connection, "UNLOCK TABLES", &[]).await.unwrap();
    });
}

#[test]
fn a_sink_that_fails_or_has_enough() {
    struct After(usize, bool);
    impl Sink for After {
        fn row(&mut self, _: &mut dyn Row) -> Result<Flow> {
            match self.0.checked_sub(1) {
                Some(left) => {
                    self.0 = left;
                    Ok(Flow::Continue)
                }
                None if self.1 => Ok(Flow::Stop),
                None => Err(Error::new(ErrorClass::Decode, "no")),
            }
        }
    }
    let sequence =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i FROM n";
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        // Few rows are left: they are read, and the connection is as good as before.
        for stop in [true, false] {
            let mut sink = After(3, stop);
            let mut jobs = [Job::new(sequence, &[], Mode::Cached).with_sink(&mut sink)];
            let result = connection.run(&mut jobs).await;
            assert_eq!((result.is_ok(), jobs[0].done), (stop, stop));
            assert_eq!(one::<i32>(connection, "SELECT 1", &[]).await.unwrap(), 1);
        }
        // Many are left: the connection is closed.
        let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) \
            SELECT a.i FROM n AS a, n AS b";
        let mut sink = After(3, true);
        let mut jobs = [Job::new(many, &[], Mode::Cached).with_sink(&mut sink)];
        connection.run(&mut jobs).await.unwrap();
        assert!(jobs[0].done && connection.is_closed());
        assert!(run(connection, "SELECT 1").await.unwrap_err().is_disconnect());
    });
}

/// Where more than rows would be lost with the connection, the rest is read, row by row.
#[test]
fn rows_that_nobody_wants_in_a_transaction() {
    struct Enough;
    impl Sink for Enough {
        fn row(&mut self, _: &mut dyn Row) -> Result<Flow> {
            Ok(Flow::Stop)
        }
    }
    const INSERT: &str = "INSERT INTO t VALUES (1)";
    const COUNT: &str = "SELECT COUNT(*) FROM t";
    const MANY: &str = "SELECT a.n FROM m AS a, m AS b";
    on_each(|mut db| async move {
        for text in [
            "CREATE TABLE t (n INT)",
            "CREATE TABLE m (n INT)",
            &format!("INSERT INTO m VALUES {}", vec!["(1)"; 50].join(", ")),
            &format!("CREATE PROCEDURE p() BEGIN START TRANSACTION; {INSERT}; {MANY}; END"),
        ] {
            run(&mut *db.connection, text).await.unwrap();
        }
        for begin in [
            vec!["START TRANSACTION"],
            vec!["START TRANSACTION", INSERT],
            vec!["BEGIN", INSERT],
            vec!["SET autocommit = 0"],
            vec!["SET autocommit = 0", INSERT],
            // An error says nothing of the transaction.
            vec!["BEGIN", INSERT, "INSERT INTO nowhere VALUES (1)"],
        ] {
            let mut connection = open(&db.url).await;
            for text in &begin {
                let outcome = run(&mut *connection, text).await;
                assert_eq!(outcome.is_err(), text.contains("nowhere"), "{text}");
            }
            let mut enough = Enough;
            let mut jobs = [Job::new(MANY, &[], Mode::Stream).with_sink(&mut enough)];
            connection.run(&mut jobs).await.unwrap();
            assert!(jobs[0].done && jobs[0].rows == 1 && !connection.is_closed(), "{begin:?}");
            run(&mut *connection, INSERT).await.unwrap();
            run(&mut *connection, "COMMIT").await.unwrap();
            let inserted = begin.iter().filter(|text| **text == INSERT).count() + 1;
            let count = one::<i64>(&mut *db.connection, COUNT, &[]).await.unwrap();
            assert_eq!(usize::try_from(count).unwrap(), inserted, "{begin:?}");
            run(&mut *db.connection, "DELETE FROM t").await.unwrap();
        }
        // In the same call; and in a statement that begins one by itself.
        for (before, rows) in [(&["START TRANSACTION", INSERT][..], MANY), (&[], "CALL p()")] {
            let mut connection = open(&db.url).await;
            let mut enough = Enough;
            let mut jobs: Vec<Job<'_>> = before.iter().map(|text| Job::text(text)).collect();
            jobs.push(Job::new(rows, &[], Mode::Cached).with_sink(&mut enough));
            connection.run(&mut jobs).await.unwrap();
            run(&mut *connection, "COMMIT").await.unwrap();
            assert_eq!(one::<i64>(&mut *db.connection, COUNT, &[]).await.unwrap(), 1, "{rows}");
            run(&mut *db.connection, "DELETE FROM t").await.unwrap();
        }
        // 50 MB go by.
        let before = resident();
        let mut enough = Enough;
        let large = format!("SELECT REPEAT('x', 20000) FROM ({MANY}) AS n");
        let mut jobs = [
            Job::text("START TRANSACTION"),
            Job::new(&large, &[], Mode::Cached).with_sink(&mut enough),
            Job::text("COMMIT"),
        ];
        db.connection.run(&mut jobs).await.unwrap();
        if let (Some(before), Some(after)) = (before, resident()) {
            assert!(after < before + 30_000, "{before} {after}");
        }
        // Outside, a statement that changes rows is one as well.
        if db.connection.dialect().supports(Feature::DeleteReturning) {
            run(&mut *db.connection, &format!("INSERT INTO t {MANY}")).await.unwrap();
            let mut connection = open(&db.url).await;
            let mut enough = Enough;
            let mut jobs = [Job::new("DELETE FROM t RETURNING n", &[], Mode::Cached).with_sink(&mut enough)];
            connection.run(&mut jobs).await.unwrap();
            assert_eq!((jobs[0].rows, jobs[0].rows_affected), (1, 2500));
            assert_eq!(one::<i64>(&mut *connection, COUNT, &[]).await.unwrap(), 0);
        }
        // A first statement that only reads has nothing to lose.
        let mut connection = open(&db.url).await;
        let mut enough = Enough;
        connection.run(&mut [Job::new(MANY, &[], Mode::Cached).with_sink(&mut enough)]).await.unwrap();
        assert!(connection.is_closed());
    });
}

/// Counts rows, pausing after each hundred until it was asked a second time.
struct Slow {
    seen: usize,
    pauses: usize,
}

impl Sink for Slow {
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
        row.cell(0)?;
        self.seen += 1;
        Ok(if self.seen.is_multiple_of(100) { Flow::Pause } else { Flow::Continue })
    }

    fn pauses(&self) -> bool {
        true
    }

    fn ready(&mut self) -> BoxFuture<'_, Result<Flow>> {
        self.pauses += 1;
        Box::pin(async {
            tokio::task::yield_now().await;
            Ok(Flow::Continue)
        })
    }
}

#[test]
fn a_stream_waits_for_its_sink() {
    on_each(|mut db| async move {
        let connection = &mut *db.connection;
        let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
            SELECT REPEAT('x', 1000), a.i FROM n AS a, n AS b WHERE b.i <= 50";
        let mut sink = Slow { seen: 0, pauses: 0 };
        let mut jobs = [Job::new(sql, &[], Mode::Stream).with_sink(&mut sink)];
        let before = resident();
        connection.run(&mut jobs).await.unwrap();
        assert_eq!(jobs[0].rows, 50_000);
        assert_eq!((sink.seen, sink.pauses), (50_000, 500));
        // 50 MB went through.
        if let (Some(before), Some(after)) = (before, resident()) {
            assert!(after < before + 30_000, "{before} {after}");
        }
    });
}

/// The memory of this process in kB, where the system tells.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Polls a future a number of times at most, then drops it; whether it came to its end.
async fn poll_times<F: Future>(future: F, times: usize) -> bool {
    let mut future = Box::pin(future);
    for _ in 0..times {
        if future.as_mut().now_or_never().is_some() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
}

#[test]
fn a_future_dropped_at_any_await_leaves_no_transaction_behind() {
    on_each(|mut db| async move {
        run(&mut *db.connection, "CREATE TABLE t (n INT)").await.unwrap();
        let value = Value::I32(1);
        let binds = [Bind::from(&value)];
        let mut completed = false;
        for times in 0..200 {
            let mut connection = open(&db.url).await;
            let id = one::<i64>(&mut *connection, "SELECT CONNECTION_ID()", &[]).await.unwrap();
            let mut sink = Collect::new(|row| row.cell(0).map(|cell| format!("{cell:?}")));
            let mut jobs = [
                Job::text("START TRANSACTION"),
                Job::new("INSERT INTO t VALUES (?)", &binds, Mode::Cached),
                Job::new("SELECT n FROM t", &[], Mode::Once).with_sink(&mut sink),
            ];
            completed = poll_times(connection.run(&mut jobs), times).await;
            if completed {
                connection.reset().await.unwrap();
                assert_eq!(one::<i64>(&mut *connection, "SELECT COUNT(*) FROM t", &[]).await.unwrap(), 0);
                connection.close().await;
                break;
            }
            // Either it is good again, or it says that it is not.
            match connection.reset().await {
                Ok(()) => assert_eq!(one::<i32>(&mut *connection, "SELECT 1", &[]).await.unwrap(), 1),
                Err(error) => {
                    assert!(error.is_disconnect() && connection.is_closed(), "{error:?}");
                    assert!(connection.ping().await.is_err());
                }
            }
            drop(connection);
            gone(&mut *db.connection, id).await;
            let count = one::<i64>(&mut *db.connection, "SELECT COUNT(*) FROM t", &[]).await.unwrap();
            assert_eq!(count, 0);
        }
        assert!(completed);
    });
}

/// Waits until the server has ended a connection.
async fn gone(connection: &mut dyn Connection, id: i64) {
    let sql = "SELECT COUNT(*) FROM information_schema.processlist WHERE id = ?";
    for _ in 0..500 {
        if one::<i64>(connection, sql, &[Value::I64(id)]).await.unwrap() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("connection {id} is still there");
}

#[test]
fn a_stream_dropped_midway_is_closed_at_once() {
    on_each(|mut db| async move {
        struct Endless;
        impl Sink for Endless {
            fn row(&mut self, _: &mut dyn Row) -> Result<Flow> {
                Ok(Flow::Pause)
            }

            fn pauses(&self) -> bool {
                true
            }

            fn ready(&mut self) -> BoxFuture<'_, Result<Flow>> {
                Box::pin(std::future::pending())
            }
        }
        let mut connection = open(&db.url).await;
        let id = one::<i64>(&mut *connection, "SELECT CONNECTION_ID()", &[]).await.unwrap();
        let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
            SELECT REPEAT('x', 1000) FROM n AS a, n AS b";
        let mut sink = Endless;
        let mut jobs = [Job::new(sql, &[], Mode::Stream).with_sink(&mut sink)];
        assert!(tokio::time::timeout(Duration::from_millis(200), connection.run(&mut jobs)).await.is_err());
        drop(connection);
        gone(&mut *db.connection, id).await;
    });
}

/// With a connection that takes the next transaction for one of many, so that it begins by itself.
#[test]
fn a_transaction_that_began_by_itself_ends_with_its_connection() {
    on_each(|mut db| async move {
        run(&mut *db.connection, "CREATE TABLE t (n INT)").await.unwrap();
        let value = Value::I32(1);
        let binds = [Bind::from(&value)];
        let insert = "INSERT INTO t VALUES (?)";
        for end in ["reset", "close", "drop", "error"] {
            let mut connection = open(&db.url).await;
            for _ in 0..10 {
                let mut jobs = [
                    Job::text("START TRANSACTION"),
                    Job::new(insert, &binds, Mode::Cached),
                    Job::text("ROLLBACK"),
                ];
                connection.run(&mut jobs).await.unwrap();
                assert!(jobs.iter().all(|job| job.done));
            }
            let off = "SELECT @@autocommit";
            let begin = [Job::text("START TRANSACTION"), Job::new(insert, &binds, Mode::Cached)];
            let mut jobs = begin;
            connection.run(&mut jobs).await.unwrap();
            assert!(jobs.iter().all(|job| job.done));
            assert_eq!(
                one::<i64>(&mut *connection, off, &[]).await.unwrap(),
                0,
                "it did not begin by itself"
            );
            let id = one::<i64>(&mut *connection, "SELECT CONNECTION_ID()", &[]).await.unwrap();
            match end {
                "reset" => {
                    connection.reset().await.unwrap();
                    assert_eq!(one::<i64>(&mut *connection, off, &[]).await.unwrap(), 1);
                    connection.run(&mut [Job::new(insert, &binds, Mode::Cached)]).await.unwrap();
                    let count = one::<i64>(&mut *db.connection, "SELECT COUNT(*) FROM t", &[]).await.unwrap();
                    assert_eq!(count, 1);
                    run(&mut *db.connection, "DELETE FROM t").await.unwrap();
                }
                "error" => {
                    // The jobs behind the one that fails are not run, and COMMIT is one of them.
                    let mut jobs = [
                        Job::new(insert, &binds, Mode::Cached),
                        Job::new("INSERT INTO nowhere VALUES (?)", &binds, Mode::Cached),
                        Job::text("COMMIT"),
                    ];
                    connection.run(&mut jobs).await.unwrap_err();
                    assert_eq!(jobs.each_ref().map(|job| job.done), [true, false, false]);
                    run(&mut *connection, "ROLLBACK").await.unwrap();
                    assert_eq!(one::<i64>(&mut *connection, off, &[]).await.unwrap(), 1);
                }
                "close" => {
                    connection.close().await;
                    gone(&mut *db.connection, id).await;
                }
                _ => {
                    drop(connection);
                    gone(&mut *db.connection, id).await;
                }
            }
            let count = one::<i64>(&mut *db.connection, "SELECT COUNT(*) FROM t", &[]).await.unwrap();
            assert_eq!(count, 0, "{end}");
        }
    });
}
