//! `CREATE INDEX`, which the standard leaves to the databases.

use super::{names::index_name, render_column_list};
use crate::{
    render::{Compile, Renderer},
    schema::Table,
};

/// `CREATE INDEX name ON table (…)`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateIndex {
    /// The table.
    pub table: &'static Table,
    /// The place of the index among the table's.
    pub index: usize,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
}

impl CreateIndex {
    /// The name: the one that was given, or one made from table and columns.
    pub fn name(&self, limit: usize) -> String {
        let index = &self.table.indexes[self.index];
        index_name(self.table, index.name, index.columns, limit)
    }

    pub(super) fn render(&self, out: &mut Renderer<'_>) -> Compile {
        let index = &self.table.indexes[self.index];
        let name = self.name(out.dialect().max_identifier());
        out.sql(if index.unique { "CREATE UNIQUE INDEX " } else { "CREATE INDEX " })
            .sql(if self.if_not_exists { "IF NOT EXISTS " } else { "" })
            .identifier(&name)?
            .sql(" ON ")
            .table(self.table)?
            .sql(" ");
        render_column_list(self.table, index.columns, out)
    }
}
