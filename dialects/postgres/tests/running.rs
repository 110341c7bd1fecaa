//! Running statements: order, pipelining, prepared statements, streaming, and futures that are dropped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use relata_core::{
    ErrorClass, Result,
    dialect::Dialect,
    driver::{Job, Mode},
    entity::Input,
    expr::{Expr, Expression},
    render::Statement,
    schema::{ColumnDef, ColumnType, Table},
    statement::{Insert, RawStatement, sql, sql_unchecked},
    value::{EnumType, Kind, Value},
};
use relata_postgres::Postgres;
use support::{Collect, Db, Paused};
use tokio::time::timeout;

/// Runs statements as one call; what each gave.
async fn run_together(db: &mut Db, statements: &[RawStatement<i64>]) -> (Result<()>, Vec<Option<Vec<i64>>>) {
    let compiled: Vec<_> = statements.iter().map(|s| s.compile(&Postgres).unwrap()).collect();
    let mut sinks: Vec<_> = statements.iter().map(|s| Collect::new(s.reader())).collect();
    let mut jobs: Vec<Job<'_>> = compiled
        .iter()
        .zip(&mut sinks)
        .map(|(c, sink)| match c.sql.as_str() {
            "BEGIN" | "COMMIT" | "ROLLBACK" => Job::text(&c.sql),
            text if text.starts_with("SELECT") => Job::new(text, &c.binds, Mode::Cached).with_sink(sink),
            text => Job::new(text, &c.binds, Mode::Cached),
        })
        .collect();
    let result = db.connection.run(&mut jobs).await;
    let done: Vec<_> = jobs.iter().map(|job| (job.done, job.sink.is_some(), job.rows_affected)).collect();
    let took = done.into_iter().zip(sinks).map(|((done, reads, affected), sink)| {
        done.then(|| if reads { sink.rows } else { vec![affected as i64] })
    });
    (result, took.collect())
}

fn statements(texts: &[&'static str]) -> Vec<RawStatement<i64>> {
    texts.iter().map(|text| sql(text).columns::<i64>()).collect()
}

/// What a future gives if it is ready after so many polls.
async fn polled<F: Future + Unpin>(future: &mut F, times: usize) -> Option<F::Output> {
    let mut left = times;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        Pin::new(&mut *future).poll(cx).map(Some)
    })
    .await
}

async fn count(db: &mut Db, what: &'static str) -> i64 {
    db.one(sql(what).columns::<i64>()).await
}

#[tokio::test]
async fn jobs_run_in_their_order() {
    let Some(mut db) = Db::open("").await else { return };
    db.text("CREATE TABLE t (n bigint)").await.unwrap();
    let count = "SELECT COUNT(*) FROM t";
    let all = statements(&[
        "BEGIN",
        "INSERT INTO t VALUES (1)",
        count,
        "INSERT INTO t VALUES (2), (3)",
        count,
        "DELETE FROM t WHERE n < 3",
        count,
        "COMMIT",
        "UPDATE t SET n = 4",
        "SELECT n FROM t",
    ]);
    let expected: Vec<Option<Vec<i64>>> =
        [0, 1, 1, 2, 3, 2, 1, 0, 1, 4].into_iter().map(|n| Some(vec![n])).collect();
    // The first time they are prepared, the second time they are.
    for _ in 0..2 {
        db.text("DELETE FROM t").await.unwrap();
        let (result, took) = run_together(&mut db, &all).await;
        result.unwrap();
        assert_eq!(took, expected);
    }
    db.close().await;
}

/// A way to the server on which everything takes as long as said, in each direction.
async fn slow_way(port: u16, delay: Duration) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let server = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (mut client_in, mut client_out) = client.into_split();
        let (mut server_in, mut server_out) = server.into_split();
        tokio::spawn(async move {
            let mut bytes = vec![0; 1 << 16];
            while let Ok(length @ 1..) = client_in.read(&mut bytes).await {
                tokio::time::sleep(delay).await;
                server_out.write_all(&bytes[..length]).await.unwrap();
            }
        });
        let mut bytes = vec![0; 1 << 16];
        while let Ok(length @ 1..) = server_in.read(&mut bytes).await {
            if client_out.write_all(&bytes[..length]).await.is_err() {
                break;
            }
        }
    });
    here
}

