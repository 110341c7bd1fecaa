//! What a mapped type is: the traits that `#[derive(Entity)]` implements.

use std::{borrow::Cow, fmt::Debug, hash::Hash};

use crate::{
    error::Result,
    expr::Alias,
    projection::{EntityProjection, RowReader},
    relationship::Link,
    schema::Table,
    statement::Select,
    types::Mismatch,
    value::{Cell, Value},
};

/// A Rust struct that is mapped to a table.
///
/// `#[derive(Entity)]` implements it, and adds a constant for each column and relationship.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an entity",
    note = "`#[derive(Entity)]` maps a struct to a table"
)]
pub trait Entity: Sized + Send + Sync + 'static {
    /// The table.
    const TABLE: &'static Table;

    /// The columns that hold keys of other entities, with or without a foreign key: what relationships lead along.
    const LINKS: &'static [Link] = &[];

    /// The primary key: the field's type, or a tuple where the key has several columns.
    type Key: Clone + Eq + Hash + Debug + Send + Sync + 'static;

    /// What an INSERT takes: all columns that the database does not generate.
    type New: Insertable<Entity = Self>;

    /// Reads all columns, in the order of the table.
    ///
    /// # Errors
    ///
    /// If a cell does not fit its field.
    fn read(row: &mut RowReader<'_>) -> Result<Self>;

    /// The primary key.
    fn key(&self) -> Self::Key;

    /// The values of a key, in the order of the primary key's columns.
    fn key_values(key: &Self::Key) -> Vec<Value>;

    /// The value of the column at a place, as it would be bound.
    fn value(&self, column: usize) -> Value;

    /// Sets the column at a place.
    ///
    /// # Errors
    ///
    /// If the cell does not fit the field.
    fn assign(&mut self, column: usize, cell: Cell<'_>) -> Result<(), Mismatch>;

    /// All rows of the table as entities: `SELECT … FROM table`.
    fn select() -> Select<Self> {
        crate::statement::select(Self::entity())
    }

    /// The row with this primary key: `SELECT … FROM table WHERE key = …`.
    fn find(key: &Self::Key) -> Select<Self> {
        Self::select().filter_key(Self::TABLE, Self::key_values(key))
    }

    /// The entity as part of a row: `select((User::entity(), count(Post::id)))`; and as what is read from:
    /// `.from(User::entity())`.
    fn entity() -> EntityProjection<Self> {
        EntityProjection::new(None)
    }

    /// The table under another name, for self-joins.
    fn alias(name: impl Into<Cow<'static, str>>) -> Alias<Self> {
        Alias::new(name.into())
    }
}

/// What an INSERT takes: the `New…` struct of an entity.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be inserted",
    note = "an insert takes the `New…` struct that `#[derive(Entity)]` makes; several of them take `insert_many`"
)]
pub trait Insertable: Send + Sync + 'static {
    /// The entity that it becomes.
    type Entity: Entity;

    /// Fills in the values, a place for each column of the table; what is left [`Input::Default`] is up to the database.
    fn into_inputs(self, row: &mut [Input]);

    /// As [`into_inputs`](Insertable::into_inputs), leaving this as it is.
    fn inputs(&self, row: &mut [Input]);
}

/// What an INSERT puts into a column.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Input {
    /// The column's default, or what the database generates.
    #[default]
    Default,
    /// A value.
    Value(Value),
    /// What a row that a session has not inserted yet will have in the column at this place; without one, in the column that the
    /// foreign key refers to.
    Pending(PendingKey, Option<usize>),
}

impl Input {
    /// The value, if there is one already.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Input::Value(value) => Some(value),
            Input::Default | Input::Pending(..) => None,
        }
    }
}

/// Names an entity that a session has not inserted yet: its key is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PendingKey {
    /// The session.
    pub session: u64,
    /// The session's store of the entity's type.
    pub store: u32,
    /// The place in it.
    pub slot: u32,
    /// The generation of the place.
    pub generation: u32,
}

/// An insert with a key of one's own choice where the database would generate one: `NewUser { … }.with_key(7)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WithKey<N, K> {
    new: N,
    key: K,
}

impl<N, K> WithKey<N, K> {
    /// The row without its key.
    pub fn row(&self) -> &N {
        &self.new
    }

    /// The row without its key, to be changed.
    pub fn row_mut(&mut self) -> &mut N {
        &mut self.new
    }
}

/// Adds [`with_key`](InsertableExt::with_key) to every `New…` struct.
pub trait InsertableExt: Insertable + Sized {
    /// The same row with this primary key, although the database would generate one.
    fn with_key(self, key: <Self::Entity as Entity>::Key) -> WithKey<Self, <Self::Entity as Entity>::Key> {
        WithKey { new: self, key }
    }
}

impl<N: Insertable> InsertableExt for N {}

impl<N: Insertable<Entity = E>, E: Entity<Key = K>, K: Send + Sync + 'static> Insertable for WithKey<N, K> {
    type Entity = E;

    fn into_inputs(self, row: &mut [Input]) {
        self.new.into_inputs(row);
        fill_key::<E>(&self.key, row);
    }

    fn inputs(&self, row: &mut [Input]) {
        self.new.inputs(row);
        fill_key::<E>(&self.key, row);
    }
}

fn fill_key<E: Entity>(key: &E::Key, row: &mut [Input]) {
    for (value, column) in E::key_values(key).into_iter().zip(E::TABLE.primary_key) {
        row[*column] = Input::Value(value);
    }
}

/// Says that an entity has no column at a place: for `#[derive(Entity)]`.
///
/// # Panics
///
/// Always, as indexing does. Places come from the table's description, never from input.
#[cold]
#[allow(clippy::panic)]
pub fn no_such_column(entity: &str, column: usize) -> ! {
    panic!("{entity} has no column {column}")
}
