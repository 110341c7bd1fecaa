//! Thousands of rows in one INSERT: the same as a few, whichever way the database takes.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use relata::{prelude::*, statement::Insert, transaction::AfterError};
use relata_tests::{Database, Server, on_every_database, polled};

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "bulk \"readings\"")]
struct Reading {
    #[column(primary_key)]
    id: i64,
    #[column(unique)]
    number: i32,
    #[column(name = "a`no\"te")]
    note: Option<String>,
    #[column(default = 7)]
    weight: i64,
}

/// Another table.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "others")]
struct Other {
    #[column(primary_key)]
    id: i64,
    weight: i64,
}

/// What not every database can hold.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "measures")]
struct Measure {
    #[column(primary_key)]
    id: i64,
    value: f64,
}

/// What refers to another table.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "entries")]
struct Entry {
    #[column(primary_key)]
    id: i64,
    #[column(unique)]
    number: i32,
    #[column(references = Other::id)]
    other_id: i64,
}

/// The ways of a list. Each gives the error of a row that refers to nothing.
#[derive(Debug, Clone, Copy)]
enum List {
    Plain,
    Returning,
    Upsert,
    UpsertReturning,
}

impl List {
    const ALL: [List; 4] = [List::Plain, List::Returning, List::Upsert, List::UpsertReturning];

    async fn fail(self, rows: i32, db: &mut dyn Executor) -> Error {
        let bad = rows - 10;
        let entry = |number| NewEntry { number, other_id: if number == bad { -1 } else { 1 }.into() };
        let list = insert_many((0..rows).map(entry));
        let upsert =
            |list: Insert| list.on_conflict(Entry::number).do_update(|set| set.take(Entry::other_id));
        let error = match self {
            List::Plain => list.execute(db).await.map(drop),
            List::Returning => list.returning(Entry::id).all(db).await.map(drop),
            List::Upsert => upsert(list).execute(db).await.map(drop),
            List::UpsertReturning => upsert(list).returning(Entry::id).all(db).await.map(drop),
        };
        error.unwrap_err()
    }
}

/// Whether a transaction goes on after an error; if so, nothing of the list is in it.
async fn goes_on(error: &Error, db: &mut dyn Executor) -> bool {
    assert_eq!(error.class(), ErrorClass::ForeignKey, "{error}");
    if db.dialect().after_error(error.class()) == AfterError::Open {
        assert_eq!(Entry::select().count(&mut *db).await.unwrap(), 0);
        return true;
    }
    let error = Entry::select().count(db).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Poisoned, "{error}");
    false
}

/// More than are compiled at once, on every database, and no whole number of batches.
const ROWS: i32 = 11_530;

fn reading(number: i32) -> NewReading {
    NewReading { number, note: (number % 3 > 0).then(|| format!("note {number}")), weight: None }
}

fn readings() -> Vec<NewReading> {
    (0..ROWS).map(reading).collect()
}

async fn create(db: &Database) {
    Schema::new().with::<Reading>().create(&**db).await.unwrap();
}

async fn count(db: impl Executor) -> i64 {
    Reading::select().count(db).await.unwrap()
}

/// The statements that insert, without what only asks.
fn inserting(recorder: &Recorder) -> Vec<String> {
    recorder.sql().into_iter().filter(|sql| sql.starts_with("COPY") || sql.starts_with("INSERT")).collect()
}

