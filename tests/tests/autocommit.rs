//! Transactions on MySQL and MariaDB that begin by themselves: the trips that are saved, and that nothing else is changed.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use relata::{prelude::*, statement::sql_unchecked};
use relata_tests::{Database, Server, Wire, at_rest, blog::*, polled, with_database};

const BEGIN: &str = "START TRANSACTION";
const LEAVE: &str = "ROLLBACK;SET autocommit = 1";

/// As `on_every_database`, where there is an autocommit to be set.
macro_rules! on_mysql_and_mariadb {
    ($($(#[$attribute:meta])* async fn $name:ident($db:ident: Database) $body:block)*) => {
        $(
            $(#[$attribute])*
            mod $name {
                #[allow(unused_imports)]
                use super::*;

                async fn run($db: Database) {
                    Schema::new().with::<Tag>().create(&*$db).await.unwrap();
                    $body
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn mariadb() {
                    with_database(Server::MariaDb, run).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn mysql() {
                    with_database(Server::MySql, run).await;
                }
            }
        )*
    };
}

async fn add(name: &str, db: impl Executor) -> Result<u64, Error> {
    insert(NewTag { name: name.into() }).execute(db).await
}

async fn names(db: &Engine) -> Vec<String> {
    select(Tag::name).order_by(Tag::name).all(db).await.unwrap()
}

/// Transactions that follow each other, until they begin by themselves.
async fn train(db: &Engine) {
    for _ in 0..8 {
        let mut tx = db.begin().await.unwrap();
        update::<Tag>().set(Tag::name, "x").filter(Tag::id.eq(-1)).execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// An engine of one connection, on which the next transaction begins by itself.
async fn trained(db: &Database) -> Wire {
    let wire = Wire::tap(db).await;
    // So that they are prepared.
    add("row", &*wire).await.unwrap();
    delete::<Tag>().filter(Tag::name.eq("row")).execute(&*wire).await.unwrap();
    names(&wire).await;
    train(&wire).await;
    wire.sent();
    wire
}

/// No transaction has read or written the table and is still open: nobody could lock it then.
async fn no_transaction_is_open(db: &Database) {
    let mut connection = db.connection().await.unwrap();
    sql("SET lock_wait_timeout = 5").execute(&mut connection).await.unwrap();
    sql("LOCK TABLES tags WRITE").execute(&mut connection).await.expect("a transaction stays open");
    sql("UNLOCK TABLES").execute(&mut connection).await.unwrap();
}

/// A plain statement commits by itself, and a plain SELECT sees what others have committed.
async fn plain_statements_are_on_their_own(db: &Database, wire: &Engine) {
    add("row plain", wire).await.unwrap();
    let seen = || Tag::select().filter(Tag::name.eq("row plain"));
    assert_eq!(seen().count(&**db).await.unwrap(), 1, "it was not committed");
    assert_eq!(seen().count(wire).await.unwrap(), 1);
    delete::<Tag>().filter(Tag::name.eq("row plain")).execute(&**db).await.unwrap();
    assert_eq!(seen().count(wire).await.unwrap(), 0, "it looks at an old snapshot");
    no_transaction_is_open(db).await;
}

on_mysql_and_mariadb! {
    async fn transactions_in_a_row_save_a_trip(db: Database) {
        let wire = Wire::tap(&db).await;
        add("row", &*wire).await.unwrap();
        delete::<Tag>().execute(&*wire).await.unwrap();
        wire.sent();
        let mut trips = Vec::new();
        for n in 0..12 {
            let mut tx = wire.begin().await.unwrap();
            add(&n.to_string(), &mut tx).await.unwrap();
            assert_eq!(names(&db).await.len(), n, "others see what is not committed");
            tx.commit().await.unwrap();
            assert_eq!(names(&db).await.len(), n + 1, "it was not committed");
            trips.push(wire.sent());
        }
        assert_eq!(trips[0], [BEGIN, "EXECUTE", "COMMIT"]);
        assert_eq!(trips[6], [BEGIN, "EXECUTE", "COMMIT;SET autocommit = 0"]);
        for trips in &trips[7..] {
            assert_eq!(*trips, ["EXECUTE", "COMMIT"]);
        }
        // The whole in one go, a rollback, and nothing at all.
        add_two(&wire, ["a", "b"]).await.unwrap();
        assert_eq!(wire.sent(), ["EXECUTE", "EXECUTE", "COMMIT"]);
        let mut tx = wire.begin().await.unwrap();
        add("c", &mut tx).await.unwrap();
        tx.rollback().await.unwrap();
        assert_eq!(wire.sent(), ["EXECUTE", "ROLLBACK"]);
        wire.begin().await.unwrap().commit().await.unwrap();
        assert!(wire.sent().is_empty());
        assert_eq!(names(&db).await.len(), 14);
        plain_statements_are_on_their_own(&db, &wire).await;
    }

    /// Whatever the mixture, there are no more trips than without, but for a few in the beginning.
    async fn mixed_work_takes_no_more_trips(db: Database) {
        let wire = Wire::tap(&db).await;
        let plain = async || {
            update::<Tag>().set(Tag::name, "x").filter(Tag::id.eq(-1)).execute(&*wire).await.unwrap();
        };
        plain().await;
        wire.sent();
        for _ in 0..10 {
            let mut tx = wire.begin().await.unwrap();
            update::<Tag>().set(Tag::name, "x").filter(Tag::id.eq(-1)).execute(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
            plain().await;
            assert_eq!(wire.sent(), [BEGIN, "EXECUTE", "COMMIT", "EXECUTE"]);
        }
        for (in_a_row, saved) in [(2, 0), (3, 0), (5, 20), (9, 100)] {
            for _ in 0..20 {
                for _ in 0..in_a_row {
                    let mut tx = wire.begin().await.unwrap();
                    update::<Tag>().set(Tag::name, "x").filter(Tag::id.eq(-1)).execute(&mut tx).await.unwrap();
                    tx.commit().await.unwrap();
                }
                plain().await;
            }
            let trips = wire.trips();
            assert!(trips + saved <= 20 * (3 * in_a_row + 1), "{trips} trips for {in_a_row} in a row");
        }
    }

    async fn what_follows_is_on_its_own(db: Database) {
        let wire = trained(&db).await;
        add("a", &*wire).await.unwrap();
        assert_eq!(wire.sent(), [LEAVE, "EXECUTE"]);
        assert_eq!(names(&db).await, ["a"]);
        assert_eq!(names(&wire).await, ["a"]);
        assert_eq!(wire.sent(), ["EXECUTE"]);
        train(&wire).await;
        // A text takes it along.
        wire.sent();
        delete::<Tag>().execute(&*wire).await.unwrap();
        sql("DELETE FROM tags").execute(&*wire).await.unwrap();
        assert_eq!(names(&db).await, [""; 0]);
        train(&wire).await;
        wire.sent();
        sql("INSERT INTO tags (name) VALUES (0)").execute(&*wire).await.unwrap();
        assert_eq!(wire.sent(), ["ROLLBACK;SET autocommit = 1;INSERT INTO tags (name) VALUES (0)"]);
        assert_eq!(names(&db).await, ["0"]);
        train(&wire).await;
        plain_statements_are_on_their_own(&db, &wire).await;
    }

    async fn a_dropped_transaction(db: Database) {
        let wire = trained(&db).await;
        let mut tx = wire.begin().await.unwrap();
        add("a", &mut tx).await.unwrap();
        drop(tx);
        at_rest(&wire).await;
        assert_eq!(wire.sent(), ["EXECUTE", "ROLLBACK"]);
        no_transaction_is_open(&db).await;
        plain_statements_are_on_their_own(&db, &wire).await;
        // On a connection of one's own the ROLLBACK goes ahead of what is next.
        train(&wire).await;
        wire.sent();
        let mut connection = wire.connection().await.unwrap();
        for name in ["b", "c"] {
            let mut tx = connection.begin().await.unwrap();
            add(name, &mut tx).await.unwrap();
        }
        assert_eq!(wire.sent(), ["EXECUTE", "ROLLBACK", "EXECUTE"]);
        add("d", &mut connection).await.unwrap();
        assert_eq!(wire.sent(), [LEAVE, "EXECUTE"]);
        assert_eq!(names(&db).await, ["d"]);
        drop(connection);
        plain_statements_are_on_their_own(&db, &wire).await;
    }

    async fn a_future_dropped_midway(db: Database) {
        for times in 0..40 {
            let wire = trained(&db).await;
            let work = async {
                let mut tx = wire.begin().await?;
                add("a", &mut tx).await?;
                let mut inner = tx.begin().await?;
                add("b", &mut inner).await?;
                inner.rollback().await?;
                add("c", &mut tx).await?;
                tx.commit().await?;
                add("d", &*wire).await
            };
            let done = polled(work, times).await;
            at_rest(&wire).await;
            let left = names(&db).await;
            let whole: [&[&str]; 3] = [&[], &["a", "c"], &["a", "c", "d"]];
            assert!(whole.iter().any(|all| left == **all), "{left:?} after {times} polls");
            no_transaction_is_open(&db).await;
            plain_statements_are_on_their_own(&db, &wire).await;
            delete::<Tag>().execute(&*db).await.unwrap();
            if let Some(done) = done {
                done.unwrap();
                assert_eq!(left, ["a", "c", "d"]);
                return;
            }
        }
        panic!("it never ends");
    }

    async fn a_failed_statement(db: Database) {
        for first_fails in [false, true] {
            for commit in [true, false] {
                delete::<Tag>().execute(&*db).await.unwrap();
                add("a", &*db).await.unwrap();
                let wire = trained(&db).await;
                let mut tx = wire.begin().await.unwrap();
                if !first_fails {
                    add("b", &mut tx).await.unwrap();
                }
                assert!(add("a", &mut tx).await.unwrap_err().is_unique_violation());
                add("c", &mut tx).await.unwrap();
                // It cannot be known what the first failure has left, so the server is asked before there is a savepoint.
                let mut inner = tx.begin().await.unwrap();
                add("d", &mut inner).await.unwrap();
                inner.rollback().await.unwrap();
                assert_eq!(names(&db).await, ["a"]);
                match commit {
                    true => tx.commit().await.unwrap(),
                    false => tx.rollback().await.unwrap(),
                }
                let left: &[&str] = match (commit, first_fails) {
                    (true, false) => &["a", "b", "c"],
                    (true, true) => &["a", "c"],
                    (false, _) => &["a"],
                };
                assert_eq!(names(&db).await, left);
                plain_statements_are_on_their_own(&db, &wire).await;
            }
        }
        // One that the server does not even begin.
        let wire = trained(&db).await;
        let mut tx = wire.begin().await.unwrap();
        sql("SELECT nothing FROM nowhere").columns::<i64>().one(&mut tx).await.unwrap_err();
        sql("SELECT * FROM nowhere WHERE 1 = ?").bind(1).columns::<i64>().one(&mut tx).await.unwrap_err();
        sql("SHOW TABLES").columns::<String>().all(&mut tx).await.unwrap();
        add("e", &mut tx).await.unwrap();
        assert!(!names(&db).await.contains(&"e".to_owned()));
        tx.rollback().await.unwrap();
        assert!(!names(&db).await.contains(&"e".to_owned()));
        plain_statements_are_on_their_own(&db, &wire).await;
    }

    async fn savepoints(db: Database) {
        for commit in [true, false] {
            delete::<Tag>().execute(&*db).await.unwrap();
            let wire = trained(&db).await;
            // A savepoint before anything else.
            let mut tx = wire.begin().await.unwrap();
            let mut inner = tx.begin().await.unwrap();
            add("a", &mut inner).await.unwrap();
            inner.rollback().await.unwrap();
            assert_eq!(
                wire.sent(),
                [
                    "ROLLBACK;SET autocommit = 1;START TRANSACTION;SAVEPOINT relata_1",
                    "EXECUTE",
                    "ROLLBACK TO SAVEPOINT relata_1;RELEASE SAVEPOINT relata_1"
                ]
            );
            add("b", &mut tx).await.unwrap();
            tx.rollback().await.unwrap();
            assert_eq!(names(&db).await, [""; 0]);
            // Behind a read that begins nothing, and behind one that does.
            for read in ["SELECT 1", "SELECT COUNT(*) FROM tags"] {
                train(&wire).await;
                wire.sent();
                let mut tx = wire.begin().await.unwrap();
                sql(read).columns::<i64>().one(&mut tx).await.unwrap();
                let mut inner = tx.begin().await.unwrap();
                add("a", &mut inner).await.unwrap();
                inner.rollback().await.unwrap();
                let mut inner = tx.begin().await.unwrap();
                add("b", &mut inner).await.unwrap();
                inner.commit().await.unwrap();
                assert_eq!(names(&db).await, [""; 0]);
                match commit {
                    true => tx.commit().await.unwrap(),
                    false => tx.rollback().await.unwrap(),
                }
                // Where a snapshot was taken, it stays.
                let explicit = "SET autocommit = 1;START TRANSACTION;SAVEPOINT relata_1".to_owned();
                assert_eq!(wire.sent().contains(&explicit), read == "SELECT 1");
                assert_eq!(names(&db).await, &["b"][..usize::from(commit)]);
                delete::<Tag>().execute(&*db).await.unwrap();
            }
            plain_statements_are_on_their_own(&db, &wire).await;
        }
    }

    async fn a_deadlock(db: Database) {
        add("a", &*db).await.unwrap();
        add("b", &*db).await.unwrap();
        let (one, two) = (trained(&db).await, trained(&db).await);
        async fn touch(name: &str, tx: &mut Transaction<'_>) -> Result<u64, Error> {
            update::<Tag>().set(Tag::name, name).filter(Tag::name.eq(name)).execute(tx).await
        }
        let (mut first, mut second) = (one.begin().await.unwrap(), two.begin().await.unwrap());
        add("first", &mut first).await.unwrap();
        add("second", &mut second).await.unwrap();
        // The server takes the one for its victim that has changed less.
        let lock = |name: &'static str| sql_unchecked(format!("SELECT id FROM tags WHERE name = '{name}' FOR UPDATE")).columns::<i64>();
        lock("a").one(&mut first).await.unwrap();
        lock("b").one(&mut second).await.unwrap();
        let (left, right) = tokio::join!(lock("b").one(&mut first), lock("a").one(&mut second));
        let (lost, won, loser, winner) = match (&left, &right) {
            (Err(_), Ok(_)) => (left.unwrap_err(), "second", first, second),
            (Ok(_), Err(_)) => (right.unwrap_err(), "first", second, first),
            other => panic!("{other:?}"),
        };
        assert_eq!(lost.class(), ErrorClass::Deadlock);
        let (mut loser, winner) = (loser, winner);
        // Nothing can be done in it any more: it would be another transaction.
        assert_eq!(touch("a", &mut loser).await.unwrap_err().class(), ErrorClass::Poisoned);
        assert_eq!(add("loser", &mut loser).await.unwrap_err().class(), ErrorClass::Poisoned);
        assert_eq!(loser.commit().await.unwrap_err().class(), ErrorClass::Poisoned);
        winner.commit().await.unwrap();
        assert_eq!(names(&db).await, ["a", "b", won]);
        for wire in [&one, &two] {
            at_rest(wire).await;
            plain_statements_are_on_their_own(&db, wire).await;
            train(wire).await;
            plain_statements_are_on_their_own(&db, wire).await;
        }
    }

    async fn options(db: Database) {
        let wire = trained(&db).await;
        let serializable = TransactionOptions::new().isolation(Isolation::Serializable);
        let mut tx = wire.begin_with(serializable).await.unwrap();
        assert_eq!(names_in(&mut tx).await, [""; 0]);
        assert_eq!(
            wire.sent(),
            ["ROLLBACK;SET autocommit = 1;SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;START TRANSACTION", "EXECUTE"]
        );
        // What it has read is locked.
        let mut other = db.connection().await.unwrap();
        sql("SET innodb_lock_wait_timeout = 1").execute(&mut other).await.unwrap();
        assert_eq!(add("a", &mut other).await.unwrap_err().class(), ErrorClass::LockTimeout);
        tx.commit().await.unwrap();
        add("a", &mut other).await.unwrap();
        for isolation in [Isolation::ReadCommitted, Isolation::RepeatableRead] {
            train(&wire).await;
            let mut tx = wire.begin_with(TransactionOptions::new().isolation(isolation)).await.unwrap();
            let before = names_in(&mut tx).await;
            add(&format!("{isolation:?}"), &*db).await.unwrap();
            assert_eq!(names_in(&mut tx).await == before, isolation == Isolation::RepeatableRead);
            tx.commit().await.unwrap();
            // The next one is as usual, by itself: one snapshot, taken by its first statement.
            wire.sent();
            let mut tx = wire.begin().await.unwrap();
            add(&format!("early {isolation:?}"), &*db).await.unwrap();
            let before = names_in(&mut tx).await;
            assert_eq!(before, names(&db).await);
            assert_eq!(wire.sent(), ["EXECUTE"]);
            add(&format!("late {isolation:?}"), &*db).await.unwrap();
            assert_eq!(names_in(&mut tx).await, before);
            tx.commit().await.unwrap();
        }
        train(&wire).await;
        let mut tx = wire.begin_with(TransactionOptions::new().read_only()).await.unwrap();
        assert_eq!(add("b", &mut tx).await.unwrap_err().class(), ErrorClass::ReadOnly);
        // That is no end of it.
        let before = names_in(&mut tx).await;
        add("late", &*db).await.unwrap();
        assert_eq!(names_in(&mut tx).await, before);
        tx.commit().await.unwrap();
        let mut tx = wire.begin().await.unwrap();
        add("b", &mut tx).await.unwrap();
        tx.commit().await.unwrap();
        assert!(names(&db).await.contains(&"b".to_owned()));
        plain_statements_are_on_their_own(&db, &wire).await;
    }

    /// DDL ends a transaction. What comes after it is as it always was: each statement on its own. Not after an error.
    async fn ddl_inside(db: Database) {
        let mut count = 0;
        for is_trained in [false, true] {
            for (before, fails) in [(false, false), (true, false), (false, true), (true, true)] {
                delete::<Tag>().execute(&*db).await.unwrap();
                let wire = if is_trained { trained(&db).await } else { Wire::tap(&db).await };
                count += 1;
                let ddl = match fails {
                    true => "CREATE TABLE tags (n INT)".to_owned(),
                    false => format!("CREATE TABLE t{count} (n INT)"),
                };
                let mut tx = wire.begin().await.unwrap();
                if before {
                    add("before", &mut tx).await.unwrap();
                }
                assert_eq!(sql_unchecked(ddl).execute(&mut tx).await.is_err(), fails);
                assert_eq!(names(&db).await, &["before"][..usize::from(before)]);
                let after = add("after", &mut tx).await.map_err(|error| error.class());
                assert_eq!(after, if fails { Err(ErrorClass::Poisoned) } else { Ok(1) });
                let seen = names(&db).await;
                assert_eq!(seen.contains(&"after".to_owned()), !fails, "{is_trained} {before}: {seen:?}");
                tx.rollback().await.unwrap();
                assert_eq!(names(&db).await, seen);
                plain_statements_are_on_their_own(&db, &wire).await;
            }
        }
    }

    async fn by_hand(db: Database) {
        let run = async |text: &str, connection: &mut Connection| {
            sql_unchecked(text.to_owned()).execute(connection).await.map_err(|error| error.class())
        };
        for begin in ["BEGIN", "START TRANSACTION", "start transaction read write", "SET autocommit = 0"] {
            for end in ["COMMIT", "ROLLBACK", "rollback work"] {
                delete::<Tag>().execute(&*db).await.unwrap();
                let wire = trained(&db).await;
                let mut connection = wire.connection().await.unwrap();
                run(begin, &mut connection).await.unwrap();
                add("a", &mut connection).await.unwrap();
                add("b", &mut connection).await.unwrap();
                assert_eq!(names(&db).await, [""; 0], "{begin}");
                run(end, &mut connection).await.unwrap();
                let left: &[&str] = if end == "COMMIT" { &["a", "b"] } else { &[] };
                assert_eq!(names(&db).await, left, "{begin} {end}");
                if begin == "SET autocommit = 0" {
                    // It is the user's until the user takes it back, also behind transactions of ours.
                    for _ in 0..8 {
                        let mut tx = connection.begin().await.unwrap();
                        add("c", &mut tx).await.unwrap();
                        tx.rollback().await.unwrap();
                    }
                    add("c", &mut connection).await.unwrap();
                    assert_eq!(names(&db).await, left);
                    run("SET autocommit = 1", &mut connection).await.unwrap();
                    assert_eq!(names(&db).await.len(), left.len() + 1);
                }
                drop(connection);
                plain_statements_are_on_their_own(&db, &wire).await;
            }
        }
        // In a transaction of ours.
        for is_trained in [false, true] {
            delete::<Tag>().execute(&*db).await.unwrap();
            let wire = if is_trained { trained(&db).await } else { Wire::tap(&db).await };
            let mut tx = wire.begin().await.unwrap();
            add("a", &mut tx).await.unwrap();
            for text in ["SET autocommit = 1", "set NAMES utf8mb4, @@session.AutoCommit = 0", "SELECT 1; SET autocommit=1"] {
                let error = sql_unchecked(text.to_owned()).execute(&mut tx).await.unwrap_err();
                assert_eq!(error.class(), ErrorClass::Statement, "{error:?}");
            }
            sql("SET @x = 1").execute(&mut tx).await.unwrap();
            assert_eq!(names(&db).await, [""; 0], "it was committed");
            sql("COMMIT").execute(&mut tx).await.unwrap();
            assert_eq!(names(&db).await, ["a"]);
            // From here on it is none.
            add("b", &mut tx).await.unwrap();
            assert_eq!(names(&db).await, ["a", "b"]);
            tx.commit().await.unwrap();
            let mut tx = wire.begin().await.unwrap();
            add("c", &mut tx).await.unwrap();
            sql("START TRANSACTION").execute(&mut tx).await.unwrap();
            assert_eq!(names(&db).await, ["a", "b", "c"], "one transaction ends where another begins");
            add("d", &mut tx).await.unwrap();
            tx.rollback().await.unwrap();
            assert_eq!(names(&db).await, ["a", "b", "c"]);
            let mut tx = wire.begin().await.unwrap();
            sql("INSERT INTO tags (name) VALUES ('e'); INSERT INTO tags (name) VALUES ('f')").execute(&mut tx).await.unwrap();
            assert_eq!(names(&db).await, ["a", "b", "c"]);
            tx.commit().await.unwrap();
            assert_eq!(names(&db).await, ["a", "b", "c", "e", "f"]);
            plain_statements_are_on_their_own(&db, &wire).await;
        }
        // What is set for the next transaction.
        let wire = trained(&db).await;
        let mut connection = wire.connection().await.unwrap();
        run("SET TRANSACTION READ ONLY", &mut connection).await.unwrap();
        let mut tx = connection.begin().await.unwrap();
        assert_eq!(add("x", &mut tx).await.unwrap_err().class(), ErrorClass::ReadOnly);
        drop(tx);
        let mut tx = connection.begin().await.unwrap();
        add("y", &mut tx).await.unwrap();
        tx.commit().await.unwrap();
        // Locks of tables.
        for _ in 0..8 {
            let mut tx = connection.begin().await.unwrap();
            Tag::select().count(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
        }
        run("LOCK TABLES tags WRITE", &mut connection).await.unwrap();
        add("z", &mut connection).await.unwrap();
        run("UNLOCK TABLES", &mut connection).await.unwrap();
        assert!(names(&db).await.contains(&"z".to_owned()));
        let mut tx = connection.begin().await.unwrap();
        add("zz", &mut tx).await.unwrap();
        sql("LOCK TABLES tags WRITE").execute(&mut tx).await.unwrap();
        add("zzz", &mut tx).await.unwrap();
        tx.commit().await.unwrap();
        // A transaction that begins lets go of them.
        let mut tx = connection.begin().await.unwrap();
        Tag::select().count(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        let all = tokio::time::timeout(Duration::from_secs(5), names(&db)).await.expect("the table is still locked");
        assert!(all.contains(&"zz".to_owned()) && all.contains(&"zzz".to_owned()));
        drop(connection);
        plain_statements_are_on_their_own(&db, &wire).await;
    }

    /// What comes behind it would be committed at once.
    async fn a_procedure_that_ends_it(db: Database) {
        for (name, body) in [
            ("broken", "DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END; INSERT INTO tags (id, name) VALUES (7, 'x'), (7, 'y')"),
            ("commits", "START TRANSACTION; INSERT INTO tags (name) VALUES ('p'); COMMIT"),
            ("rolls_back", "ROLLBACK"),
        ] {
            let mut admin = db.connection().await.unwrap();
            sql_unchecked(format!("CREATE PROCEDURE {name}() BEGIN {body}; END")).execute(&mut admin).await.unwrap();
            for is_trained in [false, true] {
                let wire = if is_trained { trained(&db).await } else { Wire::tap(&db).await };
                for depth in 0..3 {
                    delete::<Tag>().execute(&*db).await.unwrap();
                    let call = sql_unchecked(format!("/* of an application */ CALL {name}()"));
                    let mut tx = wire.begin().await.unwrap();
                    add("before", &mut tx).await.unwrap();
                    let called = if depth == 0 {
                        call.execute(&mut tx).await
                    } else {
                        let mut inner = tx.begin().await.unwrap();
                        if depth == 2 {
                            add("within", &mut inner).await.unwrap();
                        }
                        call.execute(&mut inner).await
                    };
                    let class = if name == "broken" { ErrorClass::Unique } else { ErrorClass::Poisoned };
                    assert_eq!(called.unwrap_err().class(), class, "{name}");
                    let left = names(&db).await;
                    assert_eq!(add("behind", &mut tx).await.unwrap_err().class(), ErrorClass::Poisoned);
                    assert_eq!(tx.begin().await.unwrap_err().class(), ErrorClass::Poisoned);
                    match depth {
                        0 => assert_eq!(tx.commit().await.unwrap_err().class(), ErrorClass::Poisoned),
                        _ => tx.rollback().await.unwrap(),
                    }
                    at_rest(&wire).await;
                    assert_eq!(names(&db).await, left);
                }
                plain_statements_are_on_their_own(&db, &wire).await;
            }
        }
        // A failure of one that ends nothing is undone alone.
        sql("CREATE PROCEDURE fails() BEGIN INSERT INTO tags (name) VALUES ('p'); SIGNAL SQLSTATE '45000'; END")
            .execute(&*db).await.unwrap();
        for is_trained in [false, true] {
            delete::<Tag>().execute(&*db).await.unwrap();
            let wire = if is_trained { trained(&db).await } else { Wire::tap(&db).await };
            let mut tx = wire.begin().await.unwrap();
            add("before", &mut tx).await.unwrap();
            sql("CALL fails()").execute(&mut tx).await.unwrap_err();
            add("behind", &mut tx).await.unwrap();
            assert_eq!(names(&db).await, [""; 0]);
            tx.rollback().await.unwrap();
            assert_eq!(names(&db).await, [""; 0]);
        }
    }

    async fn a_procedure_that_sets_it(db: Database) {
        let mut admin = db.connection().await.unwrap();
        sql("CREATE PROCEDURE p() BEGIN SET autocommit = 1; START TRANSACTION; INSERT INTO tags (name) VALUES ('p'); END")
            .execute(&mut admin).await.unwrap();
        let wire = trained(&db).await;
        let mut tx = wire.begin().await.unwrap();
        add("a", &mut tx).await.unwrap();
        sql("CALL p()").execute(&mut tx).await.unwrap();
        add("b", &mut tx).await.unwrap();
        assert_eq!(names(&db).await, ["a"]);
        tx.rollback().await.unwrap();
        assert_eq!(names(&db).await, ["a"]);
        plain_statements_are_on_their_own(&db, &wire).await;
    }

    async fn a_lost_connection(db: Database) {
        for in_transaction in [false, true] {
            let wire = trained(&db).await;
            let mut tx = wire.begin().await.unwrap();
            let id = sql("SELECT CONVERT(CONNECTION_ID(), SIGNED)").columns::<i64>().one(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
            let mut tx = wire.begin().await.unwrap();
            if in_transaction {
                add("a", &mut tx).await.unwrap();
            }
            sql_unchecked(format!("KILL {id}")).execute(&*db).await.unwrap();
            let error = add("b", &mut tx).await.unwrap_err();
            assert!(error.is_disconnect(), "{error:?}");
            assert!(tx.commit().await.is_err());
            at_rest(&wire).await;
            no_transaction_is_open(&db).await;
            assert_eq!(names(&db).await, [""; 0]);
            plain_statements_are_on_their_own(&db, &wire).await;
            wire.sent();
            let mut tx = wire.begin().await.unwrap();
            Tag::select().count(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
            assert!(wire.sent().contains(&BEGIN.to_owned()), "another connection, another session");
        }
    }

    /// Whoever looks sees the transactions as they were asked for.
    async fn the_recorder(db: Database) {
        let wire = trained(&db).await;
        let recorder = wire.record();
        let mut tx = wire.begin().await.unwrap();
        add("a", &mut tx).await.unwrap();
        tx.commit().await.unwrap();
        add("b", &*wire).await.unwrap();
        let seen: Vec<_> = recorder.take().into_iter().map(|ran| (ran.sql, ran.transaction_control, ran.failed)).collect();
        let [begin, insert, commit, plain] = &seen[..] else { panic!("{seen:?}") };
        assert_eq!(*begin, (BEGIN.to_owned(), true, false));
        assert_eq!(*commit, ("COMMIT".to_owned(), true, false));
        assert_eq!(insert, plain);
        assert_eq!(wire.sent(), ["EXECUTE", "COMMIT", LEAVE, "EXECUTE"]);
    }
}

async fn names_in(tx: &mut Transaction<'_>) -> Vec<String> {
    select(Tag::name).order_by(Tag::name).all(tx).await.unwrap()
}

async fn add_two(db: &Engine, names: [&str; 2]) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    for name in names {
        add(name, &mut tx).await?;
    }
    tx.commit().await
}
