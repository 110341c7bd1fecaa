//! Which tables a column may name.

use super::error::{Compile, CompileError};
use crate::{
    clause::{Join, JoinKind, SourceRef},
    expr::Expression,
    schema::Table,
};

/// What one level of a statement reads from, and so what columns may name there. It is lent by the statement.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope<'s> {
    first: Option<SourceRef<'s>>,
    joins: &'s [Join],
    /// Those further right, which cannot be named here, but hide what is around the statement.
    later: &'s [Join],
    /// Where only what has one value for each group can be named: what the groups are by.
    groups: Option<&'s [Expression]>,
    /// Whether what is written next is a whole item of what is selected, not a part of one.
    item: bool,
    /// Whether HAVING is written.
    having: bool,
    pub(super) bare: bool,
}

impl<'s> Scope<'s> {
    /// The scope of a query: what stands behind FROM, if anything does, and the joins.
    pub fn new(first: Option<SourceRef<'s>>, joins: &'s [Join]) -> Self {
        Scope { first, joins, later: &[], groups: None, item: false, having: false, bare: false }
    }

    /// The scope of the condition of a join: what stands before it and itself (SQL:2016 Foundation 7.10), not what is joined later.
    pub(crate) fn of_join(first: Option<SourceRef<'s>>, joins: &'s [Join], at: usize) -> Self {
        let (joins, later) = joins.split_at(at + 1);
        Scope { later, ..Scope::new(first, joins) }
    }

    /// A scope of one table.
    pub fn table(table: &'static Table) -> Self {
        Scope::new(Some(SourceRef::Table(table)), &[])
    }

    /// A scope whose columns are written without their table: the RETURNING of a database that does not want it there.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// The same, where what is written is of each group; of each row, if there are none.
    #[must_use]
    pub(crate) fn of_groups(mut self, groups: Option<&'s [Expression]>) -> Self {
        self.groups = groups;
        self
    }

    /// The same, where the items that are selected are written; or their parts.
    #[must_use]
    pub(crate) fn of_items(mut self, item: bool) -> Self {
        self.item = item;
        self
    }

    /// The same, where HAVING is written.
    #[must_use]
    pub(crate) fn of_having(mut self) -> Self {
        self.having = true;
        self
    }

    /// Whether what is written is of each group.
    pub(super) fn has_groups(&self) -> bool {
        self.groups.is_some()
    }

    /// Whether an expression of the group stands where some databases take none but aggregates and columns; in HAVING only those of tables
    /// whose name no other has that is grouped by.
    pub(super) fn is_part(self, expression: &Expression) -> bool {
        let Some(name) = column_name(expression) else {
            return !self.item && !matches!(expression, Expression::Aggregate(_) | Expression::Bind(_));
        };
        let of_table = !matches!(expression, Expression::AliasColumn(column) if column.table.is_none());
        let is_named_so = |key: &&Expression| column_name(key) == Some(name);
        let named_so = || self.groups.unwrap_or_default().iter().filter(is_named_so).count();
        self.having && (!of_table || named_so() > 1)
    }

    /// Whether an expression has one value for each group whatever it names: it is aggregated or grouped by.
    pub(super) fn is_of_group(self, expression: &Expression) -> bool {
        self.groups.is_some_and(|groups| {
            matches!(expression, Expression::Aggregate(_)) || groups.contains(expression)
        })
    }

    /// A column of the source that `is` picks has one value for each group where it, or the whole primary key of its table, is grouped by.
    pub(super) fn check_group(self, column: &str, is: impl Fn(SourceRef<'s>) -> bool) -> Compile {
        let Some(groups) = self.groups else { return Ok(()) };
        let Some(source) = self.sources().find(|source| is(*source)) else { return Ok(()) };
        let is_grouped = |column: &str| {
            groups.iter().any(|key| match (source, key) {
                (SourceRef::Table(table), Expression::Column(key)) => {
                    std::ptr::eq(key.table, table) && key.column.name == column
                }
                (SourceRef::Table(_), _) => false,
                (_, Expression::AliasColumn(key)) => key.alias == source.name() && key.column == column,
                _ => false,
            })
        };
        let is_keyed = || match source {
            SourceRef::Table(table) | SourceRef::Alias(table, _) => {
                let mut key = table.primary_key.iter().map(|key| table.columns[*key].name);
                !table.primary_key.is_empty() && key.all(is_grouped)
            }
            _ => false,
        };
        match is_grouped(column) || is_keyed() {
            true => Ok(()),
            false => Err(CompileError::invalid(format!(
                "{}.{column} is neither aggregated nor in GROUP BY, so it has no one value for a group: add `.group_by(…)` for it or its table's primary key",
                source.name()
            ))),
        }
    }

    /// The sources, in the order in which they are written.
    pub(super) fn sources(self) -> impl Iterator<Item = SourceRef<'s>> {
        self.first.into_iter().chain(self.joins.iter().map(|join| join.source.as_ref()))
    }

    /// Whether the source that `is` picks is among them. Every column asks, so there is no iterator between.
    pub(super) fn reads(self, is: impl Fn(SourceRef<'s>) -> bool) -> bool {
        self.first.is_some_and(&is) || self.joins.iter().any(|join| is(join.source.as_ref()))
    }

    /// Whether what the statements around this one call so cannot be meant here.
    pub(super) fn hides(self, name: &str) -> bool {
        self.contains(name) || self.later.iter().any(|join| join.source.as_ref().name() == name)
    }

    /// Whether this name is taken.
    pub fn contains(self, name: &str) -> bool {
        self.reads(|source| source.name() == name)
    }

    /// Whether the source that `is` picks may have no row: it stands right of a LEFT or FULL JOIN, or left of a RIGHT or FULL
    /// JOIN.
    pub(super) fn is_optional(self, is: impl Fn(SourceRef<'s>) -> bool) -> bool {
        let mut found = self.first.is_some_and(&is);
        let mut optional = false;
        for join in self.joins {
            optional |= found && matches!(join.kind, JoinKind::Right | JoinKind::Full);
            if is(join.source.as_ref()) {
                found = true;
                optional |= matches!(join.kind, JoinKind::Left | JoinKind::Full);
            }
        }
        optional
    }
}

fn column_name(expression: &Expression) -> Option<&str> {
    match expression {
        Expression::Column(column) => Some(column.column.name),
        Expression::AliasColumn(column) => Some(&column.column),
        _ => None,
    }
}
