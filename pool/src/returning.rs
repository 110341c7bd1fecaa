//! Inserting rows: in batches, and with RETURNING where the database has none.

use relata_core::{
    Result,
    driver::{Job, Mode, Sink},
    render::{Compiled, Statement},
    statement::InsertBody,
};

use crate::{Executor, Ran, fetch::run_statement, sink::Relay};

/// Inserts rows and gives what is returned to a sink.
///
/// # Errors
///
/// What the database says; whatever the sink says.
pub async fn insert_returning(
    db: &mut dyn Executor,
    insert: InsertBody,
    sink: Box<dyn Sink>,
) -> Result<Box<dyn Sink>> {
    let ran = insert_rows(db, insert, Some(sink), Mode::Cached).await?;
    ran.sink.ok_or_else(|| {
        relata_core::Error::new(
            relata_core::ErrorClass::Other,
            "the driver did not give the sink of the rows back",
        )
    })
}

/// Inserts rows, in batches, with what is returned into a sink.
pub(crate) async fn insert_rows(
    db: &mut dyn Executor,
    insert: InsertBody,
    sink: Option<Box<dyn Sink>>,
    mode: Mode,
) -> Result<Ran> {
    if insert.is_empty() {
        return Ok(Ran { sink, rows_affected: 0, sql: String::new() });
    }
    let dialect = db.dialect().clone();
    let mut batches = insert.batches(&*dialect);
    if batches.len() == 1
        && let Some(insert) = batches.pop()
    {
        return run_statement(&insert, db, sink, mode).await;
    }
    let relay = sink.map(Relay::new);
    let compiled =
        batches.iter().map(|batch| batch.compile(&*dialect)).collect::<Result<Vec<Compiled<'_>>, _>>()?;
    let mut jobs: Vec<_> = compiled
        .iter()
        .map(|batch| {
            let mut job = Job::new(&batch.sql, &batch.binds, Mode::Cached);
            job.sink = relay.clone().map(|relay| Box::new(relay) as Box<dyn Sink>);
            job
        })
        .collect();
    db.run_atomic(&mut jobs).await?;
    let rows_affected = jobs.iter().map(|job| job.rows_affected).sum();
    drop(jobs);
    let sql = compiled.into_iter().next().map(|first| first.sql).unwrap_or_default();
    Ok(Ran { sink: relay.and_then(Relay::into_inner), rows_affected, sql })
}
