//! Transactions, and what is left when something stops in the middle: nothing.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use relata::{
    RetryOptions,
    driver::{Flow, Job, Mode, Row, Sink},
    prelude::*,
    render::Statement as _,
    statement::sql_unchecked,
};
use relata_tests::{Database, Server, at_rest, blog::*, on_every_database, polled};

async fn create(db: &Database) {
    schema().create(&**db).await.unwrap();
}

fn user(email: &str) -> NewUser {
    NewUser { email: email.into(), name: None }
}

/// Takes no row.
struct Refuse;

impl Sink for Refuse {
    fn row(&mut self, _: &mut dyn Row) -> Result<Flow, Error> {
        Err(Error::new(ErrorClass::Decode, "no"))
    }
}

async fn emails(db: &Engine) -> Vec<String> {
    select(User::email).order_by(User::email).all(db).await.unwrap()
}

/// How many transactions of this test's connections are open on the server, as the server sees it.
async fn open_transactions(db: &Database) -> i64 {
    let text = match db.server() {
        // One that wrote would keep others from writing.
        Server::Sqlite => {
            let impatient = Engine::connect(&format!("{}?busy_timeout=1ms", db.url)).await.unwrap();
            let outcome =
                update::<Tag>().set(Tag::name, "x").filter(Tag::id.eq(-1)).execute(&impatient).await;
            return i64::from(outcome.is_err());
        }
        Server::Postgres => {
            "SELECT COUNT(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND pid IN \
             (SELECT pid FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace \
              WHERE n.nspname = current_schema())"
        }
        Server::MariaDb | Server::MySql => {
            "SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p \
             ON p.id = t.trx_mysql_thread_id WHERE p.db = DATABASE() AND p.id <> CONNECTION_ID()"
        }
    };
    sql(text).columns::<i64>().one(&**db).await.unwrap()
}

