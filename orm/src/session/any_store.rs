//! What a session does with entities whose type it does not know.

use std::{any::Any, collections::HashSet};

use relata_core::{
    Error, ErrorClass, Result,
    driver::BoxFuture,
    entity::{Entity, Input},
    schema::Table,
    statement::{Insert, InsertBody},
    value::{Cell, Value},
};
use relata_pool::{Executor, Fetch};

use super::{
    entry::{Entry, Live, State, Time, assign},
    keys::given,
    store::{Store, handle_error},
};
use crate::key::Key;

/// What a session does with a store without knowing the type of its entities.
pub(super) trait AnyStore: Any + Send + Sync {
    fn table(&self) -> &'static Table;
    /// The places of all that are rows, and their generations.
    fn live(&self) -> Vec<(u32, u32)>;
    /// Whether the place holds an entity that is not inserted yet.
    fn is_pending(&self, slot: u32, generation: u32) -> bool;
    /// The inputs of a pending entity, into places for each column.
    fn inputs(&self, slot: u32, row: &mut [Input]);
    /// Sets columns of a pending entity.
    fn override_input(&mut self, slot: u32, column: usize, input: Input);
    /// The value of a column as the flush under way leaves it: of a live entity, or of one that it has inserted.
    fn value(&self, slot: u32, generation: u32, column: usize) -> Option<Value>;
    /// The value of a column as the database has it.
    fn loaded(&self, slot: u32, column: usize) -> Option<Value>;
    /// The columns whose values differ from those in the database.
    fn changes(&self, slot: u32) -> Vec<(usize, Value)>;
    /// To-one relationships to entities that are not inserted yet.
    fn links(&self, slot: u32) -> Vec<(usize, Input)>;
    /// Sets a column of a live entity.
    fn assign(
        &mut self,
        slot: u32,
        generation: u32,
        column: usize,
        value: &Value,
        level: Time,
        now: Time,
    ) -> Result<bool>;
    /// Sets a to-one relationship of a live entity to one that is not inserted yet.
    fn link(&mut self, slot: u32, column: usize, to: Input);
    /// Runs an INSERT of these places and keeps its rows until the flush has succeeded.
    fn run_insert<'a>(
        &'a mut self,
        db: &'a mut dyn Executor,
        body: InsertBody,
        slots: &'a [u32],
    ) -> BoxFuture<'a, Result<()>>;
    /// Sets columns that a flush decided on: keys of parents, the next version.
    fn settle(&mut self, slot: u32, values: &[(usize, Value)], now: Time) -> Result<()>;
    /// Makes rows of a flush that succeeded entities.
    fn apply_staged(&mut self, slots: &[u32], now: Time);
    /// Forgets the rows of a flush that failed.
    fn clear_staged(&mut self);
    /// Says that the database deleted the row.
    fn mark_gone(&mut self, slot: u32);
    /// Marks every entity as possibly changed in the database.
    fn mark_stale(&mut self, now: Time);
    /// Whether one is so marked.
    fn is_stale(&self, slot: u32) -> bool;
    /// Whether one is deleted, in the session or in the database.
    fn is_deleted(&self, slot: u32) -> bool;
    /// What rows have in these columns, as the database has them, with their places and generations.
    fn keys_in(&self, columns: &[usize]) -> Vec<(Key, (u32, u32))>;
    /// Says what the database did to a row by itself: it deleted it, or changed it to what is not known.
    fn acted_on(&mut self, slot: u32, deleted: bool, now: Time);
    /// Goes back to how things were at a time.
    fn rollback(&mut self, to: Time) -> Result<()>;
    /// Keeps things as they are.
    fn commit(&mut self);
    /// Forgets all that has no changes, but for these.
    fn clear_clean(&mut self, kept: &HashSet<u32>);
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<E: Entity> AnyStore for Store<E> {
    fn table(&self) -> &'static Table {
        E::TABLE
    }

    fn live(&self) -> Vec<(u32, u32)> {
        let there = |entry: &Entry<E>| match &entry.state {
            State::Live(live) => live.tracked.as_ref().is_none_or(|tracked| !tracked.gone),
            State::Pending(_) | State::Free => false,
        };
        let live = (0_u32..).zip(&self.entries).filter(|(_, entry)| there(entry));
        live.map(|(slot, entry)| (slot, entry.generation)).collect()
    }

    fn is_pending(&self, slot: u32, generation: u32) -> bool {
        matches!(self.entry(slot, generation), Ok(State::Pending(_)))
    }

    fn inputs(&self, slot: u32, row: &mut [Input]) {
        if let State::Pending(pending) = &self.entries[slot as usize].state {
            pending.draft.inputs(row);
            for (column, input, before) in &pending.overrides {
                // Of the two, what was said last counts.
                if row[*column] == *before {
                    row[*column] = input.clone();
                }
            }
        }
    }

    fn override_input(&mut self, slot: u32, column: usize, input: Input) {
        if let State::Pending(pending) = &mut self.entries[slot as usize].state {
            let mut row = vec![Input::Default; E::TABLE.columns.len()];
            pending.draft.inputs(&mut row);
            pending.overrides.retain(|(known, ..)| *known != column);
            pending.overrides.push((column, input, row.swap_remove(column)));
        }
    }

    fn value(&self, slot: u32, generation: u32, column: usize) -> Option<Value> {
        match self.entry(slot, generation).ok()? {
            // What was edited of a row that is deleted is never sent.
            State::Live(live) if live.deleted() => Some(live.loaded(column)),
            State::Live(live) => Some(live.entity.value(column)),
            _ => {
                let found = self.staged.binary_search_by_key(&slot, |(slot, _)| *slot).ok()?;
                self.staged.get(found)?.1.as_ref().map(|entity| entity.value(column))
            }
        }
    }

    fn loaded(&self, slot: u32, column: usize) -> Option<Value> {
        match &self.entries.get(slot as usize)?.state {
            State::Live(live) => Some(live.loaded(column)),
            _ => None,
        }
    }

    fn changes(&self, slot: u32) -> Vec<(usize, Value)> {
        match &self.entries[slot as usize].state {
            State::Live(live) => live.changes(),
            _ => Vec::new(),
        }
    }

    fn links(&self, slot: u32) -> Vec<(usize, Input)> {
        match &self.entries[slot as usize].state {
            State::Live(Live { tracked: Some(tracked), entity, .. }) => {
                // Of a relationship and an edit, what was said last counts.
                let last =
                    tracked.links.iter().filter(|(column, _, before)| entity.value(*column).same(before));
                last.map(|(column, to, _)| (*column, to.clone())).collect()
            }
            _ => Vec::new(),
        }
    }

    fn assign(
        &mut self,
        slot: u32,
        generation: u32,
        column: usize,
        value: &Value,
        level: Time,
        now: Time,
    ) -> Result<bool> {
        let (entity, first) =
            self.edit(slot, generation, level, now).map_err(|why| handle_error(E::TABLE, why))?;
        assign(entity, column, value)?;
        // A relationship that was set before is set anew.
        if let State::Live(live) = &mut self.entries[slot as usize].state {
            live.track().links.retain(|(known, ..)| *known != column);
        }
        Ok(first)
    }

    fn link(&mut self, slot: u32, column: usize, to: Input) {
        if let State::Live(live) = &mut self.entries[slot as usize].state {
            let before = live.entity.value(column);
            let links = &mut live.track().links;
            links.retain(|(known, ..)| *known != column);
            links.push((column, to, before));
        }
    }

    fn run_insert<'a>(
        &'a mut self,
        db: &'a mut dyn Executor,
        body: InsertBody,
        slots: &'a [u32],
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let width = E::TABLE.columns.len().max(1);
            let given: Vec<Option<Key>> =
                body.inputs.chunks_exact(width).map(|row| given(row, E::TABLE.primary_key)).collect();
            let rows: Vec<E> = Insert::from_body(body).returning(E::entity()).all(db).await?;
            if rows.len() != slots.len() {
                let why =
                    format!("of {} inserted into {}, {} came back", slots.len(), E::TABLE.name, rows.len());
                return Err(Error::new(ErrorClass::Session, why));
            }
            let staged = in_input_order(rows, slots, &given).map_err(|why| {
                let why = format!("{} {why}", E::TABLE.name);
                Error::new(ErrorClass::Session, why).with_table(E::TABLE.name)
            })?;
            self.staged.extend(staged.into_iter().map(|(slot, entity)| (slot, Some(entity))));
            // They are looked for by their slots; mostly they are in that order.
            self.staged.sort_by_key(|(slot, _)| *slot);
            Ok(())
        })
    }

    fn settle(&mut self, slot: u32, values: &[(usize, Value)], now: Time) -> Result<()> {
        let State::Live(live) = &mut self.entries[slot as usize].state else { return Ok(()) };
        if live.deleted() {
            return Ok(());
        }
        for (column, value) in values {
            assign(&mut live.entity, *column, value)?;
        }
        let key = live.entity.key();
        let Some(tracked) = live.tracked.as_deref_mut() else { return Ok(()) };
        tracked.original = None;
        tracked.links.clear();
        if tracked.key != key {
            // Another may have it by now.
            if self.map.get(&tracked.key) == Some(&slot) {
                self.map.remove(&tracked.key);
            }
            tracked.key = key.clone();
            self.take_key(key, slot, now);
        }
        Ok(())
    }

    fn apply_staged(&mut self, slots: &[u32], now: Time) {
        self.map.reserve(slots.len());
        for slot in slots {
            let found = self.staged.binary_search_by_key(slot, |(slot, _)| *slot);
            let Some(entity) = found.ok().and_then(|found| self.staged[found].1.take()) else { continue };
            self.take_key(entity.key(), *slot, now);
            self.entries[*slot as usize].state = State::Live(Live::new(entity, now));
        }
        if self.staged.iter().all(|(_, entity)| entity.is_none()) {
            self.staged.clear();
        }
    }

    fn clear_staged(&mut self) {
        self.staged.clear();
    }

    fn mark_gone(&mut self, slot: u32) {
        if let State::Live(live) = &mut self.entries[slot as usize].state {
            let key = live.key();
            live.track().gone = true;
            if self.map.get(&key) == Some(&slot) {
                self.map.remove(&key);
            }
        }
    }

    fn is_deleted(&self, slot: u32) -> bool {
        let entry = self.entries.get(slot as usize);
        entry.is_some_and(|entry| matches!(&entry.state, State::Live(live) if live.deleted()))
    }

    fn is_stale(&self, slot: u32) -> bool {
        let entry = self.entries.get(slot as usize);
        entry.is_some_and(|entry| matches!(&entry.state, State::Live(live) if live.stale))
    }

    fn mark_stale(&mut self, now: Time) {
        for entry in &mut self.entries {
            if let State::Live(live) = &mut entry.state {
                live.stale = true;
                live.track().touched = Some(now);
            }
        }
    }

    fn keys_in(&self, columns: &[usize]) -> Vec<(Key, (u32, u32))> {
        let key = |entry: &Entry<E>| match &entry.state {
            State::Live(live) if !live.deleted() => {
                let values: Vec<Value> = columns.iter().map(|column| live.loaded(*column)).collect();
                Some(Key::of_values(values.iter()))
            }
            _ => None,
        };
        let entries = (0_u32..).zip(&self.entries);
        entries.filter_map(|(slot, entry)| Some((key(entry)?, (slot, entry.generation)))).collect()
    }

    fn acted_on(&mut self, slot: u32, deleted: bool, now: Time) {
        let State::Live(live) = &mut self.entries[slot as usize].state else { return };
        live.track().touched = Some(now);
        if deleted {
            live.track().deleted = Some(now);
        } else {
            live.stale = true;
        }
    }

    fn rollback(&mut self, to: Time) -> Result<()> {
        self.staged.clear();
        for slot in 0..self.entries.len() {
            let leaves = match &self.entries[slot].state {
                State::Free => false,
                State::Pending(pending) => pending.added >= to,
                State::Live(live) => live.since >= to,
            };
            if leaves {
                if let State::Live(live) = self.release(slot as u32) {
                    let key = live.key();
                    if self.map.get(&key) == Some(&(slot as u32)) {
                        self.map.remove(&key);
                    }
                }
                continue;
            }
            let State::Live(live) = &mut self.entries[slot].state else { continue };
            let Some(tracked) = live.tracked.as_deref_mut() else { continue };
            if self.map.get(&tracked.key) == Some(&(slot as u32)) {
                self.map.remove(&tracked.key);
            }
            if let Some(at) = tracked.undo.iter().position(|(time, _)| *time >= to) {
                let (_, values) = tracked.undo.swap_remove(at);
                tracked.undo.truncate(at);
                for (column, value) in values.iter().enumerate() {
                    assign(&mut live.entity, column, value)?;
                }
                tracked.key = live.entity.key();
            }
            tracked.original = None;
            tracked.links.clear();
            if tracked.deleted.is_some_and(|time| time >= to) {
                tracked.deleted = None;
                tracked.gone = false;
            }
            if tracked.touched.is_some_and(|time| time >= to) {
                live.stale = true;
            }
        }
        // Keys that two entities had in turn: only now is each where it was.
        for (slot, entry) in self.entries.iter().enumerate() {
            if let State::Live(live) = &entry.state
                && !live.tracked.as_ref().is_some_and(|tracked| tracked.gone)
            {
                self.map.insert(live.key(), slot as u32);
            }
        }
        Ok(())
    }

    fn commit(&mut self) {
        for slot in 0..self.entries.len() {
            let State::Live(live) = &mut self.entries[slot].state else { continue };
            match live.tracked.as_deref_mut() {
                Some(tracked) if tracked.gone => {
                    self.release(slot as u32);
                }
                Some(tracked) => {
                    tracked.undo.clear();
                    tracked.touched = None;
                    if tracked.original.is_none() && tracked.links.is_empty() && tracked.deleted.is_none() {
                        live.tracked = None;
                    }
                }
                None => {}
            }
        }
    }

    fn clear_clean(&mut self, kept: &HashSet<u32>) {
        for slot in 0..self.entries.len() {
            if let State::Live(live) = &self.entries[slot].state
                && live.is_clean()
                && !kept.contains(&(slot as u32))
            {
                let key = live.key();
                self.map.remove(&key);
                self.release(slot as u32);
            }
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
/// Pairs the rows that came back with the places they were inserted from.
///
/// Databases need not return rows in the order in which they were given. A key that was given says which is which; those that
/// the database generates grow in the order of the rows. If they do not as they came back, they may be made by chance, or count
/// downwards, and nobody can tell.
fn in_input_order<E: Entity>(
    rows: Vec<E>,
    slots: &[u32],
    given: &[Option<Key>],
) -> Result<Vec<(u32, E)>, &'static str> {
    let key = |entity: &E| {
        let values: Vec<Value> = E::TABLE.primary_key.iter().map(|column| entity.value(*column)).collect();
        Key::of_values(values.iter())
    };
    let mut rows: Vec<Option<E>> = rows.into_iter().map(Some).collect();
    let mut paired = Vec::with_capacity(rows.len());
    let mut generated = Vec::new();
    for (at, (slot, given)) in slots.iter().zip(given).enumerate() {
        let Some(given) = given else {
            generated.push(*slot);
            continue;
        };
        let is_it = |row: &Option<E>| row.as_ref().is_some_and(|entity| key(entity) == *given);
        // Most databases keep the order, so it is looked for there first.
        let found = Some(at).filter(|at| is_it(&rows[*at])).or_else(|| rows.iter().position(is_it));
        if let Some(row) = found.and_then(|found| rows[found].take()) {
            paired.push((*slot, row));
        }
    }
    let rest: Vec<E> = rows.into_iter().flatten().collect();
    if let Some(key) = E::TABLE.generated() {
        let number = |row: &E| match row.value(key).as_cell() {
            Some(Cell::I64(key)) => i128::from(key),
            Some(Cell::U64(key)) => i128::from(key),
            _ => 0,
        };
        if !rest.is_sorted_by_key(number) {
            return Err(
                "gives its new rows keys that do not grow, so that nobody can tell which is whose: flush each of them",
            );
        }
    }
    if rest.len() != generated.len() {
        return Err("gave rows back with other keys than they were inserted with");
    }
    paired.extend(generated.into_iter().zip(rest));
    Ok(paired)
}
