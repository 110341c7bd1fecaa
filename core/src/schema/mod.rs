//! Described schema: tables, columns, keys and constraints, as statics that `#[derive(Entity)]` writes.

mod column;
mod table;

pub use column::{ColumnDef, ColumnType, DefaultValue};
pub use table::{Check, ForeignKey, Index, ReferentialAction, Table, Unique, sorted_tables};
