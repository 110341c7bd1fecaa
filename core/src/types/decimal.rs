//! `rust_decimal::Decimal`, never through a float.

use rust_decimal::Decimal;

use super::{Mismatch, Type, plain_type};
use crate::value::{Cell, DecimalValue, Kind, Value};

impl Type for Decimal {
    const KIND: Kind = Kind::Decimal;
    plain_type!();

    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        let value = match cell {
            Cell::Decimal(value) => value,
            Cell::I64(value) => return Ok(Decimal::from(value)),
            Cell::U64(value) => return Ok(Decimal::from(value)),
            // SQLite has no decimals and keeps them as text.
            Cell::Text(text) => DecimalValue::parse(text)
                .ok_or_else(|| Mismatch::out_of_range("text that is no decimal of 38 digits or fewer"))?,
            cell => return Err(Mismatch::wrong("a decimal", &cell)),
        };
        exact(value.mantissa(), u32::from(value.scale())).ok_or_else(|| {
            Mismatch::out_of_range("a number with more digits than rust_decimal::Decimal can hold")
        })
    }

    fn to_value(&self) -> Value {
        Value::Decimal(DecimalValue::new(self.mantissa(), self.scale() as u8))
    }
}

/// The decimal of that value, dropping zeros at its end where that makes it fit.
fn exact(mut mantissa: i128, mut scale: u32) -> Option<Decimal> {
    loop {
        match Decimal::try_from_i128_with_scale(mantissa, scale) {
            Ok(decimal) => return Some(decimal),
            Err(_) if scale > 0 && mantissa % 10 == 0 => {
                mantissa /= 10;
                scale -= 1;
            }
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_digits_survive() {
        for text in ["79228162514264337593543950335", "-0.0000000000000000000000000001", "12.500"] {
            let decimal: Decimal = text.parse().unwrap();
            let Value::Decimal(value) = decimal.to_value() else { panic!("no decimal") };
            assert_eq!(value.to_string(), text);
            assert_eq!(Decimal::decode(Cell::Decimal(value)), Ok(decimal));
            assert_eq!(Decimal::decode(Cell::Text(text)), Ok(decimal));
        }
        assert!(Decimal::decode(Cell::Text("79228162514264337593543950336")).is_err());
        // What is stored is never rounded.
        assert!(Decimal::decode(Cell::Text("0.166666666666666666666666666667")).is_err());
        assert_eq!(
            Decimal::decode(Cell::Text("1.000000000000000000000000000000"))
                .map(|d| d.normalize().to_string()),
            Ok("1".into())
        );
    }
}
