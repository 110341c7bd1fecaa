//! SQL text with binds, as an expression.

use std::borrow::Cow;

use super::{Expr, Expression, IntoExpr, Node, custom::misplaced, operators::node};
use crate::{
    render::{Compile, CompileError, Renderer},
    types::Type,
};

/// SQL text in which each `?` stands for an expression. A `?` that is meant as one is written `??`.
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    /// From outside only by [`sql_unchecked`](crate::statement::sql_unchecked).
    pub(crate) sql: Cow<'static, str>,
    /// What the question marks stand for.
    pub(crate) arguments: Vec<Expression>,
}

/// SQL text as an expression, promised to give a `T`. It is `'static`, so that it cannot come from outside; values go into
/// the places marked `?`.
///
/// ```
/// use relata_core::{expr::raw, dialect::Standard, render::Statement, statement::select};
///
/// let statement = select(raw::<i64>("length(?)").arg("x"));
/// assert_eq!(statement.compile(&Standard)?.sql, "SELECT (length(?))");
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn raw<T: Type>(sql: &'static str) -> Expr<T> {
    Expr::new(Expression::Raw(Box::new(Raw { sql: Cow::Borrowed(sql), arguments: Vec::new() })))
}

impl<T: Type> Expr<T> {
    /// The next `?` of [`raw`] text. On anything else it is an error when the statement is compiled.
    #[must_use]
    pub fn arg(mut self, argument: impl IntoExpr) -> Self {
        match &mut self.node {
            Expression::Raw(raw) => raw.arguments.push(node(argument)),
            other => *other = misplaced("`arg` belongs to raw SQL: call it on `raw(…)` itself"),
        }
        self
    }
}

impl Raw {
    /// Writes the text with its arguments in place, without parentheses around it.
    ///
    /// # Errors
    ///
    /// If there are not as many arguments as question marks.
    pub fn render_text<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        let mut arguments = self.arguments.iter();
        let mut rest = &*self.sql;
        while let Some(at) = rest.find('?') {
            out.sql(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(literal) = rest.strip_prefix('?') {
                out.sql("?");
                rest = literal;
                continue;
            }
            let argument = arguments.next().ok_or_else(|| {
                CompileError::invalid(format!("raw SQL has more `?` than arguments: {}", self.sql))
            })?;
            out.expression(argument)?;
        }
        out.sql(rest);
        match arguments.next() {
            None => Ok(()),
            Some(_) => {
                Err(CompileError::invalid(format!("raw SQL has fewer `?` than arguments: {}", self.sql)))
            }
        }
    }
}

impl Node for Raw {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        // Nobody knows how tightly it binds.
        out.sql("(");
        self.render_text(out)?;
        out.sql(")");
        Ok(())
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        self.arguments.iter().for_each(visit);
    }
}
