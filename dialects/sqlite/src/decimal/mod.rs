//! Decimals: SQLite has none, so they are kept as text, to the last digit; a collation compares the text as numbers, and functions
//! calculate with it.
//!
//! Names and meanings are those of SQLite's own `decimal` extension, which its command line has built in (SQLite, "The decimal.c
//! extension"): a file stays readable there. What a program of another kind finds is text.

mod arithmetic;
mod compare;
mod expression;

use rusqlite::Connection;

pub(crate) use expression::{
    check_list, is_decimal, is_mixed_comparison, is_mixed_list, is_mixed_nullif, passes_collation_on, render,
    render_mixed_list, render_nullif, render_operand,
};

/// The name of the collation.
pub(crate) const COLLATION: &str = "decimal";

/// Teaches a connection the collation and the functions.
pub(crate) fn install(connection: &Connection) -> rusqlite::Result<()> {
    connection.create_collation(COLLATION, compare::compare)?;
    arithmetic::install(connection)
}
