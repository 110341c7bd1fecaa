//! The flights example: the same answers on every database, by typed statements and by plain SQL.

// Tests may fail loudly.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, unreachable_pub)] // the example prints more than is checked here
#[path = "../../orm/examples/flights"]
mod flights {
    pub mod corrections;
    pub mod entities;
    pub mod graphs;
    pub mod load;
    pub mod questions;
}

use std::sync::atomic::{AtomicU64, Ordering};

use flights::{corrections, entities::*, graphs, load, questions};
use relata::{clause::Columns, prelude::*, projection::Projection, statement::sql_unchecked};
use relata_tests::on_every_database;
use serde::Serialize;
use serde_json::{Value, json};

on_every_database! {
    async fn typed_statements_and_plain_sql_give_the_same_answers(db: Database) {
        assert_eq!(load::existing_table(&db).await.unwrap(), None);
        schema().create(&*db).await.unwrap();
        assert_eq!(load::existing_table(&db).await.unwrap(), Some("airlines"));
        let rows = AtomicU64::new(0);
        load::load(&db, |more| { rows.fetch_add(more, Ordering::Relaxed); }).await.unwrap();
        assert_eq!(rows.into_inner(), load::ROWS);

        check(&db, 1, questions::airlines()).await;
        check(&db, 2, questions::destinations()).await;
        check(&db, 3, questions::late_hours()).await;
        check(&db, 4, questions::top_destinations()).await;
        check(&db, 5, questions::oldest_jets()).await;
        check(&db, 6, questions::weather()).await;
        check(&db, 7, questions::everywhere()).await;
        check(&db, 8, questions::bad_days()).await;
        check_graphs(&db).await;
        check_corrections(&db).await;

        schema().drop(&*db).await.unwrap();
        assert_eq!(load::existing_table(&db).await.unwrap(), None);
    }
}

/// Asks a question in both ways.
async fn check<R>(db: &Engine, number: usize, typed: Select<R>)
where
    R: Columns<Exprs: Projection<Row = R>> + Serialize + Send + 'static,
{
    let answers: Value =
        serde_json::from_str(include_str!("../../orm/examples/flights/answers.json")).unwrap();
    let answer = &answers[number - 1]["rows"];
    let rows = typed.all(db).await.unwrap();
    assert_eq!(&json!(rows), answer, "question {number}, typed");
    let rows = sql_unchecked(plain_sql(number)).columns::<R>().all(db).await.unwrap();
    assert_eq!(&json!(rows), answer, "question {number}, in plain SQL");
}

/// The text of a question, without its comments.
fn plain_sql(number: usize) -> String {
    let all = include_str!("../../orm/examples/flights/questions.sql");
    let text = all.split(';').find(|text| text.contains(&format!("-- {number}. "))).unwrap();
    text.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n")
}

async fn check_graphs(db: &Engine) {
    let recorder = db.record();
    let delays = graphs::longest_delays(db).await.unwrap();
    assert_eq!(recorder.count(), 5);
    let found: Vec<_> = delays
        .iter()
        .map(|(flight, airline, plane, to, weather)| {
            let plane = plane.as_ref().map(|plane| &plane.model);
            let visibility = weather.as_ref().map(|weather| weather.visib);
            (flight.dep_delay, &airline.carrier, &to.as_ref().unwrap().faa, plane, visibility)
        })
        .collect();
    assert_eq!(
        json!(found),
        json!([
            [1301, "HA", "HNL", "A330-243", 8.0],
            [1126, "MQ", "ORD", null, 10.0],
            [853, "MQ", "BWI", null, 10.0],
            [599, "DL", "ATL", "A319-114", 0.25],
            [502, "B6", "MCO", "A320-232", 3.0],
        ])
    );

    recorder.take();
    let planes = graphs::slow_planes(db).await.unwrap();
    assert_eq!(recorder.count(), 4);
    let found: Vec<_> = planes
        .iter()
        .map(|plane| {
            let days: Vec<_> = plane.flights.iter().map(|leg| leg.day).collect();
            assert!(plane.flights.iter().all(|leg| leg.airline.carrier == "AA" && leg.to.is_some()));
            (&plane.tailnum, &plane.model, plane.speed, days)
        })
        .collect();
    assert_eq!(
        json!(found),
        json!([
            ["N201AA", "150", 90, [3, 3, 9, 10, 30]],
            ["N202AA", "421C", 90, [16, 20, 20, 29, 29]],
            ["N567AA", "OTTER DHC-3", 95, [13, 14, 16, 16, 27]],
        ])
    );
}

async fn check_corrections(db: &Engine) {
    let mut session = db.session();
    let recorder = db.record();
    corrections::correct(&mut session).await.unwrap();
    assert_eq!(recorder.count(), 3, "{recorder:#?}");
    recorder.take();
    session.commit().await.unwrap();
    let written: Vec<String> = recorder.sql().into_iter().filter(|sql| !sql.starts_with("SELECT")).collect();
    assert!(written[..2].iter().all(|sql| sql.starts_with("INSERT")), "{written:#?}");
    assert!(written[2..].iter().all(|sql| sql.starts_with("UPDATE")), "{written:#?}");

    let airlines =
        questions::airlines().filter(Airline::carrier.in_list(["MQ", "HA"])).all(db).await.unwrap();
    assert_eq!(
        json!(airlines),
        json!([
            ["MQ", "American Eagle Airlines Inc.", 2271, 2206, 14307],
            ["HA", "Hawaiian Airlines Inc.", 31, 30, 1688],
        ])
    );
    let san_juan = questions::destinations().filter(Flight::dest.eq("SJU")).one(db).await.unwrap();
    assert_eq!(json!(san_juan), json!(["SJU", "Luis Munoz Marin Intl", 486, 4]));
    let planes = corrections::last_day_of_the_planes().all(db).await.unwrap();
    assert_eq!(json!(planes), json!([["N526JB", "A320-232", 6]]));
}