#[tokio::test]
async fn what_is_prepared_takes_one_round_trip() {
    let Some(mut db) = Db::open("").await else { return };
    db.text("CREATE TABLE t (n bigint)").await.unwrap();
    let (port, delay) =
        (relata_core::url::DatabaseUrl::parse(&db.url).unwrap().port.unwrap(), Duration::from_millis(400));
    let way = slow_way(port, delay).await;
    let url = format!("{}&sslmode=disable", db.url.replace(&format!(":{port}/"), &format!(":{way}/")));
    let mut far = Db { connection: support::try_connect(&url).await.unwrap(), ..db.another().await };
    let all = statements(&[
        "BEGIN",
        "INSERT INTO t VALUES (1)",
        "SELECT n FROM t",
        "INSERT INTO t VALUES (1)",
        "COMMIT",
    ]);
    for trips in [2, 1, 1] {
        let started = Instant::now();
        run_together(&mut far, &all).await.0.unwrap();
        let took = started.elapsed();
        assert!(took >= delay * trips && took < delay * (trips + 1), "{trips}: {took:?}");
    }
    far.connection.close().await;
    db.close().await;
}

#[tokio::test]
async fn without_prepared_statements_as_well() {
    let Some(mut db) = Db::open("&statement_cache=0").await else { return };
    db.text("CREATE TABLE t (n bigint)").await.unwrap();
    let all = statements(&[
        "BEGIN",
        "INSERT INTO t VALUES (1)",
        "SELECT n FROM t",
        "COMMIT",
        "SELECT n + 1 FROM t",
    ]);
    let (result, took) = run_together(&mut db, &all).await;
    result.unwrap();
    assert_eq!(took, [0, 1, 1, 0, 2].map(|n| Some(vec![n])));
    assert_eq!(
        count(&mut db, "SELECT COUNT(*) FROM pg_prepared_statements WHERE statement NOT LIKE '%pg_catalog%'")
            .await,
        0
    );
    db.close().await;
}

#[tokio::test]
async fn large_results_of_the_databases_own_types_need_no_prepared_statement() {
    let Some(mut db) = Db::open("&statement_cache=0").await else { return };
    db.text("CREATE TYPE \"the mood\" AS ENUM ('happy')").await.unwrap();
    let mut later = db.another().await;
    let many = sql("SELECT 'happy'::\"the mood\" FROM generate_series(1, 50000)").columns::<String>();
    let rows = timeout(Duration::from_secs(20), later.query(many.clone())).await.unwrap().unwrap();
    assert_eq!((rows.len(), rows[0].as_str()), (50_000, "happy"));
    later.connection.close().await;
    // Prepared by name, it needs no such care.
    let with_cache = db.url.replace("&statement_cache=0", "");
    let mut connection = support::try_connect(&with_cache).await.unwrap();
    for mode in [Mode::Once, Mode::Cached] {
        let compiled = many.compile(&Postgres).unwrap();
        let mut sink = Collect::new(many.reader());
        let mut jobs = [Job::new(&compiled.sql, &[], mode).with_sink(&mut sink)];
        timeout(Duration::from_secs(20), connection.run(&mut jobs)).await.unwrap().unwrap();
        assert_eq!(jobs[0].rows, 50_000);
    }
    connection.close().await;
    db.close().await;
}

#[tokio::test]
async fn the_first_job_that_is_not_done_is_the_one_that_failed() {
    let Some(mut db) = Db::open("").await else { return };
    db.text("CREATE TABLE t (n bigint PRIMARY KEY)").await.unwrap();
    let all = statements(&[
        "BEGIN",
        "INSERT INTO t VALUES (1)",
        "SELECT n FROM t",
        "INSERT INTO t VALUES (1)",
        "INSERT INTO t VALUES (2)",
        "COMMIT",
    ]);
    for _ in 0..2 {
        let (result, took) = run_together(&mut db, &all).await;
        let error = result.unwrap_err();
        assert!(error.is_unique_violation(), "{error}");
        assert_eq!(error.statement(), Some("INSERT INTO t VALUES (1)"));
        assert_eq!(took, [Some(vec![0]), Some(vec![1]), Some(vec![1]), None, None, None]);
        assert_eq!(count(&mut db, "SELECT COUNT(*) FROM t").await, 0);
    }
    db.close().await;
}

