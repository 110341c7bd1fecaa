//! Aggregate functions (SQL:2016 Foundation 10.9).

use super::{
    Condition, Connective, Expr, Expression, IntoExpr, Node, Numeric, custom::misplaced, logical::connect,
    operators::node,
};
use crate::{
    dialect::Feature,
    render::{CacheKey, Compile, CompileError, Renderer},
    types::Type,
    value::Kind,
};

/// A function over the rows of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// The name, written as it is.
    pub name: &'static str,
    /// What is aggregated; nothing for `COUNT(*)`.
    pub operand: Option<Expression>,
    /// Whether equal values count once.
    pub distinct: bool,
    /// `FILTER (WHERE …)`: only the rows for which this holds.
    pub filter: Option<Expression>,
    /// The SQL type of what comes out.
    pub kind: Kind,
}

impl Aggregate {
    /// Writes it by another name, with something before and behind its operand.
    ///
    /// # Errors
    ///
    /// If the dialect lacks what it needs, or a column is not in scope.
    pub fn render_as<'s>(
        &'s self,
        name: &'static str,
        [before, behind]: [&'static str; 2],
        out: &mut Renderer<'s>,
    ) -> Compile {
        self.render_own(out, |out| {
            out.sql(name).sql(if self.distinct { "(DISTINCT " } else { "(" });
            match &self.operand {
                Some(operand) => out.sql(before).expression(operand)?.sql(behind),
                None => out.sql("*"),
            };
            out.sql(")");
            if let Some(filter) = &self.filter {
                out.require(Feature::AggregateFilter)?.sql(" FILTER (WHERE ").expression(filter)?.sql(")");
            }
            Ok(())
        })
    }

    /// Writes it in a dialect's own way.
    ///
    /// # Errors
    ///
    /// If it aggregates nothing that its own query reads, or what `write` returns.
    pub fn render_own<'s>(
        &'s self,
        out: &mut Renderer<'s>,
        write: impl FnOnce(&mut Renderer<'s>) -> Compile,
    ) -> Compile {
        let only_outer = out.names_only_outer(write)?;
        // By the standard it would be an aggregate of that statement (SQL:2016 Foundation 6.9, "aggregation query").
        if only_outer {
            return Err(CompileError::invalid(format!(
                "{} in a subquery aggregates only what the statement around it reads, so it would be an aggregate of that: aggregate a \
                 column that the subquery reads",
                self.name
            )));
        }
        Ok(())
    }
}

impl Node for Aggregate {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        self.render_as(self.name, ["", ""], out)
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        self.operand.iter().for_each(&mut *visit);
        self.filter.iter().for_each(visit);
    }

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Aggregate { name, operand, distinct, filter, kind } = self;
        key.part(name).part(distinct).part(kind).expressions(operand).expressions(filter);
    }

    fn may_be_null(&self, _: &Renderer<'_>) -> bool {
        // COUNT is never NULL, and the others say so in their type.
        false
    }
}

fn aggregate<T: Type>(name: &'static str, operand: Option<Expression>, distinct: bool) -> Expr<T> {
    let aggregate = Aggregate { name, operand, distinct, filter: None, kind: T::KIND };
    Expr::new(Expression::Aggregate(Box::new(aggregate)))
}

/// `COUNT(operand)`: how many rows of the group have it, NULL not counted.
///
/// ```
/// use relata_core::{dialect::Standard, expr::{count, count_all, count_distinct, val}, render::Statement, statement::select};
///
/// let statement = select((count(val(5)), count_distinct(val(5)), count_all()));
/// assert_eq!(statement.compile(&Standard)?.sql, "SELECT COUNT(?), COUNT(DISTINCT ?), COUNT(*)");
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn count(operand: impl IntoExpr) -> Expr<i64> {
    aggregate("COUNT", Some(node(operand)), false)
}

/// `COUNT(DISTINCT operand)`.
pub fn count_distinct(operand: impl IntoExpr) -> Expr<i64> {
    aggregate("COUNT", Some(node(operand)), true)
}

/// `COUNT(*)`: how many rows the group has.
pub fn count_all() -> Expr<i64> {
    aggregate("COUNT", None, false)
}

