//! The identity map of one entity type: who owns the entities, and what is known of each.

use std::{
    any::Any,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use relata_core::{
    Error, Result,
    driver::BoxFuture,
    entity::{Entity, Input, Insertable, WithKey},
    schema::Table,
    statement::{Insert, InsertBody},
    value::{Cell, Value},
};
use relata_pool::{Executor, Fetch};

use super::keys::given;
use crate::key::Key;

/// When something happened: the session's clock ticks at each begin and savepoint.
pub(super) type Time = u64;

/// The entities of one type.
pub(super) struct Store<E: Entity> {
    pub(super) entries: Vec<Entry<E>>,
    free: Vec<u32>,
    pub(super) map: HashMap<E::Key, u32>,
    /// Rows of a flush under way: they become entities when all of it has succeeded.
    staged: Vec<(u32, Option<E>)>,
}

/// A place for an entity.
pub(super) struct Entry<E: Entity> {
    pub(super) generation: u32,
    pub(super) state: State<E>,
}

/// What is at a place.
pub(super) enum State<E: Entity> {
    /// Nothing.
    Free,
    /// An entity that is not inserted yet.
    Pending(Pending<E>),
    /// An entity that is a row.
    Live(Live<E>),
}

/// An entity that is not inserted yet.
pub(super) struct Pending<E: Entity> {
    draft: Box<dyn Draft<E>>,
    /// To-one relationships that were set after it was added, by the places of the columns; and what was there then.
    overrides: Vec<(usize, Input, Input)>,
    added: Time,
}

/// An entity that is a row.
pub(super) struct Live<E: Entity> {
    pub(super) entity: E,
    /// What an entity needs that was changed in any way; most are only read.
    pub(super) tracked: Option<Box<Tracked<E>>>,
    /// When it came into the session.
    since: Time,
    /// Whether the row may have changed under it.
    pub(super) stale: bool,
}

/// What is known of an entity that was changed.
pub(super) struct Tracked<E: Entity> {
    /// The key by which the row is found.
    key: E::Key,
    /// The values as the database has them, from the first edit until it is flushed.
    pub(super) original: Option<Arc<[Value]>>,
    /// To-one relationships to entities that are not inserted yet, by the places of the columns; and what was there then.
    pub(super) links: Vec<(usize, Input, Value)>,
    /// The values to go back to, and since when they changed; oldest first.
    undo: Vec<(Time, Arc<[Value]>)>,
    /// When it was marked for deletion.
    pub(super) deleted: Option<Time>,
    /// Whether the row is deleted in the database.
    pub(super) gone: bool,
    /// When something other than a flush last changed it: a bulk statement, a second reading.
    touched: Option<Time>,
}

/// What was added, with or without a key of its own.
trait Draft<E: Entity>: Send + Sync {
    fn inputs(&self, row: &mut [Input]);
    fn row(&self) -> Option<&E::New>;
    fn row_mut(&mut self) -> Option<&mut E::New>;
}

impl<E: Entity, N: Insertable<Entity = E>> Draft<E> for N {
    fn inputs(&self, row: &mut [Input]) {
        Insertable::inputs(self, row);
    }

    fn row(&self) -> Option<&E::New> {
        let any: &dyn Any = self;
        any.downcast_ref::<E::New>()
            .or_else(|| any.downcast_ref::<WithKey<E::New, E::Key>>().map(WithKey::row))
    }

    fn row_mut(&mut self) -> Option<&mut E::New> {
        let any: &mut dyn Any = self;
        if any.is::<E::New>() {
            any.downcast_mut::<E::New>()
        } else {
            any.downcast_mut::<WithKey<E::New, E::Key>>().map(WithKey::row_mut)
        }
    }
}

/// Why a handle gives no entity.
pub(super) type Why = &'static str;

const GONE: Why = "names an entity that is no longer in the session: it was expunged, rolled back, or deleted and committed";
const DELETED: Why = "names an entity that was deleted in this session";
const PENDING: Why = "names an entity that is not flushed yet, so it has no key and no defaults: `session.draft(handle)` is what was added";
const PERSISTENT: Why = "names an entity that is flushed already: it is no draft any more";

fn values_of<E: Entity>(entity: &E) -> Arc<[Value]> {
    (0..E::TABLE.columns.len()).map(|column| entity.value(column)).collect()
}

fn assign<E: Entity>(entity: &mut E, column: usize, value: &Value) -> Result<()> {
    let cell = value.as_cell().unwrap_or(Cell::Null);
    entity.assign(column, cell).map_err(|mismatch| mismatch.at(E::TABLE.columns[column].name, column))
}

impl<E: Entity> Live<E> {
    fn new(entity: E, since: Time) -> Self {
        Live { entity, tracked: None, since, stale: false }
    }

    /// The key by which the row is found, whatever was done to the entity.
    fn key(&self) -> E::Key {
        self.tracked.as_ref().map_or_else(|| self.entity.key(), |tracked| tracked.key.clone())
    }

    /// Whether it is as the database has it, as far as is known, and has nothing to go back to.
    fn is_clean(&self) -> bool {
        self.tracked.as_ref().is_none_or(|tracked| {
            let Tracked { key: _, original, links, undo, deleted, gone, touched: _ } = &**tracked;
            original.is_none() && links.is_empty() && undo.is_empty() && deleted.is_none() && !gone
        })
    }

    pub(super) fn track(&mut self) -> &mut Tracked<E> {
        let entity = &self.entity;
        self.tracked.get_or_insert_with(|| {
            Box::new(Tracked {
                key: entity.key(),
                original: None,
                links: Vec::new(),
                undo: Vec::new(),
                deleted: None,
                gone: false,
                touched: None,
            })
        })
    }

    /// Remembers the values before an edit. `level` is when the innermost savepoint began, `now` the present.
    fn remember(&mut self, level: Time, now: Time) -> bool {
        self.track();
        let Some(tracked) = self.tracked.as_deref_mut() else { return false };
        let journaled = tracked.undo.last().is_some_and(|(time, _)| *time >= level) || self.since >= level;
        let first = tracked.original.is_none();
        if first || !journaled {
            let values = values_of(&self.entity);
            if !journaled {
                tracked.undo.push((now, values.clone()));
            }
            if first {
                tracked.original = Some(values);
            }
        }
        first
    }

    fn deleted(&self) -> bool {
        self.tracked.as_ref().is_some_and(|tracked| tracked.deleted.is_some())
    }

    /// The values as the database has them.
    pub(super) fn loaded(&self, column: usize) -> Value {
        match self.tracked.as_ref().and_then(|tracked| tracked.original.as_ref()) {
            Some(original) => original[column].clone(),
            None => self.entity.value(column),
        }
    }

    /// The columns whose values differ from those in the database.
    pub(super) fn changes(&self) -> Vec<(usize, Value)> {
        let Some(original) = self.tracked.as_ref().and_then(|tracked| tracked.original.as_ref()) else {
            return Vec::new();
        };
        (0..original.len())
            .map(|column| (column, self.entity.value(column)))
            .filter(|(column, value)| !value.same(&original[*column]))
            .collect()
    }

    /// Whether there is something to flush.
    pub(super) fn is_modified(&self) -> bool {
        !self.changes().is_empty() || self.tracked.as_ref().is_some_and(|tracked| !tracked.links.is_empty())
    }
}

impl<E: Entity> Store<E> {
    pub(super) fn new() -> Self {
        Store { entries: Vec::new(), free: Vec::new(), map: HashMap::new(), staged: Vec::new() }
    }

    fn insert(&mut self, state: State<E>) -> (u32, u32) {
        match self.free.pop() {
            Some(slot) => {
                let entry = &mut self.entries[slot as usize];
                entry.state = state;
                (slot, entry.generation)
            }
            None => {
                // Four thousand million entities do not fit into memory.
                let slot = self.entries.len() as u32;
                self.entries.push(Entry { generation: 0, state });
                (slot, 0)
            }
        }
    }

    fn release(&mut self, slot: u32) -> State<E> {
        let entry = &mut self.entries[slot as usize];
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(slot);
        std::mem::replace(&mut entry.state, State::Free)
    }

    fn entry(&self, slot: u32, generation: u32) -> Result<&State<E>, Why> {
        match self.entries.get(slot as usize) {
            Some(entry) if entry.generation == generation => Ok(&entry.state),
            _ => Err(GONE),
        }
    }

    fn entry_mut(&mut self, slot: u32, generation: u32) -> Result<&mut State<E>, Why> {
        match self.entries.get_mut(slot as usize) {
            Some(entry) if entry.generation == generation => Ok(&mut entry.state),
            _ => Err(GONE),
        }
    }

    /// Makes room for rows that are about to come.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.entries.reserve(rows);
        self.map.reserve(rows);
    }

    /// The key by which the row of an entity is found.
    pub(super) fn key(&self, slot: u32, generation: u32) -> Result<E::Key, Why> {
        self.live(slot, generation).map(Live::key)
    }

    pub(super) fn add<N: Insertable<Entity = E>>(&mut self, new: N, now: Time) -> (u32, u32) {
        self.insert(State::Pending(Pending { draft: Box::new(new), overrides: Vec::new(), added: now }))
    }

    pub(super) fn live(&self, slot: u32, generation: u32) -> Result<&Live<E>, Why> {
        match self.entry(slot, generation)? {
            State::Live(live) if live.deleted() => Err(DELETED),
            State::Live(live) => Ok(live),
            State::Pending(_) => Err(PENDING),
            State::Free => Err(GONE),
        }
    }

    pub(super) fn live_mut(&mut self, slot: u32, generation: u32) -> Result<&mut Live<E>, Why> {
        match self.entry_mut(slot, generation)? {
            State::Live(live) if live.deleted() => Err(DELETED),
            State::Live(live) => Ok(live),
            State::Pending(_) => Err(PENDING),
            State::Free => Err(GONE),
        }
    }

    /// The entity, to be edited; and whether this is its first edit since the last flush.
    pub(super) fn edit(
        &mut self,
        slot: u32,
        generation: u32,
        level: Time,
        now: Time,
    ) -> Result<(&mut E, bool), Why> {
        let live = self.live_mut(slot, generation)?;
        let first = live.remember(level, now);
        Ok((&mut live.entity, first))
    }

    /// Two entities at once; the same one twice is `None`.
    pub(super) fn two(&mut self, a: u32, b: u32) -> Option<(&mut E, &mut E)> {
        let [a, b] = self.entries.get_disjoint_mut([a as usize, b as usize]).ok()?;
        match (&mut a.state, &mut b.state) {
            (State::Live(a), State::Live(b)) => Some((&mut a.entity, &mut b.entity)),
            _ => None,
        }
    }

    pub(super) fn draft(&self, slot: u32, generation: u32) -> Result<&E::New, Why> {
        match self.entry(slot, generation)? {
            State::Pending(pending) => pending.draft.row().ok_or(PERSISTENT),
            State::Live(_) => Err(PERSISTENT),
            State::Free => Err(GONE),
        }
    }

    pub(super) fn draft_mut(&mut self, slot: u32, generation: u32) -> Result<&mut E::New, Why> {
        match self.entry_mut(slot, generation)? {
            State::Pending(pending) => pending.draft.row_mut().ok_or(PERSISTENT),
            State::Live(_) => Err(PERSISTENT),
            State::Free => Err(GONE),
        }
    }

    /// A row has a key now. What had it is deleted then, even if nobody has told: a bulk statement may have done it.
    fn take_key(&mut self, key: E::Key, slot: u32, now: Time) {
        let Some(other) = self.map.insert(key, slot).filter(|other| *other != slot) else { return };
        if let State::Live(live) = &mut self.entries[other as usize].state {
            let tracked = live.track();
            tracked.touched = Some(now);
            tracked.deleted.get_or_insert(now);
            tracked.gone = true;
        }
    }

    /// Takes in an entity that was read: a known one that is clean takes the new values whole, an edited one keeps its edits.
    pub(super) fn attach(&mut self, entity: E, now: Time) -> Result<(u32, u32)> {
        let key = entity.key();
        if let Some(slot) = self.map.get(&key) {
            let slot = *slot;
            let entry = &mut self.entries[slot as usize];
            if let State::Live(live) = &mut entry.state {
                live.read_again(entity, now)?;
            }
            return Ok((slot, entry.generation));
        }
        let (slot, generation) = self.insert(State::Live(Live::new(entity, now)));
        self.map.insert(key, slot);
        Ok((slot, generation))
    }

    /// Forgets an entity that is not inserted yet; `false` if it is no such one.
    pub(super) fn forget(&mut self, slot: u32, generation: u32) -> bool {
        let pending = matches!(self.entry(slot, generation), Ok(State::Pending(_)));
        if pending {
            self.release(slot);
        }
        pending
    }

    /// Forgets an entity that has no changes, and gives its value.
    pub(super) fn expunge(&mut self, slot: u32, generation: u32) -> Result<E, Why> {
        let key = self.live(slot, generation)?.key();
        self.map.remove(&key);
        match self.release(slot) {
            State::Live(live) => Ok(live.entity),
            // `live` has just said that it is one.
            State::Pending(_) | State::Free => Err(GONE),
        }
    }
}