#[tokio::test]
async fn a_statement_that_cannot_be_prepared_is_the_one_to_blame() {
    let Some(mut db) = Db::open("").await else { return };
    db.text("CREATE TABLE t (n bigint)").await.unwrap();
    // Both inside of a transaction that is open already and inside of one that begins here.
    for open in [false, true] {
        if open {
            db.text("BEGIN").await.unwrap();
        }
        let begin = if open { "SELECT 7::bigint" } else { "BEGIN" };
        let all = statements(&[
            begin,
            "INSERT INTO t VALUES (1)",
            "INSERT INTO missing VALUES (1)",
            "SELECT n FROM t",
        ]);
        let (result, took) = run_together(&mut db, &all).await;
        let error = result.unwrap_err();
        assert_eq!((error.class(), error.code()), (ErrorClass::Statement, Some("42P01")), "{error}");
        assert_eq!(error.statement(), Some("INSERT INTO missing VALUES (1)"));
        assert_eq!(took.iter().position(Option::is_none), Some(2));
        db.text("ROLLBACK").await.unwrap();
        assert_eq!(count(&mut db, "SELECT COUNT(*) FROM t").await, 0);
    }
    db.close().await;
}

#[tokio::test]
async fn nothing_behind_a_bind_that_cannot_be_sent_is_sent() {
    let Some(mut db) = Db::open("").await else { return };
    db.text("CREATE TABLE t (n text)").await.unwrap();
    let insert = |text: &str| sql("INSERT INTO t VALUES (?)").bind(text).columns::<i64>();
    let mut all = statements(&["BEGIN"]);
    all.extend([insert("a"), insert("b\0"), insert("c")]);
    all.extend(statements(&["COMMIT"]));
    for _ in 0..2 {
        let (result, took) = run_together(&mut db, &all).await;
        assert_eq!(result.unwrap_err().class(), ErrorClass::Data);
        assert_eq!(took.iter().position(Option::is_none), Some(2));
        db.connection.reset().await.unwrap();
        assert_eq!(count(&mut db, "SELECT COUNT(*) FROM t").await, 0);
    }
    db.close().await;
}

#[tokio::test]
async fn a_statement_may_need_a_table_that_a_job_before_it_creates() {
    let Some(mut db) = Db::open("").await else { return };
    let all = statements(&[
        "BEGIN",
        "CREATE TABLE t (n bigint)",
        "INSERT INTO t VALUES (5)",
        "SELECT n FROM t",
        "DROP TABLE t",
        "COMMIT",
    ]);
    let (result, took) = run_together(&mut db, &all).await;
    result.unwrap();
    assert_eq!(took[3], Some(vec![5]));
    db.close().await;
}

#[tokio::test]
async fn a_statement_outdated_by_ddl_is_prepared_anew() {
    let Some(mut db) = Db::open("").await else { return };
    db.text("CREATE TABLE t (a bigint)").await.unwrap();
    db.text("INSERT INTO t VALUES (1)").await.unwrap();
    let all = || sql("SELECT * FROM t").columns::<i64>();
    assert_eq!(db.one(all()).await, 1);
    db.text("ALTER TABLE t ADD COLUMN b bigint DEFAULT 2").await.unwrap();
    assert_eq!(db.one(sql("SELECT * FROM t").columns::<(i64, i64)>()).await, (1, 2));
    // Among others.
    db.text("ALTER TABLE t DROP COLUMN b").await.unwrap();
    let (result, took) = run_together(&mut db, &[all(), sql("SELECT 3::bigint").columns(), all()]).await;
    result.unwrap();
    assert_eq!(took, [1, 3, 1].map(|n| Some(vec![n])));
    // After the server has forgotten it.
    db.text("DEALLOCATE ALL").await.unwrap();
    assert_eq!(db.one(all()).await, 1);
    // In a transaction, which has failed by then, nothing can be done but run that again.
    db.text("ALTER TABLE t ADD COLUMN b bigint DEFAULT 2").await.unwrap();
    db.text("BEGIN").await.unwrap();
    let error = db.query(all()).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (Some("0A000"), true), "{error}");
    db.text("ROLLBACK").await.unwrap();
    assert_eq!(db.one(sql("SELECT * FROM t").columns::<(i64, i64)>()).await, (1, 2));
    db.close().await;
}

