//! Transactions and savepoints.

use relata_core::{
    ErrorClass, Result,
    driver::{Job, Mode},
    entity::Entity,
    statement::{insert, insert_many, sql},
    transaction::{Isolation, TransactionOptions},
};
use relata_pool::{Execute, Executor, FetchSelect};

use crate::support::*;

fn aborting() -> Behaviour {
    Behaviour { aborts: true, ..Behaviour::default() }
}

#[tokio::test]
async fn begin_travels_with_the_first_statement() -> Result<()> {
    let db = database().await;
    let mut tx = db.engine.begin().await?;
    insert(new("a@x")).execute(&mut tx).await?;
    insert(new("b@x")).execute(&mut tx).await?;
    tx.commit().await?;
    assert_eq!(db.server.trips(), ["BEGIN IMMEDIATE; INSERT INTO", "INSERT INTO", "COMMIT"]);
    assert_eq!(emails(&db).await, ["a@x", "b@x"]);
    Ok(())
}

#[tokio::test]
async fn without_statements_nothing_is_sent() -> Result<()> {
    let db = database().await;
    db.engine.begin().await?.commit().await?;
    db.engine.begin().await?.rollback().await?;
    drop(db.engine.begin().await?);
    let mut tx = db.engine.begin().await?;
    tx.begin().await?.commit().await?;
    drop(tx.begin().await?);
    tx.commit().await?;
    assert_eq!(db.server.trips(), [""; 0]);
    assert_eq!(db.engine.status().idle, 1);
    Ok(())
}

#[tokio::test]
async fn rolled_back_and_dropped() -> Result<()> {
    let db = database().await;
    let mut tx = db.engine.begin().await?;
    insert(new("a@x")).execute(&mut tx).await?;
    tx.rollback().await?;

    let mut tx = db.engine.begin().await?;
    insert(new("b@x")).execute(&mut tx).await?;
    drop(tx);
    settled(&db).await;
    assert_eq!(emails(&db).await, [""; 0]);
    assert_eq!(db.engine.status().size, 1, "the connection was kept");
    Ok(())
}

#[tokio::test]
async fn on_a_connection_of_ones_own() -> Result<()> {
    let db = database().await;
    let mut connection = db.engine.connection().await?;
    let mut tx = connection.begin().await?;
    insert(new("a@x")).execute(&mut tx).await?;
    drop(tx);
    db.server.trips();
    insert(new("b@x")).execute(&mut connection).await?;
    assert_eq!(db.server.trips(), ["ROLLBACK; INSERT INTO"]);

    let mut tx = connection.begin().await?;
    insert(new("c@x")).execute(&mut tx).await?;
    drop(tx);
    let mut tx = connection.begin().await?;
    insert(new("d@x")).execute(&mut tx).await?;
    tx.commit().await?;
    drop(connection);
    assert_eq!(emails(&db).await, ["b@x", "d@x"]);
    Ok(())
}

#[tokio::test]
async fn savepoints_nest() -> Result<()> {
    let db = database().await;
    let mut tx = db.engine.begin().await?;
    insert(new("a@x")).execute(&mut tx).await?;
    {
        let mut inner = tx.begin().await?;
        insert(new("b@x")).execute(&mut inner).await?;
        {
            let mut innermost = inner.begin().await?;
            insert(new("c@x")).execute(&mut innermost).await?;
            // Dropped.
        }
        insert(new("d@x")).execute(&mut inner).await?;
        inner.commit().await?;
    }
    let mut inner = tx.begin().await?;
    insert(new("e@x")).execute(&mut inner).await?;
    inner.rollback().await?;
    tx.commit().await?;
    assert_eq!(
        db.server.trips(),
        [
            "BEGIN IMMEDIATE; INSERT INTO",
            "SAVEPOINT relata_1; INSERT INTO",
            "SAVEPOINT relata_2; INSERT INTO",
            "ROLLBACK TO; RELEASE SAVEPOINT; INSERT INTO",
            "RELEASE SAVEPOINT; SAVEPOINT relata_1; INSERT INTO",
            "ROLLBACK TO; RELEASE SAVEPOINT",
            "COMMIT",
        ]
    );
    assert_eq!(emails(&db).await, ["a@x", "b@x", "d@x"]);
    Ok(())
}

