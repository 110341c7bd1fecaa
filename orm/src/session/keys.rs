//! The values by which rows refer to each other, as far as they are known.

use std::any::TypeId;

use relata_core::{
    Error, ErrorClass, Result, entity::Input, relationship::Through, schema::Table, value::Value,
};

use super::{At, any_store::AnyStore, error::name_of, relate::Link};
use crate::key::Key;

/// What a session holds, type by type.
pub(super) type Stores = [(TypeId, Box<dyn AnyStore>)];

/// The values that an insert gives for these columns, if it gives all and none is NULL.
pub(super) fn given(inputs: &[Input], columns: &[usize]) -> Option<Key> {
    let values: Option<Vec<&Value>> = columns.iter().map(|column| inputs[*column].value()).collect();
    Some(Key::of_values(values?.into_iter())).filter(|key| !key.has_null())
}

/// The columns of each unique constraint, the primary key first.
pub(super) fn unique_columns(table: &'static Table) -> impl Iterator<Item = &'static [usize]> {
    let indexes = table.indexes.iter().filter(|index| index.unique).map(|index| index.columns);
    std::iter::once(table.primary_key).chain(table.uniques.iter().map(|unique| unique.columns)).chain(indexes)
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

/// What a column of an entity holds: its value, as far as it is known; otherwise the column, its own or of another that it refers to,
/// whose value the database makes.
pub(super) fn origin(stores: &Stores, mut at: At, mut column: usize) -> Input {
    let mut seen = Vec::new();
    while !seen.contains(&(at, column)) {
        seen.push((at, column));
        let store = &*stores[at.store as usize].1;
        match held(store, at, column) {
            Input::Value(value) => return Input::Value(value),
            Input::Pending(to, of) if to.session == at.session => {
                let parent = stores[to.store as usize].1.table();
                let Some(of) = of.or_else(|| referenced(store.table(), column, parent)) else { break };
                (at, column) = (to, of);
            }
            Input::Pending(..) | Input::Default => break,
        }
    }
    Input::Pending(at, Some(column))
}

/// What an entity itself says of a column.
fn held(store: &dyn AnyStore, at: At, column: usize) -> Input {
    if let Some(value) = store.value(at.slot, at.generation, column) {
        let link = store.links(at.slot).into_iter().find(|(linked, _)| *linked == column);
        return link.map_or(Input::Value(value), |(_, to)| to);
    }
    let mut inputs = vec![Input::Default; store.table().columns.len()];
    if store.is_pending(at.slot, at.generation) {
        store.inputs(at.slot, &mut inputs);
    }
    inputs.swap_remove(column)
}

/// Whether two columns hold the same, by their [`origin`]; `None` if nobody knows yet.
pub(super) fn same(stores: &Stores, a: &Input, b: &Input) -> Option<bool> {
    match (a, b) {
        (Input::Value(a), Input::Value(b)) => {
            Some(Key::of_values([a].into_iter()) == Key::of_values([b].into_iter()))
        }
        (Input::Pending(a, of), Input::Pending(b, other)) if a.store == b.store && of == other => {
            // No two rows have the same key.
            let is_key = || stores[a.store as usize].1.table().primary_key == of.as_slice();
            if a == b { Some(true) } else { is_key().then_some(false) }
        }
        _ => None,
    }
}

/// What the columns of an association hold of one end: of a row that is deleted, as the database has it.
fn end(stores: &Stores, link: &Link, at: At, column: usize) -> Input {
    let loaded = stores[at.store as usize].1.loaded(at.slot, column).filter(|_| !link.linked);
    loaded.map_or_else(|| origin(stores, at, column), Input::Value)
}

/// Refuses two ends that differ in a column of the association which belongs to the keys of both: no row can link them.
pub(super) fn check_ends(stores: &Stores, link: &Link) -> Result<()> {
    let Through { table, source_columns, target_columns } = link.through;
    for (own, source) in source_columns.iter().zip(link.source_columns) {
        for (_, target) in target_columns.iter().zip(link.target_columns).filter(|(other, _)| *other == own) {
            let [source, target] = [(link.source, *source), (link.target, *target)]
                .map(|(at, column)| end(stores, link, at, column));
            if same(stores, &source, &target) == Some(false) {
                let [source, target] =
                    [link.source, link.target].map(|at| name_of(&*stores[at.store as usize].1, at));
                let why = format!(
                    "no row of {0} can link {source} and {target}: {0}.{1} holds a part of the keys of both, in which they differ",
                    table.name, table.columns[*own].name,
                );
                return Err(Error::new(ErrorClass::Session, why).with_table(table.name));
            }
        }
    }
    Ok(())
}

/// The values of the row of an association: of one that is deleted, as the database has them.
pub(super) fn link_values(stores: &Stores, link: &Link) -> Result<Vec<(usize, Value)>> {
    let table = link.through.table;
    let mut columns: Vec<(usize, Value)> = Vec::new();
    for (at, own, other) in [
        (link.source, link.through.source_columns, link.source_columns),
        (link.target, link.through.target_columns, link.target_columns),
    ] {
        for (own, other) in own.iter().zip(other) {
            let Input::Value(value) = end(stores, link, at, *other) else {
                let why = format!("a row of {} would link an entity that is gone", table.name);
                return Err(Error::new(ErrorClass::Handle, why).with_table(table.name));
            };
            columns.push((*own, value));
        }
    }
    Ok(columns)
}

/// The row of an association that is made, as inputs, a place for each column.
pub(super) fn link_inputs(stores: &Stores, link: &Link) -> Result<Vec<Input>> {
    check_ends(stores, link)?;
    let mut inputs = vec![Input::Default; link.through.table.columns.len()];
    for (column, value) in link_values(stores, link)? {
        inputs[column] = Input::Value(value);
    }
    Ok(inputs)
}
