//! `bool`.

use super::{Mismatch, Type, plain_type};
use crate::value::{Cell, Kind, Value};

impl Type for bool {
    const KIND: Kind = Kind::Bool;
    plain_type!();

    #[inline]
    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Bool(value) => Ok(value),
            // MySQL and SQLite keep truth values as integers.
            Cell::I64(0) => Ok(false),
            Cell::I64(1) => Ok(true),
            cell => Err(Mismatch::wrong("a boolean", &cell)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
}
