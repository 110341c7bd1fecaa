//! What was committed is there, and nothing else: many operations in a random order, beside a set that says what must be found.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use relata::prelude::*;
use relata_tests::{Dice, on_every_database, polled};

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "model_rows")]
struct Item {
    #[column(primary_key, generated = false)]
    id: i64,
    name: String,
}

fn item(id: i64) -> NewItem {
    NewItem { id, name: format!("item {id}") }
}

/// Inserts rows in a transaction that is open.
async fn add(tx: &mut Transaction<'_>, ids: &[i64]) -> relata::Result<()> {
    for id in ids {
        insert(item(*id)).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Inserts rows in a transaction.
async fn commit(db: &Engine, ids: &[i64]) -> relata::Result<()> {
    let mut tx = db.begin().await?;
    add(&mut tx, ids).await?;
    tx.commit().await
}

/// Runs the operation of a number. Whether the rows must be there now; `None` if nobody can know.
async fn perform(db: &Engine, operation: usize, ids: &[i64], dice: &mut Dice) -> Option<bool> {
    match operation {
        0 => {
            let rows = insert_many(ids.iter().map(|id| item(*id))).execute(db).await.unwrap();
            Some(rows == ids.len() as u64)
        }
        1 => {
            // Without a transaction, what was written before a failure stays.
            insert(item(ids[0])).execute(db).await.unwrap();
            let error = insert(item(ids[0])).execute(db).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Unique);
            delete::<Item>().filter(Item::id.eq(ids[0])).execute(db).await.unwrap();
            Some(false)
        }
        2 => {
            let mut tx = db.begin().await.unwrap();
            add(&mut tx, ids).await.unwrap();
            if dice.roll(2) == 0 {
                tx.rollback().await.unwrap();
            }
            Some(false)
        }
        3 => {
            let mut tx = db.begin().await.unwrap();
            add(&mut tx, ids).await.unwrap();
            let mut savepoint = tx.begin().await.unwrap();
            assert!(add(&mut savepoint, &ids[..1]).await.is_err());
            savepoint.rollback().await.unwrap();
            tx.commit().await.unwrap();
            Some(true)
        }
        4 => {
            let mut session = db.session();
            session.add_all(ids.iter().map(|id| item(*id)));
            session.commit().await.unwrap();
            Some(true)
        }
        5 => {
            let polls = dice.roll(12);
            polled(insert_many(ids.iter().map(|id| item(*id))).execute(db), polls).await.map(|_| true)
        }
        6 => polled(commit(db, ids), dice.roll(24)).await.map(|done| done.is_ok()),
        // Most are transactions that follow each other.
        _ => {
            commit(db, ids).await.unwrap();
            Some(true)
        }
    }
}

on_every_database! {
    async fn what_was_committed_is_there_and_nothing_else(db: Database) {
        Schema::new().with::<Item>().create(&*db).await.unwrap();
        let another = Engine::connect(&db.url).await.unwrap();
        let mut dice = Dice(0x5EED_0F7E_5700);
        let mut expected = BTreeSet::new();
        // Of what was dropped midway nobody knows, but all of it is there or nothing.
        let mut unknown = Vec::new();
        for step in 0..400 {
            let ids: Vec<i64> = (0..=dice.roll(3) as i64).map(|id| step * 10 + id).collect();
            let operation = dice.roll(12);
            match perform(&db, operation, &ids, &mut dice).await {
                Some(true) => expected.extend(ids),
                Some(false) => {}
                None => unknown.push(ids),
            }
            let rows = select(Item::id).all(&another).await.unwrap().into_iter();
            let known: BTreeSet<i64> = rows.filter(|id| !unknown.iter().flatten().any(|other| other == id)).collect();
            assert_eq!(known, expected, "after step {step}, operation {operation}");
        }
        db.close().await.unwrap();
        for ids in unknown {
            let found = Item::select().filter(Item::id.in_list(ids.clone())).count(&another).await.unwrap();
            assert!(found == 0 || found as usize == ids.len(), "{found} of {ids:?}");
        }
        another.close().await.unwrap();
    }
}
