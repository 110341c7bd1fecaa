//! The values by which rows refer to each other, as far as they are known.

use std::any::TypeId;

use relata_core::{Error, ErrorClass, Result, entity::Input, schema::Table, value::Value};

use super::{At, any_store::AnyStore, relate::Link};
use crate::key::Key;

/// What a session holds, type by type.
pub(super) type Stores = [(TypeId, Box<dyn AnyStore>)];

/// The values that an insert gives for these columns, if it gives all and none is NULL.
pub(super) fn given(inputs: &[Input], columns: &[usize]) -> Option<Key> {
    let values: Option<Vec<&Value>> = columns
        .iter()
        .map(|column| match &inputs[*column] {
            Input::Value(value) => Some(value),
            _ => None,
        })
        .collect();
    Some(Key::of_values(values?.into_iter())).filter(|key| !key.has_null())
}

/// What an entity that has been inserted has in the column at this place, or for the column of another that refers to it.
pub(super) fn key_of(
    stores: &Stores,
    table: &'static Table,
    column: usize,
    to: At,
    of: Option<usize>,
) -> Result<Value> {
    let gone = || {
        Error::new(
            ErrorClass::Handle,
            format!("{}.{} refers to an entity that is gone", table.name, table.columns[column].name),
        )
        .with_table(table.name)
    };
    let (_, parent) = stores.get(to.store as usize).ok_or_else(gone)?;
    let reference = of.or_else(|| referenced(table, column, parent.table())).ok_or_else(gone)?;
    parent.value(to.slot, to.generation, reference).ok_or_else(gone)
}

/// The place of the column of its parent that a column refers to.
pub(super) fn referenced(table: &'static Table, column: usize, parent: &'static Table) -> Option<usize> {
    let keys = table.foreign_keys.iter().filter(|key| (key.table)() == parent);
    let mut columns = keys.flat_map(|key| key.columns.iter().zip(key.references));
    let referenced = columns.find(|(own, _)| **own == column).map(|(_, referenced)| *referenced);
    referenced.or_else(|| parent.primary_key.first().copied())
}

/// The values of the row of an association: of one that is deleted, as the database has them.
pub(super) fn link_values(stores: &Stores, link: &Link) -> Result<Vec<(usize, Value)>> {
    let table = link.through.table;
    let mut columns: Vec<(usize, Value)> = Vec::new();
    for (at, own, other) in [
        (link.source, link.through.source_columns, link.source_columns),
        (link.target, link.through.target_columns, link.target_columns),
    ] {
        let store = &*stores[at.store as usize].1;
        for (own, other) in own.iter().zip(other) {
            let loaded = store.loaded(at.slot, *other).filter(|_| !link.linked);
            let value = loaded.or_else(|| store.value(at.slot, at.generation, *other)).ok_or_else(|| {
                Error::new(
                    ErrorClass::Handle,
                    format!("a row of {} would link an entity that is gone", table.name),
                )
                .with_table(table.name)
            })?;
            columns.push((*own, value));
        }
    }
    Ok(columns)
}

/// The row of an association as inputs, a place for each column.
pub(super) fn link_inputs(stores: &Stores, link: &Link) -> Result<Vec<Input>> {
    let mut inputs = vec![Input::Default; link.through.table.columns.len()];
    for (column, value) in link_values(stores, link)? {
        inputs[column] = Input::Value(value);
    }
    Ok(inputs)
}
