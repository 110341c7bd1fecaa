//! `CASE WHEN condition THEN value … ELSE value END` (SQL:2016 Foundation 6.12).

use std::marker::PhantomData;

use super::{BranchOf, Condition, Expr, Expression, IntoExpr, Node};
use crate::{
    render::{CacheKey, Compile, Renderer},
    types::Type,
};

/// The value of the first branch whose condition is true.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Conditions and values, in order.
    pub branches: Vec<(Expression, Expression)>,
    /// The value if no condition is true; NULL without one.
    pub otherwise: Option<Expression>,
}

/// Begins a `CASE`.
///
/// ```
/// use relata_core::{expr::{case, val, Operators}, dialect::Standard, render::Statement, statement::select};
///
/// let size = case().when(val(5).gt(3), "large").otherwise("small");
/// assert_eq!(select(size).compile(&Standard)?.sql, "SELECT CASE WHEN ? > ? THEN ? ELSE ? END");
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn case() -> CaseStart {
    CaseStart(())
}

/// A `CASE` without a branch.
#[derive(Debug, Clone, Copy)]
pub struct CaseStart(());

/// A `CASE` without its end.
#[derive(Debug, Clone)]
pub struct CaseBuilder<T> {
    branches: Vec<(Expression, Expression)>,
    ty: PhantomData<fn() -> T>,
}

impl CaseStart {
    /// `WHEN condition THEN value`. The first value decides the type of the others.
    pub fn when<V: IntoExpr>(
        self,
        condition: impl IntoExpr<Sql: Condition>,
        value: V,
    ) -> CaseBuilder<V::Sql> {
        CaseBuilder { branches: Vec::new(), ty: PhantomData }.when(condition, value)
    }
}

impl<T: Type> CaseBuilder<T> {
    /// `WHEN condition THEN value`.
    #[must_use]
    pub fn when(
        mut self,
        condition: impl IntoExpr<Sql: Condition>,
        value: impl IntoExpr<Sql: BranchOf<T>>,
    ) -> Self {
        self.branches.push((condition.into_expr().into_node(), value.into_expr().into_node()));
        self
    }

    /// `ELSE value END`.
    pub fn otherwise(self, value: impl IntoExpr<Sql: BranchOf<T>>) -> Expr<T> {
        self.finish(Some(value.into_expr().into_node()))
    }

    /// `END`: NULL if no condition is true.
    pub fn end(self) -> Expr<T::Nullable> {
        self.finish(None)
    }

    fn finish<U>(self, otherwise: Option<Expression>) -> Expr<U> {
        Expr::new(Expression::Case(Box::new(Case { branches: self.branches, otherwise })))
    }
}

impl Case {
    /// The values, in order.
    pub fn values(&self) -> impl Iterator<Item = &Expression> {
        self.branches.iter().map(|(_, value)| value).chain(&self.otherwise)
    }

    /// Writes the `CASE` with each value in the dialect's own way.
    ///
    /// # Errors
    ///
    /// As [`Renderer::expression`], or what `write` returns.
    pub fn render_values<'s>(
        &'s self,
        out: &mut Renderer<'s>,
        mut write: impl FnMut(&mut Renderer<'s>, &'s Expression) -> Compile,
    ) -> Compile {
        out.sql("CASE");
        for (condition, value) in &self.branches {
            out.sql(" WHEN ").expression(condition)?.sql(" THEN ");
            write(out, value)?;
        }
        if let Some(value) = &self.otherwise {
            out.sql(" ELSE ");
            write(out, value)?;
        }
        out.sql(" END");
        Ok(())
    }
}

impl Node for Case {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        self.render_values(out, |out, value| out.expression(value).map(drop))
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        for (condition, value) in &self.branches {
            visit(condition);
            visit(value);
        }
        self.otherwise.iter().for_each(visit);
    }

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Case { branches, otherwise } = self;
        key.part(&branches.len());
        for (condition, value) in branches {
            key.expression(condition).expression(value);
        }
        key.expressions(otherwise);
    }

    fn may_be_null(&self, out: &Renderer<'_>) -> bool {
        // A condition that is NULL only fails; the values decide.
        self.values().any(|value| value.may_be_null(out))
    }
}
