//! Structs of one's own that are loaded by the names of their fields: `#[derive(Shape)]`.

use std::marker::PhantomData;

use relata_core::{
    Result,
    driver::BoxFuture,
    entity::Entity,
    projection::RowReader,
    relationship::{BelongsTo, HasMany, HasOne, ManyToMany, Optional, Relationship, Required},
};

use super::{
    edge::{Edge, To},
    loader::Loader,
    rows::{Keys, Load},
};

/// A struct that is loaded from an entity's table: some of its columns, and what is related to it. `#[derive(Shape)]`
/// implements it; every entity is the shape of itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be loaded as a shape",
    note = "`#[derive(Shape)]` with `#[shape(of = …)]` makes a struct one; entities are"
)]
pub trait Shape: Sized + Send + 'static {
    /// The entity.
    type Entity: Entity;

    /// What is read of a row itself.
    type Scalars: Send + 'static;

    /// The places of the columns that [`read`](Shape::read) reads.
    fn columns() -> Vec<usize>;

    /// Reads a row.
    ///
    /// # Errors
    ///
    /// If a cell does not fit.
    fn read(row: &mut RowReader<'_>) -> Result<Self::Scalars>;

    /// For each relationship among the fields, the places of the columns that it compares.
    fn edge_columns() -> Vec<&'static [usize]>;

    /// Loads the relationships, whose keys come in the same order, and puts everything together.
    ///
    /// # Errors
    ///
    /// As [`Edge::load`].
    fn assemble(
        scalars: Vec<Self::Scalars>,
        keys: Vec<Keys>,
        loader: &Loader,
    ) -> BoxFuture<'_, Result<Vec<Self>>>;
}

/// A [`Shape`] of the entity `E`. `#[derive(Shape)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no shape of `{E}`",
    label = "no shape of `{E}`",
    note = "`{E}` itself is one, and a struct with `#[derive(Shape)]` and `#[shape(of = {E})]`"
)]
pub trait ShapeOf<E>: Shape<Entity = E> {}

#[diagnostic::do_not_recommend]
impl<E: Entity> ShapeOf<E> for E {}

#[diagnostic::do_not_recommend]
impl<E: Entity> Shape for E {
    type Entity = E;
    type Scalars = E;

    fn columns() -> Vec<usize> {
        (0..E::TABLE.columns.len()).collect()
    }

    fn read(row: &mut RowReader<'_>) -> Result<E> {
        E::read(row)
    }

    fn edge_columns() -> Vec<&'static [usize]> {
        Vec::new()
    }

    fn assemble(scalars: Vec<E>, _: Vec<Keys>, _: &Loader) -> BoxFuture<'_, Result<Vec<E>>> {
        Box::pin(std::future::ready(Ok(scalars)))
    }
}

/// What a `belongs_to` leads to, which is one for several rows.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is given to several rows, so it must be `Clone`",
    note = "several rows can belong to one, and each has it as a value of its own: `#[derive(Clone)]`"
)]
pub trait Shared: Clone {}

#[diagnostic::do_not_recommend]
impl<S: Clone> Shared for S {}

/// Loads a shape.
#[derive(Debug)]
pub struct Shaped<S>(PhantomData<fn() -> S>);

impl<S> Shaped<S> {
    pub(super) const fn new() -> Self {
        Shaped(PhantomData)
    }
}

impl<S> Clone for Shaped<S> {
    fn clone(&self) -> Self {
        Shaped::new()
    }
}

impl<S: Shape> Load for Shaped<S> {
    type Entity = S::Entity;
    type Scalars = S::Scalars;
    type Output = S;

    fn columns(&self) -> Vec<usize> {
        S::columns()
    }

    fn read(row: &mut RowReader<'_>) -> Result<S::Scalars> {
        S::read(row)
    }

    fn edge_columns(&self) -> Vec<&'static [usize]> {
        S::edge_columns()
    }

    fn assemble<'a>(
        &'a self,
        scalars: Vec<S::Scalars>,
        keys: Vec<Keys>,
        loader: &'a Loader,
    ) -> BoxFuture<'a, Result<Vec<S>>> {
        S::assemble(scalars, keys, loader)
    }
}

/// A field of a shape that a relationship of type `R` can fill.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` cannot hold what the relationship leads to",
    label = "this field",
    note = "a to-many relationship fills a `Vec` of entities or shapes, one that may be empty an `Option`, another the value itself"
)]
pub trait FromEdge<R>: Sized + Send {
    /// Loads the relationship: a value for each key, in that order.
    ///
    /// # Errors
    ///
    /// As [`Edge::load`].
    fn load(relationship: R, keys: Keys, loader: &Loader) -> BoxFuture<'_, Result<Vec<Self>>>;
}

fn load_edge<R: Relationship, S: ShapeOf<R::Target>>(
    relationship: R,
    keys: Keys,
    loader: &Loader,
) -> BoxFuture<'_, Result<Vec<<To<R, Shaped<S>> as Edge>::Output>>>
where
    To<R, Shaped<S>>: Edge,
{
    let edge = To::new(relationship, Shaped::<S>::new());
    Box::pin(async move { edge.load(keys, loader).await })
}

impl<P: Entity, C: Entity, S: ShapeOf<C>> FromEdge<HasMany<P, C>> for Vec<S> {
    fn load(relationship: HasMany<P, C>, keys: Keys, loader: &Loader) -> BoxFuture<'_, Result<Vec<Self>>> {
        load_edge::<_, S>(relationship, keys, loader)
    }
}

impl<P: Entity, C: Entity, S: ShapeOf<C>> FromEdge<ManyToMany<P, C>> for Vec<S> {
    fn load(relationship: ManyToMany<P, C>, keys: Keys, loader: &Loader) -> BoxFuture<'_, Result<Vec<Self>>> {
        load_edge::<_, S>(relationship, keys, loader)
    }
}

impl<P: Entity, C: Entity, S: ShapeOf<C>> FromEdge<HasOne<P, C>> for Option<S> {
    fn load(relationship: HasOne<P, C>, keys: Keys, loader: &Loader) -> BoxFuture<'_, Result<Vec<Self>>> {
        load_edge::<_, S>(relationship, keys, loader)
    }
}

impl<P: Entity, C: Entity, S: ShapeOf<P> + Shared> FromEdge<BelongsTo<C, P, Optional>> for Option<S> {
    fn load(
        relationship: BelongsTo<C, P, Optional>,
        keys: Keys,
        loader: &Loader,
    ) -> BoxFuture<'_, Result<Vec<Self>>> {
        load_edge::<_, S>(relationship, keys, loader)
    }
}

impl<P: Entity, C: Entity, S: ShapeOf<P> + Shared> FromEdge<BelongsTo<C, P, Required>> for S {
    fn load(
        relationship: BelongsTo<C, P, Required>,
        keys: Keys,
        loader: &Loader,
    ) -> BoxFuture<'_, Result<Vec<Self>>> {
        load_edge::<_, S>(relationship, keys, loader)
    }
}
