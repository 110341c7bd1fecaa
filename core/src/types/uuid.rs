//! `uuid::Uuid`.

use ::uuid::Uuid;

use super::{Mismatch, Type, plain_type};
use crate::value::{Cell, Kind, Value};

impl Type for Uuid {
    const KIND: Kind = Kind::Uuid;
    plain_type!();

    #[inline]
    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::Uuid(bytes) => Ok(Uuid::from_bytes(bytes)),
            Cell::Bytes(bytes) => Uuid::from_slice(bytes)
                .map_err(|_| Mismatch::out_of_range("binary data that is not 16 bytes long")),
            Cell::Text(text) => {
                Uuid::parse_str(text).map_err(|_| Mismatch::out_of_range("text that is no UUID"))
            }
            cell => Err(Mismatch::wrong("a UUID", &cell)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Uuid(*self.as_bytes())
    }
}
