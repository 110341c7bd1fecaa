//! The main job on real data: a month of flights out of New York in five tables, eight questions, a few corrections.
//!
//! ```sh
//! cargo run --example flights --all-features
//! ```
//!
//! It runs on an SQLite database in memory, or on the one whose URL is given: `-- postgres://user:password@host/database`.
//! The answers are the same everywhere. `-- --help` says what else can be asked for.
//!
//! Read `flights/entities.rs` first, then `questions.rs`, `graphs.rs` and `corrections.rs`; `show.rs` only prints.

// The modules are used by the test of this example as well, each as far as it needs them.
#![allow(unreachable_pub)]

mod flights {
    pub mod corrections;
    pub mod entities;
    pub mod graphs;
    pub mod load;
    pub mod questions;
    pub mod show;
}

use std::{error::Error, process::ExitCode};

use clap::Parser;
use flights::{
    corrections,
    entities::{self, Airline, Flight},
    graphs, load, questions,
    show::{self, Show},
};
use relata::prelude::*;

/// A month of flights out of New York: five tables, eight questions, a few corrections.
#[derive(Parser)]
struct Arguments {
    /// The database: sqlite:FILE, postgres://..., mysql://... or mariadb://...
    #[arg(default_value = "sqlite::memory:")]
    url: String,
    /// Print the SQL of everything, not only of what is written.
    #[arg(long)]
    sql: bool,
    /// Drop tables of these names that are there already.
    #[arg(long)]
    replace: bool,
    /// Leave the tables there at the end.
    #[arg(long)]
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let db = Engine::connect(&arguments.url).await?;
    create_tables(&db, arguments.replace).await?;
    let done = work(&db, &Show::new(&db, arguments.sql)).await;
    // Also after a failure: the next run finds the database as it was.
    let dropped = if arguments.keep { Ok(()) } else { entities::schema().drop(&db).await };
    done?;
    dropped?;
    Ok(db.close().await?)
}

async fn work(db: &Engine, show: &Show<'_>) -> Result<(), Box<dyn Error>> {
    load_data(db, show).await?;
    answer_questions(show).await?;
    load_graphs(db, show).await?;
    correct(db, show).await?;
    show.total();
    Ok(())
}

/// Somebody's own tables are not touched.
async fn create_tables(db: &Engine, replace: bool) -> Result<(), Box<dyn Error>> {
    let schema = entities::schema();
    if replace {
        schema.drop_if_exists(db).await?;
    } else if let Some(table) = load::existing_table(db).await? {
        return Err(format!(
            "there is a table named {table} already: give another database, or --replace to drop the tables airlines, \
             airports, planes, weather and flights"
        )
        .into());
    }
    Ok(schema.create(db).await?)
}

async fn load_data(db: &Engine, show: &Show<'_>) -> Result<(), Box<dyn Error>> {
    let bar = show::progress_bar(load::ROWS);
    let (loaded, ran) = show.run(load::load(db, |rows| bar.inc(rows))).await;
    bar.finish_and_clear();
    loaded?;
    println!("{} rows loaded: {ran}", load::ROWS);
    Ok(())
}

async fn answer_questions(show: &Show<'_>) -> relata::Result<()> {
    show.heading("Eight questions");
    show.ask(
        "1. How many flights did each airline schedule and operate, and how late did they leave?",
        ["", "airline", "scheduled", "departed", "minutes late"],
        questions::airlines(),
    )
    .await?;
    show.ask(
        "2. Which destinations got at least 450 flights, and from how many airlines?",
        ["", "airport", "flights", "airlines"],
        questions::destinations(),
    )
    .await?;
    show.ask(
        "3. At which hours do flights leave over 10 minutes late on average, from each airport?",
        ["from", "hour", "departed", "minutes late", "longest"],
        questions::late_hours(),
    )
    .await?;
    show.ask(
        "4. What are the three most frequent destinations from each airport?",
        ["from", "place", "to", "airport", "flights"],
        questions::top_destinations(),
    )
    .await?;
    show.ask(
        "5. Which are the ten oldest large jets that flew, and for whom?",
        ["plane", "built", "by", "model", "for", "flights"],
        questions::oldest_jets(),
    )
    .await?;
    show.ask(
        "6. What does the weather at departure do to delays and cancellations?",
        ["weather", "flights", "cancelled", "an hour late", "minutes late"],
        questions::weather(),
    )
    .await?;
    show.ask(
        "7. Which airlines fly from all three of New York's airports, and to how many destinations?",
        ["", "airline", "destinations"],
        questions::everywhere(),
    )
    .await?;
    show.ask(
        "8. On which days did an airline with at least 20 flights cancel one in eight of them or more?",
        ["month", "day", "airline", "flights", "cancelled"],
        questions::bad_days(),
    )
    .await
}

async fn load_graphs(db: &Engine, show: &Show<'_>) -> relata::Result<()> {
    show.heading("Two graphs");

    show.title("The five longest delays, with airline, plane, destination and weather");
    let (delays, ran) = show.run(graphs::longest_delays(db)).await;
    show.table(
        ["minutes", "airline", "flight", "to", "plane", "visibility"],
        delays?.iter().map(|(flight, airline, plane, to, weather)| {
            (
                flight.dep_delay,
                &airline.name,
                flight.flight,
                to.as_ref().map(|to| &to.name),
                plane.as_ref().map(|plane| &plane.model),
                weather.as_ref().map(|weather| format!("{} miles", weather.visib)),
            )
        }),
    );
    show.ran(&ran);

    show.title("Planes that fly at less than 100 miles an hour, says the registry; and their flights");
    let (planes, ran) = show.run(graphs::slow_planes(db)).await;
    for plane in planes? {
        let graphs::SlowPlane { tailnum, manufacturer, model, speed, flights } = plane;
        println!("{tailnum}, {manufacturer} {model}, {} miles an hour", speed.unwrap_or_default());
        show.table(
            ["day", "airline", "from", "to", "miles", "minutes"],
            flights.iter().map(|leg| {
                let to = leg.to.as_ref().map(|to| &to.name);
                (leg.day, &leg.airline.name, &leg.origin, to, leg.distance, leg.air_time)
            }),
        );
    }
    show.ran(&ran);
    Ok(())
}

async fn correct(db: &Engine, show: &Show<'_>) -> Result<(), Box<dyn Error>> {
    show.heading("Some corrections");
    let mut session = db.session();
    show.title("What a session reads");
    let (corrected, read) = show.run(corrections::correct(&mut session)).await;
    corrected?;
    show.ran(&read);
    show.title("What its flush writes");
    let (flushed, written) = show.run(session.flush()).await;
    flushed?;
    println!("{written}");
    show.sql(&written);
    session.commit().await?;

    // Statements are values: the same questions again, of less.
    show.ask(
        "1. again: MQ is corrected, HA departed once less",
        ["", "airline", "scheduled", "departed", "minutes late"],
        questions::airlines().filter(Airline::carrier.in_list(["MQ", "HA"])),
    )
    .await?;
    show.ask(
        "2. again: SJU has a name",
        ["", "airport", "flights", "airlines"],
        questions::destinations().filter(Flight::dest.eq("SJU")),
    )
    .await?;
    show.ask(
        "N526JB has flown for N292JB on the 31st, besides its own flights",
        ["plane", "model", "flights"],
        corrections::last_day_of_the_planes(),
    )
    .await?;
    Ok(())
}
