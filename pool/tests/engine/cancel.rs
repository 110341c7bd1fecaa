//! Futures dropped at each of their await points.

use std::{future::poll_fn, pin::pin, task::Poll};

use relata_core::{
    Result,
    entity::Entity,
    statement::{insert, insert_many, select},
};
use relata_pool::{Engine, Execute, Fetch};

use crate::support::*;

/// Polls a future `polls` times, then drops it. `true` if it came to its end before.
async fn polled<T>(future: impl Future<Output = T>, polls: usize) -> bool {
    let mut future = pin!(future);
    for _ in 0..polls {
        let ended = poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await;
        if ended {
            return true;
        }
        // Lets others, such as timers and cleaners, go on.
        tokio::task::yield_now().await;
    }
    false
}

/// Drops a request at each of its await points in turn. After each, the pool has all its connections, no transaction is
/// open, and the next statement works.
async fn dropped_everywhere<'d, F, U>(db: &'d Database, request: F)
where
    F: Fn(&'d Engine, usize) -> U,
    U: Future<Output = Result<()>> + 'd,
{
    let mut points = 0;
    for polls in 0.. {
        let ended = polled(request(&db.engine, polls), polls).await;
        settled(db).await;
        let status = db.engine.status();
        assert_eq!((status.in_use, status.waiting), (0, 0), "after {polls} polls");
        // All connections are taken, each can write: no lock is left, no transaction open.
        let mut one = db.engine.connection().await.unwrap();
        let mut two = db.engine.connection().await.unwrap();
        for connection in [&mut one, &mut two] {
            let mut tx = connection.begin().await.unwrap();
            insert(new("probe@x")).execute(&mut tx).await.unwrap_or_else(|e| panic!("{polls} polls: {e}"));
            tx.rollback().await.unwrap();
        }
        if ended {
            break;
        }
        points += 1;
    }
    assert!(points >= 2, "there were only {points} await points");
}

#[tokio::test]
async fn a_statement() {
    let db = database().await;
    dropped_everywhere(&db, async |engine, n| insert(new(&format!("{n}@x"))).execute(engine).await.map(drop))
        .await;
}

#[tokio::test]
async fn a_transaction() {
    let db = database().await;
    dropped_everywhere(&db, async |engine, n| {
        let mut tx = engine.begin().await?;
        insert(new(&format!("{n}-1@x"))).execute(&mut tx).await?;
        let mut inner = tx.begin().await?;
        insert(new(&format!("{n}-2@x"))).execute(&mut inner).await?;
        inner.rollback().await?;
        insert(new(&format!("{n}-3@x"))).execute(&mut tx).await?;
        tx.commit().await
    })
    .await;
    // All or nothing: wherever one row of a transaction is, so is the other.
    let rows = emails(&db).await;
    assert_eq!(rows.iter().filter(|row| row.contains("-2")).count(), 0);
    let first = rows.iter().filter(|row| row.contains("-1")).count();
    assert_eq!(first, rows.iter().filter(|row| row.contains("-3")).count());
}

#[tokio::test]
async fn a_unit_of_work() {
    let db = database().await;
    dropped_everywhere(&db, async |engine, n| {
        engine
            .transaction(|mut tx| async move {
                insert(new(&format!("{n}-1@x"))).execute(&mut tx).await?;
                insert(new(&format!("{n}-2@x"))).execute(&mut tx).await.map(drop)
            })
            .await
    })
    .await;
    assert_eq!(emails(&db).await.len() % 2, 0);
}

#[tokio::test]
async fn a_batch() {
    let db = database_with(options(), Behaviour { batch: 2, ..Behaviour::default() }).await;
    dropped_everywhere(&db, async |engine, n| {
        let rows = (0..5).map(|row| new(&format!("{n}-{row}@x")));
        insert_many(rows).returning(User::id).all(engine).await.map(drop)
    })
    .await;
    assert_eq!(emails(&db).await.len() % 5, 0);
}

#[tokio::test]
async fn a_batch_without_returning() {
    let db = database_with(options(), Behaviour { batch: 2, returning: false, aborts: false }).await;
    dropped_everywhere(&db, async |engine, n| {
        let rows = (0..5).map(|row| new(&format!("{n}-{row}@x")));
        insert_many(rows).returning(User::id).all(engine).await.map(drop)
    })
    .await;
    assert_eq!(emails(&db).await.len() % 5, 0);
}

#[tokio::test]
async fn a_stream() {
    let db = database().await;
    insert_many((0..600).map(|n| new(&format!("{n}@x")))).execute(&db.engine).await.unwrap();
    dropped_everywhere(&db, async |engine, _| {
        let mut rows = User::select().stream(engine);
        while let Some(row) = rows.next().await {
            row?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn on_a_connection_of_ones_own() {
    let db = database().await;
    for polls in 1..6 {
        let mut connection = db.engine.connection().await.unwrap();
        let mut tx = connection.begin().await.unwrap();
        let ended = polled(insert(new("a@x")).execute(&mut tx), polls).await;
        if !ended {
            // Nobody knows whether it has happened.
            let next = select(User::id).all(&mut tx).await.unwrap_err();
            assert_eq!(next.class(), relata_core::ErrorClass::Poisoned);
        }
        drop(tx);
        assert_eq!(select(User::id).all(&mut connection).await.unwrap(), [0; 0]);
    }
    assert!(db.server.resets.load(std::sync::atomic::Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn explicit_rollback_after_a_dropped_statement() {
    let db = database().await;
    let mut tx = db.engine.begin().await.unwrap();
    insert(new("a@x")).execute(&mut tx).await.unwrap();
    assert!(!polled(insert(new("b@x")).execute(&mut tx), 1).await);
    let error = tx.commit().await.unwrap_err();
    assert_eq!(error.class(), relata_core::ErrorClass::Poisoned);
    assert_eq!(emails(&db).await, [""; 0]);
}
