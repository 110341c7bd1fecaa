//! Taking over what a flush, or a statement of another kind, did to the rows.

use std::collections::HashSet;

use relata_core::{
    Result,
    schema::{ForeignKey, ReferentialAction, Table},
    value::Value,
};
use relata_pool::RowChange;

use crate::{
    key::Key,
    session::{
        At, Session,
        actions::{Cause, acts},
        any_store::AnyStore,
        entry::Time,
        referrers::Referrers,
    },
};

/// What has to be known of an operation when its flush has succeeded.
pub(super) enum Done {
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
    /// Rows of an association were made, or deleted.
    Linked {
        through: &'static Table,
        linked: bool,
    },
    Nothing,
}

impl Session {
    /// Takes over what a flush did, in the order in which it was done: what a deleted row took with it depends on that.
    pub(super) fn settle_flush(&mut self, done: Vec<Done>) -> Result<()> {
        let now = self.clock;
        let mut gone: Vec<(usize, u32)> = Vec::new();
        let mut associations: Vec<(&'static Table, bool)> = Vec::new();
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
                Done::Linked { through, linked } if associations.contains(&(through, linked)) => {}
                Done::Linked { through, linked } => associations.push((through, linked)),
                Done::Deleted { .. } | Done::Nothing => {}
            }
        }
        self.settle_deletes(gone);
        for (through, linked) in associations {
            for (_, store) in self.stores.iter_mut().filter(|(_, store)| store.table() == through) {
                store.mark_stale(now);
            }
            if !linked {
                self.mark_followers(through, RowChange::Delete);
            }
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
    pub(in crate::session) fn mark_followers(&mut self, table: &'static Table, change: RowChange) {
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
