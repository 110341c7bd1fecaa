//! `excluded.column`: the row that an upsert could not insert (PostgreSQL manual, INSERT).

use super::{Column, Expr, Expression, Node};
use crate::{
    entity::Entity,
    render::{Compile, Renderer},
    schema::ColumnDef,
    types::Type,
};

/// The value that the row which could not be inserted has for a column: `excluded.column`, and `VALUES(column)`
/// on MySQL and MariaDB. Only what an upsert sets can name it; elsewhere it is an error when the statement is compiled.
/// [`do_update`](crate::statement::Conflict::do_update) has an example.
pub fn excluded<E: Entity, T: Type>(column: Column<E, T>) -> Expr<T> {
    Expr::new(Expression::Excluded(Excluded { column: column.def() }))
}

/// `excluded.column`.
#[derive(Debug, Clone, Copy)]
pub struct Excluded {
    /// The column.
    pub column: &'static ColumnDef,
}

impl PartialEq for Excluded {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.column, other.column)
    }
}

impl Node for Excluded {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.require_excluded(self.column)?.sql("excluded.").identifier(self.column.name)?;
        Ok(())
    }

    fn for_each_child<'s>(&'s self, _: &mut dyn FnMut(&'s Expression)) {}
}
