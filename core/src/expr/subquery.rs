//! `(SELECT …)` as a value (SQL:2016 Foundation 7.19).

use super::{Expr, Expression, Node};
use crate::{
    render::{CacheKey, Compile, Renderer, Statement},
    statement::{Select, SelectBody},
    types::Type,
};

/// The one value of a subquery.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    /// The subquery.
    pub select: SelectBody,
}

/// The one value of a subquery of one column, `(SELECT …)`; NULL if it has no row. More than one row is the database's error, but
/// on SQLite, which takes the first.
///
/// ```
/// use relata_core::{dialect::Standard, expr::{count_all, scalar}, render::Statement, statement::{Select, select}};
///
/// let statement: Select<Option<i64>> = select(scalar(select(count_all())) + 1);
/// assert_eq!(statement.compile(&Standard)?.sql, "SELECT (SELECT COUNT(*)) + ?");
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn scalar<T: Type>(select: Select<T>) -> Expr<T::Nullable> {
    Expr::new(Expression::Subquery(Box::new(Scalar { select: select.into_body() })))
}

impl Node for Scalar {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.sql("(");
        self.select.render(out)?;
        out.sql(")");
        Ok(())
    }

    fn for_each_child<'s>(&'s self, _: &mut dyn FnMut(&'s Expression)) {}

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Scalar { select } = self;
        select.cache_key(key);
    }
}
