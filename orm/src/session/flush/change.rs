//! Statements that change one row.

use relata_core::{
    Error, ErrorClass, Result,
    clause::{Conditions, ConflictAction, OnConflict},
    entity::Input,
    expr::{Expression, Infix, TableColumn},
    render::{CacheKey, Compile, Renderer, Statement},
    schema::Table,
    statement::{Delete, Insert, InsertBody, Update},
    value::{Kind, Value},
};

use super::settle::Done;
use crate::session::{
    At,
    any_store::AnyStore,
    error::name_of,
    keys::{Stores, key_of, link_inputs, link_values},
    plan::{Operation, UpdateKind},
    relate::Link,
};

/// A statement of one row, ready to run.
pub(super) struct Ready {
    pub(super) statement: Change,
    /// Whether it has to change exactly one row.
    pub(super) exact: bool,
    /// The entity it is about.
    pub(super) at: Option<At>,
    pub(super) done: Done,
}

pub(super) enum Change {
    Update(Update),
    Delete(Delete),
    Link(Insert),
}

impl Statement for Change {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        match self {
            Change::Update(statement) => statement.render(out),
            Change::Delete(statement) => statement.render(out),
            Change::Link(statement) => statement.render(out),
        }
    }

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        match self {
            Change::Update(statement) => statement.cache_key(key),
            Change::Delete(statement) => statement.cache_key(key),
            Change::Link(statement) => statement.cache_key(key),
        }
    }
}

/// The statement of an operation on one row; `None` if there is nothing to do.
pub(super) fn prepare(stores: &Stores, operation: Operation) -> Result<Option<Ready>> {
    match operation {
        Operation::Update { at, changes, kind } => prepare_update(stores, at, changes, kind),
        Operation::Delete { at } => {
            let store = &*stores[at.store as usize].1;
            let statement = Change::Delete(Delete::of(store.table(), row_filter(store, at, true)));
            Ok(Some(Ready { statement, exact: true, at: Some(at), done: Done::Deleted { at } }))
        }
        Operation::Link(link) => prepare_link(stores, &link).map(Some),
        // `send` has sent those on their own.
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
    Ok(Ready {
        statement,
        exact: false,
        at: None,
        done: Done::Linked { through: table, linked: link.linked },
    })
}
