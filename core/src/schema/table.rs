//! Described tables and their constraints.

use super::ColumnDef;

/// A described table. `#[derive(Entity)]` writes it as a static; two are equal if schema and name are.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Table {
    /// The schema it is in; `None` for the connection's default.
    pub schema: Option<&'static str>,
    /// Its name.
    pub name: &'static str,
    /// The Rust type that is mapped to it, for messages.
    pub entity: &'static str,
    /// Its columns, in the order of the fields.
    pub columns: &'static [ColumnDef],
    /// The places of the primary key's columns.
    pub primary_key: &'static [usize],
    /// Unique constraints.
    pub uniques: &'static [Unique],
    /// Foreign keys.
    pub foreign_keys: &'static [ForeignKey],
    /// Checks.
    pub checks: &'static [Check],
    /// Indexes.
    pub indexes: &'static [Index],
}

/// A unique constraint over columns, by their places.
#[derive(Debug, Clone, Copy)]
pub struct Unique {
    /// Its name; `None` for one made from table and columns.
    pub name: Option<&'static str>,
    /// The places of its columns.
    pub columns: &'static [usize],
}

/// An index over columns, by their places.
#[derive(Debug, Clone, Copy)]
pub struct Index {
    /// Its name; `None` for one made from table and columns.
    pub name: Option<&'static str>,
    /// The places of its columns.
    pub columns: &'static [usize],
    /// Whether it forbids duplicates.
    pub unique: bool,
}

/// A check: an SQL condition that holds for each row.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its name; `None` for one made from the table.
    pub name: Option<&'static str>,
    /// The condition, as SQL text.
    pub condition: &'static str,
}

/// A foreign key.
#[derive(Debug, Clone, Copy)]
pub struct ForeignKey {
    /// Its name; `None` for one made from table and columns.
    pub name: Option<&'static str>,
    /// The places of its columns.
    pub columns: &'static [usize],
    /// The table it refers to. A function, since tables may refer to each other.
    pub table: fn() -> &'static Table,
    /// The places of the columns it refers to.
    pub references: &'static [usize],
    /// What happens to this row when the other is deleted.
    pub on_delete: ReferentialAction,
    /// What happens to this row when the other's key changes.
    pub on_update: ReferentialAction,
}

/// What a foreign key does when the row it refers to goes or changes (SQL:2016 Foundation 4.19.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReferentialAction {
    /// Refuses: the default, not written.
    #[default]
    NoAction,
    /// `RESTRICT`: refuses at once.
    Restrict,
    /// `CASCADE`: does the same to this row.
    Cascade,
    /// `SET NULL`.
    SetNull,
    /// `SET DEFAULT`.
    SetDefault,
}

impl ReferentialAction {
    /// The standard's words; `None` for the default.
    pub fn as_sql(self) -> Option<&'static str> {
        match self {
            ReferentialAction::NoAction => None,
            ReferentialAction::Restrict => Some("RESTRICT"),
            ReferentialAction::Cascade => Some("CASCADE"),
            ReferentialAction::SetNull => Some("SET NULL"),
            ReferentialAction::SetDefault => Some("SET DEFAULT"),
        }
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.schema == other.schema && self.name == other.name
    }
}

impl Eq for Table {}

impl Table {
    /// A table with columns and a primary key.
    pub const fn new(
        entity: &'static str,
        name: &'static str,
        columns: &'static [ColumnDef],
        primary_key: &'static [usize],
    ) -> Self {
        Table {
            schema: None,
            name,
            entity,
            columns,
            primary_key,
            uniques: &[],
            foreign_keys: &[],
            checks: &[],
            indexes: &[],
        }
    }

    /// The same, in a schema.
    #[must_use]
    pub const fn in_schema(mut self, schema: &'static str) -> Self {
        self.schema = Some(schema);
        self
    }

    /// The same, with unique constraints.
    #[must_use]
    pub const fn uniques(mut self, uniques: &'static [Unique]) -> Self {
        self.uniques = uniques;
        self
    }

    /// The same, with foreign keys.
    #[must_use]
    pub const fn foreign_keys(mut self, foreign_keys: &'static [ForeignKey]) -> Self {
        self.foreign_keys = foreign_keys;
        self
    }

    /// The same, with checks.
    #[must_use]
    pub const fn checks(mut self, checks: &'static [Check]) -> Self {
        self.checks = checks;
        self
    }

    /// The same, with indexes.
    #[must_use]
    pub const fn indexes(mut self, indexes: &'static [Index]) -> Self {
        self.indexes = indexes;
        self
    }

    /// The place of a column, by its name in the database.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == column)
    }

    /// The place of the column that counts changes, if there is one.
    pub fn version(&self) -> Option<usize> {
        self.columns.iter().position(|c| c.version)
    }

    /// The place of the column that the database generates, if there is one.
    pub fn generated(&self) -> Option<usize> {
        self.columns.iter().position(|c| c.generated)
    }
}

/// The tables in an order in which each comes after those that its foreign keys refer to. Of a circle, the key that would close
/// it is passed over.
pub fn sorted_tables(tables: &[&'static Table]) -> Vec<&'static Table> {
    fn visit(
        table: &'static Table,
        all: &[&'static Table],
        open: &mut Vec<&'static Table>,
        sorted: &mut Vec<&'static Table>,
    ) {
        if sorted.contains(&table) || open.contains(&table) {
            return;
        }
        open.push(table);
        for key in table.foreign_keys {
            let target = (key.table)();
            if all.contains(&target) {
                visit(target, all, open, sorted);
            }
        }
        open.pop();
        sorted.push(table);
    }
    let mut sorted = Vec::with_capacity(tables.len());
    for table in tables {
        visit(table, tables, &mut Vec::new(), &mut sorted);
    }
    sorted
}
