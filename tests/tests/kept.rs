//! What is left in a connection, and what is not: for whoever has it, and for who has it next.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{ops::ControlFlow, time::Duration};

use relata::prelude::*;
use relata_tests::{Server, blog::*, on_every_database};

fn tag(name: impl Into<String>) -> NewTag {
    NewTag { name: name.into() }
}

/// An engine with one connection to the same database.
async fn alone(url: &str) -> Engine {
    let url = if url.contains("pool_size=6") {
        url.replace("pool_size=6", "pool_size=1")
    } else {
        format!("{url}?pool_size=1")
    };
    Engine::connect(&url).await.unwrap()
}

async fn names(db: &Engine) -> Vec<String> {
    select(Tag::name).order_by(Tag::name).all(db).await.unwrap()
}

on_every_database! {
    async fn autocommit_that_was_turned_off_is_nobody_elses(db: Database) {
        if !matches!(db.server(), Server::MariaDb | Server::MySql) {
            return;
        }
        schema().create(&*db).await.unwrap();
        let one = alone(&db.url).await;
        {
            let mut connection = one.connection().await.unwrap();
            sql("SET autocommit = 0").execute(&mut connection).await.unwrap();
            insert(tag("taken back")).execute(&mut connection).await.unwrap();
        }
        insert(tag("a")).execute(&one).await.unwrap();
        sql("SET SESSION autocommit=OFF").execute(&one).await.unwrap();
        insert_many([tag("b"), tag("c")]).execute(&one).await.unwrap();
        // It says nothing of it.
        {
            let mut connection = one.connection().await.unwrap();
            sql("SET autocommit = 0").execute(&mut connection).await.unwrap();
            sql("SELECT nothing FROM nowhere").execute(&mut connection).await.unwrap_err();
        }
        insert(tag("d")).execute(&one).await.unwrap();
        assert_eq!(names(&db).await, ["a", "b", "c", "d"]);
        one.close().await.unwrap();
    }

    async fn a_transaction_that_a_statement_ends_is_over(db: Database) {
        schema().create(&*db).await.unwrap();
        if db.server() != Server::Sqlite {
            return;
        }
        sql("CREATE TRIGGER no BEFORE INSERT ON tags WHEN NEW.name = 'no' BEGIN SELECT RAISE(ROLLBACK, 'no'); END")
            .execute(&*db)
            .await
            .unwrap();
        for commits in [false, true] {
            let mut tx = db.begin().await.unwrap();
            insert(tag("before")).execute(&mut tx).await.unwrap();
            insert(tag("no")).execute(&mut tx).await.unwrap_err();
            let error = insert(tag("behind")).execute(&mut tx).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Poisoned, "{error}");
            match commits {
                true => assert_eq!(tx.commit().await.unwrap_err().class(), ErrorClass::Poisoned),
                false => tx.rollback().await.unwrap(),
            }
            assert!(names(&db).await.is_empty());
        }
        let mut tx = db.begin().await.unwrap();
        insert(tag("before")).execute(&mut tx).await.unwrap();
        let mut inner = tx.begin().await.unwrap();
        insert(tag("no")).execute(&mut inner).await.unwrap_err();
        let _ = inner.rollback().await;
        assert_eq!(insert(tag("behind")).execute(&mut tx).await.unwrap_err().class(), ErrorClass::Poisoned);
        drop(tx);
        insert(tag("after")).execute(&*db).await.unwrap();
        assert_eq!(names(&db).await, ["after"]);
    }

    async fn a_connection_of_ones_own_stays_open(db: Database) {
        schema().create(&*db).await.unwrap();
        insert_many((0..3000).map(|n| tag(n.to_string()))).execute(&*db).await.unwrap();
        let mut own = db.connection().await.unwrap();
        sql("CREATE TEMPORARY TABLE mine (id INTEGER)").execute(&mut own).await.unwrap();
        Tag::select().for_each(&mut own, |_| Ok(ControlFlow::Break(()))).await.unwrap();
        assert_eq!(Tag::select().one(&mut own).await.unwrap_err().class(), ErrorClass::TooManyRows);
        select(Tag::name.label("n")).all(&mut own).await.unwrap();
        sql("SELECT name FROM tags").columns::<i64>().all(&mut own).await.unwrap_err();
        sql("INSERT INTO mine VALUES (1)").execute(&mut own).await.unwrap();
        sql("DROP TABLE mine").execute(&mut own).await.unwrap();
        drop(own);
        // Whatever becomes of one that nobody keeps, the next statement finds another.
        let one = alone(&db.url).await;
        Tag::select().for_each(&one, |_| Ok(ControlFlow::Break(()))).await.unwrap();
        assert_eq!(Tag::select().count(&one).await.unwrap(), 3000);
    }

    async fn a_file_that_is_only_read_can_be_read_in_transactions(db: Database) {
        if db.server() != Server::Sqlite {
            return;
        }
        schema().create(&*db).await.unwrap();
        insert(tag("a")).execute(&*db).await.unwrap();
        let reader = Engine::connect(&format!("{}?mode=ro", db.url)).await.unwrap();
        let mut session = reader.session();
        let found = session.one(Tag::select()).await.unwrap();
        assert_eq!(session[found].name, "a");
        session[found].name = "b".into();
        assert_eq!(session.commit().await.unwrap_err().class(), ErrorClass::ReadOnly);
        let mut tx = reader.begin().await.unwrap();
        assert_eq!(Tag::select().count(&mut tx).await.unwrap(), 1);
        tx.commit().await.unwrap();
    }

    /// Where one waits for the lock that another has, the other goes on, though both are futures of one task.
    async fn transactions_of_one_task_take_turns(db: Database) {
        schema().create(&*db).await.unwrap();
        let work = |name: &'static str| {
            let db = &*db;
            async move {
                let mut tx = db.begin().await?;
                insert(tag(name)).execute(&mut tx).await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
                Tag::select().count(&mut tx).await?;
                tx.commit().await
            }
        };
        let begun = std::time::Instant::now();
        let (a, b, c) = tokio::join!(work("a"), work("b"), work("c"));
        a.and(b).and(c).unwrap();
        assert_eq!(names(&db).await, ["a", "b", "c"]);
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        // Whoever gives up waiting has taken nothing.
        let mut holder = db.begin().await.unwrap();
        insert(tag("held")).execute(&mut holder).await.unwrap();
        if db.server() == Server::Sqlite {
            let other = insert(tag("dropped"));
            let late = tokio::time::timeout(Duration::from_millis(50), other.execute(&*db)).await;
            assert!(late.is_err());
        }
        holder.commit().await.unwrap();
        insert(tag("later")).execute(&*db).await.unwrap();
        assert_eq!(names(&db).await, ["a", "b", "c", "held", "later"]);
    }

    /// One that only reads holds up nobody in memory either, if it begins deferred.
    async fn a_deferred_transaction_in_memory(db: Database) {
        if db.server() != Server::Sqlite {
            return;
        }
        let memory = Engine::connect("sqlite::memory:?begin=deferred&busy_timeout=50ms").await.unwrap();
        schema().create(&memory).await.unwrap();
        insert(tag("a")).execute(&memory).await.unwrap();
        let mut session = memory.session();
        let found = session.one(Tag::select()).await.unwrap();
        assert_eq!(names(&memory).await, ["a"]);
        session[found].name = "b".into();
        session.flush().await.unwrap();
        let error = select(Tag::name).all(&memory).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::LockTimeout, "{error}");
        session.commit().await.unwrap();
        assert_eq!(names(&memory).await, ["b"]);
        let reads = TransactionOptions::new().read_only();
        let (mut one, mut other) = (memory.begin_with(reads).await.unwrap(), memory.begin_with(reads).await.unwrap());
        for tx in [&mut one, &mut other] {
            assert_eq!(select(Tag::name).all(tx).await.unwrap(), ["b"]);
        }
        assert_eq!(insert(tag("c")).execute(&memory).await.unwrap_err().class(), ErrorClass::LockTimeout);
        drop((one, other));
        insert(tag("c")).execute(&memory).await.unwrap();
    }

    async fn a_wait_for_a_lock_ends_in_time(db: Database) {
        if db.server() != Server::Sqlite {
            return;
        }
        schema().create(&*db).await.unwrap();
        let mut holder = db.begin().await.unwrap();
        insert(tag("held")).execute(&mut holder).await.unwrap();
        for blocking in ["inline", "auto", "thread"] {
            let url = format!("{}?statement_timeout=100ms&busy_timeout=10s&blocking={blocking}", db.url);
            let hasty = Engine::connect(&url).await.unwrap();
            let error = insert(tag("x")).execute(&hasty).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Timeout, "{blocking}: {error}");
        }
        holder.rollback().await.unwrap();
    }
}

