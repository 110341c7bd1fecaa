//! Any query gives the same on every database, and any change does: random ones, beside SQLite.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod changes;
mod data;
mod expressions;
mod queries;
mod sorts;

use std::fmt::Debug;

use relata::{prelude::*, render::Statement};
use relata_tests::{Database, Server, on_every_database};
use rust_decimal::Decimal;

use data::fill;
use expressions::Maker;
use sorts::{Leaves, Line};

fn told(rows: Vec<Line>) -> Vec<String> {
    rows.into_iter()
        .map(|(a, b, c, d, e, f, g, h, i, j)| {
            let d = d.map(|d| d.normalize() + Decimal::ZERO);
            let e = e.map(|e| format!("{:.6}", e + 0.0));
            format!("{:?}", (a, b, c, d.map(|d| d.to_string()), e, f, g, h, i, j))
        })
        .collect()
}

/// The rows, in no order.
async fn answer(db: &Engine, query: Select<Line>) -> relata::Result<Vec<String>> {
    let mut rows = told(query.all(db).await?);
    rows.sort();
    Ok(rows)
}

/// How many are tried, and from which seed on. `RELATA_TEST_QUERIES` tries more, from `RELATA_TEST_SEED` on.
fn seeds(db: &Database) -> std::ops::Range<u64> {
    let set = |name| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let first = set("RELATA_TEST_SEED").unwrap_or(1);
    let few = if db.server() == Server::Sqlite { 50 } else { 1000 };
    first..first + set("RELATA_TEST_QUERIES").unwrap_or(few)
}

/// SQLite, with the same rows.
async fn beside(db: &Database) -> Engine {
    let lite = Engine::connect("sqlite::memory:").await.unwrap();
    fill(&lite).await;
    fill(db).await;
    if db.server() == Server::Postgres {
        // Else it takes the tables for large ones, and its time for planning.
        sql("ANALYZE").execute(&**db).await.unwrap();
    }
    lite
}

fn maker(db: &Database, seed: u64) -> Maker {
    Maker::new(
        seed.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        matches!(db.server(), Server::Sqlite | Server::Postgres),
    )
}

/// Both give the same, or refuse it alike: whether it was given.
fn agree<T: PartialEq + Debug>(
    one: relata::Result<T>,
    other: relata::Result<T>,
    about: &dyn Fn() -> String,
) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => assert_eq!(other, one, "{}", about()),
        (Err(one), Err(other)) => {
            assert_eq!(other.class(), one.class(), "{one}, {other}, {}", about());
            return false;
        }
        // SQLite has no HAVING of its own.
        (Err(one), Ok(_)) if one.class() == ErrorClass::Compile => return false,
        (Ok(_), Err(other)) if other.to_string().contains("one after another, and the values of") => {
            return false;
        }
        // Where a column of either side is known to be one value.
        (Ok(_), Err(other)) if other.to_string().contains("FULL JOIN is only supported with") => {
            return false;
        }
        (one, other) => panic!("{:?}, {:?}, {}", one.err(), other.err(), about()),
    }
    true
}

on_every_database! {
    async fn any_query_gives_the_same(db: Database) {
        let lite = beside(&db).await;
        let (asked, mut answered) = (seeds(&db), 0);
        for seed in asked.clone() {
            let query = maker(&db, seed).rows(&Leaves::default(), 1);
            let (one, other) = tokio::join!(answer(&lite, query.clone()), answer(&db, query.clone()));
            let about = || format!("seed {seed}: {}", query.compile(&**db.dialect()).unwrap().sql);
            answered += u64::from(agree(one, other, &about));
        }
        assert!(answered * 2 >= asked.end - asked.start, "only {answered} of {asked:?} were answered");
    }

    async fn any_change_does_the_same(db: Database) {
        let lite = beside(&db).await;
        let (asked, mut done) = (seeds(&db), 0);
        for seed in asked.clone() {
            let change = maker(&db, seed).change();
            let (one, other) = tokio::join!(change.clone().outcome(&lite), change.clone().outcome(&db));
            let about = || format!("seed {seed}: {}", change.sql(&db));
            done += u64::from(agree(one, other, &about));
        }
        assert!(done * 2 >= asked.end - asked.start, "only {done} of {asked:?} were done");
    }
}
