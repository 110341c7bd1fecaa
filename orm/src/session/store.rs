//! The identity map of one entity type: who owns the entities.

use std::collections::{HashMap, hash_map};

use relata_core::{
    Error, ErrorClass, Result,
    entity::{Entity, Insertable},
    schema::Table,
};

use super::entry::{Entry, Live, Pending, State, Time};

/// The entities of one type.
pub(super) struct Store<E: Entity> {
    pub(super) entries: Vec<Entry<E>>,
    free: Vec<u32>,
    pub(super) map: HashMap<E::Key, u32>,
    /// Rows of a flush under way: they become entities when all of it has succeeded.
    pub(super) staged: Vec<(u32, Option<E>)>,
}

/// Why a handle gives no entity.
pub(super) type Why = &'static str;

const GONE: Why = "names an entity that is no longer in the session: it was expunged, rolled back, or deleted and committed";
const DELETED: Why = "names an entity that was deleted in this session";
const PENDING: Why = "names an entity that is not flushed yet, so it has no key and no defaults: `session.draft(handle)` is what was added";
const PERSISTENT: Why = "names an entity that is flushed already: it is no draft any more";

impl<E: Entity> Store<E> {
    pub(super) fn new() -> Self {
        Store { entries: Vec::new(), free: Vec::new(), map: HashMap::new(), staged: Vec::new() }
    }

    pub(super) fn release(&mut self, slot: u32) -> State<E> {
        let entry = &mut self.entries[slot as usize];
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(slot);
        std::mem::replace(&mut entry.state, State::Free)
    }

    pub(super) fn entry(&self, slot: u32, generation: u32) -> Result<&State<E>, Why> {
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
        let state = State::Pending(Pending { draft: Box::new(new), overrides: Vec::new(), added: now });
        insert(&mut self.entries, &mut self.free, state)
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
    pub(super) fn take_key(&mut self, key: E::Key, slot: u32, now: Time) {
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
        match self.map.entry(entity.key()) {
            hash_map::Entry::Occupied(known) => {
                let slot = *known.get();
                let entry = &mut self.entries[slot as usize];
                if let State::Live(live) = &mut entry.state {
                    live.read_again(entity, now)?;
                }
                Ok((slot, entry.generation))
            }
            hash_map::Entry::Vacant(place) => {
                let state = State::Live(Live::new(entity, now));
                let (slot, generation) = insert(&mut self.entries, &mut self.free, state);
                place.insert(slot);
                Ok((slot, generation))
            }
        }
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

/// Puts an entity into a free place, or a new one: its slot and generation.
fn insert<E: Entity>(entries: &mut Vec<Entry<E>>, free: &mut Vec<u32>, state: State<E>) -> (u32, u32) {
    match free.pop() {
        Some(slot) => {
            let entry = &mut entries[slot as usize];
            entry.state = state;
            (slot, entry.generation)
        }
        None => {
            // Four thousand million entities do not fit into memory.
            let slot = entries.len() as u32;
            entries.push(Entry { generation: 0, state });
            (slot, 0)
        }
    }
}

pub(super) fn handle_error(table: &Table, why: Why) -> Error {
    Error::new(ErrorClass::Handle, format!("a handle of {} {why}", table.entity)).with_table(table.name)
}
