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

macro_rules! tuples {
    ($($($name:ident)+;)*) => {
        $(impl<$($name: IntoGroup),+> IntoGroup for ($($name,)+) {
            #[allow(non_snake_case)]
            fn into_group(self, expressions: &mut Vec<Expression>) {
                let ($($name,)+) = self;
                $($name.into_group(expressions);)+
            }
        })*
    };
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
}