static MOOD: EnumType =
    EnumType { name: "mood", variants: &["glad", "sad"], native: true, as_kind: &Kind::Enum(&MOOD) };

#[tokio::test]
async fn binds_outdated_by_ddl_are_typed_anew() {
    let Some(mut db) = Db::open("").await else { return };
    db.text("CREATE TYPE mood AS ENUM ('glad', 'sad')").await.unwrap();
    db.text("CREATE TABLE t (mood text)").await.unwrap();
    let glad = || Expr::<String>::new(Expression::Bind(Value::Enum(&MOOD, "glad")));
    let insert = || sql("INSERT INTO t VALUES (?) RETURNING 1::bigint").bind(glad()).columns::<i64>();
    let count = || sql("SELECT COUNT(*) FROM t WHERE mood = ?").bind(glad()).columns::<i64>();
    for (rows, change) in [(1, "mood USING mood::mood"), (2, "text"), (3, "mood USING mood::mood")] {
        assert_eq!((db.one(insert()).await, db.one(count()).await), (1, rows));
        db.text(&format!("ALTER TABLE t ALTER mood TYPE {change}")).await.unwrap();
    }
    // In a transaction as well, when it is run again.
    db.text("BEGIN").await.unwrap();
    db.query(count()).await.unwrap_err();
    db.text("ROLLBACK").await.unwrap();
    db.text("BEGIN").await.unwrap();
    assert_eq!(db.one(count()).await, 3);
    db.text("COMMIT").await.unwrap();
    db.close().await;
}

#[tokio::test]
async fn the_cache_keeps_what_was_used_last() {
    let Some(mut db) = Db::open("&statement_cache=2").await else { return };
    for n in 0..5 {
        let statement = sql_unchecked(format!("SELECT {n}::bigint")).columns::<i64>();
        assert_eq!(db.one(statement).await, n);
    }
    let prepared = db.one(sql("SELECT COUNT(*) FROM pg_prepared_statements").columns::<i64>()).await;
    assert!((2..=3).contains(&prepared), "{prepared}");
    // The same text with binds of another type is another statement.
    let typed = |bind: Value| {
        sql("SELECT pg_typeof(?)::text").bind(Expr::<String>::new(Expression::Bind(bind))).columns::<String>()
    };
    assert_eq!(db.one(typed(Value::I64(1))).await, "bigint");
    assert_eq!(db.one(typed(Value::Null(Kind::Date))).await, "date");
    assert_eq!(db.one(typed(Value::Array(Kind::Uuid, vec![]))).await, "uuid[]");
    db.close().await;
}

#[tokio::test]
async fn lists_are_one_bind() {
    let Some(mut db) = Db::open("").await else { return };
    let list = Value::Array(Kind::I32, vec![Value::I32(1), Value::Null(Kind::I32), Value::I32(3)]);
    let list = || Expr::<i32>::new(Expression::Bind(list.clone()));
    let statement =
        sql("SELECT x FROM generate_series(1, 5) x WHERE x = ANY(?)").bind(list()).columns::<i32>();
    assert_eq!(db.query(statement).await.unwrap(), [1, 3]);
    let nulls = sql("SELECT COUNT(*) FROM unnest(?) x WHERE x IS NULL").bind(list()).columns::<i64>();
    assert_eq!(db.one(nulls).await, 1);
    db.close().await;
}

static ITEMS: Table = Table::new(
    "Item",
    "items",
    &[
        ColumnDef::new("id", "id", ColumnType::new(Kind::I64), false).generated(),
        ColumnDef::new("name", "name", ColumnType::new(Kind::Text), false),
        ColumnDef::new("size", "size", ColumnType::new(Kind::I32), true),
    ],
    &[0],
);

