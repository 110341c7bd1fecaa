//! What a grouped query may name (SQL:2016 Foundation 7.16): what has one value for each group.

use super::{
    placement::{Contents, check_rows},
    query::Query,
};
use crate::{
    clause::OrderItem,
    dialect::Feature,
    expr::{Expression, Node},
    render::{Compile, CompileError, Renderer},
    schema::Table,
};

impl Query {
    /// In a grouped query, what is not aggregated must be the same for the whole group.
    pub(super) fn check_groups(&self, order_by: &[OrderItem], out: &mut Renderer<'_>) -> Compile {
        check_rows(self.filter.as_expression(), "a filter")?;
        check_rows(self.joins.iter().filter_map(|join| join.on.as_ref()), "the condition of a join")?;
        check_rows(&self.group_by, "GROUP BY")?;
        let mut in_having = false;
        if let Some(having) = self.having.as_expression() {
            let contents = Contents::of(having).check_nesting()?;
            in_having = contents.aggregate;
            if contents.window {
                return Err(CompileError::invalid(
                    "a window function cannot be in HAVING: select it in a subquery, and filter that",
                ));
            }
        }
        let (mut selected, mut selected_plainly) = (false, false);
        for item in &self.items {
            let contents = Contents::of(&item.expression).check_nesting()?;
            selected |= contents.aggregate;
            selected_plainly |= contents.plain_aggregate;
        }
        let mut grouped = !self.group_by.is_empty() || in_having || selected;
        for item in order_by {
            grouped |= Contents::of(&item.expression).check_nesting()?.aggregate;
        }
        if !grouped {
            // The standard takes all rows for one group then; SQLite does not.
            return match self.having.as_expression() {
                None => Ok(()),
                Some(_) => {
                    Err(CompileError::invalid("HAVING without GROUP BY or an aggregate: a filter is meant"))
                }
            };
        }
        if self.group_by.is_empty() {
            if !selected && !in_having {
                return Err(CompileError::invalid(
                    "an aggregate in ORDER BY only, without GROUP BY: there is one row, which needs no order",
                ));
            }
            if !selected_plainly && self.having.as_expression().is_some() {
                out.require(Feature::HavingAlone)?;
            }
        }
        let parts = self.items.iter().map(|item| &item.expression).chain(self.having.as_expression());
        for expression in parts.chain(order_by.iter().map(|item| &item.expression)) {
            if let Some(column) = self.ungrouped(expression) {
                return Err(CompileError::invalid(format!(
                    "{column} is neither aggregated nor in GROUP BY, so it has no one value for a group: add `.group_by(…)` for it or its table's primary key"
                )));
            }
        }
        Ok(())
    }

    /// The first column in the expression that has no one value for a group.
    fn ungrouped(&self, expression: &Expression) -> Option<String> {
        if self.group_by.contains(expression) {
            return None;
        }
        match expression {
            Expression::Aggregate(_) | Expression::Bind(_) => None,
            // It is over the groups, and its function is no aggregate of one: what that is of has one value for each.
            Expression::Window(window) => {
                let mut operands = Vec::new();
                window.function.for_each_child(&mut |operand| operands.push(operand));
                if let Some(definition) = &window.definition {
                    operands.extend(&definition.partition_by);
                    operands.extend(definition.order_by.iter().map(|item| &item.expression));
                }
                operands.into_iter().find_map(|operand| self.ungrouped(operand))
            }
            Expression::Column(c) => {
                let keyed = !c.table.primary_key.is_empty()
                    && c.table.primary_key.iter().all(|key| {
                        self.group_by.iter().any(
                            |g| matches!(g, Expression::Column(g) if std::ptr::eq(g.column, &c.table.columns[*key])),
                        )
                    });
                // A column of the statement around this one is the same for every row.
                let own = self.reads_table(c.table);
                (own && !keyed).then(|| format!("{}.{}", c.table.name, c.column.name))
            }
            Expression::AliasColumn(c) => {
                let keyed = c.table.is_some_and(|table| {
                    table.primary_key.iter().all(|key| {
                        self.group_by.iter().any(|g| {
                            matches!(g, Expression::AliasColumn(g)
                                if g.alias == c.alias && g.column == table.columns[*key].name)
                        })
                    })
                });
                let own = self.sources().any(|source| source.name() == c.alias);
                (own && !keyed).then(|| format!("{}.{}", c.alias, c.column))
            }
            other => {
                let mut found = None;
                other.for_each_child(&mut |child| {
                    if found.is_none() {
                        found = self.ungrouped(child);
                    }
                });
                found
            }
        }
    }

    fn reads_table(&self, table: &'static Table) -> bool {
        self.sources().any(|source| source.is_table(table))
    }
}
