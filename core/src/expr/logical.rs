//! `AND`, `OR`, `NOT` (SQL:2016 Foundation 6.39).

use super::{Condition, Expr, Expression, IntoExpr, Node};
use crate::{
    render::{CacheKey, Compile, Precedence, Renderer},
    value::Value,
};

/// Conditions joined by one connective.
#[derive(Debug, Clone, PartialEq)]
pub struct Logical {
    /// What joins them.
    pub connective: Connective,
    /// Two conditions or more.
    pub operands: Vec<Expression>,
}

/// What joins conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Connective {
    /// `AND`
    And,
    /// `OR`
    Or,
}

impl Node for Logical {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        let separator = match self.connective {
            Connective::And => " AND ",
            Connective::Or => " OR ",
        };
        let precedence = self.precedence();
        out.list(&self.operands, separator, |out, operand| out.operand(operand, precedence).map(drop))?;
        Ok(())
    }

    fn precedence(&self) -> Precedence {
        match self.connective {
            Connective::And => Precedence::And,
            Connective::Or => Precedence::Or,
        }
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        self.operands.iter().for_each(visit);
    }

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Logical { connective, operands } = self;
        key.part(connective).expressions(operands);
    }
}

/// `NOT operand`.
#[derive(Debug, Clone, PartialEq)]
pub struct Not {
    /// The condition.
    pub operand: Expression,
}

impl Node for Not {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.sql("NOT ").operand(&self.operand, Precedence::Not)?;
        Ok(())
    }

    fn precedence(&self) -> Precedence {
        Precedence::Not
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        visit(&self.operand);
    }

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Not { operand } = self;
        key.expression(operand);
    }
}

impl Logical {
    /// Conditions joined, one alone as it is. Of none, all hold, and not any does.
    pub fn joined(connective: Connective, mut operands: Vec<Expression>) -> Expression {
        match operands.len() {
            0 => Expression::Bind(Value::Bool(connective == Connective::And)),
            1 => operands.remove(0),
            _ => Expression::Logical(Logical { connective, operands }),
        }
    }
}

/// Joins two conditions; a chain of the same connective stays one list.
pub(crate) fn connect(connective: Connective, left: Expression, right: Expression) -> Expression {
    let mut operands = match left {
        Expression::Logical(same) if same.connective == connective => same.operands,
        left => {
            let mut operands = Vec::with_capacity(4);
            operands.push(left);
            operands
        }
    };
    match right {
        Expression::Logical(same) if same.connective == connective => operands.extend(same.operands),
        right => operands.push(right),
    }
    Expression::Logical(Logical { connective, operands })
}

/// The opposite condition, pushed into the operator where it has an opposite: `NOT a = b` is `a <> b`.
pub(super) fn negate(condition: Expression) -> Expression {
    match condition {
        Expression::Not(n) => n.operand,
        Expression::Infix(mut n) if n.operator.negated().is_some() => {
            if let Some(operator) = n.operator.negated() {
                n.operator = operator;
            }
            Expression::Infix(n)
        }
        Expression::IsNull(mut n) => {
            n.negated = !n.negated;
            Expression::IsNull(n)
        }
        Expression::DistinctFrom(mut n) => {
            n.negated = !n.negated;
            Expression::DistinctFrom(n)
        }
        Expression::Between(mut n) => {
            n.negated = !n.negated;
            Expression::Between(n)
        }
        Expression::Like(mut n) => {
            n.negated = !n.negated;
            Expression::Like(n)
        }
        Expression::In(mut n) => {
            n.negated = !n.negated;
            Expression::In(n)
        }
        Expression::Exists(mut n) => {
            n.negated = !n.negated;
            Expression::Exists(n)
        }
        operand => Expression::Not(Box::new(Not { operand })),
    }
}

/// The opposite of a condition: `NOT condition`, pushed into its operator where that has an opposite.
pub fn not<C: IntoExpr<Sql: Condition>>(condition: C) -> Expr<C::Sql> {
    Expr::new(negate(condition.into_expr().into_node()))
}

/// All of the conditions: `a AND b AND …`; true if there is none.
///
/// ```
/// use relata_core::{expr::{all_of, val, Operators}, dialect::Standard, render::Statement, statement::select};
///
/// let filters = vec![val(1).eq(1), val(2).eq(2)];
/// assert_eq!(select(all_of(filters)).compile(&Standard)?.sql, "SELECT ? = ? AND ? = ?");
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn all_of<C: IntoExpr<Sql: Condition>>(conditions: impl IntoIterator<Item = C>) -> Expr<C::Sql> {
    joined(Connective::And, conditions)
}

/// Any of the conditions: `a OR b OR …`; false if there is none.
pub fn any_of<C: IntoExpr<Sql: Condition>>(conditions: impl IntoIterator<Item = C>) -> Expr<C::Sql> {
    joined(Connective::Or, conditions)
}

fn joined<C: IntoExpr<Sql: Condition>>(
    connective: Connective,
    conditions: impl IntoIterator<Item = C>,
) -> Expr<C::Sql> {
    let operands = conditions.into_iter().map(|condition| condition.into_expr().into_node()).collect();
    Expr::new(Logical::joined(connective, operands))
}