#[tokio::test]
async fn rolling_back_the_outer_one_undoes_what_the_inner_committed() -> Result<()> {
    let db = database().await;
    let mut tx = db.engine.begin().await?;
    let mut inner = tx.begin().await?;
    insert(new("a@x")).execute(&mut inner).await?;
    inner.commit().await?;
    tx.rollback().await?;
    assert_eq!(emails(&db).await, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn commit_with_the_last_statements() -> Result<()> {
    let db = database().await;
    let tx = db.engine.begin().await?;
    let text = "INSERT INTO users (email) VALUES ('a@x')";
    tx.commit_with(&mut [Job::new(text, &[], Mode::Cached)]).await?;
    assert_eq!(db.server.trips(), ["BEGIN IMMEDIATE; INSERT INTO; COMMIT"]);

    let mut tx = db.engine.begin().await?;
    insert(new("b@x")).execute(&mut tx).await?;
    let error = tx.commit_with(&mut [Job::new(text, &[], Mode::Cached)]).await.unwrap_err();
    assert!(error.is_unique_violation());
    assert_eq!(emails(&db).await, ["a@x"]);
    assert_eq!(db.engine.status().idle, 1);
    Ok(())
}

#[tokio::test]
async fn a_failed_statement_leaves_the_rest_where_the_database_does() -> Result<()> {
    let db = database().await;
    let mut tx = db.engine.begin().await?;
    insert(new("a@x")).execute(&mut tx).await?;
    assert!(insert(new("a@x")).execute(&mut tx).await.unwrap_err().is_unique_violation());
    insert(new("b@x")).execute(&mut tx).await?;
    tx.commit().await?;
    assert_eq!(emails(&db).await, ["a@x", "b@x"]);
    Ok(())
}

#[tokio::test]
async fn a_failed_statement_aborts_where_the_database_does() -> Result<()> {
    let db = database_with(options(), aborting()).await;
    let mut tx = db.engine.begin().await?;
    insert(new("a@x")).execute(&mut tx).await?;
    insert(new("a@x")).execute(&mut tx).await.unwrap_err();
    let next = insert(new("b@x")).execute(&mut tx).await.unwrap_err();
    assert_eq!(next.class(), ErrorClass::Poisoned);
    assert_eq!(tx.commit().await.unwrap_err().class(), ErrorClass::Poisoned);
    assert_eq!(emails(&db).await, [""; 0], "not committed, and no word of it");

    // A savepoint keeps the rest.
    let mut tx = db.engine.begin().await?;
    insert(new("a@x")).execute(&mut tx).await?;
    let mut inner = tx.begin().await?;
    insert(new("a@x")).execute(&mut inner).await.unwrap_err();
    inner.rollback().await?;
    let mut inner = tx.begin().await?;
    insert(new("a@x")).execute(&mut inner).await.unwrap_err();
    drop(inner);
    let mut inner = tx.begin().await?;
    insert(new("a@x")).execute(&mut inner).await.unwrap_err();
    assert_eq!(inner.commit().await.unwrap_err().class(), ErrorClass::Poisoned);
    insert(new("b@x")).execute(&mut tx).await?;
    tx.commit().await?;
    assert_eq!(emails(&db).await, ["a@x", "b@x"]);
    Ok(())
}

#[tokio::test]
async fn a_list_of_several_statements_has_a_savepoint() -> Result<()> {
    let db = database_with(options(), Behaviour { batch: 2, ..Behaviour::default() }).await;
    let list = |emails: [&str; 3]| insert_many(emails.map(new));
    let mut tx = db.engine.begin().await?;
    list(["a@x", "b@x", "c@x"]).execute(&mut tx).await?;
    assert!(list(["d@x", "e@x", "a@x"]).execute(&mut tx).await.unwrap_err().is_unique_violation());
    insert_many([new("f@x"), new("g@x")]).execute(&mut tx).await?;
    list(["h@x", "i@x", "j@x"]).execute(&mut tx.as_unit()).await?;
    list(["k@x", "l@x", "m@x"]).execute(&mut tx).await?;
    tx.commit().await?;
    assert_eq!(
        db.server.trips(),
        [
            "BEGIN IMMEDIATE; SAVEPOINT relata_1; INSERT INTO; INSERT INTO",
            "RELEASE SAVEPOINT; SAVEPOINT relata_1; INSERT INTO; INSERT INTO",
            "ROLLBACK TO; RELEASE SAVEPOINT; INSERT INTO",
            "INSERT INTO; INSERT INTO",
            "SAVEPOINT relata_1; INSERT INTO; INSERT INTO",
            "COMMIT",
        ]
    );
    let expected = ["a@x", "b@x", "c@x", "f@x", "g@x", "h@x", "i@x", "j@x", "k@x", "l@x", "m@x"];
    assert_eq!(emails(&db).await, expected);
    Ok(())
}

#[tokio::test]
async fn a_deadlock_ends_all_of_it() -> Result<()> {
    let db = database().await;
    let mut tx = db.engine.begin().await?;
    insert(new("a@x")).execute(&mut tx).await?;
    let mut inner = tx.begin().await?;
    db.server.fault("INSERT", 1, Fault::Error(ErrorClass::Deadlock));
    assert!(insert(new("b@x")).execute(&mut inner).await.unwrap_err().is_retryable());
    drop(inner);
    let next = insert(new("c@x")).execute(&mut tx).await.unwrap_err();
    assert_eq!(next.class(), ErrorClass::Poisoned, "it would run outside of any transaction");
    tx.rollback().await?;
    assert_eq!(emails(&db).await, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn begin_that_fails_can_be_tried_again() -> Result<()> {
    let db = database().await;
    let mut tx = db.engine.begin().await?;
    db.server.fault("BEGIN", 1, Fault::Error(ErrorClass::LockTimeout));
    let error = insert(new("a@x")).execute(&mut tx).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::LockTimeout);
    insert(new("a@x")).execute(&mut tx).await?;
    tx.rollback().await?;
    assert_eq!(emails(&db).await, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_to_commit_is_said_so() -> Result<()> {
    let db = database().await;
    let mut tx = db.engine.begin().await?;
    insert(new("a@x")).execute(&mut tx).await?;
    db.server.fault("COMMIT", 1, Fault::LostAfter);
    let error = tx.commit().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::CommitUnknown);
    assert!(!error.is_retryable());
    assert_eq!(emails(&db).await, ["a@x"], "here it had happened");

    // A break before COMMIT was sent is certain.
    let mut tx = db.engine.begin().await?;
    db.server.fault("INSERT", 1, Fault::LostBefore);
    let error = insert(new("b@x")).execute(&mut tx).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Disconnected);
    let error = tx.commit().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Disconnected);
    assert_eq!(emails(&db).await, ["a@x"]);

    // So is one that is known by then.
    for statements in [false, true] {
        let mut tx = db.engine.begin().await?;
        db.server.fault("INSERT", 1, Fault::ClosedAfter);
        insert(new("c@x")).execute(&mut tx).await?;
        let mut jobs = if statements { vec![Job::text("DELETE FROM users")] } else { vec![] };
        let error = tx.commit_with(&mut jobs).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Disconnected);
        assert_eq!(emails(&db).await, ["a@x"]);
    }
    Ok(())
}

#[tokio::test]
async fn a_unit_of_several_inserts_may_be_unknown_as_well() -> Result<()> {
    let db = database_with(options(), Behaviour { batch: 2, ..Behaviour::default() }).await;
    let rows = || insert_many((0..5).map(|n| new(&format!("{n}@x"))));
    db.server.fault("COMMIT", 1, Fault::LostAfter);
    assert_eq!(rows().execute(&db.engine).await.unwrap_err().class(), ErrorClass::CommitUnknown);
    sql("DELETE FROM users").execute(&db.engine).await?;
    // COMMIT had not been sent.
    db.server.fault("INSERT", 1, Fault::LostAfter);
    assert_eq!(rows().execute(&db.engine).await.unwrap_err().class(), ErrorClass::Disconnected);
    assert_eq!(emails(&db).await, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_savepoint_whose_last_statements_fail_is_rolled_back() -> Result<()> {
    let db = database().await;
    let mut tx = db.engine.begin().await?;
    insert(new("a@x")).execute(&mut tx).await?;
    let mut inner = tx.begin().await?;
    insert(new("b@x")).execute(&mut inner).await?;
    let again = "INSERT INTO users (email) VALUES ('a@x')";
    let error = inner.commit_with(&mut [Job::new(again, &[], Mode::Cached)]).await.unwrap_err();
    assert!(error.is_unique_violation());
    tx.commit().await?;
    assert_eq!(emails(&db).await, ["a@x"]);
    Ok(())
}

#[tokio::test]
async fn isolation_is_the_dialects() -> Result<()> {
    let db = database().await;
    db.engine.begin_with(TransactionOptions::new().isolation(Isolation::Serializable)).await?;
    let other = TransactionOptions::new().isolation(Isolation::ReadCommitted);
    assert_eq!(db.engine.begin_with(other).await.unwrap_err().class(), ErrorClass::Compile);
    Ok(())
}

#[tokio::test]
async fn any_executor_will_do() -> Result<()> {
    async fn add(db: &mut dyn Executor, email: &str) -> Result<i64> {
        insert(new(email)).execute(&mut *db).await?;
        User::select().count(db).await
    }
    let db = database().await;
    assert_eq!(add(&mut &db.engine, "a@x").await?, 1);
    let mut tx = db.engine.begin().await?;
    assert_eq!(add(&mut tx, "b@x").await?, 2);
    let mut joined = tx.join().await?;
    assert_eq!(add(&mut joined, "c@x").await?, 3);
    joined.commit().await?;
    drop(tx);
    settled(&db).await;
    assert_eq!(emails(&db).await, ["a@x"]);

    let mut engine = &db.engine;
    let mut own = engine.join().await?;
    assert_eq!(add(&mut own, "d@x").await?, 2);
    own.commit().await?;
    assert_eq!(emails(&db).await, ["a@x", "d@x"]);
    assert_eq!(sql("DELETE FROM users").execute(&db.engine).await?, 2);
    Ok(())
}
