//! The types with which statements are prepared: so that NULLs, lists and JSON do not depend on the server's guess.

use relata_core::{render::Bind, value::Kind};
use tokio_postgres::types::{Oid, Type};

/// The type of the server's that a bind of this kind is sent as; `unknown` where only the server can tell, as it numbers
/// the enum types itself.
pub(crate) fn bind_type(kind: Kind) -> Type {
    match kind {
        Kind::Bool => Type::BOOL,
        Kind::I8 | Kind::I16 | Kind::U8 => Type::INT2,
        Kind::I32 | Kind::U16 => Type::INT4,
        Kind::I64 | Kind::U32 | Kind::U64 => Type::INT8,
        Kind::F32 => Type::FLOAT4,
        Kind::F64 => Type::FLOAT8,
        Kind::Text => Type::TEXT,
        Kind::Bytes => Type::BYTEA,
        Kind::Decimal => Type::NUMERIC,
        Kind::Uuid => Type::UUID,
        Kind::Date => Type::DATE,
        Kind::Time => Type::TIME,
        Kind::Timestamp => Type::TIMESTAMP,
        Kind::TimestampTz => Type::TIMESTAMPTZ,
        Kind::Json => Type::JSONB,
        Kind::Enum(ty) if !ty.native => Type::TEXT,
        Kind::Array(element) => array_type(*element),
        _ => Type::UNKNOWN,
    }
}

fn array_type(element: Kind) -> Type {
    match element {
        Kind::Bool => Type::BOOL_ARRAY,
        Kind::I8 | Kind::I16 | Kind::U8 => Type::INT2_ARRAY,
        Kind::I32 | Kind::U16 => Type::INT4_ARRAY,
        Kind::I64 | Kind::U32 | Kind::U64 => Type::INT8_ARRAY,
        Kind::F32 => Type::FLOAT4_ARRAY,
        Kind::F64 => Type::FLOAT8_ARRAY,
        Kind::Text => Type::TEXT_ARRAY,
        Kind::Bytes => Type::BYTEA_ARRAY,
        Kind::Decimal => Type::NUMERIC_ARRAY,
        Kind::Uuid => Type::UUID_ARRAY,
        Kind::Date => Type::DATE_ARRAY,
        Kind::Time => Type::TIME_ARRAY,
        Kind::Timestamp => Type::TIMESTAMP_ARRAY,
        Kind::TimestampTz => Type::TIMESTAMPTZ_ARRAY,
        Kind::Json => Type::JSONB_ARRAY,
        Kind::Enum(ty) if !ty.native => Type::TEXT_ARRAY,
        _ => Type::UNKNOWN,
    }
}

/// The numbers of the types of binds, for telling prepared statements apart.
pub(crate) fn bind_oids<'b>(binds: &'b [Bind<'_>]) -> impl ExactSizeIterator<Item = Oid> + 'b {
    binds.iter().map(|value| bind_type(value.kind()).oid())
}