#[tokio::test]
async fn a_thousand_rows_get_their_keys_in_order() {
    let Some(mut db) = Db::open("").await else { return };
    let create = relata_core::ddl::create_all(&[&ITEMS], false, &Postgres).unwrap();
    db.run(&create[0]).await.unwrap();
    let size = |n: i32| if n % 3 == 0 { Value::Null(Kind::I32) } else { Value::I32(n) };
    let row =
        |n: i32| [Input::Default, Input::Value(Value::Text(format!("item {n}"))), Input::Value(size(n))];
    let insert = Insert::from_inputs(&ITEMS, (0..1000).flat_map(row).collect());
    let text = insert.compile(&Postgres).unwrap().sql;
    assert_eq!(
        text,
        "INSERT INTO \"items\" (\"name\", \"size\") SELECT c0, c1 FROM UNNEST($1::TEXT[], $2::INTEGER[]) \
         WITH ORDINALITY AS r (c0, c1, n) ORDER BY n"
    );
    let mut returning = insert.compile(&Postgres).unwrap();
    returning.sql.push_str(" RETURNING id, name, size");
    let read = sql("").columns::<(i64, String, Option<i32>)>().reader();
    let mut sink = Collect::new(read);
    let mut jobs = [Job::new(&returning.sql, &returning.binds, Mode::Cached).with_sink(&mut sink)];
    db.connection.run(&mut jobs).await.unwrap();
    assert_eq!(jobs[0].rows_affected, 1000);
    for (n, row) in (0..1000).zip(sink.rows) {
        assert_eq!(row, (i64::from(n) + 1, format!("item {n}"), (n % 3 != 0).then_some(n)));
    }
    db.close().await;
}

#[tokio::test]
async fn a_sink_may_stop_early() {
    let Some(mut db) = Db::open("").await else { return };
    let rows = Arc::new(AtomicUsize::new(0));
    let mut sink = Paused { rows: Arc::clone(&rows), every: usize::MAX, limit: 10 };
    let text = "SELECT n FROM generate_series(1, 50000) n";
    let mut jobs = [Job::new(text, &[], Mode::Cached).with_sink(&mut sink)];
    db.connection.run(&mut jobs).await.unwrap();
    assert!(jobs[0].done);
    assert_eq!(rows.load(Ordering::Relaxed), 10);
    assert_eq!(count(&mut db, "SELECT 1::bigint").await, 1);
    db.close().await;
}

#[tokio::test]
async fn a_row_that_does_not_fit_ends_the_statement_and_not_the_connection() {
    let Some(mut db) = Db::open("").await else { return };
    let many =
        sql("SELECT CASE WHEN n < 3 THEN n::text END FROM generate_series(1, 50000) n").columns::<String>();
    let error = db.query(many).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Decode);
    assert!(error.to_string().contains("found NULL; read it as an Option"), "{error}");
    assert_eq!(count(&mut db, "SELECT 1::bigint").await, 1);
    db.close().await;
}

#[tokio::test]
async fn a_dropped_future_leaves_nothing_that_reset_cannot_mend() {
    let Some(mut db) = Db::open("").await else { return };
    db.text("CREATE TABLE t (n bigint)").await.unwrap();
    // Whatever it is dropped in the middle of: a wait, a large result, a transaction.
    for slow in ["SELECT 1::bigint FROM pg_sleep(20)", "SELECT n FROM generate_series(1::bigint, 20000000) n"]
    {
        let all = statements(&["BEGIN", "INSERT INTO t VALUES (1)", slow]);
        assert!(timeout(Duration::from_millis(60), run_together(&mut db, &all)).await.is_err());
        let started = Instant::now();
        db.connection.reset().await.unwrap();
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        assert!(!db.connection.is_closed());
        assert_eq!(count(&mut db, "SELECT COUNT(*) FROM t").await, 0);
    }
    // Nothing is open, and no cancellation is under way.
    for _ in 0..20 {
        assert_eq!(count(&mut db, "SELECT COUNT(*) FROM t").await, 0);
    }
    db.close().await;
}

