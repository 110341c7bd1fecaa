//! Clauses that are spelled differently.

use relata_core::{
    clause::{
        Clause, ConflictAction, Direction, Limit, Lock, LockStrength, Nulls, OnConflict, OrderItem,
        SelectedOrder, Values,
    },
    render::{Compile, CompileError, Precedence, Renderer},
    schema::Table,
};

use super::{
    Mysql,
    assignment::{self, Seen},
    expression,
};

pub(super) fn render<'s>(dialect: &'s Mysql, clause: Clause<'s>, out: &mut Renderer<'s>) -> Compile {
    match clause {
        Clause::Item(expression) => expression::render_item(expression, out),
        Clause::GroupItem(expression) => expression::render_key(dialect, expression, out),
        Clause::OrderItem(item) => render_order(dialect, item, out),
        // In a derived table, MySQL would count the rows of OFFSET anew whenever it looks one up (no page of its manual says it).
        Clause::Unordered { limit: Limit { offset: Some(_), .. }, of_set: true }
            if !dialect.server.is_mariadb() =>
        {
            out.sql(" ORDER BY NULL");
            Ok(())
        }
        // OFFSET needs a LIMIT (MySQL 8.4 manual 15.2.13). With the largest number, which the manual takes, MySQL gives no row of a UNION.
        Clause::Limit(Limit { limit: None, offset: Some(offset) }) => {
            out.sql(" LIMIT ").number(i64::MAX as u64).sql(" OFFSET ").number(*offset);
            Ok(())
        }
        Clause::Lock(lock) if dialect.server.is_mariadb() && lock.strength == LockStrength::Share => {
            render_share(lock, out)
        }
        Clause::Values(values) => render_values(values, out),
        Clause::OnConflict(table, conflict) => render_conflict(table, conflict, out),
        Clause::Assignments(table, assignments) => {
            let seen = if dialect.server.is_mariadb() { Seen::BySubqueries } else { Seen::ByAll };
            assignment::render(table, assignments, seen, out)
        }
        Clause::SelectedOrder(order) => render_selected_order(dialect, order, out),
        other => other.render(out),
    }
}

/// There is no DEFAULT VALUES (MySQL 8.4 manual 15.2.7). What makes the server generate a key is NULL: where a key of 0 is stored as such,
/// DEFAULT is 0 (7.1.11, NO_AUTO_VALUE_ON_ZERO).
fn render_values<'s>(values: Values<'s>, out: &mut Renderer<'s>) -> Compile {
    let columns = values.columns();
    values.render_columns(&columns, out)?;
    values.render_rows(&columns, out, |out, column| {
        out.sql(if values.table.columns[column].generated { "NULL" } else { "DEFAULT" });
        Ok(())
    })
}

/// NULL is the smallest value (MySQL 8.4 manual 5.3.4.6); where it shall be elsewhere, whether it is NULL is ordered by first.
fn null_test(item: &OrderItem) -> Option<&'static str> {
    match (item.nulls, item.direction) {
        (Some(Nulls::First), Direction::Descending) => Some(" IS NOT NULL, "),
        (Some(Nulls::Last), Direction::Ascending) => Some(" IS NULL, "),
        _ => None,
    }
}

fn direction(item: &OrderItem) -> &'static str {
    match item.direction {
        Direction::Ascending => "",
        Direction::Descending => " DESC",
    }
}

fn render_order<'s>(dialect: &'s Mysql, item: &'s OrderItem, out: &mut Renderer<'s>) -> Compile {
    if let Some(test) = null_test(item) {
        out.operand(&item.expression, Precedence::Comparison)?.sql(test);
    }
    expression::render_key(dialect, &item.expression, out)?;
    out.sql(direction(item));
    Ok(())
}

fn render_selected_order<'s>(
    dialect: &'s Mysql,
    order: SelectedOrder<'s>,
    out: &mut Renderer<'s>,
) -> Compile {
    if let Some(test) = null_test(order.item) {
        // The name of an aggregate can be no part of an expression on MariaDB (its error 1247).
        let named = order.name.is_some()
            && (order.of_set
                || !dialect.server.is_mariadb()
                || !out.writes_aggregate(&order.item.expression));
        match (named, order.of_set) {
            (true, _) => {}
            (false, false) => return render_order(dialect, order.item, out),
            (false, true) => {
                return Err(CompileError::invalid(
                    "MySQL has no NULLS FIRST or LAST, and what a union is ordered by has no name of its own to test: give it a \
                     label",
                ));
            }
        }
        order.render_key(out)?.sql(test);
    }
    order.render_key(out)?.sql(direction(order.item));
    Ok(())
}

/// MariaDB KB, "LOCK IN SHARE MODE".
fn render_share<'s>(lock: &Lock, out: &mut Renderer<'s>) -> Compile {
    use relata_core::{clause::LockWait, dialect::Feature};
    out.require(Feature::Locking)?.sql(" LOCK IN SHARE MODE");
    match lock.wait {
        LockWait::Wait => {}
        LockWait::NoWait => {
            out.sql(" NOWAIT");
        }
        LockWait::SkipLocked => {
            out.require(Feature::SkipLocked)?.sql(" SKIP LOCKED");
        }
    }
    Ok(())
}

/// Whichever unique key is hit (MySQL 8.4 manual 15.2.7.2).
fn render_conflict<'s>(table: &'static Table, conflict: &'s OnConflict, out: &mut Renderer<'s>) -> Compile {
    out.sql(" ON DUPLICATE KEY UPDATE ");
    match &conflict.action {
        // A column set to itself. INSERT IGNORE would hide all other errors as well.
        ConflictAction::Nothing => {
            // Not a generated key, where there is another column: it may just be given out.
            let column = conflict.target.first().or(table.primary_key.first()).unwrap_or(&0);
            let column = table.columns.get(*column).ok_or_else(|| {
                CompileError::invalid(format!("{} has no column that could be left as it is", table.name))
            })?;
            out.identifier(column.name)?.sql(" = ").table(table)?.sql(".").identifier(column.name)?;
        }
        ConflictAction::Update(assignments) => {
            assignment::render(table, assignments, Seen::ByAll, out)?;
        }
    }
    Ok(())
}
