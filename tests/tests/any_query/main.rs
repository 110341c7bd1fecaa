//! Any query gives the same on every database: random ones, beside SQLite.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod data;
mod expressions;
mod queries;
mod sorts;

use relata::{prelude::*, render::Statement};
use relata_tests::{Database, Dice, Server, on_every_database};
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

/// How many queries are asked. `RELATA_TEST_QUERIES` asks more, from the seed `RELATA_TEST_SEED` on.
fn queries(db: &Database) -> u64 {
    match std::env::var("RELATA_TEST_QUERIES").ok().and_then(|queries| queries.parse().ok()) {
        Some(queries) => queries,
        None if db.server() == Server::Sqlite => 50,
        None => 300,
    }
}

on_every_database! {
    async fn any_query_gives_the_same(db: Database) {
        let lite = Engine::connect("sqlite::memory:").await.unwrap();
        fill(&lite).await;
        fill(&db).await;
        if db.server() == Server::Postgres {
            // Else it takes the tables for large ones, and its time for planning.
            sql("ANALYZE").execute(&*db).await.unwrap();
        }
        let first = std::env::var("RELATA_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        let (asked, mut answered) = (queries(&db), 0);
        for seed in first..first + asked {
            let mut maker = Maker { dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)), names: 0, flat: false };
            let query = maker.rows(&Leaves::default(), 1);
            let (one, other) = tokio::join!(answer(&lite, query.clone()), answer(&db, query.clone()));
            match (one, other) {
                (Ok(one), Ok(other)) => {
                    assert_eq!(other, one, "seed {seed}: {}", query.compile(&**db.dialect()).unwrap().sql);
                    answered += 1;
                }
                (Err(one), Err(other)) => assert_eq!(other.class(), one.class(), "seed {seed}: {one}, {other}"),
                // SQLite has no HAVING of its own.
                (Err(one), Ok(_)) => assert_eq!(one.class(), ErrorClass::Compile, "seed {seed}: {one}"),
                (Ok(_), Err(other)) => panic!("seed {seed}: {other}"),
            }
        }
        assert!(answered * 2 >= asked, "only {answered} of {asked} were answered");
    }
}
