//! `EXISTS (SELECT …)` (SQL:2016 Foundation 8.10).

use super::{Expr, Expression, Node};
use crate::{
    render::{Compile, Renderer, Statement},
    statement::{Select, SelectBody},
};

/// Whether a subquery has a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Exists {
    /// The subquery.
    pub select: SelectBody,
    /// `NOT EXISTS`.
    pub negated: bool,
}

/// `EXISTS (SELECT …)`: whether the subquery has a row. It may use the columns of the statement around it.
pub fn exists<R>(select: Select<R>) -> Expr<bool> {
    Expr::new(Expression::Exists(Box::new(Exists { select: select.into_body(), negated: false })))
}

/// `NOT EXISTS (SELECT …)`.
pub fn not_exists<R>(select: Select<R>) -> Expr<bool> {
    Expr::new(Expression::Exists(Box::new(Exists { select: select.into_body(), negated: true })))
}

impl Node for Exists {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.sql(if self.negated { "NOT EXISTS (" } else { "EXISTS (" });
        self.select.render(out)?;
        out.sql(")");
        Ok(())
    }

    fn precedence(&self) -> crate::render::Precedence {
        if self.negated { crate::render::Precedence::Not } else { crate::render::Precedence::Primary }
    }

    fn for_each_child<'s>(&'s self, _: &mut dyn FnMut(&'s Expression)) {}
}
