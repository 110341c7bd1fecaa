//! `String`.

use super::{Mismatch, Type, plain_type};
use crate::{
    driver::Row,
    value::{Cell, Kind, Value},
};

impl Type for String {
    const KIND: Kind = Kind::Text;
    plain_type!();

    #[inline]
    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Text(text) => Ok(text.to_owned()),
            cell => Err(Mismatch::wrong("text", &cell)),
        }
    }

    #[inline]
    fn take(row: &mut dyn Row, index: usize) -> Option<Self> {
        row.take_text(index)
    }

    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }

    fn into_value(self) -> Value {
        Value::Text(self)
    }
}