#[tokio::test]
async fn dropping_at_any_await_is_mended_by_reset() {
    let Some(mut db) = Db::open("").await else { return };
    db.text("CREATE TABLE t (n bigint)").await.unwrap();
    let all = statements(&["BEGIN", "INSERT INTO t VALUES (1)", "SELECT n FROM t", "UPDATE t SET n = 2"]);
    for polls in 0.. {
        let mut running = Box::pin(run_together(&mut db, &all));
        let finished = polled(&mut running, polls).await.map(|(result, _)| result.unwrap()).is_some();
        drop(running);
        db.connection.reset().await.unwrap();
        assert_eq!(count(&mut db, "SELECT COUNT(*) FROM t").await, 0);
        if finished {
            break;
        }
    }
    // No statement is left prepared that nobody knows of: three, and two that only count.
    let prepared = count(&mut db, "SELECT COUNT(*) FROM pg_prepared_statements").await;
    assert!(prepared <= 5, "{prepared}");
    db.close().await;
}

/// Enough rows for a COPY of several messages.
fn many_items() -> Insert {
    let name = "x".repeat(300);
    let row = |n: i32| {
        [
            Input::Value(Value::I64(n.into())),
            Input::Value(Value::Text(name.clone())),
            Input::Value(Value::I32(n)),
        ]
    };
    Insert::from_inputs(&ITEMS, (0..3000).flat_map(row).collect())
}

#[tokio::test]
async fn copying_may_be_dropped_at_any_await() {
    // Without prepared statements as well.
    for options in ["", "&statement_cache=0"] {
        let Some(mut db) = Db::open(options).await else { return };
        let create = relata_core::ddl::create_all(&[&ITEMS], false, &Postgres).unwrap();
        db.run(&create[0]).await.unwrap();
        let insert = many_items();
        let copy = Postgres.bulk_insert(insert.body()).unwrap().unwrap().copy;
        for polls in 0.. {
            let mut jobs = [Job::text("BEGIN"), Job::new(&copy.sql, &copy.binds, Mode::Copy)];
            let mut running = db.connection.run(&mut jobs);
            let finished = polled(&mut running, polls).await.map(Result::unwrap).is_some();
            drop(running);
            if finished {
                assert_eq!(jobs[1].rows_affected, 3000);
                assert_eq!(count(&mut db, "SELECT COUNT(*) FROM items").await, 3000);
            }
            db.connection.reset().await.unwrap();
            assert_eq!(count(&mut db, "SELECT COUNT(*) FROM items").await, 0, "{polls}");
            if finished {
                assert!(polls > 1);
                break;
            }
        }
        db.close().await;
    }
}

#[tokio::test]
async fn a_copy_that_fails_leaves_the_connection_usable() {
    let Some(mut db) = Db::open("").await else { return };
    db.text("CREATE TABLE items (id bigint CHECK (id <> 5), name text NOT NULL, size int)").await.unwrap();
    let insert = many_items();
    let copy = Postgres.bulk_insert(insert.body()).unwrap().unwrap().copy;
    // The server finds the sixth row wrong while the rest is on its way.
    let error = db.connection.run(&mut [Job::new(&copy.sql, &copy.binds, Mode::Copy)]).await.unwrap_err();
    assert_eq!((error.class(), error.statement()), (ErrorClass::Check, Some(&*copy.sql)), "{error}");
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM items").await, 0);
    // What cannot be sent is found here.
    let row = |n: i64| {
        [Input::Value(Value::I64(n)), Input::Value(Value::Text("a\0b".into())), Input::Value(Value::I32(0))]
    };
    let insert = Insert::from_inputs(&ITEMS, (0..3000).flat_map(row).collect());
    let copy = Postgres.bulk_insert(insert.body()).unwrap().unwrap().copy;
    let error = db.connection.run(&mut [Job::new(&copy.sql, &copy.binds, Mode::Copy)]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Data, "{error}");
    assert!(error.to_string().contains("the value of name in row 0 holds a NUL"), "{error}");
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM items").await, 0);
    db.close().await;
}

