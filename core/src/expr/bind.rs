//! A bind parameter: the value of a placeholder.

use super::{Expr, Expression, IntoExpr, Node};
use crate::{
    render::{CacheKey, Compile, Renderer},
    value::Value,
};

/// A value as an expression. Wherever an expression is expected, the value itself does as well.
///
/// ```
/// use relata_core::{dialect::Standard, expr::val, render::Statement, statement::select};
///
/// assert_eq!(select(val("x")).compile(&Standard)?.sql, "SELECT ?");
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn val<V: IntoExpr>(value: V) -> Expr<V::Sql> {
    value.into_expr()
}

impl Node for Value {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.bind(self);
        Ok(())
    }

    fn for_each_child<'s>(&'s self, _: &mut dyn FnMut(&'s Expression)) {}

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        key.value(self);
    }
}
