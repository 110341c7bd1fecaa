//! Inserting rows: one statement or several, as a unit.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

use futures_util::future::join;
use relata_core::{
    CompileError, Result,
    clause::ConflictAction,
    dialect::{BulkInsert, Dialect, Feature},
    driver::{Job, Mode, Sink},
    projection::RowReader,
    render::{Compiled, Statement},
    statement::{InsertBody, InsertPart},
};
use tokio::task::yield_now;

use crate::{
    Executor, Ran, RowChange,
    fetch::run_statement,
    read_back::read_back,
    sink::{Collect, Relay},
};

/// Inserts rows and gives what they return to a sink: for those who read rows in their own way. Users call
/// `insert(…).returning(…).all(…)`.
///
/// Large lists become several statements, as a unit. Where the database has no RETURNING, the rows are read back by their
/// keys in the same transaction. Rows come in the order of the input: for certain where they are read back; where the
/// database returns them, as it does in practice, without promising it. Rows that `DO NOTHING` leaves out do not come.
///
/// # Errors
///
/// What the database says of the statements, whatever the sink says, and [`Compile`](relata_core::ErrorClass::Compile) if the database
/// has no RETURNING and nothing is known by which a row could be found: its key is a default that is not reported.
pub async fn insert_returning(db: &mut dyn Executor, insert: InsertBody, sink: &mut dyn Sink) -> Result<Ran> {
    insert_rows(db, insert, Some(sink), Mode::Cached).await
}

/// Inserts rows, in batches, with what they return into a sink, if there is one.
pub(crate) async fn insert_rows(
    db: &mut dyn Executor,
    insert: InsertBody,
    sink: Option<&mut dyn Sink>,
    mode: Mode,
) -> Result<Ran> {
    if insert.is_empty() {
        return Ok(Ran { rows_affected: 0, sql: String::new() });
    }
    insert.check()?;
    let overwritten = insert.conflict.is_some().then_some(insert.table);
    let ran = insert_checked(&mut *db, insert, sink, mode).await;
    if let Some(table) = overwritten {
        db.wrote(table, RowChange::Update);
    }
    ran
}

async fn insert_checked(
    db: &mut dyn Executor,
    insert: InsertBody,
    sink: Option<&mut dyn Sink>,
    mode: Mode,
) -> Result<Ran> {
    let dialect = db.dialect().clone();
    let lacks_rows = sink.is_some() && !insert.returning.is_empty() && !returns_by_itself(&insert, &*dialect);
    if insert.select.is_some() {
        return match lacks_rows && dialect.supports(Feature::InsertReturning) {
            // Nobody knows which rows these are.
            true => Err(CompileError::invalid(format!(
                "{} would return the rows that DO NOTHING leaves out as well: do without RETURNING",
                dialect.name()
            ))
            .into()),
            false => run_statement(&insert, db, sink, mode).await,
        };
    }
    let sink = match sink {
        // Boxed, for it is large and rare.
        Some(sink) if lacks_rows => return Box::pin(read_back(db, insert, sink)).await,
        sink => sink,
    };
    if sink.is_none()
        && let Some(bulk) = dialect.bulk_insert(&insert)?
        && let Some(ran) = run_bulk(db, bulk).await?
    {
        return Ok(ran);
    }
    let batches = if insert.len() == 1 { Vec::new() } else { insert.batches(&*dialect) };
    if batches.len() <= 1 {
        return run_statement(&insert, db, sink, mode).await;
    }
    let sink = sink.map(Mutex::new);
    let (rows_affected, sql) = if batches.len() <= AT_ONCE {
        let batches = compile_all(&batches, &*dialect)?;
        (run_batches(db, &batches, sink.as_ref()).await?, first_text(batches))
    } else {
        // Boxed, for it is large and rare.
        Box::pin(run_in_waves(db, &batches, sink.as_ref())).await?
    };
    Ok(Ran { rows_affected, sql })
}

