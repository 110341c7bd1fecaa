//! `f32` and `f64`.

use super::{Mismatch, Type, plain_type};
use crate::value::{Cell, Kind, Value};

impl Type for f32 {
    const KIND: Kind = Kind::F32;
    plain_type!();

    #[inline]
    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::F32(value) => Ok(value),
            Cell::F64(value) => {
                // SQLite keeps every float in 64 bits; one that was an f32 comes back as it was.
                let narrow = value as f32;
                if f64::from(narrow) == value || value.is_nan() {
                    Ok(narrow)
                } else {
                    Err(Mismatch::out_of_range(format!("{value} does not fit f32")))
                }
            }
            Cell::I64(value) if value.unsigned_abs() <= 1 << 24 => Ok(value as f32),
            cell => Err(Mismatch::wrong("a float", &cell)),
        }
    }

    fn to_value(&self) -> Value {
        Value::F32(*self)
    }
}

impl Type for f64 {
    const KIND: Kind = Kind::F64;
    plain_type!();

    #[inline]
    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        match cell {
            Cell::F64(value) => Ok(value),
            Cell::F32(value) => Ok(f64::from(value)),
            // A column without a declared type, in SQLite, keeps 1.0 as 1.
            Cell::I64(value) if value.unsigned_abs() <= 1 << 53 => Ok(value as f64),
            cell => Err(Mismatch::wrong("a float", &cell)),
        }
    }

    fn to_value(&self) -> Value {
        Value::F64(*self)
    }
}
