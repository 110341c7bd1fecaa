//! `function OVER (PARTITION BY … ORDER BY …)` (SQL:2016 Foundation 6.10).

use super::{
    Expr, Expression, IntoExpr, Node,
    function::{Function, Nullness},
    operators::node,
};
use crate::{
    clause::{Clause, IntoGroup, IntoOrder, OrderItem},
    render::{Compile, Renderer},
    types::Type,
};

/// A function over the rows around each row.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// The function.
    pub function: Expression,
    /// The rows.
    pub definition: WindowDefinition,
}

/// Which rows a window function sees, and in which order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WindowDefinition {
    /// Rows with the same values here belong together.
    pub partition_by: Vec<Expression>,
    /// Their order.
    pub order_by: Vec<OrderItem>,
}

/// A window over all rows: add [`partition_by`](WindowDefinition::partition_by) and
/// [`order_by`](WindowDefinition::order_by).
///
/// ```
/// use relata_core::{expr::{over, row_number, val, window, Operators}, dialect::Standard, render::Statement, statement::select};
///
/// let number = over(row_number(), window().order_by(val(1).desc()));
/// assert_eq!(select(number).compile(&Standard)?.sql, "SELECT ROW_NUMBER() OVER (ORDER BY ? DESC)");
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn window() -> WindowDefinition {
    WindowDefinition::default()
}

impl WindowDefinition {
    /// Writes ` OVER (…)`, behind the function.
    ///
    /// # Errors
    ///
    /// As its expressions.
    pub fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.sql(" OVER (");
        if !self.partition_by.is_empty() {
            out.sql("PARTITION BY ").list(&self.partition_by, ", ", |out, e| out.expression(e).map(drop))?;
        }
        if !self.order_by.is_empty() {
            out.sql(if self.partition_by.is_empty() { "ORDER BY " } else { " ORDER BY " });
            out.list(&self.order_by, ", ", |out, item| out.clause(Clause::OrderItem(item)).map(drop))?;
        }
        out.sql(")");
        Ok(())
    }

    /// `PARTITION BY expression`: rows of the same value are counted on their own. May be called again.
    #[must_use]
    pub fn partition_by(mut self, expression: impl IntoGroup) -> Self {
        expression.into_group(&mut self.partition_by);
        self
    }

    /// `ORDER BY expression`. May be called again.
    #[must_use]
    pub fn order_by(mut self, order: impl IntoOrder) -> Self {
        order.into_order(&mut self.order_by);
        self
    }
}

/// `function OVER (window)`: a window function, or an aggregate over the window.
pub fn over<T: Type>(function: Expr<T>, definition: WindowDefinition) -> Expr<T> {
    Expr::new(Expression::Window(Box::new(Window { function: function.into_node(), definition })))
}

fn call<T>(name: &'static str, arguments: Vec<Expression>) -> Expr<T> {
    Expr::new(Expression::Function(Box::new(Function { name, arguments, nullness: Nullness::AnyArgument })))
}

/// `ROW_NUMBER()`: the place of the row in its partition, from 1.
pub fn row_number() -> Expr<i64> {
    call("ROW_NUMBER", Vec::new())
}

/// `RANK()`: as the row number, equal rows having the same, with gaps.
pub fn rank() -> Expr<i64> {
    call("RANK", Vec::new())
}

/// `DENSE_RANK()`: as the rank, without gaps.
pub fn dense_rank() -> Expr<i64> {
    call("DENSE_RANK", Vec::new())
}

/// `LAG(operand)`: its value in the row before; NULL in the first.
pub fn lag<O: IntoExpr>(operand: O) -> Expr<<O::Sql as Type>::Nullable> {
    call("LAG", vec![node(operand)])
}

/// `LEAD(operand)`: its value in the row behind; NULL in the last.
pub fn lead<O: IntoExpr>(operand: O) -> Expr<<O::Sql as Type>::Nullable> {
    call("LEAD", vec![node(operand)])
}

impl Node for Window {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.expression(&self.function)?;
        self.definition.render(out)
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        visit(&self.function);
        self.definition.partition_by.iter().for_each(&mut *visit);
        self.definition.order_by.iter().for_each(|item| visit(&item.expression));
    }

    fn may_be_null(&self, out: &Renderer<'_>) -> bool {
        self.function.may_be_null(out)
    }
}
