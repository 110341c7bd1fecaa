//! Sending what is pending: all of it, or nothing.

use std::collections::HashSet;

use relata_core::{
    Error, ErrorClass, Result,
    clause::{Conditions, ConflictAction, OnConflict},
    driver::{Job, Mode},
    entity::Input,
    expr::{Expression, Infix, TableColumn},
    render::Statement,
    schema::{ForeignKey, ReferentialAction, Table},
    statement::{Delete, Insert, InsertBody, Update},
    value::{Kind, Value},
};
use relata_pool::{Executor, RowChange, Transaction};

use super::{
    At, Session,
    actions::{Cause, acts},
    any_store::AnyStore,
    entry::Time,
    error::name_of,
    keys::{Stores, key_of, link_inputs, link_values},
    plan::{Operation, UpdateKind, plan},
    referrers::Referrers,
    relate::Link,
};
use crate::key::Key;

/// What has to be known of an operation when its flush has succeeded.
enum Done {
    Inserted {
        store: u32,
        slots: Vec<u32>,
    },
    Updated {
        at: At,
        values: Vec<(usize, Value)>,
    },
    Deleted {
        at: At,
    },
    /// Rows of an association were made or deleted.
    Linked {
        through: &'static Table,
    },
    Nothing,
}

/// A statement of one row, ready to run.
struct Ready {
    statement: Change,
    /// Whether it has to change exactly one row.
    exact: bool,
    /// The entity it is about.
    at: Option<At>,
    done: Done,
}

enum Change {
    Update(Update),
    Delete(Delete),
    Link(Insert),
}

impl Statement for Change {
    fn render<'s>(&'s self, out: &mut relata_core::render::Renderer<'s>) -> relata_core::render::Compile {
        match self {
            Change::Update(statement) => statement.render(out),
            Change::Delete(statement) => statement.render(out),
            Change::Link(statement) => statement.render(out),
        }
    }
}

impl Session {
    /// Sends what is pending: INSERTs in the order of the foreign keys, UPDATEs of the changed columns only, DELETEs. Keys
    /// and defaults come back into the entities.
    ///
    /// It is all or nothing: if a statement fails, the database is as before, and everything is pending still. Only where the failure
    /// has ended the transaction, as a deadlock does, and something was done in it before, the session has to be rolled back.
    ///
    /// # Errors
    ///
    /// What the database says of a statement, with the entity it is about; [`Stale`](ErrorClass::Stale) if a row was changed
    /// or deleted by somebody else since it was read; [`Session`](ErrorClass::Session) if the changes cannot be ordered.
    pub async fn flush(&mut self) -> Result<()> {
        self.check_usable_at_all()?;
        if !self.has_pending() {
            return Ok(());
        }
        let operations = plan(self)?;
        if operations.is_empty() {
            self.settle_flush(Vec::new())?;
            return Ok(());
        }
        let fresh = self.begin().await?;
        // Until this is done, nobody knows what the database did.
        self.poisoned = true;
        let result = match exclusive(&mut self.transaction) {
            None => return Err(lost_transaction()),
            // Nothing was done in this transaction: if the flush fails, all of it can go.
            Some(transaction) if fresh => run(&mut self.stores, transaction, operations).await,
            Some(transaction) => {
                let mut savepoint = transaction.begin().await?;
                match run(&mut self.stores, &mut savepoint, operations).await {
                    Ok(done) => savepoint.commit().await.map(|()| done),
                    Err(error) if ends_transaction(&error) => Err(error),
                    Err(error) => match savepoint.rollback().await {
                        Ok(()) => {
                            self.poisoned = false;
                            Err(error)
                        }
                        Err(lost) => {
                            Err(error.context(format!("the savepoint of the flush is lost ({lost})")))
                        }
                    },
                }
            }
        };
        match result {
            Ok(done) => {
                self.settle_flush(done)?;
                self.poisoned = false;
                Ok(())
            }
            Err(error) => {
                for (_, store) in &mut self.stores {
                    store.clear_staged();
                }
                if fresh {
                    if let Some(transaction) = exclusive(&mut self.transaction).take() {
                        // What comes of it says nothing that the first error does not.
                        let _ = transaction.rollback().await;
                    }
                    // All of it is gone, and all that is pending can be flushed again.
                    self.poisoned = false;
                }
                Err(error)
            }
        }
    }

    /// Begins the transaction if there is none; nothing is sent yet. Says whether it did.
    ///
    /// # Errors
    ///
    /// As getting a connection from the pool.
    pub(super) async fn begin(&mut self) -> Result<bool> {
        let fresh = exclusive(&mut self.transaction).is_none();
        if fresh {
            let transaction = self.engine.begin_with(self.options).await?;
            *exclusive(&mut self.transaction) = Some(transaction);
        }
        Ok(fresh)
    }

