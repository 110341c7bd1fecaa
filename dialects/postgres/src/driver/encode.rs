//! Values on their way to the server, in its binary formats (src/backend/utils/adt of PostgreSQL, the `…recv` functions).

use bytes::{BufMut, BytesMut};
use postgres_protocol::{
    IsNull,
    message::frontend::{self, BindError},
};
use relata_core::{
    Error, ErrorClass, Result,
    render::Bind,
    value::{DecimalValue, Value},
};
use tokio_postgres::types::{Kind as TypeKind, Type};

use super::{numeric, wire::unsendable};

/// Days from 1970-01-01 to 2000-01-01, where the server's count begins.
pub(super) const EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
pub(super) const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// The days that a date can be, counted from [`EPOCH_DAYS`] on: from 4714-11-24 BC, where the Julian days begin, to 5874897-12-31
/// (8.5; IS_VALID_DATE in src/include/datatype/timestamp.h).
const DAYS: std::ops::Range<i32> = -2_451_545..2_145_031_949;
/// The first microsecond that a timestamp can be, counted from [`EPOCH_MICROS`] on: the same day (MIN_TIMESTAMP there). The last is
/// beyond what an `i64` from 1970 on holds.
const FIRST_MICROS: i64 = -211_813_488_000_000_000;

/// A bind that cannot be sent: names the bind, never its value.
#[derive(Debug, thiserror::Error)]
#[error("bind ${position} {why}")]
struct EncodeError {
    /// Counted from 1, as in `$1`.
    position: usize,
    why: Why,
}

