//! `DROP TABLE` (SQL:2016 Foundation 11.31).

use crate::{
    render::{Compile, Renderer},
    schema::Table,
};

/// `DROP TABLE name`.
#[derive(Debug, Clone, PartialEq)]
pub struct DropTable {
    /// The table.
    pub table: &'static Table,
    /// `IF EXISTS`.
    pub if_exists: bool,
}

impl DropTable {
    pub(super) fn render(&self, out: &mut Renderer<'_>) -> Compile {
        out.sql("DROP TABLE ").sql(if self.if_exists { "IF EXISTS " } else { "" }).table(self.table)?;
        Ok(())
    }
}
