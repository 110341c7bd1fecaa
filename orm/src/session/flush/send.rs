//! The statements of a flush, as few as there can be.

use relata_core::{
    Error, ErrorClass, Result,
    driver::{Job, Mode},
    entity::Input,
    schema::Table,
    statement::Insert,
};
use relata_pool::{Executor, Transaction};

use super::{
    change::{Ready, prepare},
    settle::Done,
};
use crate::session::{
    At,
    error::name_of,
    keys::{Stores, key_of},
    plan::Operation,
};

/// Runs the operations in order: inserts of one table together, changes of rows together. If any fails, the transaction or savepoint
/// is to be rolled back.
pub(super) async fn send(
    stores: &mut Stores,
    transaction: &mut Transaction<'_>,
    operations: Vec<Operation>,
) -> Result<Vec<Done>> {
    let db = &mut transaction.as_unit();
    let mut done = Vec::with_capacity(operations.len());
    let mut inserts: Vec<(At, Vec<Input>)> = Vec::new();
    let mut changes: Vec<Operation> = Vec::new();
    for operation in operations {
        match operation {
            Operation::Insert { at, inputs } => {
                run_changes(stores, db, &mut changes, &mut done).await?;
                let table = stores[at.store as usize].1.table();
                let joins = inserts
                    .last()
                    .is_none_or(|(last, _)| last.store == at.store && !has_unknown_key(table, &inputs))
                    && !inputs.iter().any(|input| waits_for_a_key(stores, at, input));
                if !joins {
                    run_inserts(stores, db, &mut inserts, &mut done).await?;
                }
                inserts.push((at, inputs));
            }
            other => {
                run_inserts(stores, db, &mut inserts, &mut done).await?;
                changes.push(other);
            }
        }
    }
    run_inserts(stores, db, &mut inserts, &mut done).await?;
    run_changes(stores, db, &mut changes, &mut done).await?;
    Ok(done)
}

/// Whether the database makes a key by which nobody can tell which of several rows came back: a number grows, but not a UUID.
fn has_unknown_key(table: &Table, inputs: &[Input]) -> bool {
    let made = |column: &usize| inputs[*column] == Input::Default && table.generated() != Some(*column);
    table.primary_key.iter().any(made)
}

/// Whether an input is the key of another row of the same table that is not inserted yet.
fn waits_for_a_key(stores: &Stores, at: At, input: &Input) -> bool {
    match input {
        Input::Pending(to, _) if to.store == at.store => {
            stores[to.store as usize].1.value(to.slot, to.generation, 0).is_none()
        }
        _ => false,
    }
}

async fn run_inserts(
    stores: &mut Stores,
    db: &mut dyn Executor,
    rows: &mut Vec<(At, Vec<Input>)>,
    done: &mut Vec<Done>,
) -> Result<()> {
    let Some((first, _)) = rows.first() else { return Ok(()) };
    let first = *first;
    let table = stores[first.store as usize].1.table();
    let mut slots = Vec::with_capacity(rows.len());
    let mut inputs = Vec::with_capacity(rows.len() * table.columns.len());
    for (at, row) in rows.drain(..) {
        slots.push(at.slot);
        for (column, input) in row.into_iter().enumerate() {
            inputs.push(match input {
                Input::Pending(to, of) => Input::Value(key_of(stores, table, column, to, of)?),
                input => input,
            });
        }
    }
    let body = Insert::from_inputs(table, inputs).into_body();
    let about = if let [_] = slots.as_slice() {
        name_of(&*stores[first.store as usize].1, first)
    } else {
        format!("{} new rows of {}", slots.len(), table.entity)
    };
    let store = &mut stores[first.store as usize].1;
    store.run_insert(db, body, &slots).await.map_err(|error| error.context(about))?;
    done.push(Done::Inserted { store: first.store, slots });
    Ok(())
}

async fn run_changes(
    stores: &mut Stores,
    db: &mut dyn Executor,
    operations: &mut Vec<Operation>,
    done: &mut Vec<Done>,
) -> Result<()> {
    if operations.is_empty() {
        return Ok(());
    }
    let ready = operations
        .drain(..)
        .map(|operation| prepare(stores, operation))
        .collect::<Result<Vec<Option<Ready>>>>()?;
    let ready: Vec<Ready> = ready.into_iter().flatten().collect();
    {
        let compiler = db.compiler().clone();
        let compiled =
            ready.iter().map(|ready| compiler.compile(&ready.statement)).collect::<Result<Vec<_>, _>>()?;
        let mut jobs: Vec<Job<'_>> =
            compiled.iter().map(|compiled| Job::new(&compiled.sql, &compiled.binds, Mode::Cached)).collect();
        let result = db.run(&mut jobs).await;
        // The first that failed or found no row is what the error is about.
        for (job, ready) in jobs.iter().zip(&ready) {
            if !job.done {
                break;
            }
            if ready.exact && job.rows_affected != 1 {
                return Err(stale(stores, ready.at));
            }
        }
        if let Err(error) = result {
            let failed = jobs.iter().position(|job| !job.done);
            let at = failed.and_then(|failed| ready[failed].at);
            return Err(match at {
                Some(at) => error.context(name_of(&*stores[at.store as usize].1, at)),
                None => error,
            });
        }
    }
    done.extend(ready.into_iter().map(|ready| ready.done));
    Ok(())
}

fn stale(stores: &Stores, at: Option<At>) -> Error {
    let Some(at) = at else {
        return Error::new(
            ErrorClass::Stale,
            "a row was changed or deleted by somebody else since it was read",
        );
    };
    let store = &*stores[at.store as usize].1;
    let name = name_of(store, at);
    let words = match store.is_stale(at.slot) {
        true => format!(
            "{name} was changed or deleted since it was read, by another statement of this session or by somebody else: refresh it, \
             which keeps its edits"
        ),
        false => format!(
            "{name} was changed or deleted by somebody else since it was read: roll back and try again, or refresh it, if the \
             transaction sees what others commit"
        ),
    };
    Error::new(ErrorClass::Stale, words).with_table(store.table().name)
}
