//! `ORDER BY` (SQL:2016 Foundation 10.10).

use crate::{
    entity::Entity,
    expr::{Column, Expr, Expression},
    render::{Compile, Renderer},
    types::Type,
};

/// An expression to order by, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderItem {
    /// The expression.
    pub expression: Expression,
    /// Smallest or largest first.
    pub direction: Direction,
    /// Where NULL goes; the database's choice if not said.
    pub nulls: Option<Nulls>,
}

/// Smallest or largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// Where NULL goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// Before all values.
    First,
    /// Behind all values.
    Last,
}

impl OrderItem {
    pub(crate) fn new(expression: Expression, direction: Direction) -> Self {
        OrderItem { expression, direction, nulls: None }
    }

    /// NULL before all values: `NULLS FIRST`.
    #[must_use]
    pub fn nulls_first(mut self) -> Self {
        self.nulls = Some(Nulls::First);
        self
    }

    /// NULL behind all values: `NULLS LAST`.
    #[must_use]
    pub fn nulls_last(mut self) -> Self {
        self.nulls = Some(Nulls::Last);
        self
    }

    /// What stands behind the expression in an item of its own that comes first, where the database has no NULLS FIRST and
    /// NULLS LAST and takes NULL for the smallest value.
    pub fn nulls_test(&self) -> Option<&'static str> {
        match (self.nulls, self.direction) {
            (Some(Nulls::First), Direction::Descending) => Some(" IS NOT NULL, "),
            (Some(Nulls::Last), Direction::Ascending) => Some(" IS NULL, "),
            _ => None,
        }
    }

    /// Writes what follows the expression.
    pub fn render_suffix(&self, out: &mut Renderer<'_>) {
        if self.direction == Direction::Descending {
            out.sql(" DESC");
        }
        match self.nulls {
            _ if !out.dialect().orders_nulls() => out,
            Some(Nulls::First) => out.sql(" NULLS FIRST"),
            Some(Nulls::Last) => out.sql(" NULLS LAST"),
            None => out,
        };
    }

    pub(super) fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.expression(&self.expression)?;
        self.render_suffix(out);
        Ok(())
    }
}

/// What can be ordered by: an expression, smallest first, or one with a direction.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be ordered by",
    note = "columns, expressions, and those with `.asc()` or `.desc()` can"
)]
pub trait IntoOrder {
    /// As an item of ORDER BY.
    fn into_order(self) -> OrderItem;
}

impl IntoOrder for OrderItem {
    fn into_order(self) -> OrderItem {
        self
    }
}

impl<T> IntoOrder for Expr<T> {
    fn into_order(self) -> OrderItem {
        OrderItem::new(self.into_node(), Direction::Ascending)
    }
}

impl<T> IntoOrder for &Expr<T> {
    fn into_order(self) -> OrderItem {
        self.clone().into_order()
    }
}

impl<E: Entity, T: Type> IntoOrder for Column<E, T> {
    fn into_order(self) -> OrderItem {
        OrderItem::new(self.node(), Direction::Ascending)
    }
}