/// Waits until no transaction is open: a server that learns of it by a connection that ended takes a moment to roll back.
async fn no_transaction_is_open(db: &Database) {
    for _ in 0..50 {
        if open_transactions(db).await == 0 {
            return;
        }
        // InnoDB shows what it has shown before, until it was left alone for a tenth of a second.
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    panic!("a transaction stays open");
}

on_every_database! {
    async fn commit_rollback_and_drop(db: Database) {
        create(&db).await;
        let mut tx = db.begin().await.unwrap();
        insert(user("committed")).execute(&mut tx).await.unwrap();
        assert_eq!(User::select().count(&mut tx).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        insert(user("rolled back")).execute(&mut tx).await.unwrap();
        tx.rollback().await.unwrap();
        let mut tx = db.begin().await.unwrap();
        insert(user("dropped")).execute(&mut tx).await.unwrap();
        drop(tx);
        db.begin().await.unwrap().commit().await.unwrap();
        db.begin().await.unwrap().rollback().await.unwrap();
        assert_eq!(emails(&db).await, ["committed"]);
        at_rest(&db).await;
        no_transaction_is_open(&db).await;
    }

    async fn whether_rows_were_changed(db: Database) {
        create(&db).await;
        insert(user("a")).execute(&*db).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        assert_eq!(User::select().count(&mut tx).await.unwrap(), 1);
        delete::<User>().filter(User::email.eq("nobody")).execute(&mut tx).await.unwrap();
        assert!(!tx.has_written());
        {
            let mut inner = tx.begin().await.unwrap();
            insert(user("b")).execute(&mut inner).await.unwrap();
            assert!(inner.has_written());
            // Dropped: it is as if it had not been.
        }
        assert!(!tx.has_written());
        {
            let mut inner = tx.begin().await.unwrap();
            insert(user("c")).execute(&mut inner).await.unwrap();
            let mut innermost = inner.begin().await.unwrap();
            insert(user("d")).execute(&mut innermost).await.unwrap();
            innermost.rollback().await.unwrap();
            assert!(inner.has_written());
            inner.commit().await.unwrap();
        }
        let inner = tx.begin().await.unwrap();
        inner.rollback().await.unwrap();
        assert!(tx.has_written());
        tx.rollback().await.unwrap();
        // The next one on the connection begins anew.
        assert!(!db.begin().await.unwrap().has_written());
        assert_eq!(emails(&db).await, ["a"]);
    }

    async fn savepoints(db: Database) {
        create(&db).await;
        let mut tx = db.begin().await.unwrap();
        insert(user("a")).execute(&mut tx).await.unwrap();
        {
            let mut inner = tx.begin().await.unwrap();
            insert(user("b")).execute(&mut inner).await.unwrap();
            {
                let mut innermost = inner.begin().await.unwrap();
                insert(user("c")).execute(&mut innermost).await.unwrap();
                // Dropped: c is gone, b stays.
            }
            {
                let mut innermost = inner.begin().await.unwrap();
                insert(user("d")).execute(&mut innermost).await.unwrap();
                innermost.commit().await.unwrap();
            }
            inner.commit().await.unwrap();
        }
        {
            let mut inner = tx.begin().await.unwrap();
            // What fails in a savepoint does not hurt what is around it.
            assert!(insert(user("a")).execute(&mut inner).await.unwrap_err().is_unique_violation());
            inner.rollback().await.unwrap();
        }
        {
            let mut inner = tx.begin().await.unwrap();
            insert(user("e")).execute(&mut inner).await.unwrap();
            inner.rollback().await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(emails(&db).await, ["a", "b", "d"]);
    }

    async fn a_failed_statement(db: Database) {
        create(&db).await;
        let mut tx = db.begin().await.unwrap();
        insert(user("a")).execute(&mut tx).await.unwrap();
        insert(user("a")).execute(&mut tx).await.unwrap_err();
        // The transaction goes on, or says that it does not; it never commits without a word what is not all.
        match insert(user("b")).execute(&mut tx).await {
            Ok(_) => {
                tx.commit().await.unwrap();
                assert_eq!(emails(&db).await, ["a", "b"]);
            }
            Err(error) => {
                assert_eq!(error.class(), ErrorClass::Poisoned, "{error:?}");
                assert_eq!(tx.commit().await.unwrap_err().class(), ErrorClass::Poisoned);
                assert_eq!(emails(&db).await, [""; 0]);
            }
        }
    }

    async fn isolation_levels(db: Database) {
        create(&db).await;
        insert(user("a")).execute(&*db).await.unwrap();
        for isolation in [Isolation::ReadCommitted, Isolation::RepeatableRead, Isolation::Serializable, Isolation::ReadUncommitted] {
            let mut tx = db.begin_with(TransactionOptions::new().isolation(isolation)).await.unwrap();
            assert_eq!(User::select().count(&mut tx).await.unwrap(), 1);
            tx.commit().await.unwrap();
        }
        if db.server() != Server::Sqlite {
            // What others commit meanwhile is seen, or not.
            for (isolation, seen) in [(Isolation::ReadCommitted, true), (Isolation::RepeatableRead, false)] {
                let mut tx = db.begin_with(TransactionOptions::new().isolation(isolation)).await.unwrap();
                let before = User::select().count(&mut tx).await.unwrap();
                insert(user(&format!("{isolation:?}"))).execute(&*db).await.unwrap();
                assert_eq!(User::select().count(&mut tx).await.unwrap() > before, seen, "{isolation:?}");
                tx.commit().await.unwrap();
            }
        }
        let mut tx = db.begin_with(TransactionOptions::new().read_only()).await.unwrap();
        assert_eq!(insert(user("b")).execute(&mut tx).await.unwrap_err().class(), ErrorClass::ReadOnly);
        drop(tx);
        insert(user("b")).execute(&*db).await.unwrap();
    }

    /// Tasks that all read a number and write the next one: each counts once.
    async fn retries(db: Database) {
        create(&db).await;
        let id = insert(user("0")).returning(User::id).one(&*db).await.unwrap();
        let attempts = AtomicU32::new(0);
        let count = async || {
            db.transaction(|mut tx| {
                attempts.fetch_add(1, Ordering::Relaxed);
                async move {
                    let number: i64 = User::find(&id).one(&mut tx).await?.email.parse().unwrap_or_default();
                    tokio::task::yield_now().await;
                    update::<User>().set(User::email, (number + 1).to_string()).filter(User::id.eq(id)).execute(&mut tx).await?;
                    Ok(number)
                }
            })
            .await
        };
        let mut done = 0;
        for _ in 0..4 {
            let outcomes = tokio::join!(count(), count(), count());
            done += [&outcomes.0, &outcomes.1, &outcomes.2].iter().filter(|outcome| outcome.is_ok()).count();
            for error in [outcomes.0, outcomes.1, outcomes.2].into_iter().filter_map(Result::err) {
                assert!(error.is_retryable() || error.class() == ErrorClass::LockTimeout, "{error:?}");
            }
        }
        assert!(done >= 4, "{done} of 12 have come through in {attempts:?} attempts");
        assert_eq!(emails(&db).await, [done.to_string()]);
        // Other errors are given back at once, and what was done is undone.
        attempts.store(0, Ordering::Relaxed);
        let error = db.transaction(|mut tx| {
            attempts.fetch_add(1, Ordering::Relaxed);
            async move {
                insert(user("x")).execute(&mut tx).await?;
                insert(user("x")).execute(&mut tx).await
            }
        }).await.unwrap_err();
        assert!(error.is_unique_violation(), "{error:?}");
        assert_eq!(attempts.load(Ordering::Relaxed), 1);
        assert_eq!(emails(&db).await.len(), 1);
    }

    /// What the options of a retry say of the transaction holds in a unit of work as well, unless it says more itself.
    async fn retries_begin_as_they_are_told(db: Database) {
        create(&db).await;
        let reading = RetryOptions::new().transaction(TransactionOptions::new().read_only());
        let write = |mut session: Session| async move {
            session.add(user("a"));
            session.commit().await
        };
        let error = db.unit_of_work().retry(reading).run(write).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::ReadOnly, "{error}");
        db.unit_of_work().transaction(TransactionOptions::new()).retry(reading).run(write).await.unwrap();
        assert_eq!(emails(&db).await, ["a"]);
    }

    /// Two that have read the same row before either writes it: one is run again, with a session that knows nothing of before.
    async fn units_of_work_are_run_again(db: Database) {
        create(&db).await;
        insert(user("0")).execute(&*db).await.unwrap();
        let engine = match db.server() {
            // Otherwise the second would not begin before the first has ended.
            Server::Sqlite => Engine::connect(&format!("{}?begin=deferred", db.url)).await.unwrap(),
            _ => (*db).clone(),
        };
        let (attempts, both_have_read) = (AtomicU32::new(0), tokio::sync::Barrier::new(2));
        let count = async || {
            engine.unit_of_work().run(|mut session: Session| {
                let attempt = attempts.fetch_add(1, Ordering::Relaxed);
                let both_have_read = &both_have_read;
                async move {
                    assert!(!session.has_pending());
                    session.add(NewTag { name: format!("attempt {attempt}") });
                    session.set_autoflush(false);
                    let handle = session.one(User::select()).await?;
                    if attempt < 2 {
                        both_have_read.wait().await;
                    }
                    let number: i64 = session[handle].email.parse().unwrap();
                    session[handle].email = (number + 1).to_string();
                    session.commit().await
                }
            }).await
        };
        let (one, two) = tokio::join!(count(), count());
        one.unwrap();
        two.unwrap();
        assert!(attempts.load(Ordering::Relaxed) > 2, "they have not met");
        assert_eq!(emails(&db).await, ["2"]);
        assert_eq!(Tag::select().count(&*db).await.unwrap(), 2, "nothing of a failed attempt is kept");
    }

    async fn units_of_work_are_not_run_for_ever(db: Database) {
        create(&db).await;
        let attempts = AtomicU32::new(0);
        for (class, expected) in [
            (ErrorClass::Serialization, 3),
            (ErrorClass::Deadlock, 3),
            (ErrorClass::Unique, 1),
            (ErrorClass::CommitUnknown, 1),
        ] {
            attempts.store(0, Ordering::Relaxed);
            let retry = RetryOptions::new().attempts(3).backoff(Duration::from_millis(1));
            let error = db.unit_of_work().retry(retry).run(|mut session: Session| {
                attempts.fetch_add(1, Ordering::Relaxed);
                async move {
                    session.add(user("a"));
                    session.flush().await?;
                    session.add(user("b"));
                    Err::<(), _>(Error::new(class, "as the test wants"))
                }
            }).await.unwrap_err();
            assert_eq!((error.class(), attempts.load(Ordering::Relaxed)), (class, expected));
        }
        at_rest(&db).await;
        no_transaction_is_open(&db).await;
        assert_eq!(emails(&db).await, [""; 0]);
    }

    /// In tasks and handlers, whose futures must be `Send`, borrowing what lies around.
    async fn in_tasks_and_handlers(db: Database) {
        create(&db).await;
        let engine: Engine = (*db).clone();
        tokio::spawn(async move {
            let prefix = String::from("task");
            let names = ["one", "two"];
            let (prefix, names) = (&prefix, &names);
            let engine = &engine;
            let written = engine.transaction(|mut tx| async move {
                for name in names {
                    insert(user(&format!("{prefix} {name}"))).execute(&mut tx).await?;
                }
                Ok(names.len())
            }).await.unwrap();
            assert_eq!(written, 2);
            let mut tx = engine.begin().await.unwrap();
            for name in names {
                update::<User>().set(User::name, *name).filter(User::email.eq(format!("{prefix} {name}"))).execute(&mut tx).await.unwrap();
            }
            tx.commit().await.unwrap();
            let mut session = engine.session();
            let handle = session.one(User::select().filter(User::name.eq(names[0]))).await.unwrap();
            session[handle].name = Some(format!("{prefix}!"));
            session.commit().await.unwrap();
        }).await.unwrap();

        async fn handler(axum::extract::State(db): axum::extract::State<Engine>, email: String) -> Result<String, String> {
            let email = &email;
            let count = db.transaction(|mut tx| async move {
                insert(user(email)).execute(&mut tx).await?;
                User::select().count(&mut tx).await
            }).await.map_err(|error| error.to_string())?;
            let mut session = db.session();
            session.add(user(&format!("{email} again")));
            session.commit().await.map_err(|error| error.to_string())?;
            Ok(count.to_string())
        }
        let app: axum::Router = axum::Router::new().route("/", axum::routing::post(handler)).with_state((*db).clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let answer = {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 3\r\n\r\nweb").await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        server.abort();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n3"), "{answer}");
        assert_eq!(emails(&db).await, ["task one", "task two", "web", "web again"]);
    }

    /// A request is dropped at each of its await points in turn: no connection is lost, and no transaction stays open.
    async fn dropped_at_each_await(db: Database) {
        create(&db).await;
        insert_many([user("a"), user("b")]).execute(&*db).await.unwrap();
        let request = async || -> Result<(), Error> {
            let mut tx = db.begin().await?;
            let names = select(User::email).filter(User::email.lt("c")).all(&mut tx).await?;
            insert(user(&format!("c{}", names.len()))).returning(User::entity()).one(&mut tx).await?;
            let mut inner = tx.begin().await?;
            insert_many((0..60).map(|at| user(&format!("d{at}")))).execute(&mut inner).await?;
            inner.commit().await?;
            let mut rows = select((User::id, Tag::id.optional())).left_join_on(Tag::entity(), Tag::id.eq(User::id)).stream(&mut tx);
            while let Some(row) = rows.next().await {
                row?;
            }
            drop(rows);
            update::<User>().set(User::name, "x").execute(&mut tx).await?;
            tx.commit().await?;
            let mut session = db.session();
            session.add(user("e"));
            session.flush().await?;
            session.rollback().await?;
            delete::<User>().filter(User::email.ge("c")).execute(&*db).await?;
            Ok(())
        };
        let mut times = 0;
        loop {
            let outcome = polled(request(), times).await;
            at_rest(&db).await;
            let count = User::select().count(&*db).await.unwrap();
            assert!(count == 2 || count == 63, "{count} rows after {times} polls: a part of a transaction was kept");
            if times % 5 == 0 || outcome.is_some() {
                no_transaction_is_open(&db).await;
            }
            if let Some(outcome) = outcome {
                outcome.unwrap();
                break;
            }
            delete::<User>().filter(User::email.ge("c")).execute(&*db).await.unwrap();
            // The same request comes on: each of its steps is met, but not each of the many polls of a step.
            times += 1 + times / 12;
            assert!(times < 5000, "it never ends");
        }
        assert_eq!(emails(&db).await, ["a", "b"]);
        assert!(db.status().size <= db.status().max_size, "{:?}", db.status());
    }

    /// A unit of several statements brings its own transaction along, and takes it away.
    async fn a_unit_that_is_dropped(db: Database) {
        create(&db).await;
        let mut connection = db.connection().await.unwrap();
        let mut times = 0;
        while times < 400 {
            let unit = insert_many((0..2500).map(|at| user(&format!("{at}"))));
            let outcome = polled(unit.execute(&mut connection), times).await;
            let mut count = User::select().count(&mut connection).await;
            if count.as_ref().is_err_and(Error::is_disconnect) {
                connection = db.connection().await.unwrap();
                count = User::select().count(&mut connection).await;
            }
            assert!(matches!(count, Ok(0 | 2500)), "{count:?} after {times} polls");
            insert(user("after")).execute(&mut connection).await.unwrap();
            delete::<User>().execute(&mut connection).await.unwrap();
            if let Some(outcome) = outcome {
                assert_eq!(outcome.unwrap(), 2500);
                return;
            }
            times += 1 + times / 12;
        }
        panic!("it never ends");
    }

    /// Nobody would commit what the next one writes in it.
    async fn a_transaction_that_was_begun_by_hand(db: Database) {
        create(&db).await;
        for text in ["BEGIN", "BEGIN; INSERT INTO tags (name) VALUES ('t')"] {
            let mut connection = db.connection().await.unwrap();
            sql(text).execute(&mut connection).await.unwrap();
            insert(user("a")).execute(&mut connection).await.unwrap();
            drop(connection);
            at_rest(&db).await;
            no_transaction_is_open(&db).await;
            assert_eq!(emails(&db).await, [""; 0]);
        }
    }

    async fn a_row_that_is_refused_is_not_committed(db: Database) {
        create(&db).await;
        let dialect = db.dialect().clone();
        let (one, all) = (insert(user("a")), User::select());
        let (one, all) = (one.compile(&*dialect).unwrap(), all.compile(&*dialect).unwrap());
        let mut refuse = Refuse;
        let mut jobs = [
            Job::new(&one.sql, &one.binds, Mode::Cached),
            Job::new(&all.sql, &all.binds, Mode::Cached).with_sink(&mut refuse),
        ];
        let error = (&*db).run_atomic(&mut jobs).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Decode, "{error}");
        assert_eq!(emails(&db).await, [""; 0]);
    }

    /// With more rows left than are worth reading: what was done before is there, and it goes on.
    async fn rows_that_nobody_wants(db: Database) {
        create(&db).await;
        insert_many((0..3000).map(|at| NewTag { name: at.to_string() })).execute(&*db).await.unwrap();
        let (dialect, all) = (db.dialect().clone(), Tag::select());
        let all = all.compile(&*dialect).unwrap();
        let mut connection = db.connection().await.unwrap();
        // So many transactions on one connection that they begin by themselves, where they can.
        for round in 0..10 {
            let mut tx = connection.begin().await.unwrap();
            Tag::select().for_each(&mut tx, |_| Ok(ControlFlow::Break(()))).await.unwrap();
            insert(user(&format!("{round} enough"))).execute(&mut tx).await.unwrap();
            let error = Tag::select().one(&mut tx).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::TooManyRows, "{error:?}");
            let error = Tag::select().one_or_none(&mut tx).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::TooManyRows, "{error:?}");
            insert(user(&format!("{round} too many"))).execute(&mut tx).await.unwrap();
            let refused = || Error::new(ErrorClass::Data, "refused");
            let error = Tag::select().for_each(&mut tx, |_| Err(refused())).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Data, "{error:?}");
            insert(user(&format!("{round} refused"))).execute(&mut tx).await.unwrap();
            let mut refuse = Refuse;
            let mut jobs = [Job::new(&all.sql, &all.binds, Mode::Cached).with_sink(&mut refuse)];
            let error = tx.run(&mut jobs).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Decode, "{error:?}");
            insert(user(&format!("{round} not decoded"))).execute(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
        }
        drop(connection);
        assert_eq!(emails(&db).await.len(), 40);
    }

    /// The same by the clock, which hits where the server is in the middle of something.
    async fn rolled_back_after_a_dropped_statement(db: Database) {
        create(&db).await;
        for polls in 1..8 {
            let mut tx = db.begin().await.unwrap();
            insert(user("a")).execute(&mut tx).await.unwrap();
            polled(insert(user("b")).execute(&mut tx), polls).await;
            tx.rollback().await.unwrap();
            at_rest(&db).await;
            assert_eq!(emails(&db).await, [""; 0]);
        }
    }

    /// The server has done what was asked for.
    async fn rolled_back_after_the_connection_was_lost(db: Database) {
        let (session, kill) = match db.server() {
            Server::Sqlite => return,
            Server::Postgres => ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})"),
            Server::MariaDb | Server::MySql => ("SELECT CAST(CONNECTION_ID() AS SIGNED)", "KILL {}"),
        };
        create(&db).await;
        let mut tx = db.begin().await.unwrap();
        insert(user("a")).execute(&mut tx).await.unwrap();
        let own = sql(session).columns::<i64>().one(&mut tx).await.unwrap();
        sql_unchecked(kill.replace("{}", &own.to_string())).execute(&*db).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        tx.rollback().await.unwrap();
        assert_eq!(emails(&db).await, [""; 0]);
    }

    async fn timed_out(db: Database) {
        create(&db).await;
        for micros in (0..3000).step_by(150) {
            let work = async {
                let mut tx = db.begin().await?;
                insert_many((0..40).map(|at| user(&format!("{at}")))).execute(&mut tx).await?;
                delete::<User>().execute(&mut tx).await?;
                tx.commit().await
            };
            if let Ok(done) = tokio::time::timeout(Duration::from_micros(micros), work).await {
                done.unwrap();
            }
        }
        at_rest(&db).await;
        no_transaction_is_open(&db).await;
        assert_eq!(User::select().count(&*db).await.unwrap(), 0);
    }

    /// Half a million rows pass by without being held all at once.
    async fn streaming(db: Database) {
        let numbers = |name: &'static str| {
            recursive(name, select(val(1_i64).label("n")), |numbers| {
                let n = numbers.columns();
                select(n.clone() + 1_i64).from(numbers).filter(n.lt(710))
            })
        };
        let (a, b) = (numbers("a"), numbers("b"));
        let rows = || select((a.columns() * 1000_i64 + b.columns(), val("some text that takes its room".to_owned()))).from(&a).cross_join(&b);
        let (mut count, mut total) = (0_u64, 0_i64);
        let before = resident();
        let mut most = 0;
        let mut stream = rows().stream(&*db);
        while let Some(row) = stream.next().await {
            let (number, _) = row.unwrap();
            count += 1;
            total += number;
            if count % 10_000 == 0 {
                most = most.max(resident().saturating_sub(before));
            }
        }
        drop(stream);
        assert_eq!(count, 710 * 710);
        assert_eq!(total, (1..=710_i64).map(|a| (1..=710).map(|b| a * 1000 + b).sum::<i64>()).sum::<i64>());
        // All rows together would take more than 50 MB; other tests run beside this one.
        assert!(most < 120_000, "{most} kB more while streaming");
        // Left before its end.
        let mut stream = rows().stream(&*db);
        assert!(stream.next().await.unwrap().is_ok());
        drop(stream);
        at_rest(&db).await;
        let mut seen = 0;
        rows().for_each(&*db, |_| {
            seen += 1;
            Ok(if seen < 300 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        }).await.unwrap();
        assert_eq!(seen, 300);
        at_rest(&db).await;
        assert_eq!(select(val(1)).one(&*db).await.unwrap(), 1);
    }

    async fn the_pool(db: Database) {
        create(&db).await;
        let url = match db.server() {
            Server::Sqlite => format!("{}?pool_size=2", db.url),
            _ => db.url.replace("pool_size=6", "pool_size=2"),
        };
        let small = Engine::connect(&format!("{url}&wait_timeout=100ms")).await.unwrap();
        let (one, two) = (small.connection().await.unwrap(), small.connection().await.unwrap());
        let error = User::select().all(&small).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::PoolTimeout, "{error:?}");
        assert!(error.to_string().contains("100ms") && error.to_string().contains('2'), "{error}");
        drop(one);
        assert_eq!(User::select().count(&small).await.unwrap(), 0);
        drop(two);
        // Many more tasks than connections.
        let small = Arc::new(small);
        let tasks: Vec<_> = (0..40).map(|at| {
            let small = small.clone();
            tokio::spawn(async move {
                for _ in 0..3 {
                    match select(val(at)).one(&*small).await {
                        Ok(value) => assert_eq!(value, at),
                        Err(error) => assert_eq!(error.class(), ErrorClass::PoolTimeout, "{error:?}"),
                    }
                }
            })
        }).collect();
        for task in tasks {
            task.await.unwrap();
        }
        at_rest(&small).await;
        assert!(small.status().size <= 2, "{:?}", small.status());
        small.close().await.unwrap();
        assert_eq!(User::select().all(&*small).await.unwrap_err().class(), ErrorClass::PoolClosed);
        assert_eq!(small.begin().await.unwrap_err().class(), ErrorClass::PoolClosed);
        assert_eq!(small.status().size, 0);
    }
}

/// The memory of this process, in kB; 0 where the system does not tell.
fn resident() -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return 0 };
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)).and_then(|size| size.parse().ok()).unwrap_or(0)
}
