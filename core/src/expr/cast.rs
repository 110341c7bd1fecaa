//! `CAST(operand AS type)` (SQL:2016 Foundation 6.13).

use super::{Expr, Expression, IntoExpr, Node};
use crate::{
    render::{CacheKey, Compile, Renderer},
    schema::ColumnType,
    types::Type,
    value::Kind,
};

/// A value turned into another SQL type.
#[derive(Debug, Clone, PartialEq)]
pub struct Cast {
    /// The value.
    pub operand: Expression,
    /// What kind of value it is.
    pub from: Kind,
    /// The type that it becomes.
    pub ty: ColumnType,
}

/// The operand as the SQL type of `T`: `cast::<f64>(Post::score)`.
///
/// ```
/// use relata_core::{expr::{cast, val}, dialect::Standard, render::Statement, statement::select};
///
/// let statement = select(cast::<f64, _>(val(1)));
/// assert_eq!(statement.compile(&Standard)?.sql, "SELECT CAST(? AS DOUBLE PRECISION)");
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn cast<T: Type, O: IntoExpr>(operand: O) -> Expr<<O::Sql as Type>::With<T>> {
    let operand = operand.into_expr().into_node();
    let (from, ty) = (<O::Sql as Type>::KIND, ColumnType::new(T::KIND));
    Expr::new(Expression::Cast(Box::new(Cast { operand, from, ty })))
}

impl Cast {
    /// Whether it is from or to a UUID, and not both.
    pub fn is_of_uuid(&self) -> bool {
        (self.from == Kind::Uuid) != (self.ty.kind == Kind::Uuid)
    }

    /// Writes a truth value as a word, `true` or `false` as on PostgreSQL, where truth values are numbers.
    ///
    /// # Errors
    ///
    /// As [`Renderer::expression`].
    pub fn render_truth_as_word<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.sql("CASE ").expression(&self.operand)?.sql(" WHEN 1 THEN 'true' WHEN 0 THEN 'false' END");
        Ok(())
    }
}

impl Node for Cast {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.sql("CAST(").expression(&self.operand)?.sql(" AS ");
        out.dialect().render_cast_type(&self.ty, out)?;
        out.sql(")");
        Ok(())
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        visit(&self.operand);
    }

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Cast { operand, from, ty } = self;
        key.part(from).part(ty).expression(operand);
    }
}
