//! Columns: of tables, as typed constants, and of what a statement names itself.

use std::{borrow::Cow, fmt, marker::PhantomData};

use super::{Alias, Expr, Expression, Node};
use crate::{
    entity::Entity,
    render::{CacheKey, Compile, Renderer},
    schema::{ColumnDef, Table},
    types::Type,
    value::Kind,
};

/// A column of an entity, as a constant with the name of the field: `User::email`.
///
/// Its methods are those of [`Operators`](super::Operators).
pub struct Column<E, T> {
    index: usize,
    ty: PhantomData<fn() -> (E, T)>,
}

impl<E, T> Column<E, T> {
    /// The column at a place of the entity's table. `#[derive(Entity)]` calls it.
    pub const fn new(index: usize) -> Self {
        Column { index, ty: PhantomData }
    }
}

impl<E: Entity, T: Type> Column<E, T> {
    /// Its place in the table, counted from 0.
    pub const fn index(&self) -> usize {
        self.index
    }

    /// Its description.
    pub fn def(&self) -> &'static ColumnDef {
        &E::TABLE.columns[self.index]
    }

    /// The table it is in.
    pub fn table(&self) -> &'static Table {
        E::TABLE
    }

    /// The column, read as an `Option`: for the side of an outer join that may have no row.
    pub fn optional(self) -> Expr<T::Nullable> {
        Expr::new(self.node())
    }

    /// The column as one of an alias: `Employee::name.of(&manager)`.
    pub fn of(self, alias: &Alias<E>) -> Expr<T> {
        alias.column(self)
    }

    pub(crate) fn node(&self) -> Expression {
        Expression::Column(TableColumn { table: E::TABLE, column: self.def() })
    }
}

impl<E, T> Clone for Column<E, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, T> Copy for Column<E, T> {}

impl<E: Entity, T: Type> fmt::Debug for Column<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", E::TABLE.name, self.def().name)
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct TableColumn {
    /// The table.
    pub table: &'static Table,
    /// The column.
    pub column: &'static ColumnDef,
}

impl TableColumn {
    /// The column at a place of a table.
    pub fn at(table: &'static Table, place: usize) -> Self {
        TableColumn { table, column: &table.columns[place] }
    }
}

impl PartialEq for TableColumn {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.column, other.column)
    }
}

impl Node for TableColumn {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.column(self.table, self.column)?;
        Ok(())
    }

    fn for_each_child<'s>(&'s self, _: &mut dyn FnMut(&'s Expression)) {}

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let TableColumn { table, column } = *self;
        key.place(table).place(column);
    }

    fn may_be_null(&self, out: &Renderer<'_>) -> bool {
        out.table_is_optional(self.table)
    }
}

/// A column of an alias, a subquery or a CTE.
#[derive(Debug, Clone, PartialEq)]
pub struct AliasColumn {
    /// The name that the statement gives the alias.
    pub alias: Cow<'static, str>,
    /// The column's name.
    pub column: Cow<'static, str>,
    /// The table that the alias stands for, if it is one of a table.
    pub table: Option<&'static Table>,
    /// Its SQL type, where it is known.
    pub kind: Option<Kind>,
}

impl Node for AliasColumn {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.alias_column(&self.alias, &self.column)?;
        Ok(())
    }

    fn for_each_child<'s>(&'s self, _: &mut dyn FnMut(&'s Expression)) {}

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let AliasColumn { alias, column, table, kind } = self;
        key.part(alias).part(column).part(kind).part(&table.is_some());
        if let Some(table) = table {
            key.place(*table);
        }
    }

    fn may_be_null(&self, out: &Renderer<'_>) -> bool {
        out.alias_is_optional(&self.alias)
    }
}