    /// Takes over what a flush did, in the order in which it was done: what a deleted row took with it depends on that.
    fn settle_flush(&mut self, done: Vec<Done>) -> Result<()> {
        let now = self.clock;
        let mut gone: Vec<(usize, u32)> = Vec::new();
        let mut linked: Vec<&'static Table> = Vec::new();
        let mut referrers = Referrers::default();
        for done in done {
            if let Done::Deleted { at } = done {
                gone.push((at.store as usize, at.slot));
                continue;
            }
            if !gone.is_empty() {
                self.settle_deletes(std::mem::take(&mut gone));
                referrers = Referrers::default();
            }
            match done {
                Done::Inserted { store, slots } => {
                    self.stores[store as usize].1.apply_staged(&slots, now);
                    referrers.forget(store as usize, |_| true);
                }
                Done::Updated { at, values } => self.settle_update(at, &values, &mut referrers)?,
                Done::Linked { through } if linked.contains(&through) => {}
                Done::Linked { through } => linked.push(through),
                Done::Deleted { .. } | Done::Nothing => {}
            }
        }
        self.settle_deletes(gone);
        for (_, store) in self.stores.iter_mut().filter(|(_, store)| linked.contains(&store.table())) {
            store.mark_stale(now);
        }
        for at in std::mem::take(&mut self.dirty) {
            // What was set back to where it was is clean as well.
            self.stores[at.store as usize].1.settle(at.slot, &[], now)?;
        }
        self.pending.clear();
        self.deleted.clear();
        self.links.clear();
        Ok(())
    }

    /// A row is updated; what the database did to those that referred to it is done to the entities, from row to row.
    fn settle_update(&mut self, at: At, values: &[(usize, Value)], referrers: &mut Referrers) -> Result<()> {
        let (level, now) = (self.level(), self.clock);
        let columns: Vec<usize> = values.iter().map(|(column, _)| *column).collect();
        let table = self.store(at).table();
        let cause = Cause { table, change: RowChange::Update, columns: Some(&columns) };
        // Rows that changed, each with its values before.
        let mut changed: Vec<(usize, u32, Vec<Value>)> = Vec::new();
        if self.stores.iter().any(|(_, store)| cause.reaches(store.table())) {
            let before = loaded_row(self.store(at), at.slot);
            changed.extend(before.map(|before| (at.store as usize, at.slot, before)));
        }
        self.stores[at.store as usize].1.settle(at.slot, values, now)?;
        referrers.forget(at.store as usize, |column| columns.contains(column));
        while let Some((parent, slot, before)) = changed.pop() {
            let store = &*self.stores[parent].1;
            let Some(after) = loaded_row(store, slot) else { continue };
            let columns: Vec<usize> =
                (0..after.len()).filter(|column| !before[*column].same(&after[*column])).collect();
            let cause = Cause { table: store.table(), change: RowChange::Update, columns: Some(&columns) };
            for (number, (_, store)) in self.stores.iter_mut().enumerate() {
                let keys = store.table().foreign_keys.iter();
                for key in keys.filter(|key| acts(key.on_update) && (key.table)() == cause.table) {
                    let old = Key::of_values(key.references.iter().map(|column| &before[*column]));
                    if old.has_null() || !key.references.iter().any(|column| columns.contains(column)) {
                        continue;
                    }
                    let mut rows = referrers.take((number, &**store), key.columns, &old);
                    rows.retain(|row| !store.is_deleted(row.0));
                    for row in &rows {
                        let before = loaded_row(&**store, row.0);
                        follow(&mut **store, *row, key, &after, level, now)?;
                        changed.extend(before.map(|before| (number, row.0, before)));
                    }
                    if !rows.is_empty() {
                        let cascades = key.on_update == ReferentialAction::Cascade;
                        let new = cascades
                            .then(|| Key::of_values(key.references.iter().map(|column| &after[*column])));
                        referrers.put(number, key.columns, new, rows);
                    }
                }
                // Nobody can tell which of these followed.
                if cause.reaches_through_others(store.table()) {
                    store.mark_stale(now);
                }
            }
        }
        Ok(())
    }

    /// Marks stale what the database may have changed by itself when it changed or deleted rows of a table.
    pub(super) fn mark_followers(&mut self, table: &'static Table, change: RowChange) {
        let (now, cause) = (self.clock, Cause { table, change, columns: None });
        for (_, store) in self.stores.iter_mut().filter(|(_, store)| cause.reaches(store.table())) {
            store.mark_stale(now);
        }
    }

