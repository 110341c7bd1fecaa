//! What a session knows of one entity: that it was added, or the row that it is, and what was changed since.

use std::{any::Any, sync::Arc};

use relata_core::{
    Result,
    entity::{Entity, Input, Insertable, WithKey},
    value::{Cell, Value},
};

/// When something happened: the session's clock ticks at each begin and savepoint.
pub(super) type Time = u64;
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
    pub(super) draft: Box<dyn Draft<E>>,
    /// To-one relationships that were set after it was added, by the places of the columns; and what was there then.
    pub(super) overrides: Vec<(usize, Input, Input)>,
    pub(super) added: Time,
}

/// An entity that is a row.
pub(super) struct Live<E: Entity> {
    pub(super) entity: E,
    /// What an entity needs that was changed in any way; most are only read.
    pub(super) tracked: Option<Box<Tracked<E>>>,
    /// When it came into the session.
    pub(super) since: Time,
    /// Whether the row may have changed under it.
    pub(super) stale: bool,
}

/// What is known of an entity that was changed.
pub(super) struct Tracked<E: Entity> {
    /// The key by which the row is found.
    pub(super) key: E::Key,
    /// The values as the database has them, from the first edit until it is flushed.
    pub(super) original: Option<Arc<[Value]>>,
    /// To-one relationships to entities that are not inserted yet, by the places of the columns; and what was there then.
    pub(super) links: Vec<(usize, Input, Value)>,
    /// The values to go back to, and since when they changed; oldest first.
    pub(super) undo: Vec<(Time, Arc<[Value]>)>,
    /// When it was marked for deletion.
    pub(super) deleted: Option<Time>,
    /// Whether the row is deleted in the database.
    pub(super) gone: bool,
    /// When something other than a flush last changed it: a bulk statement, a second reading.
    pub(super) touched: Option<Time>,
}

/// What was added, with or without a key of its own.
pub(super) trait Draft<E: Entity>: Send + Sync {
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
fn values_of<E: Entity>(entity: &E) -> Arc<[Value]> {
    (0..E::TABLE.columns.len()).map(|column| entity.value(column)).collect()
}

pub(super) fn assign<E: Entity>(entity: &mut E, column: usize, value: &Value) -> Result<()> {
    let cell = value.as_cell().unwrap_or(Cell::Null);
    entity.assign(column, cell).map_err(|mismatch| mismatch.at(E::TABLE.columns[column].name, column))
}

impl<E: Entity> Live<E> {
    pub(super) fn new(entity: E, since: Time) -> Self {
        Live { entity, tracked: None, since, stale: false }
    }

    /// The key by which the row is found, whatever was done to the entity.
    pub(super) fn key(&self) -> E::Key {
        self.tracked.as_ref().map_or_else(|| self.entity.key(), |tracked| tracked.key.clone())
    }

    /// Whether it is as the database has it, as far as is known, and has nothing to go back to.
    pub(super) fn is_clean(&self) -> bool {
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
    pub(super) fn remember(&mut self, level: Time, now: Time) -> bool {
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

    pub(super) fn deleted(&self) -> bool {
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

    /// Takes in what was read anew: where it was edited, the edits stay.
    pub(super) fn read_again(&mut self, fresh: E, now: Time) -> Result<()> {
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