on_every_database! {
    async fn all_rows_are_there(db: Database) {
        create(&db).await;
        let recorder = db.record();
        assert_eq!(insert_many(readings()).execute(&*db).await.unwrap(), ROWS as u64);
        if db.server() == Server::Postgres {
            let expected = r#"COPY "bulk ""readings""" ("number", "a`no""te") FROM STDIN (FORMAT binary)"#;
            assert_eq!(inserting(&recorder), [expected]);
        }
        let rows = Reading::select().order_by(Reading::number).all(&*db).await.unwrap();
        assert_eq!(rows.len(), ROWS as usize);
        for (row, number) in rows.iter().zip(0..) {
            let expected = reading(number);
            assert_eq!((row.number, &row.note, row.weight), (number, &expected.note, 7));
        }
        // The generated keys go on behind them.
        let next = insert(reading(ROWS)).returning(Reading::id).one(&*db).await.unwrap();
        assert!(rows.iter().all(|row| row.id < next));
    }

    async fn rows_leave_out_what_they_like(db: Database) {
        create(&db).await;
        let weight = |number: i32| (number % 7 > 2).then(|| i64::from(number));
        let rows = (0..700).map(|number| NewReading { weight: weight(number), ..reading(number) });
        assert_eq!(insert_many(rows).execute(&*db).await.unwrap(), 700);
        let rows = Reading::select().order_by(Reading::number).all(&*db).await.unwrap();
        assert_eq!(rows.len(), 700);
        for (row, number) in rows.into_iter().zip(0..) {
            let expected = (number, reading(number).note, weight(number).unwrap_or(7));
            assert_eq!((row.number, row.note, row.weight), expected);
        }
    }

    async fn one_bad_row_and_none_is_there(db: Database) {
        create(&db).await;
        let mut twice = readings();
        twice[ROWS as usize - 1].number = 17;
        let error = insert_many(twice).execute(&*db).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Unique, "{error}");
        assert!(error.statement().is_some());
        assert_eq!(count(&*db).await, 0);

        // Only PostgreSQL and SQLite have a limit for text: no NUL.
        let mut nul = readings();
        nul[4_000].note = Some("a\0b".into());
        match insert_many(nul).execute(&*db).await {
            Ok(rows) => assert_eq!(rows, ROWS as u64),
            Err(error) => {
                assert_eq!(error.class(), ErrorClass::Data, "{error}");
                assert!(error.to_string().contains("NUL"), "{error}");
                assert_eq!(count(&*db).await, 0);
            }
        }
    }

    /// It is found while the statement before its own runs.
    async fn a_value_that_cannot_be_sent_and_none_is_there(db: Database) {
        Schema::new().with::<Measure>().create(&*db).await.unwrap();
        let bad = ROWS - 2_345;
        let values = (0..ROWS).map(|at| NewMeasure { value: if at == bad { f64::NAN } else { f64::from(at) } });
        let done = insert_many(values).execute(&*db).await;
        if db.server() == Server::Postgres {
            assert_eq!(done.unwrap(), ROWS as u64);
            return;
        }
        let error = done.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Data, "{error}");
        assert!(error.statement().is_some_and(|sql| sql.starts_with("INSERT")), "{error}");
        assert_eq!(Measure::select().count(&*db).await.unwrap(), 0);
        insert(NewMeasure { value: 1.0 }).execute(&*db).await.unwrap();
        assert_eq!(Measure::select().count(&*db).await.unwrap(), 1);
    }

    async fn what_cannot_be_is_refused_whatever_the_way(db: Database) {
        create(&db).await;
        let upsert = insert_many(readings()).on_conflict(Reading::number).do_update(|row| row.set(Other::weight, 1));
        let error = upsert.execute(&*db).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Compile, "{error}");
        assert_eq!(count(&*db).await, 0);
    }

    async fn in_a_transaction_they_come_and_go_with_it(db: Database) {
        create(&db).await;
        let mut tx = db.begin().await.unwrap();
        insert_many(readings()).execute(&mut tx).await.unwrap();
        assert_eq!(count(&mut tx).await, i64::from(ROWS));
        tx.rollback().await.unwrap();
        assert_eq!(count(&*db).await, 0);

        let mut tx = db.begin().await.unwrap();
        insert(reading(-1)).execute(&mut tx).await.unwrap();
        let mut inner = tx.begin().await.unwrap();
        let mut twice = readings();
        twice[4_000].number = 3;
        assert_eq!(insert_many(twice).execute(&mut inner).await.unwrap_err().class(), ErrorClass::Unique);
        inner.rollback().await.unwrap();
        insert_many(readings()).execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(count(&*db).await, i64::from(ROWS) + 1);
    }

    async fn a_list_that_fails_in_a_transaction_leaves_the_rest_of_it(db: Database) {
        Schema::new().with::<Other>().with::<Entry>().create(&*db).await.unwrap();
        insert(NewOther { weight: 0 }).execute(&*db).await.unwrap();
        let mut others = 1;
        for rows in [300, 3_000, ROWS] {
            for list in List::ALL {
                let mut tx = db.begin().await.unwrap();
                insert(NewOther { weight: 1 }).execute(&mut tx).await.unwrap();
                let error = list.fail(rows, &mut tx).await;
                if goes_on(&error, &mut tx).await {
                    insert(NewOther { weight: 2 }).execute(&mut tx).await.unwrap();
                    tx.commit().await.unwrap();
                    others += 2;
                } else {
                    assert_eq!(tx.commit().await.unwrap_err().class(), ErrorClass::Poisoned);
                }
                assert_eq!(Other::select().count(&*db).await.unwrap(), others, "{list:?} of {rows}");
                assert_eq!(Entry::select().count(&*db).await.unwrap(), 0, "{list:?} of {rows}");
            }
        }
    }

    async fn a_list_that_fails_in_a_session_leaves_the_rest_of_it(db: Database) {
        Schema::new().with::<Other>().with::<Entry>().create(&*db).await.unwrap();
        insert(NewOther { weight: 0 }).execute(&*db).await.unwrap();
        let mut others = 1;
        for list in List::ALL {
            let mut session = db.session();
            session.add(NewOther { weight: 1 });
            let error = list.fail(3_000, &mut session).await;
            if goes_on(&error, &mut session).await {
                let error = list.fail(ROWS, &mut session.unflushed()).await;
                assert!(goes_on(&error, &mut session).await);
                session.add(NewOther { weight: 2 });
                session.commit().await.unwrap();
                others += 2;
            } else {
                assert_eq!(session.commit().await.unwrap_err().class(), ErrorClass::Poisoned);
            }

            let db: &Engine = &db;
            let committed = db.unit_of_work().run(|mut session| async move {
                session.add(NewOther { weight: 3 });
                let error = list.fail(3_000, &mut session).await;
                goes_on(&error, &mut session).await;
                session.commit().await
            });
            others += i64::from(committed.await.is_ok());
            let committed = db.transaction(|mut tx| async move {
                insert(NewOther { weight: 4 }).execute(&mut tx).await?;
                let error = list.fail(3_000, &mut tx).await;
                goes_on(&error, &mut tx).await;
                Ok(())
            });
            others += i64::from(committed.await.is_ok());
            assert_eq!(Other::select().count(db).await.unwrap(), others, "{list:?}");
            assert_eq!(Entry::select().count(db).await.unwrap(), 0, "{list:?}");
        }
        let goes_on = db.dialect().after_error(ErrorClass::ForeignKey) == AfterError::Open;
        assert_eq!(others, if goes_on { 17 } else { 1 });
    }

    async fn a_list_that_nobody_waits_for_in_a_transaction(db: Database) {
        create(&db).await;
        for polls in 0..12 {
            let mut tx = db.begin().await.unwrap();
            insert(reading(-1)).execute(&mut tx).await.unwrap();
            let list = insert_many(readings()).returning(Reading::id);
            let done = polled(list.all(&mut tx), polls + 1).await.is_some();
            let committed = tx.commit().await;
            let rows = loop {
                match delete::<Reading>().execute(&*db).await {
                    Ok(rows) => break rows,
                    Err(error) => assert!(error.is_retryable(), "{error}"),
                }
            };
            let whole = ROWS as u64 + 1;
            match committed {
                Ok(()) => assert!(rows == whole || (rows == 1 && !done), "{rows} rows after {polls} polls"),
                Err(error) => assert_eq!((error.class(), rows), (ErrorClass::Poisoned, 0), "{error}"),
            }
        }
    }

    async fn a_bulk_insert_that_nobody_waits_for_leaves_nothing(db: Database) {
        create(&db).await;
        for polls in 0..12 {
            let done = polled(insert_many(readings()).execute(&*db), polls + 1).await.is_some();
            // What was begun is over, one way or the other, before somebody else may write.
            let rows = loop {
                match delete::<Reading>().execute(&*db).await {
                    Ok(rows) => break rows,
                    Err(error) => assert!(error.is_retryable(), "{error}"),
                }
            };
            assert!(rows == 0 || rows == ROWS as u64, "{rows} rows after {polls} polls");
            assert!(!done || rows == ROWS as u64);
        }
    }

    async fn where_copy_would_do_something_else_it_is_an_insert(db: Database) {
        if db.server() != Server::Postgres {
            return;
        }
        let table = r#""bulk ""readings""""#;
        let run = async |text: String| relata::statement::sql_unchecked(text).execute(&*db).await.unwrap();
        // For each: what makes the table, and what unmakes it.
        for (makes, unmakes) in [
            // INSERT converts a BIGINT to a NUMERIC.
            (vec![format!("ALTER TABLE {table} ALTER weight TYPE NUMERIC")], "TABLE"),
            (vec![format!("ALTER TABLE {table} ADD more INT GENERATED ALWAYS AS IDENTITY")], "TABLE"),
            (
                vec![
                    "CREATE TABLE log (number INT)".to_owned(),
                    format!("CREATE RULE logged AS ON INSERT TO {table} DO ALSO INSERT INTO log VALUES (NEW.number)"),
                ],
                "TABLE",
            ),
            (
                vec![
                    format!("ALTER TABLE {table} RENAME TO hidden"),
                    format!("CREATE VIEW {table} AS SELECT * FROM hidden"),
                ],
                "VIEW",
            ),
        ] {
            create(&db).await;
            for text in makes {
                run(text).await;
            }
            let recorder = db.record();
            let new = (0..ROWS).map(|number| NewReading { weight: Some(3), ..reading(number) });
            assert_eq!(insert_many(new).execute(&*db).await.unwrap(), ROWS as u64);
            assert!(inserting(&recorder).iter().all(|sql| sql.starts_with("INSERT")), "{unmakes}");
            assert_eq!(select(Reading::number).all(&*db).await.unwrap().len(), ROWS as usize);
            run(format!("DROP {unmakes} {table} CASCADE")).await;
        }
        // A table that is not there is missed by the INSERT.
        let error = insert_many(readings()).execute(&*db).await.unwrap_err();
        assert_eq!((error.class(), error.code()), (ErrorClass::Statement, Some("42P01")), "{error}");
    }
}
