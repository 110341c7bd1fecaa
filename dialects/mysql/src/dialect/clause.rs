//! Clauses that are spelled differently.

use relata_core::{
    clause::{
        Clause, ConflictAction, Limit, Lock, LockStrength, OnConflict, OrderItem,
        render_assignments,
    },
    render::{Compile, CompileError, Precedence, Renderer},
    schema::Table,
};

use super::MysqlDialect;

pub(super) fn render<'s>(dialect: &'s MysqlDialect, clause: Clause<'s>, out: &mut Renderer<'s>) -> Compile {
    match clause {
        Clause::OrderItem(item) => render_order(item, out),
        // OFFSET needs a LIMIT, and the manual says to take this number (MySQL 8.4 manual 15.2.13).
        Clause::Limit(Limit { limit: None, offset: Some(offset) }) => {
            out.sql(" LIMIT ").number(u64::MAX).sql(" OFFSET ").number(*offset);
            Ok(())
        }
        Clause::Lock(lock) if dialect.server.is_mariadb() && lock.strength == LockStrength::Share => {
            render_share(lock, out)
        }
        // No DEFAULT VALUES (MySQL 8.4 manual 15.2.7).
        Clause::Values(values) if values.columns().is_empty() => {
            out.sql(" () VALUES ").list(values.rows(), ", ", |out, _| {
                out.sql("()");
                Ok(())
            })?;
            Ok(())
        }
        Clause::OnConflict(table, conflict) => render_conflict(table, conflict, out),
        other => other.render(out),
    }
}

/// NULL is the smallest value (MySQL 8.4 manual 5.3.4.6); where it shall be elsewhere, whether it is NULL is ordered by first.
fn render_order<'s>(item: &'s OrderItem, out: &mut Renderer<'s>) -> Compile {
    if let Some(test) = item.nulls_test() {
        out.operand(&item.expression, Precedence::Comparison)?.sql(test);
    }
    out.expression(&item.expression)?;
    item.render_suffix(out);
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
            let column = table.primary_key.first().or(conflict.target.first()).unwrap_or(&0);
            let column = table.columns.get(*column).ok_or_else(|| {
                CompileError::invalid(format!("{} has no column that could be left as it is", table.name))
            })?;
            out.identifier(column.name)?.sql(" = ").table(table)?.sql(".").identifier(column.name)?;
        }
        ConflictAction::Update(assignments) => {
            render_assignments(table, assignments, out)?;
        }
    }
    Ok(())
}
