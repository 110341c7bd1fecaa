//! `DEFAULT …` of a column (SQL:2016 Foundation 11.5).

use crate::{
    render::{Compile, CompileError, Renderer},
    schema::{ColumnDef, DefaultValue, Table},
    types::civil,
    value::{DecimalValue, Kind, Value},
};

/// Writes ` NOT NULL DEFAULT …`, as much of it as there is.
///
/// # Errors
///
/// If the default is a text that stands for no value of the column's type.
pub fn render_nullness_and_default(table: &Table, column: &ColumnDef, out: &mut Renderer<'_>) -> Compile {
    if !column.nullable {
        out.sql(" NOT NULL");
    }
    if let Some(default) = &column.default {
        out.sql(" DEFAULT ");
        render_default(table, column, default, out)?;
    }
    Ok(())
}

/// Writes the value of a default.
///
/// # Errors
///
/// If it is a text that stands for no value of the column's type.
pub fn render_default(
    table: &Table,
    column: &ColumnDef,
    default: &DefaultValue,
    out: &mut Renderer<'_>,
) -> Compile {
    let dialect = out.dialect();
    match default {
        DefaultValue::Bool(value) => dialect.render_literal(&Value::Bool(*value), out)?,
        DefaultValue::Integer(number) => match (i64::try_from(*number), u64::try_from(*number)) {
            (Ok(number), _) => dialect.render_literal(&Value::I64(number), out)?,
            (_, Ok(number)) => dialect.render_literal(&Value::U64(number), out)?,
            _ => {
                return Err(CompileError::invalid(format!(
                    "no integer is as large as the default of {}.{}",
                    table.name, column.name
                )));
            }
        },
        DefaultValue::Float(value) => dialect.render_literal(&Value::F64(*value), out)?,
        DefaultValue::Text(text) => match parse(text, column.ty.kind) {
            Some(value) => dialect.render_literal(&value, out)?,
            None => {
                return Err(CompileError::invalid(format!(
                    "the default of {}.{} is not {}: write it so, or as SQL by default_sql",
                    table.name,
                    column.name,
                    form(column.ty.kind)
                )));
            }
        },
        DefaultValue::Sql(sql) => {
            out.sql("(").sql(sql).sql(")");
        }
        DefaultValue::Now => dialect.render_now(&column.ty, out),
    }
    Ok(())
}

/// The value that a text stands for; `None` if it stands for none. The derive lets no text stand for a number, a truth value or
/// bytes.
fn parse(text: &str, kind: Kind) -> Option<Value> {
    Some(match kind {
        Kind::Decimal => Value::Decimal(DecimalValue::parse(text)?),
        Kind::Uuid => Value::Uuid(uuid(text)?),
        Kind::Date => Value::Date(civil::parse_date(text)?),
        Kind::Time => Value::Time(civil::parse_time(text)?),
        Kind::Timestamp => Value::Timestamp(civil::parse_timestamp(text)?),
        Kind::TimestampTz => Value::TimestampTz(civil::parse_timestamp(text)?),
        #[cfg(feature = "json")]
        Kind::Json => Value::Json(crate::types::compact_json(text)?),
        Kind::Enum(ty) => Value::Enum(ty, ty.variants.iter().find(|word| **word == text)?),
        _ => Value::Text(text.to_owned()),
    })
}

/// What a text for a value of this kind has to be.
fn form(kind: Kind) -> &'static str {
    match kind {
        Kind::Decimal => "a number such as -12.50",
        Kind::Uuid => "a UUID such as 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        Kind::Date => "a date such as 2026-11-21",
        Kind::Time => "a time such as 13:05:09 or 13:05:09.000001",
        Kind::Timestamp => "a date and time such as 2026-11-21 13:05:09",
        Kind::TimestampTz => "a date and time in UTC such as 2026-11-21 13:05:09Z",
        Kind::Json => "JSON",
        Kind::Enum(_) => "a word of its enum",
        _ => "text",
    }
}

/// Reads 32 digits, in groups of 8, 4, 4, 4 and 12 or all in one.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u32> = text.chars().filter_map(|character| character.to_digit(16)).collect();
    let hyphens: Vec<usize> = text.match_indices('-').map(|(at, _)| at).collect();
    let well_formed = digits.len() == 32 && digits.len() + hyphens.len() == text.len();
    if !well_formed || !(hyphens.is_empty() || hyphens == [8, 13, 18, 23]) {
        return None;
    }
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = (pair[0] << 4 | pair[1]) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids() {
        let bytes = *b"k\xa7\xb8\x10\x9d\xad\x11\xd1\x80\xb4\x00\xc0O\xd40\xc8";
        for text in ["6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6BA7B8109DAD11D180B400C04FD430C8"] {
            assert_eq!(uuid(text), Some(bytes));
        }
        for bad in
            ["", "6ba7b810", "6ba7b8109-dad-11d1-80b4-00c04fd430c8", "éba7b8109dad11d180b400c04fd430c8"]
        {
            assert_eq!(uuid(bad), None, "{bad}");
        }
    }
}