impl<E: Entity> Live<E> {
    fn read_again(&mut self, fresh: E, now: Time) -> Result<()> {
        self.stale = false;
        let dirty = self.tracked.as_ref().is_some_and(|t| t.original.is_some() || t.deleted.is_some());
        if !dirty {
            if let Some(tracked) = self.tracked.as_deref_mut() {
                tracked.touched = Some(now);
            } else if self.since < now {
                // It was there before this transaction: if the transaction is rolled back, these values are not to be trusted.
                let differs =
                    (0..E::TABLE.columns.len()).any(|c| !fresh.value(c).same(&self.entity.value(c)));
                if differs {
                    self.track().touched = Some(now);
                }
            }
            self.entity = fresh;
            return Ok(());
        }
        let Some(tracked) = self.tracked.as_deref_mut() else { return Ok(()) };
        tracked.touched = Some(now);
        let Some(original) = &tracked.original else {
            self.entity = fresh;
            return Ok(());
        };
        let fresh = values_of(&fresh);
        for (column, value) in fresh.iter().enumerate() {
            // A relationship that was set is an edit, though the column keeps its value until the other row is there.
            let linked = tracked.links.iter().any(|(known, ..)| *known == column);
            if !linked && self.entity.value(column).same(&original[column]) {
                assign(&mut self.entity, column, value)?;
            }
        }
        tracked.original = Some(fresh);
        Ok(())
    }
}

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
    /// What became of rows whose foreign key refers to deleted ones: those that were let go are stale; those that were
    /// deleted with them are gone, and their places are given back.
    fn parents_gone(
        &mut self,
        columns: &[usize],
        parents: &HashSet<Key>,
        cascades: bool,
        now: Time,
    ) -> Vec<u32>;
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
                let why = format!(
                    "{} rows of {} were inserted, but {} came back",
                    slots.len(),
                    E::TABLE.name,
                    rows.len()
                );
                return Err(Error::new(relata_core::ErrorClass::Session, why));
            }
            let staged = in_input_order(rows, slots, &given);
            if staged.len() != slots.len() {
                let why = format!(
                    "rows of {} came back with other keys than they were inserted with",
                    E::TABLE.name
                );
                return Err(Error::new(relata_core::ErrorClass::Session, why));
            }
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

    fn parents_gone(
        &mut self,
        columns: &[usize],
        parents: &HashSet<Key>,
        cascades: bool,
        now: Time,
    ) -> Vec<u32> {
        let mut gone = Vec::new();
        for slot in 0..self.entries.len() as u32 {
            let State::Live(live) = &mut self.entries[slot as usize].state else { continue };
            let values: Vec<Value> = columns.iter().map(|column| live.loaded(*column)).collect();
            if live.deleted() || !parents.contains(&Key::of_values(values.iter())) {
                continue;
            }
            live.track().touched = Some(now);
            if cascades {
                live.track().deleted = Some(now);
                gone.push(slot);
            } else {
                live.stale = true;
            }
        }
        gone
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

pub(super) fn handle_error(table: &Table, why: Why) -> Error {
    Error::new(relata_core::ErrorClass::Handle, format!("a handle of {} {why}", table.entity))
        .with_table(table.name)
}

/// Pairs the rows that came back with the places they were inserted from.
///
/// Databases need not return rows in the order in which they were given. A key that was given says which is which; those that
/// the database generates grow in the order of the rows.
fn in_input_order<E: Entity>(rows: Vec<E>, slots: &[u32], given: &[Option<Key>]) -> Vec<(u32, E)> {
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
    let mut rest: Vec<E> = rows.into_iter().flatten().collect();
    if let (Some(key), true) = (E::TABLE.generated(), rest.len() > 1) {
        rest.sort_by_key(|row| match row.value(key).as_cell() {
            Some(Cell::I64(key)) => i128::from(key),
            Some(Cell::U64(key)) => i128::from(key),
            _ => 0,
        });
    }
    paired.extend(generated.into_iter().zip(rest));
    paired
}
