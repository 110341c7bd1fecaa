//! Cells on their way from the server, out of its binary formats (the `…send` functions of PostgreSQL).

use std::error::Error as StdError;

use relata_core::{
    Error, ErrorClass, Result, driver::Row, projection::no_such_cell, types::civil::DAY, value::Cell,
};
use tokio_postgres::{
    Column,
    types::{FromSql, Kind as TypeKind, Type},
};

use super::{
    encode::{EPOCH_DAYS, EPOCH_MICROS, base},
    numeric,
};

/// How the cells of a column are read: found once per statement, not per cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decoder {
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric,
    Text,
    Bytea,
    Uuid,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Json,
    Jsonb,
    Void,
    Unknown,
}

impl Decoder {
    fn of(ty: &Type) -> Self {
        let ty = base(ty);
        match *ty {
            Type::BOOL => Decoder::Bool,
            Type::INT2 => Decoder::Int2,
            Type::INT4 => Decoder::Int4,
            Type::INT8 => Decoder::Int8,
            Type::OID => Decoder::Oid,
            Type::FLOAT4 => Decoder::Float4,
            Type::FLOAT8 => Decoder::Float8,
            Type::NUMERIC => Decoder::Numeric,
            Type::TEXT
            | Type::VARCHAR
            | Type::BPCHAR
            | Type::NAME
            | Type::CHAR
            | Type::XML
            | Type::UNKNOWN => Decoder::Text,
            Type::BYTEA => Decoder::Bytea,
            Type::UUID => Decoder::Uuid,
            Type::DATE => Decoder::Date,
            Type::TIME => Decoder::Time,
            Type::TIMESTAMP => Decoder::Timestamp,
            Type::TIMESTAMPTZ => Decoder::TimestampTz,
            Type::JSON => Decoder::Json,
            Type::JSONB => Decoder::Jsonb,
            Type::VOID => Decoder::Void,
            _ if matches!(ty.kind(), TypeKind::Enum(_)) || ty.name() == "citext" => Decoder::Text,
            _ => Decoder::Unknown,
        }
    }

    /// One for each column.
    pub(crate) fn all(columns: &[Column]) -> Box<[Decoder]> {
        columns.iter().map(|column| Decoder::of(column.type_())).collect()
    }
}

/// The bytes of a cell, whatever its type.
struct Raw<'r>(Option<&'r [u8]>);

impl<'r> FromSql<'r> for Raw<'r> {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Raw(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Raw(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A row as it is lent to the sink.
pub(crate) struct PostgresRow<'r> {
    pub(crate) row: &'r tokio_postgres::Row,
    pub(crate) decoders: &'r [Decoder],
}

impl Row for PostgresRow<'_> {
    fn width(&self) -> usize {
        self.decoders.len()
    }

    #[inline]
    fn cell(&self, index: usize) -> Result<Cell<'_>> {
        let decoder = self.decoders.get(index).ok_or_else(|| no_such_cell(index, self.width()))?;
        let Ok(Raw(raw)) = self.row.try_get::<usize, Raw<'_>>(index) else {
            return Err(no_such_cell(index, self.width()));
        };
        match raw {
            None => Ok(Cell::Null),
            Some(raw) => decode(*decoder, raw).map_err(|why| self.unreadable(index, why)),
        }
    }

    fn name(&self, index: usize) -> &str {
        self.row.columns().get(index).map_or("", Column::name)
    }
}

impl PostgresRow<'_> {
    #[cold]
    fn unreadable(&self, index: usize, why: &'static str) -> Error {
        let ty = self.row.columns().get(index).map_or("?", |column| column.type_().name());
        Error::new(ErrorClass::Decode, format!("column {index} ({}), of type {ty}: {why}", self.name(index)))
    }
}

fn decode(decoder: Decoder, raw: &[u8]) -> Result<Cell<'_>, &'static str> {
    Ok(match decoder {
        Decoder::Bool => Cell::Bool(u8::from_be_bytes(fixed(raw)?) != 0),
        Decoder::Int2 => Cell::I64(i64::from(i16::from_be_bytes(fixed(raw)?))),
        Decoder::Int4 => Cell::I64(i64::from(i32::from_be_bytes(fixed(raw)?))),
        Decoder::Int8 => Cell::I64(i64::from_be_bytes(fixed(raw)?)),
        Decoder::Oid => Cell::I64(i64::from(u32::from_be_bytes(fixed(raw)?))),
        Decoder::Float4 => Cell::F32(f32::from_be_bytes(fixed(raw)?)),
        Decoder::Float8 => Cell::F64(f64::from_be_bytes(fixed(raw)?)),
        Decoder::Numeric => Cell::Decimal(numeric::read(raw).map_err(|why| match why {
            numeric::Unreadable::NotFinite => "NaN and infinity are no decimals; cast it to double precision",
            numeric::Unreadable::TooLong => {
                "it has more than 38 digits; round it in the statement, or cast it to text"
            }
            numeric::Unreadable::Malformed => MALFORMED,
        })?),
        Decoder::Text => Cell::Text(text(raw)?),
        Decoder::Bytea => Cell::Bytes(raw),
        Decoder::Uuid => Cell::Uuid(fixed(raw)?),
        Decoder::Date => match i32::from_be_bytes(fixed(raw)?) {
            i32::MIN | i32::MAX => return Err(INFINITE),
            days => Cell::Date(days.checked_add(EPOCH_DAYS).ok_or(MALFORMED)?),
        },
        // 24:00:00 is a time of the server's (8.5), and of nobody else's; what reads it says so.
        Decoder::Time => match i64::from_be_bytes(fixed(raw)?) {
            micros @ 0..=DAY => Cell::Time(micros),
            _ => return Err(MALFORMED),
        },
        Decoder::Timestamp => Cell::Timestamp(micros(raw)?),
        Decoder::TimestampTz => Cell::TimestampTz(micros(raw)?),
        Decoder::Json => Cell::Json(text(raw)?),
        Decoder::Jsonb => match raw.split_first() {
            Some((1, json)) => Cell::Json(text(json)?),
            _ => return Err("a version of the jsonb format that is not known"),
        },
        Decoder::Void => Cell::Null,
        Decoder::Unknown => return Err("a type that cannot be read; cast it to text in the statement"),
    })
}

const MALFORMED: &str = "the server sent something else than this type";
const INFINITE: &str = "infinity is no date or time; leave such rows out, or cast it to text";

fn fixed<const N: usize>(raw: &[u8]) -> Result<[u8; N], &'static str> {
    raw.try_into().map_err(|_| MALFORMED)
}

fn text(raw: &[u8]) -> Result<&str, &'static str> {
    std::str::from_utf8(raw).map_err(|_| "text that is not UTF-8")
}

fn micros(raw: &[u8]) -> Result<i64, &'static str> {
    match i64::from_be_bytes(fixed(raw)?) {
        i64::MIN | i64::MAX => Err(INFINITE),
        micros => micros.checked_add(EPOCH_MICROS).ok_or(MALFORMED),
    }
}
