//! A relationship with what to load at its end.

use std::collections::{HashMap, hash_map::Entry};

use relata_core::{
    Error, ErrorClass, Result,
    clause::{IntoOrder, Join, JoinKind, Limit, OrderItem, Source},
    dialect::{Dialect, Feature},
    driver::BoxFuture,
    entity::Entity,
    expr::{Condition, Connective, Expression, In, InList, Infix, IntoExpr, Logical, TableColumn},
    relationship::{BelongsTo, HasMany, HasOne, ManyToMany, Optional, Relationship, Required},
    render::{Compile, Statement},
    schema::Table,
    statement::{Core, Query, SelectBody},
    value::{Kind, Value},
};

use super::{
    graph::{Append, Graph, Whole},
    loader::{Loader, together},
    rows::{Group, Keys, Load, LoadHandles, load_grouped},
};
use crate::{key::Key, session::Session};

/// A relationship with what to load at its end: `User::posts`, `User::posts.with(Post::comments)`.
pub trait Edge: Send + Sync + 'static {
    /// The entity that it begins at.
    type Source: Entity;

    /// What is at its end for one entity: a `Vec`, an `Option`, or one value.
    type Output: Send;

    /// The places of the source's columns that it compares.
    fn key_columns(&self) -> &'static [usize];

    /// Loads what is at its end: an output for each key, in that order. One statement, whatever the number of keys; on
    /// databases that cannot bind a list as one parameter, one for each so many.
    ///
    /// # Errors
    ///
    /// What the database says; a row that should be there and is not.
    fn load<'a>(&'a self, keys: Keys, loader: &'a Loader) -> BoxFuture<'a, Result<Vec<Self::Output>>>;

    /// Finds what is wrong with its filters and orders, whether or not a row will lead there.
    ///
    /// # Errors
    ///
    /// As compiling its statement.
    fn check(&self, _: &dyn Dialect) -> Compile {
        Ok(())
    }
}

/// An [`Edge`] that begins at the entity `E`: each does at its source.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no relationship of `{E}`",
    label = "no relationship of `{E}`",
    note = "a relationship of `{E}` is loaded with it: `{E}::…`, and with more behind it `{E}::….with(…)`"
)]
pub trait EdgeOf<E>: Edge<Source = E> {}

/// An edge whose end a session can take in.
pub trait EdgeHandles: Edge {
    /// Handles in the form of the output.
    type Handles: Send;

    /// Takes it in.
    ///
    /// # Errors
    ///
    /// As reading a row again.
    fn attach(&self, output: Self::Output, session: &mut Session) -> Result<Self::Handles>;
}

/// A relationship to which something was added: what to load behind it, a filter, an order.
#[derive(Debug, Clone)]
pub struct To<R, L> {
    relationship: R,
    load: L,
    filter: Vec<Expression>,
    order_by: Vec<OrderItem>,
}

/// Adds to a relationship what to load with it.
pub trait WithEdges: Relationship {
    /// Loads an edge of the entities at the end as well: `User::posts.with(Post::comments)`.
    fn with<X: EdgeOf<Self::Target>>(self, edge: X) -> To<Self, Graph<Self::Target, (X,)>> {
        To { relationship: self, load: Graph::new((edge,)), filter: Vec::new(), order_by: Vec::new() }
    }

    /// Loads only those for which a condition holds: `User::posts.filter(Post::published.eq(true))`.
    fn filter(self, condition: impl IntoExpr<Sql: Condition>) -> To<Self, Whole<Self::Target>> {
        To::whole(self).filter(condition)
    }

    /// Loads them in an order; without one it is that of the primary key.
    fn order_by(self, order: impl IntoOrder) -> To<Self, Whole<Self::Target>> {
        To::whole(self).order_by(order)
    }
}

impl<R: Relationship> WithEdges for R {}

impl<R: Relationship> To<R, Whole<R::Target>> {
    fn whole(relationship: R) -> Self {
        To { relationship, load: Whole::new(), filter: Vec::new(), order_by: Vec::new() }
    }

