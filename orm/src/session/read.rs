//! Reading through a session: handles, and plain rows.

use std::sync::Arc;

use relata_core::{
    Error, ErrorClass, Result,
    driver::{BoxFuture, Job},
    entity::Entity,
    render::Compiler,
    schema::Table,
    statement::{Insert, RawStatement, Select, Update},
};
use relata_pool::{Executor, Fetch, RowChange, Transaction, fetch_all, no_row, too_many_rows};

use super::{
    Handle, Session,
    transaction::{ends_transaction, exclusive, lost_transaction},
};

/// A statement whose rows a session can take in: a select of entities, a graph of them, an INSERT or UPDATE that returns them, or
/// SQL by hand that gives them.
#[diagnostic::on_unimplemented(
    message = "a session cannot take in the rows of `{Self}`",
    note = "a select of whole entities it can, one `.with(…)` their relationships, and an INSERT or UPDATE `.returning(User::entity())`; \
            read anything else by `select.all(&mut session)`"
)]
pub trait SessionRead: Sized + Send {
    /// What a row becomes: `Handle<User>`, or `(Handle<User>, Vec<Handle<Post>>)`.
    type Handles: Send;

    /// Reads the rows and takes them in. With the SQL text, for errors.
    ///
    /// # Errors
    ///
    /// What the database says; what cannot be decoded.
    fn read_into<'a>(self, session: &'a mut Session) -> BoxFuture<'a, Result<(Vec<Self::Handles>, String)>>
    where
        Self: 'a;

    /// The same with `LIMIT rows`, or with its own limit, if that is lower; where it can have one.
    #[must_use]
    fn at_most(self, rows: u64) -> Self;
}

/// What stands for the primary key of an entity: the key itself, or for a text or bytes what is borrowed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no primary key of this entity",
    label = "the key is a `{K}`"
)]
pub trait IntoKey<K> {
    /// As the key.
    fn into_key(self) -> K;
}

impl<K> IntoKey<K> for K {
    fn into_key(self) -> K {
        self
    }
}

impl IntoKey<String> for &str {
    fn into_key(self) -> String {
        self.to_owned()
    }
}

impl IntoKey<Vec<u8>> for &[u8] {
    fn into_key(self) -> Vec<u8> {
        self.to_owned()
    }
}

macro_rules! read_entities {
    ($($statement:ident)+) => {
        $(#[diagnostic::do_not_recommend]
        impl<E: Entity> SessionRead for $statement<E> {
            type Handles = Handle<E>;

            fn read_into<'a>(self, session: &'a mut Session) -> BoxFuture<'a, Result<(Vec<Handle<E>>, String)>>
            where
                Self: 'a,
            {
                Box::pin(async move {
                    // What it changes is stale from now on, until its rows are taken in.
                    let (rows, ran) = fetch_all(self, &mut *session).await?;
                    Ok((session.attach_all(rows)?, ran.sql))
                })
            }

            fn at_most(self, rows: u64) -> Self {
                Fetch::at_most(self, rows)
            }
        })+
    };
}

// Not DELETE: what it returns is no more.
read_entities!(Select Insert Update RawStatement);

impl Session {
    /// The rows of a statement, as handles; flushes first. A row that is in the session already keeps its handle: a clean
    /// entity takes the new values, an edited one keeps its edits.
    ///
    /// An INSERT, upsert or UPDATE with `.returning(User::entity())` gives handles as well, and what it changed in memory takes the
    /// values at once; what else is of that table is stale then, as after any [bulk statement](Executor::wrote). So does SQL by hand
    /// with `.entities::<User>()`, which makes nothing stale, as nobody knows what it does.
    ///
    /// # Errors
    ///
    /// As [`flush`](Session::flush); what the database says; what cannot be decoded.
    pub async fn all<Q: SessionRead>(&mut self, statement: Q) -> Result<Vec<Q::Handles>> {
        Ok(statement.read_into(self).await?.0)
    }

