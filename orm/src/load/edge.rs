//! A relationship with what to load at its end.

use relata_core::{
    Error, ErrorClass, Result,
    clause::{IntoOrder, OrderItem},
    dialect::Dialect,
    driver::BoxFuture,
    entity::Entity,
    expr::{Condition, Expression, IntoExpr},
    relationship::{BelongsTo, HasMany, HasOne, ManyToMany, Optional, Relationship, Required},
    render::Compile,
};

use super::{
    graph::{Append, Graph, Whole},
    loader::Loader,
    rows::{Keys, Load, LoadHandles},
};
use crate::session::Session;

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
    pub(super) relationship: R,
    pub(super) load: L,
    pub(super) filter: Vec<Expression>,
    pub(super) order_by: Vec<OrderItem>,
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