    /// Loads an edge of the entities at the end as well.
    pub fn with<X: EdgeOf<R::Target>>(self, edge: X) -> To<R, Graph<R::Target, (X,)>> {
        To {
            relationship: self.relationship,
            load: Graph::new((edge,)),
            filter: self.filter,
            order_by: self.order_by,
        }
    }
}

impl<R: Relationship, T> To<R, Graph<R::Target, T>> {
    /// Loads one more edge of the entities at the end.
    pub fn with<X: EdgeOf<R::Target>>(self, edge: X) -> To<R, Graph<R::Target, T::Output>>
    where
        T: Append<X>,
    {
        To {
            relationship: self.relationship,
            load: Graph::new(self.load.into_edges().append(edge)),
            filter: self.filter,
            order_by: self.order_by,
        }
    }
}

impl<R: Relationship, L> To<R, L> {
    pub(super) fn new(relationship: R, load: L) -> Self {
        To { relationship, load, filter: Vec::new(), order_by: Vec::new() }
    }

    /// Loads only those for which a condition holds. Called again, both hold.
    #[must_use]
    pub fn filter(mut self, condition: impl IntoExpr<Sql: Condition>) -> Self {
        self.filter.push(condition.into_expr().into_node());
        self
    }

    /// Loads them in an order. May be called again.
    #[must_use]
    pub fn order_by(mut self, order: impl IntoOrder) -> Self {
        order.into_order(&mut self.order_by);
        self
    }
}

impl<R: Relationship, L: Load<Entity = R::Target>> To<R, L> {
    /// What is at the end for these keys, of keys that are wanted more than once as often: in parts, each with the numbers of the keys
    /// that its outputs belong to.
    async fn fetch(
        &self,
        wanted: &Distinct<'_>,
        order: Order,
        loader: &Loader,
    ) -> Result<Vec<(Vec<usize>, Vec<L::Output>)>> {
        let (table, columns) = match self.relationship.through() {
            Some(through) => (through.table, through.source_columns),
            None => (R::Target::TABLE, self.relationship.target_columns()),
        };
        let dialect = loader.dialect();
        let keys = &wanted.keys;
        // A list that travels as one parameter may be as long as it likes.
        let chunk = match columns.len() {
            1 if dialect.supports(Feature::ArrayBind) => keys.len(),
            1 => (dialect.max_binds() / 2).min(10_000),
            // A condition for each: SQLite takes up to a thousand, and PostgreSQL would compile thousands for minutes.
            _ => 500,
        };
        let sort = order == Order::Here;
        let parts = keys.chunks(chunk.max(1)).zip(wanted.counts.chunks(chunk.max(1)));
        let loads = parts.map(|(part, counts)| {
            let body = self.select(Some(among(table, columns, part)), order);
            let copies = part.iter().zip(counts).filter(|(_, count)| **count > 1);
            let copies = copies.map(|(key, count)| ((*key).clone(), *count)).collect();
            let group = Group { table, columns, sort, copies };
            let load: BoxFuture<'_, _> = Box::pin(load_grouped(&self.load, body, Some(group), loader));
            load
        });
        let parts = together(loads.collect()).await?.into_iter();
        parts.map(|(outputs, found)| Ok((self.numbers(wanted, &found)?, outputs))).collect()
    }

    /// The numbers of these keys.
    fn numbers(&self, wanted: &Distinct<'_>, found: &Keys) -> Result<Vec<usize>> {
        let mut numbers = Vec::with_capacity(found.0.len());
        let mut last: Option<(&Key, usize)> = None;
        for key in &found.0 {
            // Rows of one key often come one after the other.
            let number = match last {
                Some((same, number)) if same == key => number,
                _ => wanted.numbers.get(key).copied().ok_or_else(|| self.unequal())?,
            };
            last = Some((key, number));
            numbers.push(number);
        }
        Ok(numbers)
    }

