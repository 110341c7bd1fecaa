//! Foreign keys, in a table's definition and added to it (SQL:2016 Foundation 11.8).

use super::{names::name_of_columns, render_column_list};
use crate::{
    dialect::Feature,
    render::{Compile, Renderer},
    schema::{ForeignKey, ReferentialAction, Table},
};

/// `ALTER TABLE … ADD CONSTRAINT … FOREIGN KEY …`.
#[derive(Debug, Clone, PartialEq)]
pub struct AddForeignKey {
    /// The table.
    pub table: &'static Table,
    /// The place of the key among the table's.
    pub key: usize,
    /// Leaves alone a key that is there. Nobody spells it alike: it is left to the dialect.
    pub if_not_exists: bool,
}

/// `ALTER TABLE … DROP CONSTRAINT …`.
#[derive(Debug, Clone, PartialEq)]
pub struct DropForeignKey {
    /// The table.
    pub table: &'static Table,
    /// The place of the key among the table's.
    pub key: usize,
    /// `IF EXISTS`, of table and constraint.
    pub if_exists: bool,
}

/// The name of a foreign key: the one that was given, or one made from table and columns.
pub fn foreign_key_name(table: &Table, key: &ForeignKey, limit: usize) -> String {
    key.name.map_or_else(|| name_of_columns(table, key.columns, "fkey", limit), str::to_owned)
}

pub(super) fn render_foreign_key(
    table: &'static Table,
    key: &'static ForeignKey,
    out: &mut Renderer<'_>,
) -> Compile {
    let name = foreign_key_name(table, key, out.dialect().max_identifier());
    let target = (key.table)();
    out.sql("CONSTRAINT ").identifier(&name)?.sql(" FOREIGN KEY ");
    render_column_list(table, key.columns, out)?;
    out.sql(" REFERENCES ").table(target)?.sql(" ");
    render_column_list(target, key.references, out)?;
    if [key.on_delete, key.on_update].contains(&ReferentialAction::SetDefault) {
        out.require(Feature::SetDefault)?;
    }
    if let Some(action) = key.on_delete.as_sql() {
        out.sql(" ON DELETE ").sql(action);
    }
    if let Some(action) = key.on_update.as_sql() {
        out.sql(" ON UPDATE ").sql(action);
    }
    Ok(())
}

impl AddForeignKey {
    pub(super) fn render(&self, out: &mut Renderer<'_>) -> Compile {
        out.require(Feature::AlterForeignKeys)?.sql("ALTER TABLE ").table(self.table)?.sql(" ADD ");
        render_foreign_key(self.table, &self.table.foreign_keys[self.key], out)
    }
}

impl DropForeignKey {
    pub(super) fn render(&self, out: &mut Renderer<'_>) -> Compile {
        let name =
            foreign_key_name(self.table, &self.table.foreign_keys[self.key], out.dialect().max_identifier());
        let if_exists = if self.if_exists { "IF EXISTS " } else { "" };
        out.require(Feature::AlterForeignKeys)?.sql("ALTER TABLE ").sql(if_exists).table(self.table)?;
        out.sql(" DROP CONSTRAINT ").sql(if_exists).identifier(&name)?;
        Ok(())
    }
}
