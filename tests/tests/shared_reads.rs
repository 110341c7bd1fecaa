//! Reads outside of transactions, side by side over a few connections.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use futures_util::{
    future::{join_all, maybe_done},
    poll,
};
use relata::{ErrorClass, prelude::*, statement::sql_unchecked};
use relata_tests::{Database, Dice, Server, at_rest, blog::*, on_every_database, polled, with_database};
use tokio::time::{sleep, timeout};

/// Another engine on the database of a test, whose reads share connections.
async fn sharing(db: &Database, options: &str) -> Engine {
    Engine::connect(&db.url.replace("pool_size=6", options)).await.unwrap()
}

/// What takes so many milliseconds, and then gives a number.
async fn slow(db: &Engine, milliseconds: i32, number: i64) -> Result<i64, Error> {
    let read = sql("SELECT ?::bigint FROM pg_sleep(?::float8 / 1000)").bind(number).bind(milliseconds);
    read.columns::<i64>().one(db).await
}

async fn quick(db: &Engine, number: i64) -> Result<i64, Error> {
    sql("SELECT ?::bigint").bind(number).columns::<i64>().one(db).await
}

/// Tests on the one database that takes statements before it has answered the last.
macro_rules! on_postgres {
    ($($(#[$attribute:meta])* async fn $name:ident($db:ident: Database) $body:block)*) => {
        $(
            $(#[$attribute])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                with_database(Server::Postgres, async |$db: Database| $body).await;
            }
        )*
    };
}

on_every_database! {
    async fn is_refused_where_it_cannot_be(db: Database) {
        let separator = if db.url.contains('?') { '&' } else { '?' };
        let opened = Engine::connect(&format!("{}{separator}read_connections=1", db.url)).await;
        if db.server() == Server::Postgres {
            opened.unwrap();
        } else {
            let error = opened.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Configuration);
            assert!(error.to_string().starts_with("read_connections is for databases that take"), "{error}");
        }
        let error = Engine::connect(&format!("{}{separator}read_connections=1000", db.url)).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Configuration);
        assert!(error.to_string().contains("read_connections is 1000, but the pool has no more than"), "{error}");
    }
}