    /// Compiles its statement, without keys, if something was added to it; and those behind it.
    fn check_all(&self, dialect: &dyn Dialect) -> Compile {
        if !self.filter.is_empty() || !self.order_by.is_empty() {
            self.select(None, Order::None).compile(dialect)?;
        }
        self.load.check(dialect)
    }

    /// `SELECT … FROM target [JOIN association] WHERE column IN (keys) [ORDER BY …]`, whose items are still to be chosen.
    fn select(&self, among: Option<Expression>, order: Order) -> SelectBody {
        let target = R::Target::TABLE;
        let mut query = Query::default();
        query.from = Some(Source::Table(target));
        if let Some(through) = self.relationship.through() {
            let table = through.table;
            let pairs = through.target_columns.iter().zip(self.relationship.target_columns());
            let on =
                pairs.map(|(own, other)| Infix::equals(column_of(table, *own), column_of(target, *other)));
            query.joins.push(Join {
                kind: JoinKind::Inner,
                source: Source::Table(table),
                on: Some(Logical::joined(Connective::And, on.collect())),
            });
        }
        query.filter.extend(among.into_iter().chain(self.filter.iter().cloned()));
        let mut order_by = self.order_by.clone();
        if order == Order::There && order_by.is_empty() {
            order_by.extend(target.primary_key.iter().map(|key| ascending(column_of(target, *key))));
        }
        SelectBody { core: Core::Query(query), order_by, limit: Limit::default(), lock: None }
    }

    async fn many(&self, keys: Keys, loader: &Loader) -> Result<Vec<Vec<L::Output>>> {
        let mut outputs: Vec<Vec<L::Output>> = keys.0.iter().map(|_| Vec::new()).collect();
        let order = match self.order_by[..] {
            [] if has_number_for_key(R::Target::TABLE) => Order::Here,
            _ => Order::There,
        };
        let mut wanted = Distinct::with_capacity(keys.0.len());
        // Those who want the same rows, in a circle: the next, and whose turn it is for a number.
        let mut next: Vec<usize> = (0..keys.0.len()).collect();
        let mut turn: Vec<usize> = Vec::with_capacity(keys.0.len());
        for (at, key) in keys.0.iter().enumerate().filter(|(_, key)| !key.has_null()) {
            match wanted.want(key) {
                None => turn.push(at),
                Some(number) => next.swap(at, turn[number]),
            }
        }
        let found = self.fetch(&wanted, order, loader).await?;
        let mut rows = vec![0; wanted.keys.len()];
        for (numbers, _) in &found {
            numbers.iter().for_each(|number| rows[*number] += 1);
        }
        for (numbers, part) in found {
            for (number, output) in numbers.into_iter().zip(part) {
                let at = turn[number];
                if outputs[at].is_empty() {
                    outputs[at].reserve_exact(rows[number] / wanted.counts[number]);
                }
                outputs[at].push(output);
                turn[number] = next[at];
            }
        }
        Ok(outputs)
    }

    /// What is said when the database takes a key for equal that is not.
    #[cold]
    fn unequal(&self) -> Error {
        Error::new(
            ErrorClass::Decode,
            format!(
                "{}::{} leads to a row of {} whose key is equal in the database only, as by a collation that ignores case: give \
                 the columns the same values",
                R::Source::TABLE.entity,
                self.relationship.name(),
                R::Target::TABLE.name
            ),
        )
        .with_table(R::Target::TABLE.name)
    }

    async fn one(&self, keys: Keys, loader: &Loader) -> Result<Vec<Option<L::Output>>>
    where
        L::Output: Clone,
    {
        let mut wanted = Distinct::with_capacity(keys.0.len());
        for key in keys.0.iter().filter(|key| !key.has_null()) {
            wanted.add(key);
        }
        let mut found: Vec<Option<L::Output>> = wanted.keys.iter().map(|_| None).collect();
        for (numbers, outputs) in self.fetch(&wanted, Order::None, loader).await? {
            numbers.into_iter().zip(outputs).for_each(|(number, output)| found[number] = Some(output));
        }
        Ok(keys
            .0
            .iter()
            .map(|key| wanted.numbers.get(key).and_then(|number| found[*number].clone()))
            .collect())
    }
}