/// Queues a Bind (54.7): the binds of a statement, and the wish for binary results.
pub(super) fn write_bind(
    statement: &str,
    binds: &[Bind<'_>],
    types: &[Type],
    out: &mut BytesMut,
) -> Result<()> {
    let formats = binds.iter().zip(types).map(|(bind, ty)| i16::from(!is_bound_as_text(bind, ty)));
    let values = binds.iter().zip(types).enumerate();
    let written = frontend::bind(
        "",
        statement,
        formats,
        values,
        |(at, (bind, ty)), out| {
            let written = match bind {
                Bind::Value(value) if value.is_null() => return Ok(IsNull::Yes),
                Bind::Value(value) => encode(value, ty, out),
                Bind::Column(column) => array(column.values(), ty, out),
            };
            written.map_err(|why| EncodeError { position: at + 1, why })?;
            Ok(IsNull::No)
        },
        [1],
        out,
    );
    written.map_err(|error| match error {
        BindError::Conversion(why) => Error::new(ErrorClass::Data, why.to_string()),
        BindError::Serialization(error) => unsendable(error),
    })
}

/// Why a value cannot be written, to follow the name of the bind.
pub(super) type Why = std::borrow::Cow<'static, str>;

/// Whether a bind is sent as text for the server to parse: for its own types (an enum, citext), whose numbers only the server
/// knows, and for those whose binary format is not known here.
fn is_bound_as_text(bind: &Bind<'_>, ty: &Type) -> bool {
    match bind {
        Bind::Value(value) => is_sent_as_text(value, ty),
        Bind::Column(_) => *ty == Type::UNKNOWN,
    }
}

fn is_sent_as_text(value: &Value, ty: &Type) -> bool {
    match value {
        Value::Text(_) | Value::Enum(..) | Value::Json(_) => !takes_text(ty) && *ty != Type::JSONB,
        Value::Array(..) => *ty == Type::UNKNOWN,
        _ => false,
    }
}

/// Whether the binary format is the text itself.
fn takes_text(ty: &Type) -> bool {
    matches!(*ty, Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON | Type::XML)
}

#[inline]
fn encode(value: &Value, ty: &Type, out: &mut BytesMut) -> Result<(), Why> {
    match value {
        Value::Null(_) => return Err("is NULL where no NULL can stand".into()),
        Value::Bool(value) if *ty == Type::BOOL => out.put_u8(u8::from(*value)),
        Value::I16(value) => integer(i64::from(*value), ty, out)?,
        Value::I32(value) => integer(i64::from(*value), ty, out)?,
        Value::I64(value) => integer(*value, ty, out)?,
        Value::U64(value) => match i64::try_from(*value) {
            Ok(value) => integer(value, ty, out)?,
            Err(_) if *ty == Type::NUMERIC => numeric::write(&DecimalValue::new(i128::from(*value), 0), out),
            Err(_) => return Err("is above i64::MAX, the largest integer that PostgreSQL has".into()),
        },
        Value::F32(value) if *ty == Type::FLOAT4 => out.put_f32(*value),
        Value::F32(value) if *ty == Type::FLOAT8 => out.put_f64(f64::from(*value)),
        Value::F64(value) if *ty == Type::FLOAT8 => out.put_f64(*value),
        Value::F64(value) if *ty == Type::FLOAT4 => {
            let narrow = *value as f32;
            if f64::from(narrow) != *value && !value.is_nan() {
                return Err("does not fit real exactly".into());
            }
            out.put_f32(narrow);
        }
        Value::Json(text) if text.is_empty() => {
            return Err("is what JSON cannot hold: NaN, an infinity, a map whose keys are no text, or more than 127 levels".into());
        }
        Value::Text(text) | Value::Json(text) => put_text(text, ty, out)?,
        Value::Enum(_, word) => put_text(word, ty, out)?,
        Value::Bytes(bytes) if *ty == Type::BYTEA => out.put_slice(bytes),
        Value::Decimal(value) if *ty == Type::NUMERIC => numeric::write(value, out),
        Value::Uuid(bytes) if *ty == Type::UUID => out.put_slice(bytes),
        Value::Date(days) if *ty == Type::DATE => match days.checked_sub(EPOCH_DAYS) {
            Some(days) if DAYS.contains(&days) => out.put_i32(days),
            _ => return Err("is a date that PostgreSQL cannot hold".into()),
        },
        Value::Time(micros) if *ty == Type::TIME => out.put_i64(*micros),
        Value::Timestamp(micros) if *ty == Type::TIMESTAMP => put_micros(*micros, out)?,
        Value::TimestampTz(micros) if *ty == Type::TIMESTAMPTZ => put_micros(*micros, out)?,
        Value::Array(_, values) => array(values.iter(), ty, out)?,
        other => {
            return Err(format!("is {}, but the statement wants {}", describe(other), ty.name()).into());
        }
    }
    Ok(())
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "a boolean",
        Value::F32(_) | Value::F64(_) => "a float",
        Value::Bytes(_) => "binary data",
        Value::Decimal(_) => "a decimal",
        Value::Uuid(_) => "a UUID",
        Value::Date(_) => "a date",
        Value::Time(_) => "a time",
        Value::Timestamp(_) => "a timestamp without zone",
        Value::TimestampTz(_) => "a timestamp with zone",
        _ => "of another type",
    }
}

#[inline]
fn integer(value: i64, ty: &Type, out: &mut BytesMut) -> Result<(), Why> {
    let too_large = |_| Why::from(format!("is an integer that does not fit {}", ty.name()));
    match *ty {
        Type::INT8 => out.put_i64(value),
        Type::INT4 => out.put_i32(i32::try_from(value).map_err(too_large)?),
        Type::INT2 => out.put_i16(i16::try_from(value).map_err(too_large)?),
        Type::OID => out.put_u32(u32::try_from(value).map_err(too_large)?),
        Type::NUMERIC => numeric::write(&DecimalValue::new(i128::from(value), 0), out),
        _ => return Err(format!("is an integer, but the statement wants {}", ty.name()).into()),
    }
    Ok(())
}

