//! A second name for a table: what a self-join needs.

use std::{borrow::Cow, fmt, marker::PhantomData};

use super::{AliasColumn, Column, Expr, Expression};
use crate::{entity::Entity, types::Type};

/// A table under another name, made by [`Entity::alias`]. Its columns keep their types.
///
/// ```sql
/// SELECT "employees"."name", "manager"."name" FROM "employees" JOIN "employees" AS "manager" ON …
/// ```
pub struct Alias<E> {
    name: Cow<'static, str>,
    entity: PhantomData<fn() -> E>,
}

impl<E: Entity> Alias<E> {
    pub(crate) fn new(name: Cow<'static, str>) -> Self {
        Alias { name, entity: PhantomData }
    }

    /// The name.
    pub fn name(&self) -> &Cow<'static, str> {
        &self.name
    }

    /// A column of the aliased table.
    pub fn column<T: Type>(&self, column: Column<E, T>) -> Expr<T> {
        Expr::new(self.node(column.index()))
    }

    pub(crate) fn node(&self, index: usize) -> Expression {
        let column = &E::TABLE.columns[index];
        Expression::AliasColumn(Box::new(AliasColumn {
            alias: self.name.clone(),
            column: Cow::Borrowed(column.name),
            table: Some(E::TABLE),
            kind: Some(column.ty.kind),
        }))
    }
}

impl<E> Clone for Alias<E> {
    fn clone(&self) -> Self {
        Alias { name: self.name.clone(), entity: PhantomData }
    }
}

impl<E> fmt::Debug for Alias<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Alias({:?})", self.name)
    }
}
