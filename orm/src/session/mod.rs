//! The session: it owns entities, knows each row once, and writes what changed in one transaction.

mod actions;
mod any_store;
mod entry;
mod error;
mod flush;
mod handle;
mod keys;
mod plan;
mod read;
mod referrers;
mod relate;
mod store;
mod transaction;
mod uncommitted;

use std::{
    any::TypeId,
    collections::HashSet,
    fmt,
    ops::{Index, IndexMut},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

pub use handle::{Handle, Ref, RefInput};
pub use read::{IntoKey, SessionRead, Unflushed};
pub use transaction::Savepoint;
pub(crate) use uncommitted::Uncommitted;

use any_store::AnyStore;
use entry::Time;
use plan::Operation;
use relata_core::{
    Error, ErrorClass, Result,
    entity::{Entity, Input, Insertable, PendingKey},
    transaction::TransactionOptions,
};
use relata_pool::{Engine, Transaction};
use relate::Link;
use store::Store;

/// Where an entity is: its store, its place there, the generation of the place.
pub(crate) type At = PendingKey;

/// Owns entities of one unit of work: each row once, by its key; what was changed is written by
/// [`flush`](Session::flush) and kept by [`commit`](Session::commit).
///
/// Reading gives [`Handle`]s; `session[handle]` is the entity, to be read or edited in place. What is edited, added, deleted
/// or linked is pending until it is flushed, which every query does first. All statements of a session run in one
/// transaction, which begins with the first of them.
///
/// A future of a session that is dropped before it is done leaves the session poisoned: everything but
/// [`rollback`](Session::rollback) is refused.
///
/// ```ignore
/// let mut session = db.session();
/// let alice = session.add(NewUser { email: "alice@example.com".into(), name: None });
/// session.add(NewPost { author_id: alice.into(), title: "hello".into() });
/// session.flush().await?;
/// session[alice].name = Some("Alice".into());
/// session.commit().await?;
/// ```
pub struct Session {
    id: u64,
    engine: Engine,
    options: TransactionOptions,
    /// In a mutex only so that a session can be shared between threads by reference; nobody ever locks it.
    transaction: Mutex<Option<Transaction<'static>>>,
    stores: Vec<(TypeId, Box<dyn AnyStore>)>,
    /// What was added and not flushed, in that order.
    pending: Vec<At>,
    /// What was edited or linked to a pending entity and not flushed, in the order of the first edit.
    dirty: Vec<At>,
    /// What was deleted and not flushed, in that order.
    deleted: Vec<At>,
    /// What was linked and unlinked and not flushed, in that order.
    links: Vec<Link>,
    clock: Time,
    /// When the transaction and the savepoints in it began.
    levels: Vec<Time>,
    autoflush: bool,
    /// Set while a future of the session is under way.
    poisoned: bool,
    /// Whether this transaction was to be committed: if it could not be, its owner knows.
    commit_called: bool,
    /// Who is told if the session goes away with work that is not committed.
    uncommitted: Option<Uncommitted>,
}

static SESSIONS: AtomicU64 = AtomicU64::new(1);

impl Session {
    /// A session on an engine: what `db.session()` gives. Nothing is sent until it is needed.
    pub fn new(engine: &Engine) -> Self {
        Session::with(engine, TransactionOptions::default())
    }

    /// As [`new`](Session::new), in a transaction of these options.
    pub fn with(engine: &Engine, options: TransactionOptions) -> Self {
        Session {
            id: SESSIONS.fetch_add(1, Ordering::Relaxed),
            engine: engine.clone(),
            options,
            transaction: Mutex::new(None),
            stores: Vec::new(),
            pending: Vec::new(),
            dirty: Vec::new(),
            deleted: Vec::new(),
            links: Vec::new(),
            clock: 1,
            levels: vec![1],
            autoflush: true,
            poisoned: false,
            commit_called: false,
            uncommitted: None,
        }
    }

    /// Whether queries flush first, as they do by default. [`unflushed`](Session::unflushed) is for one of them.
    pub fn set_autoflush(&mut self, autoflush: bool) {
        self.autoflush = autoflush;
    }

    /// Adds a row to be inserted by the next flush. Until then it has no key and no defaults: it is a draft.
    ///
    /// The handle can be used at once as the foreign key of another: `author_id: alice.into()`.
    pub fn add<N: Insertable>(&mut self, new: N) -> Handle<N::Entity> {
        let now = self.clock;
        let (store, entities) = self.open_store::<N::Entity>();
        let (slot, generation) = entities.add(new, now);
        let at = self.at(store, slot, generation);
        self.pending.push(at);
        Handle::new(at)
    }

    /// Adds many rows; see [`add`](Session::add).
    pub fn add_all<N: Insertable>(&mut self, rows: impl IntoIterator<Item = N>) -> Vec<Handle<N::Entity>> {
        let rows = rows.into_iter();
        let (at_least, _) = rows.size_hint();
        self.open_store::<N::Entity>().1.reserve(at_least);
        self.pending.reserve(at_least);
        rows.map(|row| self.add(row)).collect()
    }

    /// The entity that a handle names.
    ///
    /// # Errors
    ///
    /// [`Handle`](ErrorClass::Handle) if it is of another session, or the entity is not flushed yet, deleted, expunged or
    /// rolled back.
    pub fn try_get<E: Entity>(&self, handle: Handle<E>) -> Result<&E> {
        let store = self.store_of(handle)?;
        let live = store.live(handle.at.slot, handle.at.generation).map_err(|why| handle.error(why))?;
        Ok(&live.entity)
    }

    /// The entity that a handle names, to be edited. What was changed is found when it is flushed, by comparing values, so
    /// setting one back costs nothing.
    ///
    /// # Errors
    ///
    /// As [`try_get`](Session::try_get).
    pub fn try_get_mut<E: Entity>(&mut self, handle: Handle<E>) -> Result<&mut E> {
        let (level, now, at) = (self.level(), self.clock, handle.at);
        if at.session != self.id {
            return Err(handle.error(OTHER));
        }
        let Session { stores, dirty, .. } = self;
        let store = downcast_mut::<E>(stores, at.store).ok_or_else(|| handle.error(OTHER))?;
        let (entity, first) =
            store.edit(at.slot, at.generation, level, now).map_err(|why| handle.error(why))?;
        if first {
            dirty.push(at);
        }
        Ok(entity)
    }

    /// Two entities at once, both to be edited.
    ///
    /// # Errors
    ///
    /// As [`try_get`](Session::try_get), or if both handles name the same entity.
    pub fn pair_mut<A: Entity, B: Entity>(&mut self, a: Handle<A>, b: Handle<B>) -> Result<(&mut A, &mut B)> {
        // Both are marked as edited first; then they are borrowed together.
        self.try_get_mut(a)?;
        self.try_get_mut(b)?;
        let same = || Error::new(ErrorClass::Handle, "both handles name the same entity");
        if a.at.store == b.at.store {
            let store = downcast_mut::<A>(&mut self.stores, a.at.store).ok_or_else(|| a.error(OTHER))?;
            let (first, second) = store.two(a.at.slot, b.at.slot).ok_or_else(same)?;
            let second: &mut dyn std::any::Any = second;
            // The two stores are one, so the two types are.
            return Ok((first, second.downcast_mut::<B>().ok_or_else(same)?));
        }
        let places = [a.at.store as usize, b.at.store as usize];
        let [first, second] = self.stores.get_disjoint_mut(places).map_err(|_| same())?;
        let first = first.1.as_any_mut().downcast_mut::<Store<A>>().ok_or_else(|| a.error(OTHER))?;
        let second = second.1.as_any_mut().downcast_mut::<Store<B>>().ok_or_else(|| b.error(OTHER))?;
        let first = first.live_mut(a.at.slot, a.at.generation).map_err(|why| a.error(why))?;
        let second = second.live_mut(b.at.slot, b.at.generation).map_err(|why| b.error(why))?;
        Ok((&mut first.entity, &mut second.entity))
    }

    /// What was added, before it is flushed.
    ///
    /// # Errors
    ///
    /// [`Handle`](ErrorClass::Handle) if it is flushed already or gone.
    pub fn draft<E: Entity>(&self, handle: Handle<E>) -> Result<&E::New> {
        self.store_of(handle)?.draft(handle.at.slot, handle.at.generation).map_err(|why| handle.error(why))
    }

    /// What was added, before it is flushed, to be changed.
    ///
    /// # Errors
    ///
    /// [`Handle`](ErrorClass::Handle) if it is flushed already or gone.
    pub fn draft_mut<E: Entity>(&mut self, handle: Handle<E>) -> Result<&mut E::New> {
        let store = self.typed_mut(handle)?;
        store.draft_mut(handle.at.slot, handle.at.generation).map_err(|why| handle.error(why))
    }

    /// Deletes a row with the next flush; one that is not flushed yet is just forgotten.
    ///
    /// What the foreign keys of other tables say about it (`on_delete`) the database does; entities in memory follow.
    ///
    /// # Panics
    ///
    /// If the handle names nothing that could be deleted; [`try_delete`](Session::try_delete) gives an error instead.
    #[track_caller]
    pub fn delete<E: Entity>(&mut self, handle: Handle<E>) {
        or_panic(self.try_delete(handle));
    }

    /// As [`delete`](Session::delete).
    ///
    /// # Errors
    ///
    /// [`Handle`](ErrorClass::Handle) if the handle names nothing that could be deleted.
    pub fn try_delete<E: Entity>(&mut self, handle: Handle<E>) -> Result<()> {
        let (at, now) = (handle.at, self.clock);
        let store = self.typed_mut(handle)?;
        if store.forget(at.slot, at.generation) {
            self.links.retain(|link| link.source != at && link.target != at);
            if let Some(place) = self.pending.iter().position(|pending| *pending == at) {
                self.pending.remove(place);
                let behind = self.links.iter_mut().filter(|link| link.added_before > place);
                behind.for_each(|link| link.added_before -= 1);
            }
            return Ok(());
        }
        let live = store.live_mut(at.slot, at.generation).map_err(|why| handle.error(why))?;
        live.track().deleted = Some(now);
        self.deleted.push(at);
        Ok(())
    }

    /// Forgets an entity and gives its value. The row stays as it is.
    ///
    /// # Errors
    ///
    /// [`Handle`](ErrorClass::Handle) if the handle names no entity; [`Session`](ErrorClass::Session) if it has changes that
    /// are not flushed, or is linked, unlinked or referred to by such.
    pub fn expunge<E: Entity>(&mut self, handle: Handle<E>) -> Result<E> {
        let store = self.store_of(handle)?;
        let live = store.live(handle.at.slot, handle.at.generation).map_err(|why| handle.error(why))?;
        let refused = |why| {
            let why = format!("{} {why}: flush them before it is expunged", E::TABLE.entity);
            Err(Error::new(ErrorClass::Session, why))
        };
        if live.is_modified() {
            return refused("has changes that are not flushed");
        }
        if self.named_by_pending().contains(&handle.at) {
            return refused("is named by changes of others that are not flushed");
        }
        self.dirty.retain(|dirty| *dirty != handle.at);
        let store = self.typed_mut(handle)?;
        store.expunge(handle.at.slot, handle.at.generation).map_err(|why| handle.error(why))
    }

    /// Forgets all entities that were only read, to free memory. Their handles name nothing any more. What something that is not
    /// flushed yet refers to by its handle stays.
    pub fn clear_clean(&mut self) {
        let kept = self.named_by_pending();
        for (number, (_, store)) in self.stores.iter_mut().enumerate() {
            let own = kept.iter().filter(|at| at.store as usize == number);
            store.clear_clean(&own.map(|at| at.slot).collect());
        }
    }

    /// What is linked or unlinked, and what rows that are not inserted yet refer to by its handle.
    fn named_by_pending(&self) -> HashSet<At> {
        let mut named: HashSet<At> = self.links.iter().flat_map(|link| [link.source, link.target]).collect();
        for at in &self.pending {
            let store = self.store(*at);
            let mut inputs = vec![Input::Default; store.table().columns.len()];
            store.inputs(at.slot, &mut inputs);
            named.extend(Operation::Insert { at: *at, inputs }.waits_for());
        }
        named
    }

    /// Whether the row may differ from the entity: a bulk statement, a cascade or a rollback has touched it since it was
    /// read. [`refresh`](Session::refresh), or reading the row again, ends that.
    ///
    /// # Errors
    ///
    /// As [`try_get`](Session::try_get).
    pub fn is_stale<E: Entity>(&self, handle: Handle<E>) -> Result<bool> {
        let store = self.store_of(handle)?;
        Ok(store.live(handle.at.slot, handle.at.generation).map_err(|why| handle.error(why))?.stale)
    }

    /// Whether the entity has edits that are not flushed.
    ///
    /// # Errors
    ///
    /// As [`try_get`](Session::try_get).
    pub fn is_modified<E: Entity>(&self, handle: Handle<E>) -> Result<bool> {
        let store = self.store_of(handle)?;
        Ok(store.live(handle.at.slot, handle.at.generation).map_err(|why| handle.error(why))?.is_modified())
    }

    /// Whether anything waits for a flush.
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
            || !self.dirty.is_empty()
            || !self.deleted.is_empty()
            || !self.links.is_empty()
    }

    /// The engine that the session is on.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    fn at(&self, store: u32, slot: u32, generation: u32) -> At {
        At { session: self.id, store, slot, generation }
    }

    /// When the innermost savepoint began, or the transaction.
    fn level(&self) -> Time {
        self.levels.last().copied().unwrap_or(1)
    }

    /// The store of a type, and its place.
    fn open_store<E: Entity>(&mut self) -> (u32, &mut Store<E>) {
        let ty = TypeId::of::<E>();
        let at = self.stores.iter().position(|(known, _)| *known == ty).unwrap_or_else(|| {
            self.stores.push((ty, Box::new(Store::<E>::new())));
            self.stores.len() - 1
        });
        match self.stores[at].1.as_any_mut().downcast_mut() {
            Some(store) => (at as u32, store),
            None => unreachable!("a store is listed under the type of its entities"),
        }
    }

    fn store_of<E: Entity>(&self, handle: Handle<E>) -> Result<&Store<E>> {
        if handle.at.session != self.id {
            return Err(handle.error(OTHER));
        }
        self.stores
            .get(handle.at.store as usize)
            .and_then(|(_, store)| store.as_any().downcast_ref::<Store<E>>())
            .ok_or_else(|| handle.error(OTHER))
    }

    fn typed_mut<E: Entity>(&mut self, handle: Handle<E>) -> Result<&mut Store<E>> {
        if handle.at.session != self.id {
            return Err(handle.error(OTHER));
        }
        downcast_mut(&mut self.stores, handle.at.store).ok_or_else(|| handle.error(OTHER))
    }
}