#[inline]
fn put_text(text: &str, ty: &Type, out: &mut BytesMut) -> Result<(), Why> {
    if text.as_bytes().contains(&0) {
        return Err("holds a NUL character, which PostgreSQL cannot store in text".into());
    }
    if *ty == Type::JSONB {
        // jsonb keeps text as it is, without escapes (8.14).
        if holds_escaped_nul(text) {
            return Err("holds a NUL character, which PostgreSQL cannot store in JSON".into());
        }
        // The version of the format (jsonb.c, jsonb_recv).
        out.put_u8(1);
    }
    out.put_slice(text.as_bytes());
    Ok(())
}

fn holds_escaped_nul(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        if rest[at..].starts_with("\\u0000") {
            return true;
        }
        // What is escaped may be a backslash.
        rest = rest[at + 1..].strip_prefix('\\').unwrap_or(&rest[at + 1..]);
    }
    false
}

fn put_micros(micros: i64, out: &mut BytesMut) -> Result<(), Why> {
    match micros.checked_sub(EPOCH_MICROS) {
        Some(micros) if micros >= FIRST_MICROS => out.put_i64(micros),
        _ => return Err("is a timestamp that PostgreSQL cannot hold".into()),
    }
    Ok(())
}

fn array<'v>(
    values: impl ExactSizeIterator<Item = &'v Value> + Clone,
    ty: &Type,
    out: &mut BytesMut,
) -> Result<(), Why> {
    if *ty == Type::UNKNOWN {
        return array_text(values, out);
    }
    let TypeKind::Array(element) = ty.kind() else {
        return Err(format!("is a list, but the statement wants {}", ty.name()).into());
    };
    // arrayfuncs.c, array_recv: dimensions, whether there are NULLs, type; then length and lower bound of each dimension.
    out.put_i32(i32::from(values.len() > 0));
    out.put_i32(i32::from(values.clone().any(Value::is_null)));
    out.put_u32(element.oid());
    if values.len() == 0 {
        return Ok(());
    }
    out.put_i32(i32::try_from(values.len()).map_err(too_long)?);
    out.put_i32(1);
    for (at, value) in values.enumerate() {
        if is_sent_as_text(value, element) {
            return Err(format!("is a list of a type that cannot be sent: {}", ty.name()).into());
        }
        encode_sized(value, element, out)
            .map_err(|why| Why::from(format!("has an element {at} which {why}")))?;
    }
    Ok(())
}

/// Writes a value behind its length, as in lists and rows; NULL has the length -1.
pub(super) fn encode_sized(value: &Value, ty: &Type, out: &mut BytesMut) -> Result<(), Why> {
    if value.is_null() {
        out.put_i32(-1);
        return Ok(());
    }
    let start = out.len();
    out.put_i32(0);
    encode(value, ty, out)?;
    let length = i32::try_from(out.len() - start - 4).map_err(too_long)?;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

fn too_long(_: std::num::TryFromIntError) -> Why {
    "is longer than PostgreSQL can take".into()
}

/// `{"a","b",NULL}` (8.15.6).
fn array_text<'v>(values: impl Iterator<Item = &'v Value>, out: &mut BytesMut) -> Result<(), Why> {
    out.put_u8(b'{');
    for (at, value) in values.enumerate() {
        if at > 0 {
            out.put_u8(b',');
        }
        let text = match value {
            Value::Null(_) => {
                out.put_slice(b"NULL");
                continue;
            }
            Value::Enum(_, word) => word,
            Value::Text(text) => text.as_str(),
            _ => return Err("is a list of a type that cannot be sent".into()),
        };
        if text.as_bytes().contains(&0) {
            return Err("holds a NUL character, which PostgreSQL cannot store in text".into());
        }
        out.put_u8(b'"');
        for byte in text.bytes() {
            if matches!(byte, b'"' | b'\\') {
                out.put_u8(b'\\');
            }
            out.put_u8(byte);
        }
        out.put_u8(b'"');
    }
    out.put_u8(b'}');
    Ok(())
}
