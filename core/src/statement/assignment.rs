//! `column = value`, as UPDATE and upserts write it.

use crate::{
    entity::Entity,
    expr::{Assignable, Column, Expression, IntoExpr, TableColumn, excluded, plus_one},
    render::{Compile, CompileError},
    schema::Table,
    types::Type,
};

/// Columns and what they are set to. Collected by [`Conflict::do_update`](super::Conflict::do_update).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Assignments {
    list: Vec<(usize, Expression)>,
    tables: Vec<&'static Table>,
    // Whether the last of the list counts the version up.
    counts: bool,
}

impl Assignments {
    /// Columns by their places, exactly as given.
    pub(super) fn of(list: Vec<(usize, Expression)>) -> Self {
        Assignments { list, ..Assignments::default() }
    }

    /// `column = value`.
    #[must_use]
    pub fn set<E: Entity, T: Type + Assignable<V::Sql>, V: IntoExpr>(
        mut self,
        column: Column<E, T>,
        value: V,
    ) -> Self {
        self.push(column, value.into_expr().into_node());
        self
    }

    /// `column = excluded.column`: the value of the row that could not be inserted.
    #[must_use]
    pub fn take<E: Entity, T: Type>(mut self, column: Column<E, T>) -> Self {
        self.push(column, excluded(column).into_node());
        self
    }

    pub(super) fn push<E: Entity, T: Type>(&mut self, column: Column<E, T>, value: Expression) {
        if std::mem::take(&mut self.counts) {
            self.list.pop();
        }
        // The later one wins, so that a column is never set twice.
        self.list.retain(|(index, _)| *index != column.index());
        self.list.push((column.index(), value));
        if !self.tables.contains(&E::TABLE) {
            self.tables.push(E::TABLE);
        }
    }

    /// Counts the version of the row up if nothing else sets it.
    pub(super) fn count_version(mut self, table: &'static Table) -> Self {
        if let Some(version) = table.version()
            && !self.list.iter().any(|(index, _)| *index == version)
        {
            let column = Expression::Column(TableColumn { table, column: &table.columns[version] });
            self.list.push((version, plus_one(column)));
            self.counts = true;
        }
        self
    }

    /// The places of the columns and their values.
    pub(super) fn list(&self, table: &'static Table) -> Compile<&[(usize, Expression)]> {
        self.check(table)?;
        Ok(&self.list)
    }

    /// As [`list`](Assignments::list), taken out.
    pub(super) fn into_list(self, table: &'static Table) -> Compile<Vec<(usize, Expression)>> {
        self.check(table)?;
        Ok(self.list)
    }

    fn check(&self, table: &'static Table) -> Compile {
        if let Some(other) = self.tables.iter().find(|other| **other != table) {
            return Err(CompileError::invalid(format!(
                "a column of {} is set in a row of {}: only those of `{}` can be",
                other.name, table.name, table.entity
            )));
        }
        Ok(())
    }
}