on_postgres! {
    async fn many_reads_need_few_connections(db: Database) {
        // Nobody may wait for a connection.
        for (options, fail) in [("pool_size=1&wait_timeout=10ms", true), ("pool_size=1&wait_timeout=10ms&read_connections=1", false)] {
            let db = sharing(&db, options).await;
            let reads = join_all((0..20).map(|number| slow(&db, 5, number)));
            let answers: Result<Vec<i64>, Error> = reads.await.into_iter().collect();
            match answers {
                Ok(numbers) => assert_eq!(numbers, (0..20).collect::<Vec<_>>(), "{options}"),
                Err(error) => assert!(fail && error.class() == ErrorClass::PoolTimeout, "{options}: {error}"),
            }
            at_rest(&db).await;
        }
    }

    async fn there_are_connections_for_others(db: Database) {
        let db = sharing(&db, "pool_size=3&read_connections=2&wait_timeout=1s").await;
        Schema::new().with::<Tag>().create(&db).await.unwrap();
        // So that all are open.
        join_all((0..3).map(|_| db.connection())).await;
        let reads = join_all((0..30).map(|number| slow(&db, 20, number)));
        let others = async {
            sleep(Duration::from_millis(10)).await;
            assert_eq!(db.status().in_use, 2);
            let mut tx = db.begin().await.unwrap();
            insert(NewTag { name: "a".into() }).execute(&mut tx).await.unwrap();
            assert_eq!(db.status().in_use, 3);
            tx.commit().await.unwrap();
            insert(NewTag { name: "b".into() }).execute(&db).await.unwrap();
            // None of them waits for the reads.
            assert_eq!(db.status().in_use, 2);
        };
        let (numbers, ()) = tokio::join!(reads, others);
        assert_eq!(numbers.into_iter().collect::<Result<Vec<_>, _>>().unwrap(), (0..30).collect::<Vec<_>>());
        at_rest(&db).await;
    }

    /// Even if reads never end, whoever waits for a connection gets one.
    async fn nobody_waits_for_ever(db: Database) {
        let db = sharing(&db, "pool_size=1&read_connections=1&wait_timeout=10s").await;
        let reading = tokio::spawn({
            let db = db.clone();
            async move {
                let forever = || async { loop { slow(&db, 2, 1).await.unwrap(); } };
                tokio::join!(forever(), forever(), forever());
            }
        });
        sleep(Duration::from_millis(20)).await;
        for _ in 0..2 {
            let tx = db.begin().await.unwrap();
            tx.commit().await.unwrap();
        }
        reading.abort();
        assert!(reading.await.unwrap_err().is_cancelled());
        at_rest(&db).await;
    }

    async fn a_failure_is_that_of_one_read(db: Database) {
        let db = sharing(&db, "pool_size=2&read_connections=1").await;
        let recorder = db.record();
        let reads = join_all((0..40_i64).map(async |number| {
            // Some fail before they run, some when they have given rows already.
            let read = match number % 4 {
                0 => sql("SELECT number FROM nowhere WHERE number = ?").bind(number),
                1 => sql("SELECT 1 / (x - ?) FROM generate_series(1::bigint, 3) AS x").bind(2_i64),
                _ => sql("SELECT x + ? FROM generate_series(0::bigint, 2) AS x").bind(number),
            };
            read.columns::<i64>().all(&db).await
        }));
        for (number, read) in (0..).zip(reads.await) {
            match number % 4 {
                0 => assert_eq!(read.unwrap_err().class(), ErrorClass::Statement),
                1 => {
                    let error = read.unwrap_err();
                    assert_eq!((error.class(), error.code()), (ErrorClass::Data, Some("22012")));
                    assert!(error.statement().is_some_and(|sql| sql.starts_with("SELECT 1 /")), "{error}");
                }
                _ => assert_eq!(read.unwrap(), [number, number + 1, number + 2]),
            }
        }
        let ran = recorder.take();
        assert_eq!((ran.len(), ran.iter().filter(|ran| ran.failed).count()), (40, 20));
        // What cannot be read ends nothing either.
        let (wrong, right) = tokio::join!(sql("SELECT 'x'").columns::<i64>().all(&db), quick(&db, 5));
        assert_eq!((wrong.unwrap_err().class(), right.unwrap()), (ErrorClass::Decode, 5));
        let (wrong, right) = tokio::join!(sql("SELECT '\0'").columns::<String>().all(&db), quick(&db, 6));
        assert_eq!((wrong.unwrap_err().class(), right.unwrap()), (ErrorClass::Statement, 6));
        at_rest(&db).await;
    }

    /// An error that also says that a preparation is outdated, after some rows: they come once.
    async fn what_has_given_rows_is_not_run_again(db: Database) {
        for options in ["", "&read_connections=1"] {
            let db = sharing(&db, &format!("pool_size=2{options}")).await;
            sql("CREATE OR REPLACE FUNCTION some_then_none(a bigint) RETURNS bigint LANGUAGE plpgsql AS \
                 'BEGIN IF a > 1000 THEN RAISE EXCEPTION SQLSTATE ''0A000''; END IF; RETURN a; END'").execute(&db).await.unwrap();
            for _ in 0..2 {
                let recorder = db.record();
                let read = sql("SELECT some_then_none(a) FROM generate_series(1::bigint, 2000) AS a").columns::<i64>();
                assert_eq!(read.all(&db).await.unwrap_err().code(), Some("0A000"));
                let ran = recorder.take();
                assert_eq!((ran.len(), ran[0].rows), (1, 1000), "{options}");
            }
        }
    }

    async fn prepared_statements_may_become_outdated(db: Database) {
        for options in ["", "&statement_cache=2", "&statement_cache=0"] {
            let db = sharing(&db, &format!("pool_size=2&read_connections=1{options}")).await;
            sql("CREATE TABLE changing (a bigint)").execute(&db).await.unwrap();
            sql("INSERT INTO changing VALUES (1)").execute(&db).await.unwrap();
            for round in 0..3 {
                // Of so many texts a small cache forgets most.
                let reads = join_all((0..20_i64).map(async |number| {
                    let text = format!("SELECT *, {}::bigint FROM changing", number % 5);
                    sql_unchecked(text).columns::<(i64, i64)>().all(&db).await
                }));
                for (number, rows) in (0..).zip(reads.await) {
                    assert_eq!(rows.unwrap(), [(1, number % 5)], "{options} {round}");
                }
                let change = if round % 2 == 0 { "int" } else { "bigint" };
                sql_unchecked(format!("ALTER TABLE changing ALTER a TYPE {change}")).execute(&db).await.unwrap();
            }
            sql("DROP TABLE changing").execute(&db).await.unwrap();
            at_rest(&db).await;
        }
    }

    async fn one_that_is_dropped_disturbs_nobody(db: Database) {
        let db = sharing(&db, "pool_size=2&read_connections=1").await;
        for times in 0..8 {
            for first in [true, false] {
                let read = |number| slow(&db, 3, number);
                let dropped = polled(read(0), times);
                // Before it in the queue, or behind it.
                let (a, b, c) = if first {
                    let (gone, a, b, c) = tokio::join!(dropped, read(1), read(2), read(3));
                    assert!(gone.is_none_or(|number| number.unwrap() == 0));
                    (a, b, c)
                } else {
                    let (a, b, gone, c) = tokio::join!(read(1), read(2), dropped, read(3));
                    assert!(gone.is_none_or(|number| number.unwrap() == 0));
                    (a, b, c)
                };
                assert_eq!((a.unwrap(), b.unwrap(), c.unwrap()), (1, 2, 3), "{times} {first}");
            }
            // All of them.
            tokio::join!(polled(slow(&db, 3, 1), times), polled(slow(&db, 3, 2), times + 1), polled(slow(&db, 3, 3), times));
            at_rest(&db).await;
            assert_eq!(quick(&db, 4).await.unwrap(), 4);
        }
    }

    /// A future that is kept without being polled, as one beside a `select!`, must not hold up the others: its own task may wait
    /// for one of them.
    async fn one_that_is_not_polled_holds_up_nobody(db: Database) {
        let db = sharing(&db, "pool_size=2&read_connections=1").await;
        for (polls, rows) in [(1, 10), (1, 100_000), (2, 300_000)] {
            // On a machine with much to do all rows may be there at the second look.
            let series = sql("SELECT generate_series(1, ?::bigint)").bind(rows).columns::<i64>().all(&db);
            let mut rested = pin!(maybe_done(series));
            let mut rested_too = pin!(slow(&db, 1, 7));
            for _ in 0..polls {
                let _ = poll!(&mut rested);
                sleep(Duration::from_millis(2)).await;
            }
            let mut seven = poll!(&mut rested_too);
            for number in 0..3 {
                let reads = join_all((0..3).map(|_| quick(&db, number)));
                let reads = timeout(Duration::from_secs(20), reads).await.expect("held up");
                assert!(reads.into_iter().all(|read| read.unwrap() == number));
            }
            if seven.is_pending() {
                seven = Poll::Ready(rested_too.await);
            }
            assert!(matches!(seven, Poll::Ready(Ok(7))));
            rested.as_mut().await;
            let rows_read = rested.take_output().expect("it is done").unwrap();
            assert!(rows_read.into_iter().eq(1..=rows));
            // And dropped with an answer that is kept for it.
            let mut dropped = Box::pin(slow(&db, 1, 1));
            assert!(poll!(&mut dropped).is_pending());
            assert_eq!(quick(&db, 2).await.unwrap(), 2);
            drop(dropped);
            assert_eq!(quick(&db, 3).await.unwrap(), 3);
            at_rest(&db).await;
        }
    }

    /// The server is told to stop what nobody waits for any more.
    async fn a_long_read_that_is_dropped_is_cancelled(db: Database) {
        let db = sharing(&db, "pool_size=1&read_connections=1").await;
        timeout(Duration::from_millis(50), slow(&db, 60_000, 1)).await.unwrap_err();
        let started = Instant::now();
        assert_eq!(quick(&db, 2).await.unwrap(), 2);
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    async fn time_is_over_for_each_on_its_own(db: Database) {
        let db = sharing(&db, "pool_size=2&read_connections=1&statement_timeout=400ms").await;
        let behind = async {
            sleep(Duration::from_millis(50)).await;
            quick(&db, 2).await
        };
        let late = async {
            sleep(Duration::from_millis(100)).await;
            slow(&db, 300, 3).await
        };
        // What is behind waits until the server is through with what nobody waits for any more.
        let (a, b, c) = tokio::join!(slow(&db, 900, 1), behind, late);
        assert_eq!(a.unwrap_err().class(), ErrorClass::Timeout);
        assert_eq!(b.unwrap_err().class(), ErrorClass::Timeout);
        c.expect_err("it has waited for all of its 400 milliseconds");
        at_rest(&db).await;
        assert_eq!(quick(&db, 4).await.unwrap(), 4);
    }

    async fn a_server_that_hangs_up_is_told_to_all(db: Database) {
        let db = sharing(&db, "pool_size=4&read_connections=1").await;
        let long = sql("SELECT 1 AS told FROM pg_sleep(60)").columns::<i32>();
        let mut own = db.connection().await.unwrap();
        let hang_up = async {
            // Until none is left: some may be sent later than others, over another connection.
            loop {
                sleep(Duration::from_millis(100)).await;
                let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE query LIKE '%AS told%' AND pid <> pg_backend_pid()";
                sql(end).execute(&mut own).await.unwrap();
            }
        };
        let reads = tokio::select! {
            reads = join_all((0..5).map(|_| long.clone().one(&db))) => reads,
            () = hang_up => unreachable!(),
        };
        for read in reads {
            assert_eq!(read.unwrap_err().class(), ErrorClass::Disconnected);
        }
        drop(own);
        assert_eq!(quick(&db, 4).await.unwrap(), 4);
        at_rest(&db).await;
    }

    async fn a_closed_pool_takes_no_reads(db: Database) {
        let db = sharing(&db, "pool_size=2&read_connections=1").await;
        let (read, closed, refused) = tokio::join!(slow(&db, 100, 1), async {
            sleep(Duration::from_millis(30)).await;
            db.close().await
        }, async {
            sleep(Duration::from_millis(50)).await;
            quick(&db, 2).await
        });
        assert_eq!(read.unwrap(), 1);
        closed.unwrap();
        assert_eq!(refused.unwrap_err().class(), ErrorClass::PoolClosed);
    }

    /// Everything at once, by chance.
    async fn each_gets_its_own_answer(db: Database) {
        let db = sharing(&db, "pool_size=4&read_connections=2&statement_cache=8").await;
        Schema::new().with::<Tag>().create(&db).await.unwrap();
        let tasks = (1..=16).map(|task: i64| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut dice = Dice(task as u64 * 7919);
                for step in 0..150 {
                    let number = task * 1000 + step;
                    match dice.roll(10) {
                        0 => assert!(sql("SELECT 1 / (? - ?)").bind(number).bind(number).columns::<i64>().one(&db).await.is_err()),
                        1 => drop(polled(slow(&db, 1, number), dice.roll(6)).await),
                        2 => {
                            let rows = sql("SELECT x + ? FROM generate_series(1::bigint, 3000) AS x").bind(number);
                            let rows = rows.columns::<i64>().all(&db).await.unwrap();
                            assert!(rows.into_iter().eq(number + 1..=number + 3000));
                        }
                        3 => {
                            let text = format!("SELECT {number}::bigint");
                            assert_eq!(sql_unchecked(text).columns::<i64>().one(&db).await.unwrap(), number);
                        }
                        4 => {
                            let mut tx = db.begin().await.unwrap();
                            let name = format!("{number}");
                            let id = insert(NewTag { name: name.clone() }).returning(Tag::id).one(&mut tx).await.unwrap();
                            tx.commit().await.unwrap();
                            assert_eq!(Tag::find(&id).one(&db).await.unwrap().name, name);
                        }
                        5 => assert_eq!(slow(&db, 1, number).await.unwrap(), number),
                        _ => assert_eq!(quick(&db, number).await.unwrap(), number),
                    }
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        at_rest(&db).await;
        db.close().await.unwrap();
    }
}
