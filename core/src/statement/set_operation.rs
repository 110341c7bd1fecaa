//! `UNION`, `INTERSECT`, `EXCEPT` (SQL:2016 Foundation 7.17).

use super::{Core, Select, SelectBody, query::own_name};
use crate::{
    clause::{Clause, Limit, OrderItem, SelectedOrder},
    dialect::Feature,
    render::{Compile, CompileError, Renderer, Statement},
};

/// Two queries made one.
#[derive(Debug, Clone, PartialEq)]
pub struct SetOperation {
    /// The first.
    pub left: SelectBody,
    /// How.
    pub operator: SetOperator,
    /// The second.
    pub right: SelectBody,
}

/// How two queries are made one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOperator {
    /// `UNION`: rows of either, equal ones once.
    Union,
    /// `UNION ALL`: rows of both.
    UnionAll,
    /// `INTERSECT`: rows of both, equal ones once.
    Intersect,
    /// `INTERSECT ALL`: as often as they are in both.
    IntersectAll,
    /// `EXCEPT`: rows of the first that are not in the second, equal ones once.
    Except,
    /// `EXCEPT ALL`: as many more as the first has.
    ExceptAll,
}

impl<R> Select<R> {
    /// `self UNION other`: rows of either, equal ones once.
    ///
    /// An order and a limit behind it are those of the whole. One of the two that has its own is in parentheses, on SQLite in a
    /// subquery, as is one of another set operator.
    ///
    /// ```
    /// use relata_core::{dialect::Standard, expr::{val, Operators}, render::Statement, statement::select};
    ///
    /// let statement = select(val(1).label("n")).union(select(val(2)).limit(3)).order_by(val(1).desc());
    /// assert_eq!(statement.compile(&Standard)?.sql, r#"SELECT ? AS "n" UNION (SELECT ? LIMIT 3) ORDER BY "n" DESC"#);
    /// # Ok::<(), relata_core::Error>(())
    /// ```
    #[must_use]
    pub fn union(self, other: Select<R>) -> Self {
        self.set(SetOperator::Union, other)
    }

    /// `self UNION ALL other`: rows of both.
    #[must_use]
    pub fn union_all(self, other: Select<R>) -> Self {
        self.set(SetOperator::UnionAll, other)
    }

    /// `self INTERSECT other`: rows that are in both, equal ones once.
    #[must_use]
    pub fn intersect(self, other: Select<R>) -> Self {
        self.set(SetOperator::Intersect, other)
    }

    /// `self INTERSECT ALL other`: as `INTERSECT`, equal rows as often as they are in both.
    #[must_use]
    pub fn intersect_all(self, other: Select<R>) -> Self {
        self.set(SetOperator::IntersectAll, other)
    }

    /// `self EXCEPT other`: rows of this one that are not in the other, equal ones once.
    #[must_use]
    pub fn except(self, other: Select<R>) -> Self {
        self.set(SetOperator::Except, other)
    }

    /// `self EXCEPT ALL other`: as `EXCEPT`, equal rows as often as this one has more of them.
    #[must_use]
    pub fn except_all(self, other: Select<R>) -> Self {
        self.set(SetOperator::ExceptAll, other)
    }

    fn set(self, operator: SetOperator, other: Select<R>) -> Self {
        let read = self.reader();
        let set = SetOperation { left: self.into_body(), operator, right: other.into_body() };
        Select::from_parts(SelectBody::of(Core::Set(Box::new(set))), read)
    }
}

impl SetOperation {
    pub(super) fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        match self.operator {
            SetOperator::Union | SetOperator::UnionAll => {}
            SetOperator::Intersect | SetOperator::Except => {
                out.require(Feature::IntersectExcept)?;
            }
            SetOperator::IntersectAll | SetOperator::ExceptAll => {
                out.require(Feature::IntersectExceptAll)?;
            }
        }
        if self.chained().is_some() || self.left.is_plain_query() {
            self.left.render(out)?;
        } else {
            out.clause(Clause::SetOperand(&self.left))?;
        }
        out.sql(match self.operator {
            SetOperator::Union => " UNION ",
            SetOperator::UnionAll => " UNION ALL ",
            SetOperator::Intersect => " INTERSECT ",
            SetOperator::IntersectAll => " INTERSECT ALL ",
            SetOperator::Except => " EXCEPT ",
            SetOperator::ExceptAll => " EXCEPT ALL ",
        });
        if self.right.is_plain_query() {
            self.right.render(out)
        } else {
            out.clause(Clause::SetOperand(&self.right)).map(drop)
        }
    }

    /// The first operand, where it is one of the same operator and no more: such a chain reads from left to right as it is.
    fn chained(&self) -> Option<&SetOperation> {
        match &self.left.core {
            Core::Set(left)
                if left.operator == self.operator
                    && self.left.order_by.is_empty()
                    && self.left.limit == Limit::default()
                    && self.left.lock.is_none() =>
            {
                Some(left)
            }
            _ => None,
        }
    }

    /// Whether it is a chain of one operator between plain queries, so that nothing stands in parentheses.
    pub fn is_flat(&self) -> bool {
        let left = self.chained().map_or(self.left.is_plain_query(), SetOperation::is_flat);
        left && self.right.is_plain_query()
    }

    /// The rows of a set operation are ordered by what the first query names.
    pub(super) fn render_order<'s>(&'s self, order_by: &'s [OrderItem], out: &mut Renderer<'s>) -> Compile {
        if order_by.is_empty() {
            return Ok(());
        }
        let items = &self.left.leftmost().items;
        out.sql(" ORDER BY ").list(order_by, ", ", |out, order| {
            let at = items.iter().position(|item| item.expression == order.expression).ok_or_else(|| {
                CompileError::invalid(
                    "a union is ordered by what its first query selects: the expression must be one of those",
                )
            })?;
            let position = at as u64 + 1;
            let order = SelectedOrder { name: own_name(items, at), position, item: order, of_set: true };
            out.clause(Clause::SelectedOrder(order)).map(drop)
        })?;
        Ok(())
    }
}
