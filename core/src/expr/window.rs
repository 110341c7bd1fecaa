//! `function OVER (PARTITION BY … ORDER BY …)` (SQL:2016 Foundation 6.10).

use super::{
    Expr, Expression, IntoExpr, Node,
    custom::misplaced,
    function::{Function, Nullness},
    operators::node,
};
use crate::{
    clause::{Clause, IntoGroup, IntoOrder, OrderItem},
    render::{Compile, CompileError, Renderer},
    types::Type,
};

/// A function over the rows around each row.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// The function.
    pub function: Expression,
    /// The rows; none as long as [`over`] has not said which.
    pub definition: Option<WindowDefinition>,
    /// Whether it has no meaning unless the rows have an order.
    pub by_order: bool,
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

impl Window {
    /// Writes ` OVER (…)`, behind the function.
    ///
    /// # Errors
    ///
    /// If the function is over no window, or over rows in no order that it wants ordered; as its expressions.
    pub fn render_over<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        let Some(WindowDefinition { partition_by, order_by }) = &self.definition else {
            return Err(CompileError::invalid(
                "a window function says over which rows it is: `over(row_number(), window().order_by(…))`",
            ));
        };
        if self.by_order && order_by.is_empty() {
            return Err(CompileError::invalid(
                "RANK, DENSE_RANK, LAG and LEAD mean nothing without an order: `window().order_by(…)`",
            ));
        }
        if matches!(&self.function, Expression::Aggregate(aggregate) if aggregate.distinct) {
            return Err(CompileError::invalid(
                "an aggregate of DISTINCT values cannot be over a window: group by them in a subquery",
            ));
        }
        out.sql(" OVER (");
        if !partition_by.is_empty() {
            out.sql("PARTITION BY ").list(partition_by, ", ", |out, e| out.expression(e).map(drop))?;
        }
        if !order_by.is_empty() {
            out.sql(if partition_by.is_empty() { "ORDER BY " } else { " ORDER BY " });
            out.list(order_by, ", ", |out, item| out.clause(Clause::OrderItem(item)).map(drop))?;
        }
        out.sql(")");
        Ok(())
    }
}

/// `function OVER (window)`: a window function, or an aggregate over the window.
///
/// On any other expression it is an error when the statement is compiled: in `over(rank().add(1), …)` it belongs to `rank()`.
pub fn over<T: Type>(function: Expr<T>, definition: WindowDefinition) -> Expr<T> {
    let definition = Some(definition);
    Expr::new(match function.into_node() {
        Expression::Window(window) if window.definition.is_none() => {
            Expression::Window(Box::new(Window { definition, ..*window }))
        }
        // One of the database's own may be either.
        function @ (Expression::Aggregate(_)
        | Expression::Function(_)
        | Expression::Raw(_)
        | Expression::Custom(_)) => {
            Expression::Window(Box::new(Window { function, definition, by_order: false }))
        }
        _ => misplaced("`over` takes a window function or an aggregate itself, such as `over(rank(), …)`"),
    })
}

fn call<T>(name: &'static str, arguments: Vec<Expression>, by_order: bool) -> Expr<T> {
    let function = Function { name, arguments, nullness: Nullness::AnyArgument };
    let function = Expression::Function(Box::new(function));
    Expr::new(Expression::Window(Box::new(Window { function, definition: None, by_order })))
}

/// `ROW_NUMBER()`: the place of the row in its partition, from 1.
pub fn row_number() -> Expr<i64> {
    call("ROW_NUMBER", Vec::new(), false)
}

/// `RANK()`: as the row number, equal rows having the same, with gaps.
pub fn rank() -> Expr<i64> {
    call("RANK", Vec::new(), true)
}

/// `DENSE_RANK()`: as the rank, without gaps.
pub fn dense_rank() -> Expr<i64> {
    call("DENSE_RANK", Vec::new(), true)
}

/// `LAG(operand)`: its value in the row before; NULL in the first.
pub fn lag<O: IntoExpr>(operand: O) -> Expr<<O::Sql as Type>::Nullable> {
    call("LAG", vec![node(operand)], true)
}

/// `LEAD(operand)`: its value in the row behind; NULL in the last.
pub fn lead<O: IntoExpr>(operand: O) -> Expr<<O::Sql as Type>::Nullable> {
    call("LEAD", vec![node(operand)], true)
}

impl Node for Window {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        // An aggregate over a window is none of the group.
        out.dialect().render_expression(&self.function, out)?;
        self.render_over(out)
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        visit(&self.function);
        if let Some(definition) = &self.definition {
            definition.partition_by.iter().for_each(&mut *visit);
            definition.order_by.iter().for_each(|item| visit(&item.expression));
        }
    }

    fn may_be_null(&self, out: &Renderer<'_>) -> bool {
        self.function.may_be_null(out)
    }
}