/// Different keys, with their numbers. In the order in which they came, not of a hash map: the same statement has the same binds
/// each time.
struct Distinct<'k> {
    keys: Vec<&'k Key>,
    numbers: HashMap<&'k Key, usize>,
    /// How often each is wanted.
    counts: Vec<usize>,
}

impl<'k> Distinct<'k> {
    fn with_capacity(keys: usize) -> Self {
        Distinct {
            keys: Vec::with_capacity(keys),
            numbers: HashMap::with_capacity(keys),
            counts: Vec::with_capacity(keys),
        }
    }

    /// Wants what is at the end of a key, once more; the number of the key, if it is known already.
    fn want(&mut self, key: &'k Key) -> Option<usize> {
        let known = self.add(key)?;
        self.counts[known] += 1;
        Some(known)
    }

    /// Adds a key; its number, if it is known already.
    fn add(&mut self, key: &'k Key) -> Option<usize> {
        match self.numbers.entry(key) {
            Entry::Occupied(number) => Some(*number.get()),
            Entry::Vacant(number) => {
                number.insert(self.keys.len());
                self.keys.push(key);
                self.counts.push(1);
                None
            }
        }
    }
}

fn column_of(table: &'static Table, column: usize) -> Expression {
    Expression::Column(TableColumn::at(table, column))
}

/// Who puts rows into order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// There is one for each key at most.
    None,
    /// The database.
    There,
    /// Relata, by their primary keys, where numbers are compared as everywhere. What the database gives is mostly in that order
    /// already, but it would collect all rows and sort them before it sends the first.
    Here,
}

/// Whether the primary key is one integer, which is read as an `i64`.
fn has_number_for_key(table: &Table) -> bool {
    let [key] = table.primary_key else { return false };
    let kind = table.columns[*key].ty.kind;
    kind.is_integer() && kind != Kind::U64
}

fn ascending(expression: Expression) -> OrderItem {
    OrderItem { expression, direction: relata_core::clause::Direction::Ascending, nulls: None }
}

/// Whether columns have one of these values.
fn among(table: &'static Table, columns: &[usize], wanted: &[&Key]) -> Expression {
    if let [column] = columns {
        let kind = table.columns[*column].ty.kind;
        let values = wanted.iter().flat_map(|key| key.parts()).map(|part| part.to_value(kind)).collect();
        let list = InList::Values(Value::Array(kind, values));
        return Expression::In(Box::new(In { operand: column_of(table, *column), list, negated: false }));
    }
    let is = |key: &&Key| {
        let pairs = columns.iter().zip(key.parts()).map(|(column, part)| {
            let value = part.to_value(table.columns[*column].ty.kind);
            Infix::equals(column_of(table, *column), Expression::Bind(value))
        });
        Logical::joined(Connective::And, pairs.collect())
    };
    Logical::joined(Connective::Or, wanted.iter().map(is).collect())
}

/// What is said when the row at the end of a required edge is not there.
fn missing<R: Relationship>(relationship: &R) -> Error {
    Error::new(
        ErrorClass::NotFound,
        format!(
            "{}::{} leads to a row of {} that is not there: declare the relationship `optional` if that may be",
            R::Source::TABLE.entity,
            relationship.name(),
            R::Target::TABLE.name
        ),
    )
    .with_table(R::Target::TABLE.name)
}

