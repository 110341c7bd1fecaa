//! The clauses of statements: one file each, with the standard rendering.

mod columns;
mod conditions;
mod cte;
mod group_by;
mod join;
mod limit;
mod lock;
mod on_conflict;
mod order_by;
mod returning;
mod source;
mod values;

pub use columns::Columns;
pub use conditions::Conditions;
pub use cte::{Cte, CteDefinition, recursive};
pub use group_by::IntoGroup;
pub use join::{IntoJoin, Join, JoinKind};
pub use limit::Limit;
pub use lock::{Lock, LockStrength, LockWait};
pub use on_conflict::{ConflictAction, ConflictTarget, OnConflict, render_assignments};
pub use order_by::{Direction, IntoOrder, Nulls, OrderItem, SelectedOrder};
pub use source::{Derived, IntoSource, Source, SourceRef, Subquery};
pub use values::Values;

pub(crate) use returning::render_items;

use crate::{
    expr::Expression,
    projection::Item,
    render::{Compile, Renderer},
    schema::Table,
    statement::SelectBody,
};

/// Implements a trait that appends to a list for tuples of what has it: `tuples!(IntoOrder::into_order(Vec<OrderItem>))`.
macro_rules! tuples {
    ($trait:ident::$method:ident($list:ty)) => {
        super::tuples! {
            $trait::$method($list):
            A;
            A B;
            A B C;
            A B C D;
            A B C D E;
            A B C D E F;
            A B C D E F G;
            A B C D E F G H;
        }
    };
    ($trait:ident::$method:ident($list:ty): $($($name:ident)+;)*) => {
        $(super::tuples!(@ $trait::$method($list): $($name)+);)*
    };
    (@ $trait:ident::$method:ident($list:ty): $($name:ident)+) => {
        impl<$($name: $trait),+> $trait for ($($name,)+) {
            #[allow(non_snake_case)]
            fn $method(self, list: &mut $list) {
                let ($($name,)+) = self;
                $($name.$method(list);)+
            }
        }
    };
}
use tuples;

/// A clause on its way to the renderer: what a dialect may spell differently.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Clause<'s> {
    /// What is read from.
    Source(SourceRef<'s>),
    /// A join.
    Join(&'s Join),
    /// An expression that is selected or returned.
    Item(&'s Expression),
    /// An expression of GROUP BY.
    GroupItem(&'s Expression),
    /// An expression of ORDER BY.
    OrderItem(&'s OrderItem),
    /// What stands in place of ORDER BY where there is none, before LIMIT and OFFSET: nothing, but where the database needs something.
    Unordered {
        /// LIMIT and OFFSET.
        limit: &'s Limit,
        /// Whether they are of a set operation.
        of_set: bool,
    },
    /// LIMIT and OFFSET.
    Limit(&'s Limit),
    /// FOR UPDATE and its kin.
    Lock(&'s Lock),
    /// An operand of UNION and its kin, which needs to be kept together.
    SetOperand(&'s SelectBody),
    /// The rows of an INSERT, from its list of columns on.
    Values(Values<'s>),
    /// ON CONFLICT.
    OnConflict(&'static Table, &'s OnConflict),
    /// RETURNING.
    Returning(&'s [Item]),
    /// `column = value, …` of an UPDATE, by the places of the columns.
    Assignments(&'static Table, &'s [(usize, Expression)]),
    /// An item of ORDER BY that is selected, too.
    SelectedOrder(SelectedOrder<'s>),
}

impl<'s> Clause<'s> {
    /// Writes the clause as the standard spells it, or as most databases do where it has no such clause.
    ///
    /// # Errors
    ///
    /// If the dialect lacks what it needs, or a column is not in scope.
    pub fn render(self, out: &mut Renderer<'s>) -> Compile {
        match self {
            Clause::Source(source) => source.render(out),
            Clause::Join(join) => join.render(out),
            Clause::Item(expression) | Clause::GroupItem(expression) => out.expression(expression).map(drop),
            Clause::OrderItem(item) => item.render(out),
            Clause::Unordered { .. } => Ok(()),
            Clause::Limit(limit) => limit.render(out),
            Clause::Lock(lock) => lock.render(out),
            Clause::SetOperand(select) => select.render_operand(out),
            Clause::Values(values) => values.render(out),
            Clause::OnConflict(table, conflict) => conflict.render(table, out),
            Clause::Returning(items) => returning::render(items, out),
            Clause::Assignments(table, list) => render_assignments(table, list, out).map(drop),
            Clause::SelectedOrder(order) => order.render(out),
        }
    }
}