    /// The one row of a statement.
    ///
    /// # Errors
    ///
    /// As [`all`](Session::all); [`NotFound`](ErrorClass::NotFound) or [`TooManyRows`](ErrorClass::TooManyRows) if there is
    /// not exactly one.
    pub async fn one<Q: SessionRead>(&mut self, statement: Q) -> Result<Q::Handles> {
        let (row, sql) = self.at_most_one(statement).await?;
        row.ok_or_else(|| no_row(&sql))
    }

    /// The one row of a statement, or `None`.
    ///
    /// # Errors
    ///
    /// As [`all`](Session::all); [`TooManyRows`](ErrorClass::TooManyRows) if there are more.
    pub async fn one_or_none<Q: SessionRead>(&mut self, statement: Q) -> Result<Option<Q::Handles>> {
        Ok(self.at_most_one(statement).await?.0)
    }

    async fn at_most_one<Q: SessionRead>(&mut self, statement: Q) -> Result<(Option<Q::Handles>, String)> {
        let (mut rows, sql) = statement.at_most(2).read_into(self).await?;
        match rows.len() {
            0 | 1 => Ok((rows.pop(), sql)),
            _ => Err(too_many_rows(&sql)),
        }
    }

    /// The first row of a statement, or `None`: with `LIMIT 1`, if it is a SELECT.
    ///
    /// # Errors
    ///
    /// As [`all`](Session::all).
    pub async fn first<Q: SessionRead>(&mut self, statement: Q) -> Result<Option<Q::Handles>> {
        Ok(statement.at_most(1).read_into(self).await?.0.into_iter().next())
    }

    /// The row with this primary key: from memory, if it is there and not stale; otherwise from the database.
    ///
    /// # Errors
    ///
    /// As [`all`](Session::all).
    pub async fn get<E: Entity>(&mut self, key: impl IntoKey<E::Key>) -> Result<Option<Handle<E>>> {
        self.check_usable_at_all()?;
        let key = key.into_key();
        if let Some(handle) = self.known::<E>(&key) {
            return Ok(handle);
        }
        self.one_or_none(E::find(&key)).await
    }

    /// Reads an entity again from the database. Its edits are kept, on top of the new values.
    ///
    /// # Errors
    ///
    /// As [`all`](Session::all); [`Handle`](ErrorClass::Handle) if the handle names no entity;
    /// [`Stale`](ErrorClass::Stale) if its row is gone.
    pub async fn refresh<E: Entity>(&mut self, handle: Handle<E>) -> Result<()> {
        let key = self
            .store_of(handle)?
            .key(handle.at.slot, handle.at.generation)
            .map_err(|why| handle.error(why))?;
        // Its own edits are not sent for this: they may be what is in doubt.
        let row: Option<E> = E::find(&key).one_or_none(&mut self.unflushed()).await?;
        let row = row.ok_or_else(|| {
            Error::new(ErrorClass::Stale, format!("the row of {} is gone", self.name_of(handle.at)))
                .with_table(E::TABLE.name)
        })?;
        self.attach(row)?;
        Ok(())
    }

    /// What memory says of a key: nothing, that it is deleted (`Some(None)`), or its handle.
    fn known<E: Entity>(&mut self, key: &E::Key) -> Option<Option<Handle<E>>> {
        let id = self.id;
        let (store, entities) = self.open_store::<E>();
        let slot = *entities.map.get(key)?;
        let generation = entities.entries[slot as usize].generation;
        match entities.live(slot, generation) {
            Ok(live) if live.stale => None,
            Ok(_) => Some(Some(Handle::new(super::At { session: id, store, slot, generation }))),
            Err(_) => Some(None),
        }
    }

