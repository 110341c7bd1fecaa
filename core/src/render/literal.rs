//! Values as literals, where a bind is not allowed.

use super::{Compile, CompileError, Renderer};
use crate::{
    types::civil,
    value::{Kind, Value},
};

/// Writes a value as a literal (SQL:2016 Foundation 5.3), text of a date and its kin without the word for the type before it.
///
/// # Errors
///
/// If it has no literal: a list, a float that is no number or infinite, or a date outside of the years 0 to 9999.
pub fn render_literal(value: &Value, out: &mut Renderer<'_>) -> Compile {
    match value {
        Value::Null(_) => drop(out.sql("NULL")),
        Value::Bool(value) => drop(out.sql(if *value { "TRUE" } else { "FALSE" })),
        Value::I16(number) => drop(out.sql(&number.to_string())),
        Value::I32(number) => drop(out.sql(&number.to_string())),
        Value::I64(number) => drop(out.sql(&number.to_string())),
        Value::U64(number) => drop(out.number(*number)),
        Value::F32(number) if !number.is_finite() => return Err(not_finite()),
        Value::F64(number) if !number.is_finite() => return Err(not_finite()),
        Value::F32(number) => drop(out.sql(&format!("{number:e}"))),
        Value::F64(number) => drop(out.sql(&format!("{number:e}"))),
        Value::Text(text) | Value::Json(text) => drop(out.literal(text)),
        Value::Enum(_, word) => drop(out.literal(word)),
        Value::Bytes(bytes) => drop(out.sql("X'").sql(&hex(bytes)).sql("'")),
        Value::Decimal(number) => drop(out.sql(&number.to_string())),
        Value::Uuid(bytes) => drop(out.literal(&hyphenated(bytes))),
        Value::Date(days) => drop(out.literal(&civil::format_date(*days).ok_or_else(outside)?)),
        Value::Time(micros) => drop(out.literal(&civil::format_time(*micros))),
        Value::Timestamp(micros) => {
            out.literal(&civil::format_timestamp(*micros).ok_or_else(outside)?);
        }
        Value::TimestampTz(micros) => {
            let text = civil::format_timestamp(*micros).ok_or_else(outside)?;
            out.literal(&format!("{text}+00:00"));
        }
        Value::Array(kind, _) => return Err(no_literal(*kind)),
    }
    Ok(())
}

/// A UUID as text: digits in groups of 8, 4, 4, 4 and 12.
pub fn hyphenated(bytes: &[u8; 16]) -> String {
    let digits = hex(bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// Bytes as digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn not_finite() -> CompileError {
    CompileError::invalid("a literal is a float that is no number or infinite")
}

fn outside() -> CompileError {
    CompileError::invalid("a literal is a date outside of the years 0 to 9999")
}

fn no_literal(kind: Kind) -> CompileError {
    CompileError::invalid(format!("a list of {kind:?} has no literal"))
}