#[tokio::test]
async fn copies_by_hand() {
    let Some(mut db) = Db::open("").await else { return };
    db.text("CREATE TABLE t (n bigint)").await.unwrap();
    db.text("COPY (SELECT 1) TO STDOUT").await.unwrap();
    assert_eq!(count(&mut db, "SELECT COUNT(*) FROM t").await, 0);
    // There is nothing to send: rather no connection than one that waits for ever.
    for mode in [Mode::Text, Mode::Cached] {
        let mut other = db.another().await;
        let mut jobs = [Job::new("COPY t FROM STDIN", &[], mode)];
        let error =
            timeout(Duration::from_secs(5), other.connection.run(&mut jobs)).await.unwrap().unwrap_err();
        assert_eq!(error.class(), ErrorClass::Statement, "{error}");
        assert!(other.connection.is_closed());
        // The same if nobody waits for it any more.
        for polls in 1..4 {
            let mut other = db.another().await;
            let mut jobs = [Job::new("COPY t FROM STDIN", &[], mode)];
            let _ = polled(&mut other.connection.run(&mut jobs), polls).await;
            let reset = timeout(Duration::from_secs(5), other.connection.reset()).await.unwrap();
            assert!(reset.is_ok() || other.connection.is_closed());
        }
    }
    db.close().await;
}

#[tokio::test]
async fn much_may_go_both_ways_at_once() {
    let Some(mut db) = Db::open("").await else { return };
    // 32 times 1 MB there and back in one pipeline, which fits no buffer between.
    let text = "x".repeat(1 << 20);
    let statements: Vec<_> =
        (0..32).map(|_| sql("SELECT ?").bind(text.as_str()).columns::<String>()).collect();
    let compiled: Vec<_> = statements.iter().map(|s| s.compile(&Postgres).unwrap()).collect();
    let mut sinks: Vec<_> = statements.iter().map(|s| Collect::new(s.reader())).collect();
    let pairs = compiled.iter().zip(&mut sinks);
    let mut jobs: Vec<_> =
        pairs.map(|(c, sink)| Job::new(&c.sql, &c.binds, Mode::Cached).with_sink(sink)).collect();
    timeout(Duration::from_secs(60), db.connection.run(&mut jobs)).await.unwrap().unwrap();
    drop(jobs);
    assert!(sinks.iter().all(|sink| sink.rows == [text.as_str()]));
    db.close().await;
}

#[tokio::test]
async fn a_transaction_whose_begin_fails_runs_nothing() {
    let Some(mut db) = Db::open("").await else { return };
    db.text("CREATE TABLE t (n bigint)").await.unwrap();
    let insert = sql("INSERT INTO t VALUES (?)").bind(1_i64);
    let insert = insert.compile(&Postgres).unwrap();
    // The second time it is prepared, so that all goes out together.
    for _ in 0..2 {
        let begin = Job::text("BEGIN ISOLATION LEVEL NONE OF THESE");
        let mut jobs = [begin, Job::new(&insert.sql, &insert.binds, Mode::Cached)];
        let error = db.connection.run(&mut jobs).await.unwrap_err();
        assert_eq!((error.class(), jobs[0].done, jobs[1].done), (ErrorClass::Statement, false, false));
        assert_eq!(count(&mut db, "SELECT COUNT(*) FROM t").await, 0);
        let mut jobs = [Job::new(&insert.sql, &insert.binds, Mode::Cached), Job::text("DELETE FROM t")];
        db.connection.run(&mut jobs).await.unwrap();
    }
    db.close().await;
}

#[tokio::test]
async fn a_statement_that_cannot_be_sent_keeps_nobody_waiting() {
    for options in ["", "&statement_cache=0"] {
        let Some(mut db) = Db::open(options).await else { return };
        let mut jobs = [Job::text("BEGIN"), Job::new("SELECT 1\0", &[], Mode::Cached), Job::text("COMMIT")];
        let error = timeout(Duration::from_secs(5), db.connection.run(&mut jobs)).await.unwrap().unwrap_err();
        assert_eq!((error.class(), error.statement()), (ErrorClass::Statement, Some("SELECT 1\0")));
        assert_eq!(jobs.map(|job| job.done), [true, false, false]);
        db.connection.reset().await.unwrap();
        assert_eq!(count(&mut db, "SELECT 1::bigint").await, 1);
        db.close().await;
    }
}

