//! The names of types (MySQL 8.4 manual 13; MariaDB KB, "Data Types").

use relata_core::{
    dialect::{Dialect, Feature},
    render::{Compile, CompileError, Renderer},
    schema::ColumnType,
    value::Kind,
};

use super::Mysql;

/// A VARCHAR of utf8mb4 can be no longer: a row has 65,535 bytes (MySQL 8.4 manual 13.3.2).
const LONGEST_VARCHAR: u32 = 16_383;
/// The same for VARBINARY.
const LONGEST_VARBINARY: u32 = 65_535;
/// What a key of text or bytes gets when the mapping says no length: TEXT and BLOB cannot be a key without one.
const KEY_LENGTH: u32 = 255;

/// Digits in all and behind the point of a decimal without a precision: the most there are (MySQL 8.4 manual 14.24.2), so
/// that each value of `rust_decimal` is stored exactly.
const DECIMAL: (u8, u8) = (65, 30);

/// The type of a column.
pub(super) fn render(dialect: &Mysql, ty: &ColumnType, out: &mut Renderer<'_>) -> Compile {
    match ty.kind {
        Kind::Bool => out.sql("BOOLEAN"),
        Kind::I8 => out.sql("TINYINT"),
        Kind::I16 => out.sql("SMALLINT"),
        Kind::I32 => out.sql("INT"),
        Kind::I64 => out.sql("BIGINT"),
        Kind::U8 => out.sql("TINYINT UNSIGNED"),
        Kind::U16 => out.sql("SMALLINT UNSIGNED"),
        Kind::U32 => out.sql("INT UNSIGNED"),
        Kind::U64 => out.sql("BIGINT UNSIGNED"),
        Kind::F32 => out.sql("FLOAT"),
        Kind::F64 => out.sql("DOUBLE"),
        Kind::Text => match length(ty, LONGEST_VARCHAR) {
            Some(length) => out.sql("VARCHAR(").number(length).sql(")"),
            None => out.sql("LONGTEXT"),
        },
        Kind::Bytes => match length(ty, LONGEST_VARBINARY) {
            Some(length) => out.sql("VARBINARY(").number(length).sql(")"),
            None => out.sql("LONGBLOB"),
        },
        Kind::Decimal => decimal(ty, out),
        // 16 bytes in network order, which sort as on PostgreSQL. MariaDB's own UUID type sorts by other fields first.
        Kind::Uuid => out.sql("BINARY(16)"),
        Kind::Date => out.sql("DATE"),
        Kind::Time => out.sql("TIME(6)"),
        // TIMESTAMP ends in 2038, so instants are a DATETIME in UTC (MySQL 8.4 manual 13.2.2).
        Kind::Timestamp | Kind::TimestampTz => out.sql("DATETIME(6)"),
        // On MariaDB a LONGTEXT with a check (MariaDB KB, "JSON Data Type").
        Kind::Json => out.sql("JSON"),
        Kind::Enum(enumeration) if dialect.stores_enum_natively(enumeration) => {
            // The server cuts them off (MySQL 8.4 manual 13.3.6), and the word that is read back would be no variant's.
            if enumeration.variants.iter().any(|variant| variant.ends_with(' ')) {
                return Err(CompileError::invalid(format!(
                    "a word of the enum {} ends with a space, which {} cuts off: give it another word, or leave out `native`",
                    enumeration.name,
                    dialect.name()
                )));
            }
            out.sql("ENUM(").list(enumeration.variants, ", ", |out, variant| {
                out.literal(variant);
                Ok(())
            })?;
            out.sql(")")
        }
        Kind::Enum(enumeration) => {
            let longest = enumeration.variants.iter().map(|variant| variant.chars().count()).max();
            out.sql("VARCHAR(").number(longest.unwrap_or(0).max(1) as u64).sql(")")
        }
        _ => return Err(CompileError::unsupported(dialect.name(), Feature::ArrayBind)),
    };
    Ok(())
}

/// The few types that CAST knows (MySQL 8.4 manual 14.10; MariaDB KB, "CAST").
pub(super) fn render_cast(dialect: &Mysql, ty: &ColumnType, out: &mut Renderer<'_>) -> Compile {
    match ty.kind {
        Kind::Bool | Kind::I8 | Kind::I16 | Kind::I32 | Kind::I64 => out.sql("SIGNED"),
        Kind::U8 | Kind::U16 | Kind::U32 | Kind::U64 => out.sql("UNSIGNED"),
        Kind::F32 => out.sql("FLOAT"),
        Kind::F64 => out.sql("DOUBLE"),
        Kind::Text | Kind::Enum(_) => match ty.length {
            Some(length) => out.sql("CHAR(").number(length.into()).sql(")"),
            None => out.sql("CHAR"),
        },
        Kind::Bytes => out.sql("BINARY"),
        Kind::Decimal => decimal(ty, out),
        Kind::Uuid => out.sql("BINARY(16)"),
        Kind::Date => out.sql("DATE"),
        Kind::Time => out.sql("TIME(6)"),
        Kind::Timestamp | Kind::TimestampTz => out.sql("DATETIME(6)"),
        Kind::Json if dialect.server.is_mariadb() => out.sql("CHAR"),
        Kind::Json => out.sql("JSON"),
        _ => return Err(CompileError::unsupported(dialect.name(), Feature::ArrayBind)),
    };
    Ok(())
}

fn decimal<'o, 's>(ty: &ColumnType, out: &'o mut Renderer<'s>) -> &'o mut Renderer<'s> {
    let (digits, scale) = ty.precision.unwrap_or(DECIMAL);
    out.sql("DECIMAL(").number(digits.into()).sql(", ").number(scale.into()).sql(")")
}

/// The length to declare; `None` for a type without one.
fn length(ty: &ColumnType, longest: u32) -> Option<u64> {
    let length = ty.length.or(ty.keyed.then_some(KEY_LENGTH))?;
    (length <= longest).then_some(length.into())
}

/// Whether a column of this type takes a literal default only in parentheses (MySQL 8.4 manual 13.6).
pub(super) fn is_large(ty: &ColumnType) -> bool {
    match ty.kind {
        Kind::Text => length(ty, LONGEST_VARCHAR).is_none(),
        Kind::Bytes => length(ty, LONGEST_VARBINARY).is_none(),
        Kind::Json => true,
        _ => false,
    }
}