    /// Rows are gone; what the database did to those that referred to them is done to the entities, from row to row.
    fn settle_deletes(&mut self, mut gone: Vec<(usize, u32)>) {
        let now = self.clock;
        while let Some((first, _)) = gone.first() {
            // Those of one type together, so that the others are looked through once.
            let first = *first;
            let (these, others) = gone.into_iter().partition::<Vec<_>, _>(|(store, _)| *store == first);
            gone = others;
            let store = &mut self.stores[first].1;
            let table = store.table();
            let cause = Cause { table, change: RowChange::Delete, columns: None };
            let rows: Vec<Vec<Value>> =
                these.iter().filter_map(|(_, slot)| loaded_row(&**store, *slot)).collect();
            these.iter().for_each(|(_, slot)| store.mark_gone(*slot));
            for (at, (_, store)) in self.stores.iter_mut().enumerate() {
                for key in store.table().foreign_keys.iter().filter(|key| (key.table)() == table) {
                    let cascades = match key.on_delete {
                        ReferentialAction::Cascade => true,
                        ReferentialAction::SetNull | ReferentialAction::SetDefault => false,
                        ReferentialAction::NoAction | ReferentialAction::Restrict => continue,
                    };
                    let keys = rows.iter().map(|row| Key::of_values(key.references.iter().map(|c| &row[*c])));
                    let parents: HashSet<Key> = keys.filter(|key| !key.has_null()).collect();
                    let rows = store.keys_in(key.columns).into_iter();
                    for (_, (slot, _)) in rows.filter(|(key, _)| parents.contains(key)) {
                        store.acted_on(slot, cascades, now);
                        gone.extend(cascades.then_some((at, slot)));
                    }
                }
                // Nobody can tell which of these went with them.
                if cause.reaches_through_others(store.table()) {
                    store.mark_stale(now);
                }
            }
        }
    }
}

/// The values of a row as the database has them.
fn loaded_row(store: &dyn AnyStore, slot: u32) -> Option<Vec<Value>> {
    (0..store.table().columns.len()).map(|column| store.loaded(slot, column)).collect()
}

/// Does to a row what the database did when the one that it refers to by this key got other values.
fn follow(
    store: &mut dyn AnyStore,
    (slot, generation): (u32, u32),
    key: &ForeignKey,
    parent: &[Value],
    level: Time,
    now: Time,
) -> Result<()> {
    for (column, reference) in key.columns.iter().zip(key.references) {
        let value = match key.on_update {
            ReferentialAction::Cascade => parent[*reference].clone(),
            ReferentialAction::SetNull => Value::Null(store.table().columns[*column].ty.kind),
            _ => {
                store.acted_on(slot, false, now);
                return Ok(());
            }
        };
        store.assign(slot, generation, *column, &value, level, now)?;
    }
    store.settle(slot, &[], now)
}

/// The transaction, without locking: nobody else can have the session.
pub(super) fn exclusive<T>(mutex: &mut std::sync::Mutex<T>) -> &mut T {
    match mutex.get_mut() {
        Ok(inner) => inner,
        // Nobody locks it, so nobody can have panicked with it.
        Err(poisoned) => poisoned.into_inner(),
    }
}

pub(super) fn lost_transaction() -> Error {
    Error::new(ErrorClass::Poisoned, "the session has lost its transaction: roll it back")
}

/// Whether the server has ended the transaction with this error, savepoints and all.
pub(super) fn ends_transaction(error: &Error) -> bool {
    matches!(
        error.class(),
        ErrorClass::Serialization
            | ErrorClass::Deadlock
            | ErrorClass::Disconnected
            | ErrorClass::Timeout
            | ErrorClass::Poisoned
            | ErrorClass::CommitUnknown
    )
}

/// Runs the operations in order: inserts of one table together, changes of rows together. If any fails, the transaction or savepoint
/// is to be rolled back.
async fn run(
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
        let dialect = db.dialect().clone();
        let compiled =
            ready.iter().map(|ready| ready.statement.compile(&*dialect)).collect::<Result<Vec<_>, _>>()?;
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
            "{name} was changed or deleted by somebody else since it was read: refresh it, or roll back and try again"
        ),
    };
    Error::new(ErrorClass::Stale, words).with_table(store.table().name)
}

/// The statement of an operation on one row; `None` if there is nothing to do.
fn prepare(stores: &Stores, operation: Operation) -> Result<Option<Ready>> {
    match operation {
        Operation::Update { at, changes, kind } => prepare_update(stores, at, changes, kind),
        Operation::Delete { at } => {
            let store = &*stores[at.store as usize].1;
            let statement = Change::Delete(Delete::of(store.table(), row_filter(store, at, true)));
            Ok(Some(Ready { statement, exact: true, at: Some(at), done: Done::Deleted { at } }))
        }
        Operation::Link(link) => prepare_link(stores, &link).map(Some),
        // `run` has sent those on their own.
        Operation::Insert { .. } => Ok(None),
    }
}