/// As above, where no other thread could take over.
#[test]
fn transactions_of_a_local_set_take_turns() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("local_set.db");
    let url = format!("sqlite:{}", file.display());
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let db = Engine::connect(&url).await.unwrap();
        schema().drop_if_exists(&db).await.unwrap();
        schema().create(&db).await.unwrap();
        let tasks: Vec<_> = (0..6)
            .map(|n| {
                let db = db.clone();
                tokio::task::spawn_local(async move {
                    let mut tx = db.begin().await?;
                    insert(tag(n.to_string())).execute(&mut tx).await?;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    tx.commit().await
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(Tag::select().count(&db).await.unwrap(), 6);
    });
}

/// The runtime that an engine was opened on may end before the engine.
#[test]
fn an_engine_outlives_the_runtime_that_opened_it() {
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let first = runtime();
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("two_runtimes.db");
    let url = format!("sqlite:{}?close_timeout=20s", file.display());
    let db = first.block_on(async {
        let db = Engine::connect(&url).await.unwrap();
        schema().drop_if_exists(&db).await.unwrap();
        schema().create(&db).await.unwrap();
        db
    });
    drop(first);
    runtime().block_on(async {
        assert_eq!(Tag::select().count(&db).await.unwrap(), 0);
        tokio::time::timeout(Duration::from_secs(10), db.close()).await.unwrap().unwrap();
    });
}
