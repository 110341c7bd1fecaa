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
                // SQLite keeps every float in 64 bits, and others calculate with an f32 in 64. One that was an f32 comes
                // back as it was; any other is rounded to the nearest, as where it is stored in 32 bits.
                let nearest = value as f32;
                if nearest.is_finite() || !value.is_finite() {
                    Ok(nearest)
                } else {
                    Err(Mismatch::out_of_range("a number that does not fit f32"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_is_rounded_to_the_nearest() {
        let read = |value| f32::decode(Cell::F64(value));
        for value in [0.0, -0.1_f32, 1.5, f32::MIN_POSITIVE, f32::MIN_POSITIVE / 8.0, f32::MAX, f32::INFINITY]
        {
            assert_eq!(read(f64::from(value)), Ok(value));
        }
        assert_eq!(read(f64::from(1.5_f32) * f64::from(0.1_f32)), Ok(1.5 * 0.1));
        assert_eq!(read(0.1), Ok(0.1));
        assert_eq!(read(1e-60), Ok(0.0));
        assert!(read(f64::NAN).is_ok_and(f32::is_nan));
        assert_eq!(read(f64::NEG_INFINITY), Ok(f32::NEG_INFINITY));
        assert!(read(1e39).is_err());
        assert!(read(-f64::MAX).is_err());
    }
}
