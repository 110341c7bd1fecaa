//! Relata beside the bare drivers: the same rows, in the same run, in rounds that alternate.
//!
//! ```text
//! tests/run cargo run --release --manifest-path tests/bench/Cargo.toml -- --only W1,W6 --db sqlite
//! ```

mod compile;
mod data;
mod database;
mod measure;
mod raw;
mod relata_side;
mod report;
#[cfg(feature = "rival")]
mod rival;
mod task;

use std::time::Duration;

use clap::Parser;
use relata::prelude::*;

use crate::{
    compile::Compiling,
    database::{Files, Server, Space},
    measure::{Measured, Plan, compare},
    raw::{mysql::Mysql, postgres::Postgres, sqlite::Sqlite},
    relata_side::{InSession, InTransaction, Plain},
    task::{Connect, Result, Task},
};

/// Measures Relata against the bare drivers.
///
/// SQLite always; PostgreSQL, MariaDB and MySQL where RELATA_TEST_POSTGRES_URL, RELATA_TEST_MARIADB_URL and
/// RELATA_TEST_MYSQL_URL say, as they do below `tests/run`.
#[derive(Debug, Parser)]
struct Options {
    /// Only these workloads: W0 to W8, W6b, S1, S2.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only these databases.
    #[arg(long, value_delimiter = ',', value_enum)]
    db: Vec<Server>,
    /// How many rounds.
    #[arg(long, default_value_t = 61)]
    rounds: usize,
    /// A few short rounds: to see whether all runs.
    #[arg(long)]
    quick: bool,
    /// sqlx in Relata's place, where it can be: not on SQLite.
    #[cfg(feature = "rival")]
    #[arg(long)]
    rival: bool,
    /// JSON instead of a table.
    #[arg(long)]
    json: bool,
}

impl Options {
    fn wants(&self, workload: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only.eq_ignore_ascii_case(workload))
    }

    fn plan(&self) -> Plan {
        if self.quick {
            Plan { rounds: self.rounds.min(3), slice: Duration::from_millis(5) }
        } else {
            Plan { rounds: self.rounds, slice: Duration::from_millis(12) }
        }
    }

    /// How many rows are looked up by eight tasks.
    fn lookups(&self) -> i64 {
        if self.quick { 800 } else { 4_000 }
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    let options = Options::parse();
    // In a task, as servers run what they do: the first thread of a runtime is woken in another way.
    tokio::spawn(run(options)).await?
}

async fn run(options: Options) -> Result<()> {
    let mut results = Results::default();
    for server in [Server::Sqlite, Server::Postgres, Server::Mariadb, Server::Mysql] {
        if !options.db.is_empty() && !options.db.contains(&server) {
            continue;
        }
        let Some(base) = server.url() else {
            eprintln!("{}: no URL, skipped", server.name());
            continue;
        };
        match server {
            Server::Sqlite => {
                #[cfg(feature = "rival")]
                if options.rival {
                    continue;
                }
                let files = Files::create()?;
                let url = files.url("relata.db");
                data::fill(server, &url, options.wants("W8")).await?;
                data::fill(server, &files.url("raw.db"), options.wants("W8")).await?;
                measure::<Plain, Sqlite>(server, &options, &url, &files.path("raw.db"), &mut results).await?;
                measure_more(server, &options, &url, &mut results).await?;
            }
            _ => {
                let space = Space::create(server, &base).await?;
                data::fill(server, &space.url, options.wants("W8")).await?;
                let done = measure_on(server, &options, &space, &mut results).await;
                space.remove().await?;
                done?;
            }
        }
    }
    report::print(&results, options.json)
}

/// All that was measured.
#[derive(Debug, Default, serde::Serialize)]
struct Results {
    compiling: Vec<Compiling>,
    measured: Vec<Measured>,
}

async fn measure_on(server: Server, options: &Options, space: &Space, results: &mut Results) -> Result<()> {
    let Space { url, raw, .. } = space;
    #[cfg(feature = "rival")]
    if options.rival {
        return match server {
            Server::Postgres => {
                measure::<rival::SqlxPostgres, Postgres>(server, options, raw, raw, results).await
            }
            _ => measure::<rival::SqlxMysql, Mysql>(server, options, raw, raw, results).await,
        };
    }
    match server {
        Server::Postgres => {
            measure::<Plain, Postgres>(server, options, url, raw, results).await?;
            if options.wants("W6b") {
                let (url, plan) = (format!("{url}&read_connections=2"), options.plan().fewer());
                let (mut ours, mut raw) = (Plain::connect(&url).await?, Postgres::connect(raw).await?);
                let lookups = options.lookups();
                let measured = compare(server, plan, &mut ours, &mut raw, |_| Task::Lookups(lookups)).await?;
                results.add(server, "W6b", "lookups, 8 tasks, side by side over 2", measured);
            }
        }
        _ => measure::<Plain, Mysql>(server, options, url, raw, results).await?,
    }
    measure_more(server, options, url, results).await
}

