//! The order of assignments.
//!
//! The standard gives each column its value as if all were set at once (SQL:2016 Foundation 14.15). MySQL sets them from
//! left to right, and `SET a = b, b = a` makes both the same (MySQL 8.4 manual 15.2.17). So those that read a column come
//! before the one that sets it; where that is not possible, the statement is refused. MariaDB's connections set all at once
//! (SIMULTANEOUS_ASSIGNMENT), but for what some subqueries see (no page of its manual says it).

use relata_core::{
    clause::render_assignments,
    expr::{Expression, Node},
    render::{Compile, CompileError, Renderer},
    schema::Table,
};

/// What sees columns that are set before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    ByAll,
    BySubqueries,
}

/// Writes `a = …, b = …` in an order in which each value is that of the row as it was.
pub(super) fn render<'s>(
    table: &'static Table,
    assignments: &'s [(usize, Expression)],
    seen: Seen,
    out: &mut Renderer<'s>,
) -> Compile {
    let order = in_order(table, assignments, seen)?;
    for (at, place) in order.into_iter().enumerate() {
        if at > 0 {
            out.sql(", ");
        }
        render_assignments(table, std::slice::from_ref(&assignments[place]), out)?;
    }
    Ok(())
}

/// The places of the assignments, in an order that keeps them apart.
fn in_order(table: &'static Table, assignments: &[(usize, Expression)], seen: Seen) -> Compile<Vec<usize>> {
    let mut left: Vec<usize> = (0..assignments.len()).collect();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let next = left.iter().position(|place| {
            let (column, value) = &assignments[*place];
            let others = left.iter().filter(|other| *other != place);
            others
                .map(|other| &assignments[*other].1)
                .all(|other| !may_read(other, table, *column, value, seen))
        });
        match next {
            Some(at) => order.push(left.remove(at)),
            None => {
                let names: Vec<&str> =
                    left.iter().map(|place| table.columns[assignments[*place].0].name).collect();
                let server = match seen {
                    Seen::ByAll => "MySQL sets columns",
                    Seen::BySubqueries => "MariaDB sets columns that subqueries read",
                };
                return Err(CompileError::invalid(format!(
                    "{server} one after another, and the values of {} are taken from each other: set them in two statements",
                    names.join(", ")
                )));
            }
        }
    }
    Ok(order)
}

/// Whether a value may be taken from the column that another assignment sets. Of a text nobody knows what it reads: it goes
/// before those that are known.
fn may_read(
    value: &Expression,
    table: &'static Table,
    column: usize,
    other: &Expression,
    seen: Seen,
) -> bool {
    let reads = |part: &Expression| matches!(part, Expression::Column(read) if std::ptr::eq(read.column, &table.columns[column]));
    match seen {
        Seen::ByAll => holds(value, &reads) || (is_opaque(value) && !is_opaque(other)),
        Seen::BySubqueries => holds(value, &|part| part.subquery().is_some() && holds(part, &reads)),
    }
}

/// Whether it reads what cannot be seen from here: a text, another crate's construct.
fn is_opaque(value: &Expression) -> bool {
    holds(value, &|part| matches!(part, Expression::Raw(_) | Expression::Custom(_)))
}

/// Whether an expression is such a one, or holds one, be it in a subquery.
fn holds(value: &Expression, is_it: &dyn Fn(&Expression) -> bool) -> bool {
    let mut found = is_it(value);
    let mut look = |part: &Expression| found = found || holds(part, is_it);
    value.for_each_child(&mut look);
    if let Some(select) = value.subquery() {
        select.for_each_expression(&mut look);
    }
    found
}