#[tokio::test]
async fn types_of_the_databases_own_are_read_as_text_or_not_at_all() {
    for options in ["", "&statement_cache=0"] {
        let Some(mut db) = Db::open(options).await else { return };
        db.text("CREATE TYPE mood AS ENUM ('sad', 'ok')").await.unwrap();
        db.text("CREATE TYPE pair AS (a int, b text)").await.unwrap();
        db.text("CREATE DOMAIN small AS int CHECK (VALUE < 10)").await.unwrap();
        let row = db.one(sql("SELECT 'ok'::mood, 7::small").columns::<(String, i32)>()).await;
        assert_eq!(row, (String::from("ok"), 7));
        for unknown in ["ROW(1, 'x')::pair", "ARRAY['ok']::mood[]", "'[1,2]'::int4range"] {
            let statement = sql_unchecked(format!("SELECT {unknown}")).columns::<String>();
            let error = db.query(statement).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Decode, "{error}");
            assert!(error.to_string().contains("cast it to text"), "{error}");
        }
        db.close().await;
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_is_noticed() {
    let Some(mut db) = Db::open("").await else { return };
    let mut other = db.another().await;
    let pid = other.one(sql("SELECT pg_backend_pid()").columns::<i32>()).await;
    assert!(!other.connection.is_closed());
    other.connection.ping().await.unwrap();
    db.query(sql("SELECT pg_terminate_backend(?)").bind(pid).columns::<bool>()).await.unwrap();
    let since = Instant::now();
    while !other.connection.is_closed() {
        assert!(since.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let error = other.query(sql("SELECT 1").columns::<i32>()).await.unwrap_err();
    assert!(error.is_disconnect(), "{error:?}");
    assert_eq!((error.code(), error.statement()), (Some("57P01"), Some("SELECT 1")), "{error:?}");
    assert!(other.connection.ping().await.unwrap_err().is_disconnect());
    assert!(other.connection.reset().await.unwrap_err().is_disconnect());
    // In the middle of a statement.
    let mut other = db.another().await;
    let pid = other.one(sql("SELECT pg_backend_pid()").columns::<i32>()).await;
    let ended = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ended);
    let waiting = tokio::spawn(async move {
        let error = other.query(sql("SELECT 1 FROM pg_sleep(30)").columns::<i32>()).await.unwrap_err();
        end.store(true, Ordering::Relaxed);
        error
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!ended.load(Ordering::Relaxed));
    db.query(sql("SELECT pg_terminate_backend(?)").bind(pid).columns::<bool>()).await.unwrap();
    assert!(waiting.await.unwrap().is_disconnect());
    db.close().await;
}

#[tokio::test]
async fn closing_says_good_bye() {
    let Some(mut db) = Db::open("").await else { return };
    for polite in [true, false] {
        let mut other = db.another().await;
        let pid = other.one(sql("SELECT pg_backend_pid()").columns::<i32>()).await;
        if polite {
            other.connection.close().await
        } else {
            drop(other)
        }
        let since = Instant::now();
        let there = || sql("SELECT COUNT(*) FROM pg_stat_activity WHERE pid = ?").bind(pid).columns::<i64>();
        while db.one(there()).await != 0 {
            assert!(since.elapsed() < Duration::from_secs(5));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    db.close().await;
}

#[tokio::test]
async fn the_session_is_set_up_without_a_round_trip() {
    let Some(mut db) = Db::open("&statement_timeout=7s&application_name=my app&options=-c geqo=off").await
    else {
        return;
    };
    for (name, value) in
        [("TimeZone", "UTC"), ("statement_timeout", "7s"), ("application_name", "my app"), ("geqo", "off")]
    {
        let shown = db.one(sql("SELECT current_setting(?)").bind(name).columns::<String>()).await;
        assert_eq!(shown, value, "{name}");
    }
    db.close().await;
}
