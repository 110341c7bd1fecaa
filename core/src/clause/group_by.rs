//! `GROUP BY` and `PARTITION BY` (SQL:2016 Foundation 7.13, 7.15).

use crate::{
    entity::Entity,
    expr::{Column, Expr, Expression},
    types::Type,
};

/// What can be grouped by: a column, an expression, a tuple of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be grouped by",
    note = "columns, expressions, and tuples of up to 8 of them can"
)]
pub trait IntoGroup {
    /// Appends its expressions.
    fn into_group(self, expressions: &mut Vec<Expression>);
}

impl<T> IntoGroup for Expr<T> {
    fn into_group(self, expressions: &mut Vec<Expression>) {
        expressions.push(self.into_node());
    }
}

impl<T> IntoGroup for &Expr<T> {
    fn into_group(self, expressions: &mut Vec<Expression>) {
        self.clone().into_group(expressions);
    }
}

impl<E: Entity, T: Type> IntoGroup for Column<E, T> {
    fn into_group(self, expressions: &mut Vec<Expression>) {
        expressions.push(self.node());
    }
}

super::tuples!(IntoGroup::into_group(Vec<Expression>));
