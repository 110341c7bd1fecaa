//! How values are stored that SQLite has no type for: the text or bytes that is bound for them.
//!
//! Text of days and times has a fixed width, so that it sorts as time does.

use relata_core::{
    types::civil::{self, DAY},
    value::{Kind, Value},
};

/// What SQLite is given for a value.
pub(crate) enum Stored<'v> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'v str),
    OwnedText(String),
    Blob(&'v [u8]),
    List(&'v [Value], Kind),
}

/// What SQLite is given for a value; what it cannot hold, in words.
pub(crate) fn stored(value: &Value) -> Result<Stored<'_>, String> {
    Ok(match value {
        Value::Null(_) => Stored::Null,
        Value::Bool(value) => Stored::Integer(i64::from(*value)),
        Value::I16(value) => Stored::Integer(i64::from(*value)),
        Value::I32(value) => Stored::Integer(i64::from(*value)),
        Value::I64(value) => Stored::Integer(*value),
        Value::U64(value) => {
            Stored::Integer(i64::try_from(*value).map_err(|_| {
                format!("it is larger than {}, the largest integer that SQLite holds", i64::MAX)
            })?)
        }
        Value::F32(value) => Stored::Real(number(f64::from(*value))?),
        Value::F64(value) => Stored::Real(number(*value)?),
        Value::Json(text) if text.is_empty() => {
            return Err(
                "it is what JSON cannot hold: NaN, an infinity, a map whose keys are no text, or more than 127 levels".into()
            );
        }
        Value::Text(text) | Value::Json(text) => Stored::Text(text),
        Value::Enum(_, word) => Stored::Text(word),
        Value::Bytes(bytes) => Stored::Blob(bytes),
        Value::Uuid(bytes) => Stored::Blob(bytes),
        Value::Decimal(value) => Stored::OwnedText(value.to_string()),
        Value::Date(days) => Stored::OwnedText(civil::format_date(*days).ok_or_else(outside)?),
        Value::Time(micros) => {
            if !(0..DAY).contains(micros) {
                return Err("a time of day is outside of one day".into());
            }
            Stored::OwnedText(civil::format_time(*micros))
        }
        Value::Timestamp(micros) | Value::TimestampTz(micros) => {
            Stored::OwnedText(civil::format_timestamp(*micros).ok_or_else(outside)?)
        }
        Value::Array(kind, values) => Stored::List(values, *kind),
        _ => return Err("a value is of a kind that SQLite has no place for".into()),
    })
}

/// SQLite turns NaN into NULL (SQLite, "Floating point numbers", 3).
fn number(value: f64) -> Result<f64, String> {
    if value.is_nan() {
        return Err("SQLite cannot hold NaN: it would become NULL; store an Option".into());
    }
    Ok(value)
}

fn outside() -> String {
    "a date is outside of the years 0 to 9999, whose text sorts".into()
}
