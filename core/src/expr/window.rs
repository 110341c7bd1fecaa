//! `function OVER (PARTITION BY … ORDER BY …)` (SQL:2016 Foundation 6.10).

use std::{any::Any, ops::RangeBounds, sync::Arc};

use super::{
    Construct, Expr, Expression, IntoExpr, Node,
    custom::misplaced,
    frame::Frame,
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
    /// Whether it is of the rows of a frame, and not of the whole partition.
    pub by_frame: bool,
}

/// Which rows a window function sees, and in which order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WindowDefinition {
    /// Rows with the same values here belong together.
    pub partition_by: Vec<Expression>,
    /// Their order.
    pub order_by: Vec<OrderItem>,
    /// Which of them are seen from each; `None` for all, or, if they have an order, those up to the row itself and its equals.
    pub frame: Option<Frame>,
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

    /// `ROWS BETWEEN … AND …`: the rows around each that an aggregate or [`first_value`] and its like are of, by how far they are
    /// behind it. `-2..=0` are the two before it and the row itself, `..=0` all up to it, `..` the whole partition.
    ///
    /// Without this they are the whole partition; where there is an order, those up to the row itself and all that are its equals.
    ///
    /// ```
    /// use relata_core::{expr::{over, sum, val, window}, dialect::Standard, render::Statement, statement::select};
    ///
    /// let of_three = over(sum(val(1)), window().order_by(val(2)).rows(-1..=1));
    /// assert_eq!(
    ///     select(of_three).compile(&Standard)?.sql,
    ///     "SELECT SUM(?) OVER (ORDER BY ? ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)",
    /// );
    /// # Ok::<(), relata_core::Error>(())
    /// ```
    #[must_use]
    pub fn rows(mut self, around: impl RangeBounds<i64>) -> Self {
        self.frame = Some(Frame::of(around));
        self
    }
}

impl Window {
    /// Writes ` OVER (…)`, behind the function.
    ///
    /// # Errors
    ///
    /// If the function is over no window, over rows in no order that it wants ordered, or has a frame that it takes none of or that holds
    /// no row; as its expressions.
    pub fn render_over<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        let Some(WindowDefinition { partition_by, order_by, frame }) = &self.definition else {
            return Err(CompileError::invalid(
                "a window function says over which rows it is: `over(row_number(), window().order_by(…))`",
            ));
        };
        if let Expression::Function(function) = &self.function {
            let name = function.name;
            if self.by_order && order_by.is_empty() {
                return Err(CompileError::invalid(format!(
                    "{name} means nothing without an order: `window().order_by(…)`"
                )));
            }
            if !self.by_frame && frame.is_some() {
                return Err(CompileError::invalid(format!(
                    "{name} is of its place in the whole partition: leave out `.rows(…)`"
                )));
            }
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
        if let Some(frame) = frame {
            if !(partition_by.is_empty() && order_by.is_empty()) {
                out.sql(" ");
            }
            frame.render(out)?;
        }
        out.sql(")");
        Ok(())
    }
}

/// `function OVER (window)`: a window function, or an aggregate over the window.
///
/// On any other expression it is an error when the statement is compiled: in `over(rank() + 1, …)` it belongs to `rank()`.
///
/// ```
/// use relata_core::{dialect::Standard, expr::{lag, ntile, over, val, window}, render::Statement, statement::select};
///
/// let by_day = window().partition_by(val(1)).order_by(val(2));
/// let statement = select((over(ntile(4), by_day.clone()), over(lag(val(3)), by_day)));
/// assert_eq!(
///     statement.compile(&Standard)?.sql,
///     "SELECT NTILE(4) OVER (PARTITION BY ? ORDER BY ?), LAG(?) OVER (PARTITION BY ? ORDER BY ?)",
/// );
/// # Ok::<(), relata_core::Error>(())
/// ```
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
            Expression::Window(Box::new(Window { function, definition, by_order: false, by_frame: true }))
        }
        _ => misplaced("`over` takes a window function or an aggregate itself, such as `over(rank(), …)`"),
    })
}