    /// The session as what runs a statement without flushing first: `User::select().all(&mut session.unflushed())` gives the rows as
    /// the database has them, without what is pending.
    pub fn unflushed(&mut self) -> Unflushed<'_> {
        Unflushed(self)
    }

    async fn run_unflushed(&mut self, jobs: &mut [Job<'_>]) -> Result<()> {
        let result = self.midway().await?.run(jobs).await;
        self.ran(result)
    }

    async fn run_atomic_unflushed(&mut self, jobs: &mut [Job<'_>]) -> Result<()> {
        let result = self.midway().await?.run_atomic(jobs).await;
        self.ran(result)
    }

    /// The transaction, for statements: until it is said how they [ran](Session::ran), nobody knows what the database did.
    async fn midway(&mut self) -> Result<&mut Transaction<'static>> {
        self.check_usable_at_all()?;
        self.begin().await?;
        self.poisoned = true;
        exclusive(&mut self.transaction).as_mut().ok_or_else(lost_transaction)
    }

    fn ran(&mut self, result: Result<()>) -> Result<()> {
        self.poisoned = result.as_ref().is_err_and(ends_transaction);
        result
    }

    async fn join_unflushed(&mut self) -> Result<Transaction<'_>> {
        self.check_usable_at_all()?;
        self.begin().await?;
        exclusive(&mut self.transaction).as_mut().ok_or_else(lost_transaction)?.join().await
    }

    /// Takes in a row.
    pub(crate) fn attach<E: Entity>(&mut self, entity: E) -> Result<Handle<E>> {
        let (id, now) = (self.id, self.clock);
        let (store, entities) = self.open_store::<E>();
        let (slot, generation) = entities.attach(entity, now)?;
        Ok(Handle::new(super::At { session: id, store, slot, generation }))
    }

    /// Takes in rows.
    fn attach_all<E: Entity>(&mut self, rows: Vec<E>) -> Result<Vec<Handle<E>>> {
        let (id, now) = (self.id, self.clock);
        let (store, entities) = self.open_store::<E>();
        entities.reserve(rows.len());
        rows.into_iter()
            .map(|row| {
                let (slot, generation) = entities.attach(row, now)?;
                Ok(Handle::new(super::At { session: id, store, slot, generation }))
            })
            .collect()
    }
}

/// A session runs any statement, in its transaction, after a flush of what is pending: rows come back plain.
impl Executor for Session {
    fn compiler(&self) -> &Arc<Compiler> {
        self.engine.compiler()
    }

    fn run<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if self.autoflush {
                self.flush().await?;
            }
            self.run_unflushed(jobs).await
        })
    }

    fn run_atomic<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if self.autoflush {
                self.flush().await?;
            }
            self.run_atomic_unflushed(jobs).await
        })
    }

    fn join<'a>(&'a mut self) -> BoxFuture<'a, Result<Transaction<'a>>> {
        Box::pin(async move {
            if self.autoflush {
                self.flush().await?;
            }
            self.join_unflushed().await
        })
    }

    fn wrote(&mut self, table: &'static Table, change: RowChange) {
        let now = self.clock;
        for (_, store) in self.stores.iter_mut().filter(|(_, store)| store.table() == table) {
            store.mark_stale(now);
        }
        self.mark_followers(table, change);
    }
}

/// A session that runs a statement without flushing first. [`Session::unflushed`] makes it.
#[derive(Debug)]
pub struct Unflushed<'a>(&'a mut Session);

impl Executor for Unflushed<'_> {
    fn compiler(&self) -> &Arc<Compiler> {
        self.0.engine.compiler()
    }

    fn run<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.0.run_unflushed(jobs))
    }

    fn run_atomic<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.0.run_atomic_unflushed(jobs))
    }

    fn join<'a>(&'a mut self) -> BoxFuture<'a, Result<Transaction<'a>>> {
        Box::pin(self.0.join_unflushed())
    }

    fn wrote(&mut self, table: &'static Table, change: RowChange) {
        self.0.wrote(table, change);
    }
}