/// What both sides do, one of them the bare driver.
///
/// Each workload has connections of its own: what went over one before can make it slower. On MariaDB and MySQL, reads took 15 to 25 %
/// longer over a connection that had inserted many rows.
async fn measure<O: Connect, R: Connect>(
    server: Server,
    options: &Options,
    ours: &str,
    raw: &str,
    results: &mut Results,
) -> Result<()> {
    let plan = options.plan();
    for (workload, what, plan, task) in workloads(plan, plan.fewer(), options.lookups()) {
        if options.wants(workload) {
            let (mut ours, mut raw) = (O::connect(ours).await?, R::connect(raw).await?);
            let measured = compare(server, plan, &mut ours, &mut raw, task).await?;
            results.add(server, workload, what, measured);
        }
    }
    Ok(())
}

/// What Relata alone does.
async fn measure_more(server: Server, options: &Options, url: &str, results: &mut Results) -> Result<()> {
    let plan = options.plan();
    let db = Engine::connect(url).await?;
    if options.wants("W0") {
        results.compiling.extend(compile::measure(server.name(), db.dialect(), plan)?);
    }
    let (mut session, mut plain) = (InSession(db.clone()), InTransaction(db.clone()));
    if options.wants("S1") {
        let measured = compare(server, plan, &mut session, &mut plain, |_| Task::Users(1000)).await?;
        results.add(server, "S1", "1,000 rows: session beside values", measured);
    }
    if options.wants("S2") {
        let measured =
            compare(server, plan, &mut session, &mut plain, |_| Task::Insert(data::notes(1000))).await?;
        results.add(server, "S2", "1,000 new rows: flush beside insert_many", measured);
    }
    db.close().await?;
    Ok(())
}

type MakeTask = fn(usize) -> Task;

fn workloads(
    plan: Plan,
    few: Plan,
    lookups: i64,
) -> Vec<(&'static str, &'static str, Plan, Box<dyn Fn(usize) -> Task + Send + Sync>)> {
    let task = |task: MakeTask| -> Box<dyn Fn(usize) -> Task + Send + Sync> { Box::new(task) };
    vec![
        ("W1", "select 1 row", plan, task(|_| Task::Users(1))),
        ("W1", "select 100 rows", plan, task(|_| Task::Users(100))),
        ("W1", "select 10,000 rows", plan, task(|_| Task::Users(10_000))),
        ("W2", "left join, 550 rows", plan, task(|_| Task::Joined)),
        ("W3", "insert 1 row", plan, task(|_| Task::Insert(data::notes(1)))),
        ("W3", "insert 10 rows", plan, task(|_| Task::Insert(data::notes(10)))),
        ("W3", "insert 100 rows", plan, task(|_| Task::Insert(data::notes(100)))),
        ("W3", "insert 1,000 rows", plan, task(|_| Task::Insert(data::notes(1000)))),
        ("W4", "graph of 10 × 10 × 10", plan, task(|_| Task::Graph)),
        ("W5", "update in a transaction", plan, task(|run| Task::Update(9_000, format!("User {run}")))),
        ("W6", "lookup, one connection", plan, task(|run| Task::Lookup(1 + run as i64 * 37 % 8_000))),
        ("W6b", "lookups, 8 tasks over 4", few, Box::new(move |_| Task::Lookups(lookups))),
        ("W7", "bulk insert, 100,000 rows", few, task(|_| Task::Insert(data::notes(100_000)))),
        ("W8", "stream 500,000 rows", few, task(|_| Task::Stream)),
    ]
}

impl Results {
    fn add(&mut self, server: Server, workload: &str, what: &str, measured: Measured) {
        eprintln!(
            "{:10} {workload:4} {what:42} {:.2}  CPU {:.2}",
            server.name(),
            measured.ratio,
            measured.cpu
        );
        let labels = (server.name().into(), workload.into(), what.into());
        let (db, workload, what) = labels;
        self.measured.push(Measured { db, workload, what, ..measured });
    }
}