fn call<T>(name: &'static str, arguments: Vec<Expression>) -> Expr<T> {
    window_function(name, arguments, true, false)
}

fn of_frame<T>(name: &'static str, arguments: Vec<Expression>) -> Expr<T> {
    window_function(name, arguments, true, true)
}

fn window_function<T>(
    name: &'static str,
    arguments: Vec<Expression>,
    by_order: bool,
    by_frame: bool,
) -> Expr<T> {
    let function = Function { name, arguments, nullness: Nullness::AnyArgument };
    let function = Expression::Function(Box::new(function));
    Expr::new(Expression::Window(Box::new(Window { function, definition: None, by_order, by_frame })))
}

/// How many rows, or which: as digits, since MySQL takes no bind there.
#[derive(Debug, PartialEq)]
struct Count(u32);

impl Count {
    fn of(count: u32) -> Expression {
        Expression::Custom(Arc::new(Count(count)))
    }
}

impl Node for Count {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        match self.0 {
            0 => Err(CompileError::invalid("NTILE and NTH_VALUE count from 1, not from 0")),
            count => {
                out.number(count.into());
                Ok(())
            }
        }
    }

    fn for_each_child<'s>(&'s self, _: &mut dyn FnMut(&'s Expression)) {}
}

impl Construct for Count {
    fn same(&self, other: &dyn Construct) -> bool {
        (other as &dyn Any).downcast_ref() == Some(self)
    }
}

/// `ROW_NUMBER()`: the place of the row in its partition, from 1.
pub fn row_number() -> Expr<i64> {
    window_function("ROW_NUMBER", Vec::new(), false, false)
}

/// `RANK()`: as the row number, equal rows having the same, with gaps.
pub fn rank() -> Expr<i64> {
    call("RANK", Vec::new())
}

/// `DENSE_RANK()`: as the rank, without gaps.
pub fn dense_rank() -> Expr<i64> {
    call("DENSE_RANK", Vec::new())
}

/// `PERCENT_RANK()`: the rank as a share of the others, from 0 for the first to 1.
pub fn percent_rank() -> Expr<f64> {
    call("PERCENT_RANK", Vec::new())
}

/// `CUME_DIST()`: the share of rows that come before the row or are its equals, up to 1.
pub fn cume_dist() -> Expr<f64> {
    call("CUME_DIST", Vec::new())
}

/// `NTILE(groups)`: the number of the row's group, from 1, where the rows are put into so many of about the same size.
pub fn ntile(groups: u32) -> Expr<i64> {
    call("NTILE", vec![Count::of(groups)])
}

/// `LAG(operand)`: its value in the row before; NULL in the first.
pub fn lag<O: IntoExpr>(operand: O) -> Expr<<O::Sql as Type>::Nullable> {
    call("LAG", vec![node(operand)])
}

/// `LEAD(operand)`: its value in the row behind; NULL in the last.
pub fn lead<O: IntoExpr>(operand: O) -> Expr<<O::Sql as Type>::Nullable> {
    call("LEAD", vec![node(operand)])
}

/// `FIRST_VALUE(operand)`: its value in the first of the [rows that are seen](WindowDefinition::rows); NULL if there is none.
pub fn first_value<O: IntoExpr>(operand: O) -> Expr<<O::Sql as Type>::Nullable> {
    of_frame("FIRST_VALUE", vec![node(operand)])
}

/// `LAST_VALUE(operand)`: its value in the last of the [rows that are seen](WindowDefinition::rows); NULL if there is none. Without
/// `.rows(..)` those end with the row itself and its equals.
pub fn last_value<O: IntoExpr>(operand: O) -> Expr<<O::Sql as Type>::Nullable> {
    of_frame("LAST_VALUE", vec![node(operand)])
}

/// `NTH_VALUE(operand, nth)`: its value in the nth, from 1, of the [rows that are seen](WindowDefinition::rows); NULL if there are
/// fewer.
pub fn nth_value<O: IntoExpr>(operand: O, nth: u32) -> Expr<<O::Sql as Type>::Nullable> {
    of_frame("NTH_VALUE", vec![node(operand), Count::of(nth)])
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
