//! What fills a field of a shape: the column or the relationship of the entity whose constant has the field's name.
//!
//! The derive cannot see which of the two `Post::comments` is; the type of the constant knows.

use std::{any::Any, vec};

use relata_core::{
    Result,
    driver::BoxFuture,
    entity::Entity,
    expr::Column,
    projection::RowReader,
    relationship::{BelongsTo, HasMany, HasOne, ManyToMany, Relationship},
    types::Type,
};

use super::{Keys, Loader, shape::FromEdge};

/// A column or relationship that can fill a field of type `F`.
#[diagnostic::on_unimplemented(
    message = "a field of type `{F}` cannot hold what a `{Self}` gives",
    label = "the entity has a `{Self}` of this name",
    note = "a column fills a field of its own type"
)]
pub trait Part<F>: Copy + Send + 'static {
    /// Adds the place of the column, if it is one.
    fn column(self, columns: &mut Vec<usize>);

    /// Reads the column, if it is one.
    ///
    /// # Errors
    ///
    /// If the cell does not fit.
    fn read(self, row: &mut RowReader<'_>) -> Result<Option<F>>;

    /// Adds the places of the columns that the relationship compares, if it is one.
    fn edge(self, edges: &mut Vec<&'static [usize]>);

    /// Loads the relationship, if it is one: it takes the next keys.
    fn load<'a>(
        self,
        keys: &mut vec::IntoIter<Keys>,
        loader: &'a Loader,
    ) -> Option<BoxFuture<'a, Result<Vec<F>>>>;
}

impl<E: Entity, F: Type> Part<F> for Column<E, F> {
    fn column(self, columns: &mut Vec<usize>) {
        columns.push(self.index());
    }

    fn read(self, row: &mut RowReader<'_>) -> Result<Option<F>> {
        row.read().map(Some)
    }

    fn edge(self, _: &mut Vec<&'static [usize]>) {}

    fn load<'a>(self, _: &mut vec::IntoIter<Keys>, _: &'a Loader) -> Option<BoxFuture<'a, Result<Vec<F>>>> {
        None
    }
}

macro_rules! relationships {
    ($($name:ident<$($parameter:ident: $bound:path),+>;)*) => {
        $(impl<$($parameter: $bound,)+ F: FromEdge<Self> + 'static> Part<F> for $name<$($parameter),+> {
            fn column(self, _: &mut Vec<usize>) {}

            fn read(self, _: &mut RowReader<'_>) -> Result<Option<F>> {
                Ok(None)
            }

            fn edge(self, edges: &mut Vec<&'static [usize]>) {
                edges.push(self.source_columns());
            }

            fn load<'a>(
                self,
                keys: &mut vec::IntoIter<Keys>,
                loader: &'a Loader,
            ) -> Option<BoxFuture<'a, Result<Vec<F>>>> {
                Some(F::load(self, keys.next().unwrap_or_default(), loader))
            }
        })*
    };
}

relationships! {
    HasMany<P: Entity, C: Entity>;
    HasOne<P: Entity, C: Entity>;
    ManyToMany<P: Entity, C: Entity>;
    BelongsTo<C: Entity, P: Entity, N: Any>;
}

/// What fills a field in shape after shape: the column that was read of its row, or what the relationship leads to.
#[derive(Debug)]
pub struct Filling<F>(Option<vec::IntoIter<F>>);

impl<F> Default for Filling<F> {
    fn default() -> Self {
        Filling(None)
    }
}

impl<F: Send> Filling<F> {
    /// Loads the relationship, if it is one. `#[derive(Shape)]` calls it.
    ///
    /// # Errors
    ///
    /// As [`FromEdge::load`].
    pub fn load<'a, P: Part<F>>(
        &'a mut self,
        part: P,
        keys: &mut vec::IntoIter<Keys>,
        loader: &'a Loader,
    ) -> Option<BoxFuture<'a, Result<()>>> {
        let load = part.load(keys, loader)?;
        Some(Box::pin(async move {
            self.0 = Some(load.await?.into_iter());
            Ok(())
        }))
    }

    /// The next field, whose column was read as `scalar`.
    pub fn next(&mut self, scalar: Option<F>) -> Option<F> {
        match &mut self.0 {
            None => scalar,
            Some(related) => related.next(),
        }
    }
}
