//! Relationships between entities of a session: to-one by `set` and `clear`, many-to-many by `link` and `unlink`.

use relata_core::{
    Error, ErrorClass, Result,
    entity::{Entity, Input},
    relationship::{BelongsTo, ManyToMany, Optional, Relationship, Through},
    value::Value,
};

use super::{At, Handle, Session, keys::check_ends, or_panic};

/// A row of an association that is to be made or deleted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) through: Through,
    pub(super) source: At,
    pub(super) target: At,
    /// The places of the columns, on both sides, whose values the association holds.
    pub(super) source_columns: &'static [usize],
    pub(super) target_columns: &'static [usize],
    /// Whether it is made; otherwise it is deleted.
    pub(super) linked: bool,
}

impl Link {
    /// Whether two are about the same row, from whichever side it was said.
    fn same_pair(&self, other: &Link) -> bool {
        let ends = |link: &Link| {
            let Through { source_columns, target_columns, .. } = link.through;
            [(source_columns, link.source), (target_columns, link.target)]
        };
        let [source, target] = ends(other);
        self.through.table == other.through.table
            && (ends(self) == [source, target] || ends(self) == [target, source])
    }
}

impl Session {
    /// Sets a to-one relationship: `session.set(post, Post::author, alice)`. Either may not be flushed yet.
    ///
    /// # Panics
    ///
    /// If a handle names no entity; [`try_set`](Session::try_set) gives an error instead.
    #[track_caller]
    pub fn set<C: Entity, P: Entity, N: 'static>(
        &mut self,
        child: Handle<C>,
        relationship: BelongsTo<C, P, N>,
        parent: Handle<P>,
    ) {
        or_panic(self.try_set(child, relationship, parent));
    }

    /// As [`set`](Session::set).
    ///
    /// # Errors
    ///
    /// [`Handle`](ErrorClass::Handle) if a handle names no entity of this session.
    pub fn try_set<C: Entity, P: Entity, N: 'static>(
        &mut self,
        child: Handle<C>,
        relationship: BelongsTo<C, P, N>,
        parent: Handle<P>,
    ) -> Result<()> {
        self.check_usable(parent)?;
        self.check_usable(child)?;
        let pairs = relationship.source_columns().iter().zip(relationship.target_columns());
        for (column, parent_column) in pairs {
            let input = match self.value_at(parent.at, *parent_column) {
                Some(value) => Input::Value(value),
                None => Input::Pending(parent.at, Some(*parent_column)),
            };
            self.set_column(child, *column, input)?;
        }
        Ok(())
    }

    /// Clears a to-one relationship that may be empty: `session.clear(post, Post::reviewer)`.
    ///
    /// # Panics
    ///
    /// If the handle names no entity; [`try_clear`](Session::try_clear) gives an error instead.
    #[track_caller]
    pub fn clear<C: Entity, P: Entity>(&mut self, child: Handle<C>, relationship: BelongsTo<C, P, Optional>) {
        or_panic(self.try_clear(child, relationship));
    }

    /// As [`clear`](Session::clear).
    ///
    /// # Errors
    ///
    /// [`Handle`](ErrorClass::Handle) if the handle names no entity of this session; [`Session`](ErrorClass::Session) if no
    /// column of the key can be NULL.
    pub fn try_clear<C: Entity, P: Entity>(
        &mut self,
        child: Handle<C>,
        relationship: BelongsTo<C, P, Optional>,
    ) -> Result<()> {
        self.check_usable(child)?;
        let nullable: Vec<usize> = relationship
            .source_columns()
            .iter()
            .copied()
            .filter(|column| C::TABLE.columns[*column].nullable)
            .collect();
        if nullable.is_empty() {
            let why = format!(
                "{}::{} cannot be cleared: its key is NOT NULL",
                C::TABLE.entity,
                relationship.name()
            );
            return Err(Error::new(ErrorClass::Session, why).with_table(C::TABLE.name));
        }
        for column in nullable {
            self.set_column(child, column, Input::Value(Value::Null(C::TABLE.columns[column].ty.kind)))?;
        }
        Ok(())
    }

    /// Links two entities many-to-many: `session.link(post, Post::tags, tag)`. Linking what is linked is no error and makes
    /// no second row. An association with columns of its own is an entity to [`add`](Session::add) instead.
    ///
    /// # Panics
    ///
    /// If a handle names no entity, or no row can link the two; [`try_link`](Session::try_link) gives an error instead.
    #[track_caller]
    pub fn link<P: Entity, C: Entity>(
        &mut self,
        source: Handle<P>,
        relationship: ManyToMany<P, C>,
        target: Handle<C>,
    ) {
        or_panic(self.try_link(source, relationship, target));
    }

    /// As [`link`](Session::link).
    ///
    /// # Errors
    ///
    /// [`Handle`](ErrorClass::Handle) if a handle names no entity of this session; [`Session`](ErrorClass::Session) if a column of
    /// the association is part of the keys of both, and the two are known to differ in it. Where that is known only when they are
    /// inserted, it is an error of the flush.
    pub fn try_link<P: Entity, C: Entity>(
        &mut self,
        source: Handle<P>,
        relationship: ManyToMany<P, C>,
        target: Handle<C>,
    ) -> Result<()> {
        self.push_link(source, relationship, target, true)
    }

    /// Ends what [`link`](Session::link) began: the row of the association is deleted, if there is one.
    ///
    /// # Panics
    ///
    /// If a handle names no entity, or no row can link the two; [`try_unlink`](Session::try_unlink) gives an error instead.
    #[track_caller]
    pub fn unlink<P: Entity, C: Entity>(
        &mut self,
        source: Handle<P>,
        relationship: ManyToMany<P, C>,
        target: Handle<C>,
    ) {
        or_panic(self.try_unlink(source, relationship, target));
    }

    /// As [`unlink`](Session::unlink).
    ///
    /// # Errors
    ///
    /// As [`try_link`](Session::try_link), but what was linked and is not flushed can always be taken back.
    pub fn try_unlink<P: Entity, C: Entity>(
        &mut self,
        source: Handle<P>,
        relationship: ManyToMany<P, C>,
        target: Handle<C>,
    ) -> Result<()> {
        self.push_link(source, relationship, target, false)
    }

    fn push_link<P: Entity, C: Entity>(
        &mut self,
        source: Handle<P>,
        relationship: ManyToMany<P, C>,
        target: Handle<C>,
        linked: bool,
    ) -> Result<()> {
        self.check_usable(source)?;
        self.check_usable(target)?;
        let link = Link {
            through: relationship.association(),
            source: source.at,
            target: target.at,
            source_columns: relationship.source_columns(),
            target_columns: relationship.target_columns(),
            linked,
        };
        let before = self.links.iter().position(|known| known.same_pair(&link));
        match (check_ends(&self.stores, &link), before) {
            // What was linked while the two could be is taken back; there is nothing to delete.
            (Err(_), Some(before)) if !linked => drop(self.links.remove(before)),
            (fits, before) => {
                fits?;
                // Of what is said of one pair, the last counts.
                if let Some(before) = before {
                    self.links.remove(before);
                }
                self.links.push(link);
            }
        }
        Ok(())
    }

    /// An entity that is there, be it flushed or not.
    fn check_usable<E: Entity>(&self, handle: Handle<E>) -> Result<()> {
        let store = self.store_of(handle)?;
        match store.draft(handle.at.slot, handle.at.generation) {
            Ok(_) => Ok(()),
            Err(_) => {
                store.live(handle.at.slot, handle.at.generation).map(drop).map_err(|why| handle.error(why))
            }
        }
    }

    /// The value of a column of an entity that is flushed.
    fn value_at(&self, at: At, column: usize) -> Option<Value> {
        self.stores.get(at.store as usize)?.1.value(at.slot, at.generation, column)
    }

    fn set_column<E: Entity>(&mut self, handle: Handle<E>, column: usize, input: Input) -> Result<()> {
        let (level, now, at) = (self.level(), self.clock, handle.at);
        let store = &mut self.stores[at.store as usize].1;
        if store.is_pending(at.slot, at.generation) {
            store.override_input(at.slot, column, input);
            return Ok(());
        }
        let first = match input {
            Input::Value(value) => store.assign(at.slot, at.generation, column, &value, level, now)?,
            to @ Input::Pending(..) => {
                // Its value is known when the other is inserted; until then the entity keeps the one it has.
                let same = store
                    .value(at.slot, at.generation, column)
                    .unwrap_or(Value::Null(E::TABLE.columns[column].ty.kind));
                let first = store.assign(at.slot, at.generation, column, &same, level, now)?;
                store.link(at.slot, column, to);
                first
            }
            Input::Default => false,
        };
        if first {
            self.dirty.push(at);
        }
        Ok(())
    }
}