/// Inserts rows by the database's own way for many, if that does the same as INSERT for this table.
async fn run_bulk(db: &mut dyn Executor, bulk: BulkInsert<'_>) -> Result<Option<Ran>> {
    let mut same = Collect::<bool>::new(|row: &mut RowReader<'_>| row.read());
    let mut jobs = [Job::new(&bulk.check.sql, &bulk.check.binds, Mode::Cached).with_sink(&mut same)];
    db.run(&mut jobs).await?;
    if same.rows != [true] {
        return Ok(None);
    }
    let mut jobs = [Job::new(&bulk.copy.sql, &bulk.copy.binds, Mode::Copy)];
    db.run(&mut jobs).await?;
    let [Job { rows_affected, .. }] = jobs;
    Ok(Some(Ran { rows_affected, sql: bulk.copy.sql }))
}

/// How many statements of a long list are compiled at once. All of them would fill memory with texts and binds that wait for their
/// turn: on SQLite, with 100,000 rows, a tenth of the time was lost so.
const AT_ONCE: usize = 10;

/// Runs batches, some after others, as a unit.
async fn run_in_waves(
    db: &mut dyn Executor,
    batches: &[InsertPart<'_>],
    sink: Option<&Mutex<&mut dyn Sink>>,
) -> Result<(u64, String)> {
    let dialect = db.dialect().clone();
    let mut tx = db.join().await?;
    let mut unit = tx.begin_unit().await?;
    let mut rows_affected = 0;
    let mut sql = None;
    // The server has something to do as soon as one is compiled.
    let (first, rest) = batches.split_at(1);
    let mut waves = rest.chunks(AT_ONCE);
    let mut next = Some(compile_all(first, &*dialect));
    while let Some(wave) = next {
        let wave = wave?;
        // The server works meanwhile, unless there is none.
        let works = AtomicBool::new(true);
        let run = async {
            let ran = run_batches(&mut unit, &wave, sink).await;
            works.store(false, Ordering::Relaxed);
            ran
        };
        let compile_next = async {
            match waves.next() {
                Some(wave) => Some(compile_while(&works, wave, &*dialect).await),
                None => None,
            }
        };
        let (ran, compiled) = join(run, compile_next).await;
        rows_affected += ran?;
        sql.get_or_insert_with(|| first_text(wave));
        next = compiled;
    }
    unit.commit().await?;
    tx.commit().await?;
    Ok((rows_affected, sql.unwrap_or_default()))
}

/// Compiles batches while others run, which may have an answer and want to go on after each.
async fn compile_while<'s>(
    works: &AtomicBool,
    batches: &'s [InsertPart<'_>],
    dialect: &'s dyn Dialect,
) -> Result<Vec<Compiled<'s>>> {
    let mut compiled = Vec::with_capacity(batches.len());
    for batch in batches {
        compiled.push(batch.compile(dialect)?);
        if works.load(Ordering::Relaxed) {
            yield_now().await;
        }
    }
    Ok(compiled)
}

fn first_text(batches: Vec<Compiled<'_>>) -> String {
    batches.into_iter().next().map(|first| first.sql).unwrap_or_default()
}

/// Runs batches as a unit; gives how many rows they changed.
async fn run_batches(
    db: &mut dyn Executor,
    batches: &[Compiled<'_>],
    sink: Option<&Mutex<&mut dyn Sink>>,
) -> Result<u64> {
    let mut relays: Vec<Relay<'_, '_>> =
        sink.map_or(Vec::new(), |sink| batches.iter().map(|_| Relay::new(sink)).collect());
    let mut jobs: Vec<_> =
        batches.iter().map(|batch| Job::new(&batch.sql, &batch.binds, Mode::Cached)).collect();
    for (job, relay) in jobs.iter_mut().zip(&mut relays) {
        job.sink = Some(relay);
    }
    db.run_atomic(&mut jobs).await?;
    Ok(jobs.iter().map(|job| job.rows_affected).sum())
}

/// Whether the database's own RETURNING gives the right rows. Where an upsert has no target, `DO NOTHING` is an update that
/// changes nothing, and the rows that it left out would come back, too (MariaDB).
fn returns_by_itself(insert: &InsertBody, dialect: &dyn Dialect) -> bool {
    dialect.supports(Feature::InsertReturning)
        && (insert.conflict.as_ref().is_none_or(|conflict| conflict.action != ConflictAction::Nothing)
            || dialect.supports(Feature::ConflictTarget))
}

fn compile_all<'s>(batches: &'s [InsertPart<'_>], dialect: &'s dyn Dialect) -> Result<Vec<Compiled<'s>>> {
    Ok(batches.iter().map(|batch| batch.compile(dialect)).collect::<Result<_, _>>()?)
}
