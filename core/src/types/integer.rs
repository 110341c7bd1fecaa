//! Integers, signed and unsigned.

use super::{Mismatch, Type, plain_type};
use crate::{
    driver::Row,
    value::{Cell, Kind, Value},
};

macro_rules! integers {
    ($($rust:ident => $kind:ident, $bound:ident as $wide:ty;)*) => {
        $(impl Type for $rust {
            const KIND: Kind = Kind::$kind;
            plain_type!();

            #[inline]
            fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
                match cell {
                    Cell::I64(value) => $rust::try_from(value).map_err(|_| out_of_range(stringify!($rust))),
                    Cell::U64(value) => $rust::try_from(value).map_err(|_| out_of_range(stringify!($rust))),
                    // SUM of integers is a decimal in MySQL and PostgreSQL.
                    Cell::Decimal(value) if value.scale() == 0 => {
                        $rust::try_from(value.mantissa()).map_err(|_| out_of_range(stringify!($rust)))
                    }
                    cell => Err(Mismatch::wrong("an integer", &cell)),
                }
            }

            #[inline]
            fn take(row: &mut dyn Row, index: usize) -> Option<Self> {
                $rust::try_from(row.integer(index)?).ok()
            }

            fn to_value(&self) -> Value {
                Value::$bound(<$wide>::from(*self))
            }
        })*
    };
}

integers! {
    i8 => I8, I16 as i16;
    i16 => I16, I16 as i16;
    i32 => I32, I32 as i32;
    i64 => I64, I64 as i64;
    u8 => U8, I16 as i16;
    u16 => U16, I32 as i32;
    u32 => U32, I64 as i64;
    u64 => U64, U64 as u64;
}

fn out_of_range(ty: &str) -> Mismatch {
    Mismatch::out_of_range(format!("a number that does not fit {ty}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(i16::decode(Cell::I64(-32768)), Ok(i16::MIN));
        assert!(i16::decode(Cell::I64(40_000)).is_err());
        assert!(u8::decode(Cell::I64(-1)).is_err());
        assert_eq!(u64::decode(Cell::U64(u64::MAX)), Ok(u64::MAX));
        assert!(i64::decode(Cell::U64(u64::MAX)).is_err());
        assert!(i32::decode(Cell::Null).is_err());
    }
}
