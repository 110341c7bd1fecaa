//! `GROUP BY` and `PARTITION BY` (SQL:2016 Foundation 7.13, 7.15).

use crate::{
    entity::Entity,
    expr::{Column, Expr, Expression},
    types::Type,
};

/// What can be grouped by: a column, an expression, a tuple or `Vec` of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be grouped by",
    note = "columns, expressions, tuples of up to 8 and a `Vec` of them can"
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

/// In turn; a list that is empty says nothing.
impl<G: IntoGroup> IntoGroup for Vec<G> {
    fn into_group(self, expressions: &mut Vec<Expression>) {
        self.into_iter().for_each(|group| group.into_group(expressions));
    }
}

super::tuples!(IntoGroup::into_group(Vec<Expression>));
