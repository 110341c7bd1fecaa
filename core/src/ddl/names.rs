//! Names of indexes and constraints, which must not meet: `CREATE INDEX IF NOT EXISTS` looks at nothing but the name, and
//! would leave the second index out without a word.

use super::{column_names, foreign_key_name, generated_name};
use crate::{
    dialect::Dialect,
    render::{Compile, CompileError},
    schema::{ColumnDef, Table, Unique},
    value::{EnumType, Kind},
};

/// What has a name besides tables and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Named {
    /// An index.
    Index,
    /// A unique constraint.
    Unique,
    /// A foreign key.
    ForeignKey,
    /// A check.
    Check,
}

impl Named {
    fn words(self) -> &'static str {
        match self {
            Named::Index => "index",
            Named::Unique => "unique constraint",
            Named::ForeignKey => "foreign key",
            Named::Check => "check",
        }
    }
}

/// A name that is taken; in a table, or in the whole schema.
struct Taken {
    named: Named,
    name: String,
    table: &'static Table,
    in_schema: bool,
}

impl Taken {
    fn meets(&self, other: &Taken) -> bool {
        // A unique constraint is an index as well.
        let kind = |named| if named == Named::Unique { Named::Index } else { named };
        self.name == other.name
            && kind(self.named) == kind(other.named)
            && self.in_schema == other.in_schema
            && self.table.schema == other.table.schema
            && (self.in_schema || self.table == other.table)
    }
}

/// Refuses tables of which two indexes or constraints have one name where the database has such a name once.
///
/// # Errors
///
/// If there are such, naming both tables.
pub(super) fn check_names(tables: &[&'static Table], dialect: &dyn Dialect) -> Compile {
    let mut taken: Vec<Taken> = Vec::new();
    for table in tables {
        for (named, name) in names(table, dialect) {
            let in_schema = dialect.is_named_in_schema(named);
            // Two constraints of one table are the database's to refuse, which it does.
            if !in_schema && matches!(named, Named::ForeignKey | Named::Check) {
                continue;
            }
            let new = Taken { named, name, table, in_schema };
            // Where an index has a name for itself in the schema, tables have so, too.
            let as_table = in_schema && matches!(named, Named::Index | Named::Unique);
            let is_table = |other: &&&'static Table| other.schema == table.schema && other.name == new.name;
            let other = match taken.iter().find(|other| other.meets(&new)) {
                Some(other) => format!("{} of table {}", other.named.words(), other.table.name),
                None => match tables.iter().find(is_table) {
                    Some(other) if as_table => format!("table {}", other.name),
                    _ => {
                        taken.push(new);
                        continue;
                    }
                },
            };
            return Err(CompileError::invalid(format!(
                "the {} {} of table {} has the name of the {other}, and {} has it once in a {}: give one of them another name",
                named.words(),
                new.name,
                table.name,
                dialect.name(),
                if in_schema { "schema" } else { "table" },
            )));
        }
    }
    Ok(())
}

/// The names of a table's indexes and constraints.
fn names(table: &'static Table, dialect: &dyn Dialect) -> Vec<(Named, String)> {
    let limit = dialect.max_identifier();
    let mut names = Vec::new();
    for index in table.indexes {
        names.push((Named::Index, index_name(table, index.name, index.columns, limit)));
    }
    for unique in table.uniques {
        names.push((Named::Unique, unique_name(table, unique, limit)));
    }
    for key in table.foreign_keys {
        names.push((Named::ForeignKey, foreign_key_name(table, key, limit)));
    }
    for at in 0..table.checks.len() {
        names.push((Named::Check, check_name(table, at, limit)));
    }
    for (at, column) in table.columns.iter().enumerate() {
        if checked_enum(table, at, dialect).is_some() {
            names.push((Named::Check, enum_check_name(table, column, limit)));
        }
    }
    names
}

/// The enum of a column that is stored as text, so that a check keeps other words out. A foreign key keeps them out as well, since
/// the column that it refers to has the check; with both, MySQL and MariaDB refuse a key with an action (MySQL 8.4 manual,
/// "CHECK Constraints").
pub(super) fn checked_enum(table: &Table, column: usize, dialect: &dyn Dialect) -> Option<&'static EnumType> {
    let refers = || table.foreign_keys.iter().any(|key| key.columns.contains(&column));
    match table.columns[column].ty.kind {
        Kind::Enum(ty) if !dialect.stores_enum_natively(ty) && !refers() => Some(ty),
        _ => None,
    }
}

/// The name of the check of an enum.
pub(super) fn enum_check_name(table: &Table, column: &ColumnDef, limit: usize) -> String {
    generated_name(&[table.name, column.name, "enum"], limit)
}

/// The name of an index: the one that was given, or one made from table and columns.
pub(super) fn index_name(table: &Table, name: Option<&str>, columns: &[usize], limit: usize) -> String {
    name.map_or_else(|| name_of_columns(table, columns, "idx", limit), str::to_owned)
}

/// The name of a unique constraint: the one that was given, or one made from table and columns.
pub(super) fn unique_name(table: &Table, unique: &Unique, limit: usize) -> String {
    unique.name.map_or_else(|| name_of_columns(table, unique.columns, "key", limit), str::to_owned)
}

/// The name of the check at a place: the one that was given, or one made from the table.
pub(super) fn check_name(table: &Table, at: usize, limit: usize) -> String {
    let number = (at + 1).to_string();
    table.checks[at]
        .name
        .map_or_else(|| generated_name(&[table.name, "check", &number], limit), str::to_owned)
}

/// `table_column_column_suffix`.
pub(super) fn name_of_columns(table: &Table, columns: &[usize], suffix: &str, limit: usize) -> String {
    let mut parts = vec![table.name];
    parts.extend(column_names(table, columns));
    parts.push(suffix);
    generated_name(&parts, limit)
}
