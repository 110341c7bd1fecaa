//! Statements: values, made by fluent builders, compiled without a database.

mod assignment;
mod delete;
mod grouping;
mod insert;
mod insert_select;
mod placement;
mod query;
mod raw;
mod select;
mod set_operation;
mod update;

pub use assignment::Assignments;
pub use delete::{Delete, delete};
pub use insert::{Conflict, Insert, InsertBody, InsertPart, insert, insert_many};
pub use insert_select::{InsertColumns, SelectedRows, insert_select};
pub use query::Query;
pub use raw::{RawStatement, sql, sql_unchecked};
pub use select::{Core, Select, SelectBody, select};
pub use set_operation::{SetOperation, SetOperator};
pub use update::{Update, update};

use crate::{error::Result, projection::RowReader};

/// How a row of a statement becomes a Rust value.
pub type ReadRow<R> = fn(&mut RowReader<'_>) -> Result<R>;
