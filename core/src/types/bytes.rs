//! `Vec<u8>`.

use super::{Mismatch, Type, plain_type};
use crate::value::{Cell, Kind, Value};

impl Type for Vec<u8> {
    const KIND: Kind = Kind::Bytes;
    plain_type!();

    #[inline]
    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Bytes(bytes) => Ok(bytes.to_owned()),
            cell => Err(Mismatch::wrong("binary data", &cell)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Bytes(self.clone())
    }

    fn into_value(self) -> Value {
        Value::Bytes(self)
    }
}
