//! Statements about the schema: `CREATE TABLE` and its kin.

mod create_enum;
mod create_index;
mod create_table;
mod default;
mod defer_foreign_keys;
mod drop_table;
mod foreign_key;
mod names;

pub use create_enum::{CreateEnum, DropEnum};
pub use create_index::CreateIndex;
pub use create_table::CreateTable;
pub use default::{render_default, render_nullness_and_default};
pub use defer_foreign_keys::DeferForeignKeys;
pub use drop_table::DropTable;
pub use foreign_key::{AddForeignKey, DropForeignKey, foreign_key_name};
pub use names::Named;

use crate::{
    dialect::{Dialect, Feature},
    render::{Compile, Renderer, Statement},
    schema::{Table, sorted_tables},
    value::{EnumType, Kind},
};

/// A statement about the schema.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Ddl {
    /// `CREATE TABLE`.
    CreateTable(CreateTable),
    /// `DROP TABLE`.
    DropTable(DropTable),
    /// `CREATE INDEX`.
    CreateIndex(CreateIndex),
    /// `CREATE TYPE … AS ENUM`.
    CreateEnum(CreateEnum),
    /// `DROP TYPE`.
    DropEnum(DropEnum),
    /// `ALTER TABLE … ADD CONSTRAINT … FOREIGN KEY`.
    AddForeignKey(AddForeignKey),
    /// `ALTER TABLE … DROP CONSTRAINT`.
    DropForeignKey(DropForeignKey),
    /// `SET CONSTRAINTS ALL DEFERRED`.
    DeferForeignKeys(DeferForeignKeys),
}

impl Ddl {
    /// Writes the statement as the standard spells it, or as most databases do.
    ///
    /// # Errors
    ///
    /// If the dialect lacks what it needs.
    pub fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        match self {
            Ddl::CreateTable(ddl) => ddl.render(out),
            Ddl::DropTable(ddl) => ddl.render(out),
            Ddl::CreateIndex(ddl) => ddl.render(out),
            Ddl::CreateEnum(ddl) => ddl.render(out),
            Ddl::DropEnum(ddl) => ddl.render(out),
            Ddl::AddForeignKey(ddl) => ddl.render(out),
            Ddl::DropForeignKey(ddl) => ddl.render(out),
            Ddl::DeferForeignKeys(ddl) => ddl.render(out),
        }
    }
}

impl Statement for Ddl {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        let dialect = out.dialect();
        dialect.render_ddl(self, out)
    }
}

/// What creates the tables, each after those it refers to, with their enum types and indexes. `if_not_exists` leaves alone
/// what is there.
///
/// Tables that refer to each other in a circle get the foreign keys that close it afterwards.
///
/// # Errors
///
/// If two indexes or constraints have one name, and the database has such a name once
/// ([`is_named_in_schema`](Dialect::is_named_in_schema)).
pub fn create_all(
    tables: &[&'static Table],
    if_not_exists: bool,
    dialect: &dyn Dialect,
) -> Compile<Vec<Ddl>> {
    names::check_names(tables, dialect)?;
    let sorted = sorted_tables(tables);
    let mut ddl: Vec<Ddl> = native_enums(&sorted, dialect)
        .into_iter()
        .map(|ty| Ddl::CreateEnum(CreateEnum { ty, if_not_exists }))
        .collect();
    // Where a key cannot be added, it may refer to a table that is not there yet.
    let alters = dialect.supports(Feature::AlterForeignKeys);
    let mut later = Vec::new();
    for (at, table) in sorted.iter().enumerate() {
        let closing = if alters { closing_keys(&sorted, at) } else { Vec::new() };
        ddl.push(Ddl::CreateTable(CreateTable { table, if_not_exists, without_keys: closing.clone() }));
        for index in 0..table.indexes.len() {
            ddl.push(Ddl::CreateIndex(CreateIndex { table, index, if_not_exists }));
        }
        later.extend(
            closing.into_iter().map(|key| Ddl::AddForeignKey(AddForeignKey { table, key, if_not_exists })),
        );
    }
    ddl.extend(later);
    Ok(ddl)
}

/// What drops the tables, each before those it refers to, and their enum types.
pub fn drop_all(tables: &[&'static Table], if_exists: bool, dialect: &dyn Dialect) -> Vec<Ddl> {
    let sorted = sorted_tables(tables);
    let mut ddl = Vec::new();
    let closing =
        (0..sorted.len()).flat_map(|at| closing_keys(&sorted, at).into_iter().map(move |key| (at, key)));
    if dialect.supports(Feature::AlterForeignKeys) {
        let drop = |(at, key)| Ddl::DropForeignKey(DropForeignKey { table: sorted[at], key, if_exists });
        ddl.extend(closing.map(drop));
    } else if closing.count() > 0 {
        // A table that is dropped loses its rows first, and others may refer to them.
        ddl.push(Ddl::DeferForeignKeys(DeferForeignKeys));
    }
    ddl.extend(sorted.iter().rev().map(|table| Ddl::DropTable(DropTable { table, if_exists })));
    let enums = native_enums(&sorted, dialect);
    ddl.extend(enums.into_iter().map(|ty| Ddl::DropEnum(DropEnum { ty, if_exists })));
    ddl
}

/// The keys of the table at a place that refer to a table which comes later: they close a circle.
fn closing_keys(sorted: &[&'static Table], at: usize) -> Vec<usize> {
    let keys = sorted[at].foreign_keys.iter().enumerate();
    keys.filter(|(_, key)| sorted[at + 1..].contains(&(key.table)())).map(|(key, _)| key).collect()
}

fn native_enums(tables: &[&'static Table], dialect: &dyn Dialect) -> Vec<&'static EnumType> {
    let mut enums: Vec<&'static EnumType> = Vec::new();
    if dialect.supports(Feature::NamedEnum) {
        for column in tables.iter().flat_map(|table| table.columns) {
            if let Kind::Enum(ty) = column.ty.kind
                && ty.native
                && !enums.contains(&ty)
            {
                enums.push(ty);
            }
        }
    }
    enums
}

/// A name made from parts that the database can hold: cut, with a hash at its end, where it is too long.
///
/// Names that are cut differ where their parts do (FNV-1a of all of them, 32 bits). Others may meet, as those of `a_b` and `c`
/// and of `a` and `b_c` do: [`create_all`] refuses that.
pub fn generated_name(parts: &[&str], limit: usize) -> String {
    let name = parts.join("_");
    if name.len() <= limit {
        return name;
    }
    let hash =
        name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mut end = limit.saturating_sub(9);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{hash:08x}", &name[..end])
}

/// The names of columns by their places.
pub(crate) fn column_names(table: &Table, columns: &[usize]) -> Vec<&'static str> {
    columns.iter().map(|column| table.columns[*column].name).collect()
}

/// Writes `("a", "b")`.
///
/// # Errors
///
/// If a name cannot be written.
pub fn render_column_list(table: &Table, columns: &[usize], out: &mut Renderer<'_>) -> Compile {
    out.sql("(")
        .list(columns, ", ", |out, column| out.identifier(table.columns[*column].name).map(drop))?
        .sql(")");
    Ok(())
}
