//! `ORDER BY` (SQL:2016 Foundation 10.10).

use crate::{
    entity::Entity,
    expr::{Column, Expr, Expression},
    render::{CacheKey, Compile, Renderer},
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// Where NULL goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

    pub(crate) fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let OrderItem { expression, direction, nulls } = self;
        key.part(direction).part(nulls).expression(expression);
    }

    /// Writes what follows the expression.
    pub fn render_suffix(&self, out: &mut Renderer<'_>) {
        if self.direction == Direction::Descending {
            out.sql(" DESC");
        }
        match self.nulls {
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

/// An item of ORDER BY that is selected: by name, or by place where it has none of its own. What the first query of a set
/// operation selects, or what one query does that cannot be written again.
#[derive(Debug, Clone, Copy)]
pub struct SelectedOrder<'s> {
    /// The name that the query gives it, if that means nothing else.
    pub name: Option<&'s str>,
    /// Its place, counted from 1.
    pub position: u64,
    /// How it is ordered.
    pub item: &'s OrderItem,
    /// Whether it is of a set operation, where its expression cannot stand.
    pub of_set: bool,
}

impl<'s> SelectedOrder<'s> {
    /// Writes the name or place.
    ///
    /// # Errors
    ///
    /// If the name cannot be written.
    pub fn render_key<'o>(&self, out: &'o mut Renderer<'s>) -> Compile<&'o mut Renderer<'s>> {
        match self.name {
            Some(name) => out.identifier(name),
            None => Ok(out.number(self.position)),
        }
    }

    pub(super) fn render(&self, out: &mut Renderer<'s>) -> Compile {
        self.render_key(out)?;
        self.item.render_suffix(out);
        Ok(())
    }
}

/// What can be ordered by: an expression, smallest first, one with a direction, a tuple or `Vec` of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be ordered by",
    note = "columns, expressions, those with `.asc()` or `.desc()`, tuples of up to 8 and a `Vec` of them can; `.order_by` may be called again"
)]
pub trait IntoOrder {
    /// Appends its items of ORDER BY.
    fn into_order(self, items: &mut Vec<OrderItem>);
}

impl IntoOrder for OrderItem {
    fn into_order(self, items: &mut Vec<OrderItem>) {
        items.push(self);
    }
}

impl<T> IntoOrder for Expr<T> {
    fn into_order(self, items: &mut Vec<OrderItem>) {
        items.push(OrderItem::new(self.into_node(), Direction::Ascending));
    }
}

impl<T> IntoOrder for &Expr<T> {
    fn into_order(self, items: &mut Vec<OrderItem>) {
        self.clone().into_order(items);
    }
}

impl<E: Entity, T: Type> IntoOrder for Column<E, T> {
    fn into_order(self, items: &mut Vec<OrderItem>) {
        items.push(OrderItem::new(self.node(), Direction::Ascending));
    }
}

/// In turn; a list that is empty says nothing.
impl<O: IntoOrder> IntoOrder for Vec<O> {
    fn into_order(self, items: &mut Vec<OrderItem>) {
        self.into_iter().for_each(|order| order.into_order(items));
    }
}

super::tuples!(IntoOrder::into_order(Vec<OrderItem>));