/// For each kind of relationship: what is at its end, how it is loaded, and what becomes of it in a session.
macro_rules! edge {
    ($name:ident<$source:ident, $target:ident $(, $presence:ident)?> => $output:ty, $handles:ty $(, $clone:ident)?;
     |$to:ident, $keys:ident, $loader:ident| $load:expr; |$edge:ident, $value:ident, $session:ident| $attach:expr) => {
        impl<$source: Entity, $target: Entity, L: Load<Entity = $target>> Edge for To<$name<$source, $target $(, $presence)?>, L>
        where
            $(L::Output: $clone,)?
        {
            type Source = $source;
            type Output = $output;

            fn key_columns(&self) -> &'static [usize] {
                self.relationship.source_columns()
            }

            fn load<'a>(&'a self, $keys: Keys, $loader: &'a Loader) -> BoxFuture<'a, Result<Vec<Self::Output>>> {
                let $to = self;
                Box::pin(async move { $load })
            }

            fn check(&self, dialect: &dyn Dialect) -> Compile {
                self.check_all(dialect)
            }
        }

        impl<$source: Entity, $target: Entity, L: Load<Entity = $target>> EdgeOf<$source>
            for To<$name<$source, $target $(, $presence)?>, L>
        where
            $(L::Output: $clone,)?
        {
        }

        impl<$source: Entity, $target: Entity, L: LoadHandles<Entity = $target>> EdgeHandles
            for To<$name<$source, $target $(, $presence)?>, L>
        where
            $(L::Output: $clone,)?
        {
            type Handles = $handles;

            fn attach(&self, $value: Self::Output, $session: &mut Session) -> Result<Self::Handles> {
                let $edge = self;
                $attach
            }
        }

        impl<$source: Entity, $target: Entity> Edge for $name<$source, $target $(, $presence)?>
        where
            $($target: $clone,)?
        {
            type Source = $source;
            type Output = <To<Self, Whole<$target>> as Edge>::Output;

            fn key_columns(&self) -> &'static [usize] {
                Relationship::source_columns(self)
            }

            fn load<'a>(&'a self, keys: Keys, loader: &'a Loader) -> BoxFuture<'a, Result<Vec<Self::Output>>> {
                let edge = To::whole(*self);
                Box::pin(async move { edge.load(keys, loader).await })
            }
        }

        impl<$source: Entity, $target: Entity> EdgeOf<$source> for $name<$source, $target $(, $presence)?> where
            $($target: $clone,)?
        {
        }

        impl<$source: Entity, $target: Entity> EdgeHandles for $name<$source, $target $(, $presence)?>
        where
            $($target: $clone,)?
        {
            type Handles = <To<Self, Whole<$target>> as EdgeHandles>::Handles;

            fn attach(&self, output: Self::Output, session: &mut Session) -> Result<Self::Handles> {
                To::whole(*self).attach(output, session)
            }
        }
    };
}

edge! {
    HasMany<P, C> => Vec<L::Output>, Vec<L::Handles>;
    |to, keys, loader| to.many(keys, loader).await;
    |edge, values, session| values.into_iter().map(|value| edge.load.attach(value, session)).collect()
}

edge! {
    ManyToMany<P, C> => Vec<L::Output>, Vec<L::Handles>;
    |to, keys, loader| to.many(keys, loader).await;
    |edge, values, session| values.into_iter().map(|value| edge.load.attach(value, session)).collect()
}

edge! {
    HasOne<P, C> => Option<L::Output>, Option<L::Handles>;
    |to, keys, loader| Ok(to.many(keys, loader).await?.into_iter().map(|mut rows| rows.pop()).collect());
    |edge, value, session| value.map(|value| edge.load.attach(value, session)).transpose()
}

edge! {
    BelongsTo<C, P, Optional> => Option<L::Output>, Option<L::Handles>, Clone;
    |to, keys, loader| to.one(keys, loader).await;
    |edge, value, session| value.map(|value| edge.load.attach(value, session)).transpose()
}

edge! {
    BelongsTo<C, P, Required> => L::Output, L::Handles, Clone;
    |to, keys, loader| {
        let found = to.one(keys, loader).await?;
        found.into_iter().map(|row| row.ok_or_else(|| missing(&to.relationship))).collect()
    };
    |edge, value, session| edge.load.attach(value, session)
}