const OTHER: &str = "is of another session";

fn downcast_mut<E: Entity>(stores: &mut [(TypeId, Box<dyn AnyStore>)], store: u32) -> Option<&mut Store<E>> {
    stores.get_mut(store as usize)?.1.as_any_mut().downcast_mut()
}

/// What a wrong handle does where no error can be given, as a wrong index of a slice does.
#[track_caller]
#[allow(clippy::panic)] // a programmer's error, documented by the callers
fn or_panic<T>(result: Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

impl<E: Entity> Index<Handle<E>> for Session {
    type Output = E;

    /// The entity that a handle names.
    ///
    /// # Panics
    ///
    /// If the handle names no entity, as a slice does of a wrong index; [`Session::try_get`] gives an error in the same words.
    #[track_caller]
    fn index(&self, handle: Handle<E>) -> &E {
        or_panic(self.try_get(handle))
    }
}

impl<E: Entity> IndexMut<Handle<E>> for Session {
    /// The entity that a handle names, to be edited.
    ///
    /// # Panics
    ///
    /// If the handle names no entity; [`Session::try_get_mut`] gives an error in the same words.
    #[track_caller]
    fn index_mut(&mut self, handle: Handle<E>) -> &mut E {
        or_panic(self.try_get_mut(handle))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("pending", &self.pending.len())
            .field("dirty", &self.dirty.len())
            .field("deleted", &self.deleted.len())
            .field("links", &self.links.len())
            .field("poisoned", &self.poisoned)
            .finish_non_exhaustive()
    }
}
