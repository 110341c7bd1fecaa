//! Statements that load graphs.

use std::sync::Arc;

use relata_core::{
    Result,
    clause::IntoOrder,
    driver::BoxFuture,
    entity::Entity,
    expr::{Condition, IntoExpr},
    statement::{Core, Select, SelectBody},
};
use relata_pool::{Executor, no_row, too_many_rows};

use super::{
    edge::EdgeOf,
    graph::{Append, Graph},
    rows::{Load, LoadHandles, load_rows},
    shape::{ShapeOf, Shaped},
};
use crate::session::{Session, SessionRead};

/// A select of entities with what to load of each.
#[derive(Debug, Clone)]
pub struct GraphSelect<L> {
    body: SelectBody,
    load: Arc<L>,
}

/// Adds to a select of entities what to load with them.
pub trait LoadGraph: Sized {
    /// The entity.
    type Entity: Entity;

    /// Loads an edge with each entity: `User::select().with(User::posts)` gives `(User, Vec<Post>)`. One statement more,
    /// whatever the number of users. Call it again for more edges.
    fn with<X: EdgeOf<Self::Entity>>(self, edge: X) -> GraphSelect<Graph<Self::Entity, (X,)>>;

    /// Loads a struct of one's own instead of the entity: `#[derive(Shape)]`. Only its columns are read.
    fn shape<S: ShapeOf<Self::Entity>>(self) -> GraphSelect<Shaped<S>>;
}

impl<E: Entity> LoadGraph for Select<E> {
    type Entity = E;

    fn with<X: EdgeOf<E>>(self, edge: X) -> GraphSelect<Graph<E, (X,)>> {
        GraphSelect { body: self.into_body(), load: Arc::new(Graph::new((edge,))) }
    }

    fn shape<S: ShapeOf<E>>(self) -> GraphSelect<Shaped<S>> {
        GraphSelect { body: self.into_body(), load: Arc::new(Shaped::new()) }
    }
}

impl<E: Entity, T: Clone> GraphSelect<Graph<E, T>> {
    /// Loads one more edge with each entity.
    pub fn with<X: EdgeOf<E>>(self, edge: X) -> GraphSelect<Graph<E, T::Output>>
    where
        T: Append<X>,
    {
        let graph = Arc::unwrap_or_clone(self.load);
        GraphSelect { body: self.body, load: Arc::new(Graph::new(graph.into_edges().append(edge))) }
    }
}

impl<L: Load> GraphSelect<L> {
    /// `WHERE condition`, on the entities at the root. Called again, both conditions hold.
    #[must_use]
    pub fn filter(mut self, condition: impl IntoExpr<Sql: Condition>) -> Self {
        // Of a union nothing can be loaded, which is said when it runs.
        if let Core::Query(query) = &mut self.body.core {
            query.filter.push(condition.into_expr().into_node());
        }
        self
    }

    /// `ORDER BY expression`, of the entities at the root. May be called again.
    #[must_use]
    pub fn order_by(mut self, order: impl IntoOrder) -> Self {
        order.into_order(&mut self.body.order_by);
        self
    }

    /// `LIMIT rows`: at most so many entities at the root, each with all that belongs to it.
    #[must_use]
    pub fn limit(mut self, rows: u64) -> Self {
        self.body.limit.limit = Some(rows);
        self
    }

    /// `OFFSET rows`: without the first so many entities at the root.
    #[must_use]
    pub fn offset(mut self, rows: u64) -> Self {
        self.body.limit.offset = Some(rows);
        self
    }

    /// All rows.
    ///
    /// # Errors
    ///
    /// What the database says; what cannot be decoded; [`NotFound`](relata_core::ErrorClass::NotFound) if a row that a
    /// relationship promises is not there.
    pub async fn all(self, mut db: impl Executor) -> Result<Vec<L::Output>> {
        Ok(load_rows(&*self.load, self.body, &mut db).await?.0)
    }

    /// The one row.
    ///
    /// # Errors
    ///
    /// As [`all`](GraphSelect::all); [`NotFound`](relata_core::ErrorClass::NotFound) or
    /// [`TooManyRows`](relata_core::ErrorClass::TooManyRows) if there is not exactly one.
    pub async fn one(self, mut db: impl Executor) -> Result<L::Output> {
        let (row, sql) = self.at_most_one(&mut db).await?;
        row.ok_or_else(|| no_row(&sql))
    }

    /// The one row, or `None`.
    ///
    /// # Errors
    ///
    /// As [`all`](GraphSelect::all); [`TooManyRows`](relata_core::ErrorClass::TooManyRows) if there are more.
    pub async fn one_or_none(self, mut db: impl Executor) -> Result<Option<L::Output>> {
        Ok(self.at_most_one(&mut db).await?.0)
    }

    async fn at_most_one(self, db: &mut dyn Executor) -> Result<(Option<L::Output>, String)> {
        let select = self.at_most(2);
        let (mut rows, sql) = load_rows(&*select.load, select.body, db).await?;
        match rows.len() {
            0 | 1 => Ok((rows.pop(), sql)),
            _ => Err(too_many_rows(&sql)),
        }
    }

    /// The first row, or `None`: with `LIMIT 1`.
    ///
    /// # Errors
    ///
    /// As [`all`](GraphSelect::all).
    pub async fn first(self, db: impl Executor) -> Result<Option<L::Output>> {
        Ok(self.at_most(1).all(db).await?.pop())
    }

    fn at_most(mut self, rows: u64) -> Self {
        self.body.limit.limit = Some(self.body.limit.at_most(rows));
        self
    }
}

#[diagnostic::do_not_recommend]
impl<L: LoadHandles> SessionRead for GraphSelect<L> {
    type Handles = L::Handles;

    fn read_into<'a>(self, session: &'a mut Session) -> BoxFuture<'a, Result<(Vec<L::Handles>, String)>>
    where
        Self: 'a,
    {
        Box::pin(async move {
            let (rows, sql) = load_rows(&*self.load, self.body, &mut *session).await?;
            let handles: Result<_> = rows.into_iter().map(|row| self.load.attach(row, session)).collect();
            Ok((handles?, sql))
        })
    }

    fn at_most(self, rows: u64) -> Self {
        GraphSelect::at_most(self, rows)
    }
}