/// `COUNT(CASE WHEN condition THEN 1 END)`: for how many rows of the group the condition holds, on every database.
///
/// ```
/// use relata_core::{expr::{count_where, val, Operators}, dialect::Standard, render::Statement, statement::select};
///
/// let statement = select(count_where(val(5).gt(3)));
/// assert_eq!(statement.compile(&Standard)?.sql, "SELECT COUNT(CASE WHEN ? > ? THEN ? END)");
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn count_where(condition: impl IntoExpr<Sql: Condition>) -> Expr<i64> {
    count(super::case().when(condition, 1).end())
}

/// `SUM(operand)`: NULL if there is no row. Integers sum up to `i64`, floats to `f64`.
///
/// ```
/// use relata_core::{dialect::Standard, expr::{sum, val}, render::Statement, statement::{Select, select}};
///
/// let statement: Select<Option<i64>> = select(sum(val(5_i32)));
/// assert_eq!(statement.compile(&Standard)?.sql, "SELECT SUM(?)");
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn sum<O: IntoExpr>(operand: O) -> Expr<<<<O::Sql as Type>::Base as Numeric>::Sum as Type>::Nullable>
where
    <O::Sql as Type>::Base: Numeric,
{
    aggregate("SUM", Some(node(operand)), false)
}

/// `AVG(CAST(operand AS DOUBLE PRECISION))`: a float, of floats. NULL if there is no row. The exact one of decimals is `sum(x) / count(x)`.
pub fn avg<O: IntoExpr>(operand: O) -> Expr<Option<f64>>
where
    <O::Sql as Type>::Base: Numeric,
{
    // Databases average integers to decimals of their own choice of digits: MySQL gives 4 more than there were.
    aggregate("AVG", Some(super::cast::<f64, _>(operand).into_node()), false)
}

/// `MIN(operand)`: NULL if there is no row.
///
/// ```
/// use relata_core::{dialect::Standard, expr::{max, min, val}, render::Statement, statement::{Select, select}};
///
/// let statement: Select<(Option<i32>, Option<String>)> = select((min(val(5)), max(val("x"))));
/// assert_eq!(statement.compile(&Standard)?.sql, "SELECT MIN(?), MAX(?)");
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn min<O: IntoExpr>(operand: O) -> Expr<<O::Sql as Type>::Nullable> {
    aggregate("MIN", Some(node(operand)), false)
}

/// `MAX(operand)`: NULL if there is no row.
pub fn max<O: IntoExpr>(operand: O) -> Expr<<O::Sql as Type>::Nullable> {
    aggregate("MAX", Some(node(operand)), false)
}

impl<T: Type> Expr<T> {
    /// Over the rows only for which the condition holds: `aggregate FILTER (WHERE condition)`. Called again, both conditions hold.
    ///
    /// MySQL and MariaDB have no FILTER: there it is `SUM(CASE WHEN condition THEN operand END)`. On anything but an aggregate it
    /// is an error when the statement is compiled: in `sum(x) + 1` it belongs to `sum(x)`.
    ///
    /// ```
    /// use relata_core::{dialect::Standard, expr::{sum, val, Operators}, render::Statement, statement::select};
    ///
    /// let statement = select(sum(val(5)).filter_where(val(1).lt(2)).filter_where(val(3).is_not_null()));
    /// assert_eq!(statement.compile(&Standard)?.sql, "SELECT SUM(?) FILTER (WHERE ? < ? AND ? IS NOT NULL)");
    /// # Ok::<(), relata_core::Error>(())
    /// ```
    #[must_use]
    pub fn filter_where(mut self, condition: impl IntoExpr<Sql: Condition>) -> Self {
        match &mut self.node {
            Expression::Aggregate(aggregate) => {
                let condition = node(condition);
                aggregate.filter = Some(match aggregate.filter.take() {
                    Some(first) => connect(Connective::And, first, condition),
                    None => condition,
                });
            }
            other => {
                *other = misplaced(
                    "`filter_where` belongs to an aggregate: call it on `sum(…)` or its like itself",
                )
            }
        }
        self
    }
}
