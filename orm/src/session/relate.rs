//! Relationships between entities of a session: to-one by `set` and `clear`, many-to-many by `link` and `unlink`.

use relata_core::{
    Error, ErrorClass, Result,
    entity::{Entity, Input},
    relationship::{BelongsTo, ManyToMany, Optional, Relationship, Through},
    schema::Table,
    value::Value,
};

use super::{
    At, Handle, Session,
    keys::{check_ends, origin, same, unique_columns},
    or_panic,
};

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
    /// How many rows were added and not flushed when it was said, and how many deleted.
    pub(super) added_before: usize,
    pub(super) deleted_before: usize,
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
    /// Of a key of several columns, one that is not of this relationship alone is not changed: it has to be the parent's already, if
    /// both are known. Such is a column that is part of another key as well, or of the primary key if not all of them are, or that
    /// cannot be NULL where another can. One that is NULL is set.
    ///
    /// # Panics
    ///
    /// If a handle names no entity, or such a column differs; [`try_set`](Session::try_set) gives an error instead.
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
    /// [`Handle`](ErrorClass::Handle) if a handle names no entity of this session; [`Session`](ErrorClass::Session) if a column that
    /// is not of this relationship alone would change: nothing is set then. Edit it first, if it is to change.
    pub fn try_set<C: Entity, P: Entity, N: 'static>(
        &mut self,
        child: Handle<C>,
        relationship: BelongsTo<C, P, N>,
        parent: Handle<P>,
    ) -> Result<()> {
        self.check_usable(parent)?;
        self.check_usable(child)?;
        let columns = relationship.source_columns();
        let mut inputs = Vec::with_capacity(columns.len());
        for (column, parent_column) in columns.iter().zip(relationship.target_columns()) {
            if let Some(why) = shared::<C>(columns, *column) {
                let present = origin(&self.stores, child.at, *column);
                let wanted = origin(&self.stores, parent.at, *parent_column);
                match same(&self.stores, &present, &wanted) {
                    Some(true) => continue,
                    Some(false) if !matches!(present, Input::Value(Value::Null(_))) => {
                        let what = format!(
                            "{} cannot be set to {}, which has another {}: that {why}; edit it first if it is to change",
                            relationship.name(),
                            self.name_of(parent.at),
                            C::TABLE.columns[*column].name
                        );
                        return Err(self.describe(child.at, &what));
                    }
                    // It has none yet, or nobody knows.
                    _ => {}
                }
            }
            let input = match self.value_at(parent.at, *parent_column) {
                Some(value) => Input::Value(value),
                None => Input::Pending(parent.at, Some(*parent_column)),
            };
            inputs.push((*column, input));
        }
        inputs.into_iter().try_for_each(|(column, input)| self.set_column(child, column, input))
    }

    /// Clears a to-one relationship that may be empty: `session.clear(post, Post::reviewer)`. Of a key of several columns, those that
    /// can be NULL are; but for such as are [not of this relationship alone](Session::set), if another one is enough.
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
        let columns = relationship.source_columns();
        let mut nullable: Vec<usize> =
            columns.iter().copied().filter(|column| C::TABLE.columns[*column].nullable).collect();
        // One that is NULL is enough: what is not of this relationship alone stays.
        let is_own = |column: &usize| shared::<C>(columns, *column).is_none();
        if nullable.iter().any(is_own) {
            nullable.retain(is_own);
        }
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
    /// the association is part of the keys of both, and the two are known to differ in it; where that is known only when they are
    /// inserted, it is an error of the flush. [`Session`](ErrorClass::Session) as well if the association has no unique key of
    /// columns of the two: nothing would keep it from a second row.
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
            added_before: self.pending.len(),
            deleted_before: self.deleted.len(),
        };
        if linked {
            check_unique(&link, relationship.name(), P::TABLE)?;
        }
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

/// Refuses to link by an association that takes a second row for the same two.
fn check_unique(link: &Link, name: &str, source: &Table) -> Result<()> {
    let Through { table, source_columns, target_columns } = link.through;
    let of_the_two = |column: &usize| source_columns.contains(column) || target_columns.contains(column);
    if unique_columns(table).any(|columns| columns.iter().all(of_the_two)) {
        return Ok(());
    }
    let names: Vec<&str> =
        source_columns.iter().chain(target_columns).map(|column| table.columns[*column].name).collect();
    let why = format!(
        "{}::{name} cannot be linked: nothing keeps {} from a second row for the same two; add `unique({})` to {1}, or add a {1} to \
         the session",
        source.entity,
        table.entity,
        names.join(", "),
    );
    Err(Error::new(ErrorClass::Session, why).with_table(table.name))
}

/// Why one of the columns of a relationship is not of this relationship alone, if it is not: to change it would change more.
fn shared<C: Entity>(columns: &[usize], column: usize) -> Option<String> {
    if columns.len() == 1 {
        return None;
    }
    let table = C::TABLE;
    let of_all = |key: &[usize]| columns.iter().all(|column| key.contains(column));
    let mut others =
        C::LINKS.iter().filter(|link| !(of_all(link.columns) && link.columns.len() == columns.len()));
    if let Some(other) = others.find(|link| link.columns.contains(&column)) {
        let names: Vec<&str> = other.columns.iter().map(|column| table.columns[*column].name).collect();
        return Some(format!("is part of another key, ({}) of {}", names.join(", "), other.target.entity));
    }
    if table.primary_key.contains(&column) && !of_all(table.primary_key) {
        return Some("is part of the primary key".to_owned());
    }
    let nullable = |column: &usize| table.columns[*column].nullable;
    let stays = !nullable(&column) && columns.iter().any(nullable);
    stays.then(|| "cannot be NULL, while the relationship can be cleared".to_owned())
}