fn prepare_update(
    stores: &Stores,
    at: At,
    changes: Vec<(usize, Input)>,
    kind: UpdateKind,
) -> Result<Option<Ready>> {
    let store = &*stores[at.store as usize].1;
    let table = store.table();
    let mut values = Vec::with_capacity(changes.len() + 1);
    for (column, input) in changes {
        match input {
            Input::Value(value) => values.push((column, value)),
            Input::Pending(to, of) => {
                let value = key_of(stores, table, column, to, of)?;
                if store.loaded(at.slot, column).is_none_or(|loaded| !loaded.same(&value)) {
                    values.push((column, value));
                }
            }
            Input::Default => {}
        }
    }
    if values.is_empty() {
        return Ok(None);
    }
    if kind == UpdateKind::Edit
        && let Some(version) = table.version()
        && let Some(loaded) = store.loaded(at.slot, version)
    {
        let next = next_version(&loaded, table.columns[version].ty.kind).ok_or_else(|| {
            let why = format!("{}: its version cannot be counted on: it is at its end", name_of(store, at));
            Error::new(ErrorClass::Session, why).with_table(table.name)
        })?;
        values.push((version, next));
    }
    let set = values.iter().map(|(column, value)| (*column, Expression::Bind(value.clone()))).collect();
    let mut filter = row_filter(store, at, kind == UpdateKind::Edit);
    let releases = kind == UpdateKind::Release;
    if releases {
        let had = values.iter().filter_map(|(column, _)| Some((*column, store.loaded(at.slot, *column)?)));
        had.for_each(|(column, value)| filter.push(equals(table, column, value)));
    }
    let statement = Change::Update(Update::of(table, set, filter));
    // A row that is inserted in this flush becomes an entity with what was inserted: what is completed is set on top.
    let done = if releases { Done::Nothing } else { Done::Updated { at, values } };
    // A row that is released may be gone, with what it had, or be another's by now: its own operation says so, if there is one.
    Ok(Some(Ready { statement, exact: !releases, at: Some(at), done }))
}

/// The version behind this one, if a column of this kind holds it.
fn next_version(version: &Value, kind: Kind) -> Option<Value> {
    let next = match version {
        Value::I16(version) => i64::from(*version) + 1,
        Value::I32(version) => i64::from(*version) + 1,
        Value::I64(version) => version.checked_add(1)?,
        Value::U64(version) => return version.checked_add(1).map(Value::U64),
        _ => return None,
    };
    let fits = match kind {
        Kind::I8 => i8::try_from(next).is_ok(),
        Kind::U8 => u8::try_from(next).is_ok(),
        Kind::U16 => u16::try_from(next).is_ok(),
        Kind::U32 => u32::try_from(next).is_ok(),
        _ => true,
    };
    match version {
        _ if !fits => None,
        Value::I16(_) => i16::try_from(next).ok().map(Value::I16),
        Value::I32(_) => i32::try_from(next).ok().map(Value::I32),
        _ => Some(Value::I64(next)),
    }
}

/// `key = … AND version = …`, as the database has them.
fn row_filter(store: &dyn AnyStore, at: At, with_version: bool) -> Conditions {
    let table = store.table();
    let version = table.version().filter(|_| with_version);
    table
        .primary_key
        .iter()
        .copied()
        .chain(version)
        .map(|column| {
            let value = store
                .loaded(at.slot, column)
                .or_else(|| store.value(at.slot, at.generation, column))
                .unwrap_or(Value::Null(table.columns[column].ty.kind));
            equals(table, column, value)
        })
        .collect()
}

fn equals(table: &'static Table, column: usize, value: Value) -> Expression {
    Infix::equals(Expression::Column(TableColumn::at(table, column)), Expression::Bind(value))
}

fn prepare_link(stores: &Stores, link: &Link) -> Result<Ready> {
    let table = link.through.table;
    let statement = if link.linked {
        let mut body: InsertBody = Insert::from_inputs(table, link_inputs(stores, link)?).into_body();
        body.conflict = Some(OnConflict { target: Vec::new(), action: ConflictAction::Nothing });
        Change::Link(Insert::from_body(body))
    } else {
        let values = link_values(stores, link)?;
        let filter = values.into_iter().map(|(column, value)| equals(table, column, value)).collect();
        Change::Delete(Delete::of(table, filter))
    };
    Ok(Ready { statement, exact: false, at: None, done: Done::Linked { through: table } })
}
