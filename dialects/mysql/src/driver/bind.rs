//! Values on their way to the server.

use mysql_async::Value as Native;
use relata_core::{
    Error, ErrorClass, Result,
    types::civil::{DAY, civil_from_days},
    value::{DecimalValue, Value},
};

/// A value as mysql_async sends it, exactly.
///
/// # Errors
///
/// [`Data`](ErrorClass::Data) for what MySQL has no place for: NaN and infinities, years other than 1 to 9999, more than 30
/// digits behind a decimal point, lists.
pub(super) fn to_native(value: &Value) -> Result<Native> {
    Ok(match value {
        Value::Null(_) => Native::NULL,
        Value::Bool(value) => Native::Int(i64::from(*value)),
        Value::I16(value) => Native::Int(i64::from(*value)),
        Value::I32(value) => Native::Int(i64::from(*value)),
        Value::I64(value) => Native::Int(*value),
        Value::U64(value) => Native::UInt(*value),
        Value::F32(value) if value.is_finite() => Native::Float(*value),
        Value::F64(value) if value.is_finite() => Native::Double(*value),
        Value::F32(_) | Value::F64(_) => return Err(refused("NaN or infinity: floats here are finite")),
        Value::Json(text) if text.is_empty() => {
            return Err(refused(
                "what JSON cannot hold: NaN, an infinity, a map whose keys are no text, or more than 127 levels",
            ));
        }
        Value::Text(text) | Value::Json(text) => Native::Bytes(text.as_bytes().to_vec()),
        Value::Enum(_, word) => Native::Bytes(word.as_bytes().to_vec()),
        Value::Bytes(bytes) => Native::Bytes(bytes.clone()),
        Value::Uuid(bytes) => Native::Bytes(bytes.to_vec()),
        Value::Decimal(value) => decimal(value)?,
        Value::Date(days) => date(*days, 0)?,
        Value::Time(micros) => {
            if !(0..DAY).contains(micros) {
                return Err(refused("a time outside of one day"));
            }
            let (hour, minute, second, fraction) = clock(*micros);
            Native::Time(false, 0, hour, minute, second, fraction)
        }
        Value::Timestamp(micros) | Value::TimestampTz(micros) => {
            let days = i32::try_from(micros.div_euclid(DAY)).map_err(|_| year())?;
            date(days, micros.rem_euclid(DAY))?
        }
        Value::Array(..) => return Err(refused("a list: lists are no parameters here")),
        _ => return Err(refused("of an unknown kind")),
    })
}

fn refused(what: &str) -> Error {
    Error::new(ErrorClass::Data, format!("MySQL and MariaDB cannot hold a parameter that is {what}"))
}

fn year() -> Error {
    refused("a date outside of the years 1 to 9999")
}

/// The text of a decimal, which is how the protocol carries it. MySQL would round away what is behind the 30th digit.
fn decimal(value: &DecimalValue) -> Result<Native> {
    if value.scale() > 30 {
        return Err(refused("a decimal with more than 30 digits behind the point"));
    }
    Ok(Native::Bytes(value.to_string().into_bytes()))
}

fn date(days: i32, micros: i64) -> Result<Native> {
    let (year_number, month, day) = civil_from_days(days);
    if !(1..=9999).contains(&year_number) {
        return Err(year());
    }
    let year_number = u16::try_from(year_number).map_err(|_| year())?;
    let (hour, minute, second, fraction) = clock(micros);
    Ok(Native::Date(year_number, month, day, hour, minute, second, fraction))
}

/// Hours, minutes, seconds and microseconds of a time of day.
fn clock(micros: i64) -> (u8, u8, u8, u32) {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    ((seconds / 3600) as u8, (seconds / 60 % 60) as u8, (seconds % 60) as u8, fraction as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_place_is_refused() {
        for value in [
            Value::F64(f64::NAN),
            Value::F32(f32::INFINITY),
            Value::Date(-719_529),
            Value::Timestamp(i64::MAX),
            Value::Time(DAY),
            Value::Decimal(DecimalValue::new(1, 31)),
            Value::Array(relata_core::value::Kind::I32, Vec::new()),
        ] {
            assert_eq!(to_native(&value).unwrap_err().class(), ErrorClass::Data, "{value:?}");
        }
    }

    #[test]
    fn a_moment_before_1970() {
        assert_eq!(
            to_native(&Value::Timestamp(-1)).unwrap(),
            Native::Date(1969, 12, 31, 23, 59, 59, 999_999)
        );
    }
}
