//! Values on their way to the database ([`Value`]) and back ([`Cell`]), and what kind of SQL type they have ([`Kind`]).

use std::{fmt, mem::discriminant};

/// The SQL type of a value, a bind parameter or a column, independent of the database.
///
/// The spelling in DDL is each dialect's own; the guide, `docs/src/types.md`, has the table of what is stored as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// `BOOLEAN`.
    Bool,
    /// An 8-bit signed integer; databases without one use the next larger.
    I8,
    /// `SMALLINT`.
    I16,
    /// `INTEGER`.
    I32,
    /// `BIGINT`.
    I64,
    /// An 8-bit unsigned integer; databases without one use the next larger signed one.
    U8,
    /// A 16-bit unsigned integer.
    U16,
    /// A 32-bit unsigned integer.
    U32,
    /// A 64-bit unsigned integer; where the database has none, values above `i64::MAX` are refused.
    U64,
    /// `REAL`: IEEE 754, 32 bits.
    F32,
    /// `DOUBLE PRECISION`: IEEE 754, 64 bits.
    F64,
    /// Character data.
    Text,
    /// Binary data.
    Bytes,
    /// `NUMERIC`: exact decimal numbers.
    Decimal,
    /// A UUID.
    Uuid,
    /// A day in the proleptic Gregorian calendar.
    Date,
    /// A time of day without zone, in microseconds.
    Time,
    /// A date and time without zone, in microseconds.
    Timestamp,
    /// An instant, in microseconds, read and written in UTC.
    TimestampTz,
    /// A JSON document.
    Json,
    /// One of a fixed list of words.
    Enum(&'static EnumType),
    /// A list of values of one kind. Only some databases can bind it.
    Array(&'static Kind),
}

impl Kind {
    /// Whether it is an integer of any size.
    pub const fn is_integer(self) -> bool {
        matches!(
            self,
            Kind::I8 | Kind::I16 | Kind::I32 | Kind::I64 | Kind::U8 | Kind::U16 | Kind::U32 | Kind::U64
        )
    }

    /// Whether it is an integer, a float or a decimal.
    pub const fn is_number(self) -> bool {
        self.is_integer() || matches!(self, Kind::F32 | Kind::F64 | Kind::Decimal)
    }

    /// The kind of a list of this kind; `None` for a list of lists.
    pub fn array(self) -> Option<Kind> {
        Some(Kind::Array(match self {
            Kind::Bool => &Kind::Bool,
            Kind::I8 => &Kind::I8,
            Kind::I16 => &Kind::I16,
            Kind::I32 => &Kind::I32,
            Kind::I64 => &Kind::I64,
            Kind::U8 => &Kind::U8,
            Kind::U16 => &Kind::U16,
            Kind::U32 => &Kind::U32,
            Kind::U64 => &Kind::U64,
            Kind::F32 => &Kind::F32,
            Kind::F64 => &Kind::F64,
            Kind::Text => &Kind::Text,
            Kind::Bytes => &Kind::Bytes,
            Kind::Decimal => &Kind::Decimal,
            Kind::Uuid => &Kind::Uuid,
            Kind::Date => &Kind::Date,
            Kind::Time => &Kind::Time,
            Kind::Timestamp => &Kind::Timestamp,
            Kind::TimestampTz => &Kind::TimestampTz,
            Kind::Json => &Kind::Json,
            Kind::Enum(e) => e.as_kind,
            Kind::Array(_) => return None,
        }))
    }
}

/// Describes a Rust enum that is stored in a column: `#[derive(Enum)]` writes one.
pub struct EnumType {
    /// The name of the database's type, where it has named enum types.
    pub name: &'static str,
    /// The words, in the order of the variants.
    pub variants: &'static [&'static str],
    /// Whether the database's own enum type is used where there is one; otherwise text with a CHECK.
    pub native: bool,
    /// This type as a [`Kind`]: a static of it, for lists.
    pub as_kind: &'static Kind,
}

// `as_kind` leads back to this type.
impl fmt::Debug for EnumType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnumType({} of {:?})", self.name, self.variants)
    }
}

impl PartialEq for EnumType {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.variants == other.variants && self.native == other.native
    }
}

impl Eq for EnumType {}

impl std::hash::Hash for EnumType {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.variants.hash(state);
        self.native.hash(state);
    }
}

/// An exact decimal number as it travels: `mantissa × 10^-scale`, up to 38 digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecimalValue {
    // Bytes and not an `i128`, whose alignment would make every `Value` larger.
    mantissa: [u8; 16],
    scale: u8,
}

impl DecimalValue {
    /// The number `mantissa × 10^-scale`.
    pub fn new(mantissa: i128, scale: u8) -> Self {
        DecimalValue { mantissa: mantissa.to_le_bytes(), scale }
    }

    /// All digits, as an integer.
    pub fn mantissa(&self) -> i128 {
        i128::from_le_bytes(self.mantissa)
    }

    /// How many of the digits stand behind the decimal point.
    pub fn scale(&self) -> u8 {
        self.scale
    }

    /// Reads plain or scientific notation (`-12.50`, `1e-7`); `None` if it is no number or has too many digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (digits, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match digits.as_bytes().first()? {
            b'-' => (true, &digits[1..]),
            b'+' => (false, &digits[1..]),
            _ => (false, digits),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut mantissa: i128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            if !byte.is_ascii_digit() {
                return None;
            }
            mantissa = mantissa.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
        }
        let mut scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        if mantissa == 0 {
            scale = scale.max(0);
        }
        while scale < 0 {
            mantissa = mantissa.checked_mul(10)?;
            scale += 1;
        }
        let mantissa = if negative { -mantissa } else { mantissa };
        Some(DecimalValue::new(mantissa, u8::try_from(scale).ok()?))
    }
}

impl fmt::Display for DecimalValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mantissa = self.mantissa();
        let digits = mantissa.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        if mantissa < 0 {
            f.write_str("-")?;
        }
        if scale == 0 {
            f.write_str(&digits)
        } else if digits.len() > scale {
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            write!(f, "{whole}.{fraction}")
        } else {
            write!(f, "0.{digits:0>scale$}")
        }
    }
}

impl fmt::Debug for DecimalValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A value on its way to the database: what a bind parameter holds.
///
/// It is made by [`Type::into_value`](crate::types::Type::into_value); drivers turn it into their own form.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// SQL NULL, of a known type.
    Null(Kind),
    /// A truth value.
    Bool(bool),
    /// An integer of 16 bits.
    I16(i16),
    /// An integer of 32 bits.
    I32(i32),
    /// An integer of 64 bits.
    I64(i64),
    /// An unsigned integer of 64 bits.
    U64(u64),
    /// A 32-bit float.
    F32(f32),
    /// A 64-bit float.
    F64(f64),
    /// Text.
    Text(String),
    /// Binary data.
    Bytes(Vec<u8>),
    /// An exact decimal number.
    Decimal(DecimalValue),
    /// A UUID, in network byte order.
    Uuid([u8; 16]),
    /// A day: days since 1970-01-01.
    Date(i32),
    /// A time of day: microseconds since midnight.
    Time(i64),
    /// A date and time without zone: microseconds since 1970-01-01 00:00.
    Timestamp(i64),
    /// An instant: microseconds since 1970-01-01 00:00 UTC.
    TimestampTz(i64),
    /// A JSON document, as text. Empty text is no document: drivers refuse it.
    Json(String),
    /// A word of an enum.
    Enum(&'static EnumType, &'static str),
    /// A list; all of one kind, NULLs allowed.
    Array(Kind, Vec<Value>),
}

impl Value {
    /// The SQL type of this value.
    pub fn kind(&self) -> Kind {
        match self {
            Value::Null(kind) => *kind,
            Value::Bool(_) => Kind::Bool,
            Value::I16(_) => Kind::I16,
            Value::I32(_) => Kind::I32,
            Value::I64(_) => Kind::I64,
            Value::U64(_) => Kind::U64,
            Value::F32(_) => Kind::F32,
            Value::F64(_) => Kind::F64,
            Value::Text(_) => Kind::Text,
            Value::Bytes(_) => Kind::Bytes,
            Value::Decimal(_) => Kind::Decimal,
            Value::Uuid(_) => Kind::Uuid,
            Value::Date(_) => Kind::Date,
            Value::Time(_) => Kind::Time,
            Value::Timestamp(_) => Kind::Timestamp,
            Value::TimestampTz(_) => Kind::TimestampTz,
            Value::Json(_) => Kind::Json,
            Value::Enum(ty, _) => Kind::Enum(ty),
            Value::Array(element, _) => element.array().unwrap_or(*element),
        }
    }

    /// Whether both are of one kind.
    #[inline]
    pub(crate) fn is_alike(&self, other: &Value) -> bool {
        // Most have a variant of their own, which is compared sooner.
        let plain = !matches!(self, Value::Null(_) | Value::Enum(..) | Value::Array(..));
        (plain && discriminant(self) == discriminant(other)) || self.kind() == other.kind()
    }

    /// The value as a cell that was read; `None` for a list.
    pub fn as_cell(&self) -> Option<Cell<'_>> {
        Some(match self {
            Value::Null(_) => Cell::Null,
            Value::Bool(value) => Cell::Bool(*value),
            Value::I16(value) => Cell::I64(i64::from(*value)),
            Value::I32(value) => Cell::I64(i64::from(*value)),
            Value::I64(value) => Cell::I64(*value),
            Value::U64(value) => i64::try_from(*value).map_or(Cell::U64(*value), Cell::I64),
            Value::F32(value) => Cell::F32(*value),
            Value::F64(value) => Cell::F64(*value),
            Value::Text(text) => Cell::Text(text),
            Value::Bytes(bytes) => Cell::Bytes(bytes),
            Value::Decimal(value) => Cell::Decimal(*value),
            Value::Uuid(bytes) => Cell::Uuid(*bytes),
            Value::Date(days) => Cell::Date(*days),
            Value::Time(micros) => Cell::Time(*micros),
            Value::Timestamp(micros) => Cell::Timestamp(*micros),
            Value::TimestampTz(micros) => Cell::TimestampTz(*micros),
            Value::Json(text) => Cell::Json(text),
            Value::Enum(_, word) => Cell::Text(word),
            Value::Array(..) => return None,
        })
    }

    /// Whether this is SQL NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null(_))
    }

    /// Whether the database would store the same: as `==`, but every NaN equals itself, and `0.0` differs from `-0.0`.
    pub fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::F32(a), Value::F32(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Value::F64(a), Value::F64(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Value::Array(_, a), Value::Array(_, b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            (a, b) => a == b,
        }
    }
}

/// One cell of a row, borrowed from where the driver read it.
///
/// A driver gives the variant that is natural for the column; [`Type::decode`](crate::types::Type::decode) accepts each
/// that can hold the value exactly (SQLite stores a date as text, MySQL a boolean as an integer).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Cell<'r> {
    /// SQL NULL.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    I64(i64),
    /// An integer above `i64::MAX`.
    U64(u64),
    /// A 32-bit float.
    F32(f32),
    /// A 64-bit float.
    F64(f64),
    /// Text.
    Text(&'r str),
    /// Binary data.
    Bytes(&'r [u8]),
    /// An exact decimal number.
    Decimal(DecimalValue),
    /// A UUID, in network byte order.
    Uuid([u8; 16]),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 1970-01-01 00:00, without zone.
    Timestamp(i64),
    /// Microseconds since 1970-01-01 00:00 UTC.
    TimestampTz(i64),
    /// A JSON document, as text.
    Json(&'r str),
}

impl Cell<'_> {
    /// What the cell holds, in words for an error.
    pub fn describe(&self) -> &'static str {
        match self {
            Cell::Null => "NULL",
            Cell::Bool(_) => "a boolean",
            Cell::I64(_) | Cell::U64(_) => "an integer",
            Cell::F32(_) | Cell::F64(_) => "a float",
            Cell::Text(_) => "text",
            Cell::Bytes(_) => "binary data",
            Cell::Decimal(_) => "a decimal",
            Cell::Uuid(_) => "a UUID",
            Cell::Date(_) => "a date",
            Cell::Time(_) => "a time",
            Cell::Timestamp(_) => "a timestamp without zone",
            Cell::TimestampTz(_) => "a timestamp with zone",
            Cell::Json(_) => "JSON",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_print_as_they_parse() {
        for text in ["0", "-0.5", "12.50", "99999999999999999999999999999999999999", "0.0000000001", "-7"] {
            assert_eq!(DecimalValue::parse(text).map(|d| d.to_string()).as_deref(), Some(text));
        }
        assert_eq!(DecimalValue::parse("1e3").map(|d| d.to_string()).as_deref(), Some("1000"));
        assert_eq!(DecimalValue::parse("1.5e-3").map(|d| d.to_string()).as_deref(), Some("0.0015"));
        assert_eq!(DecimalValue::parse("0e2147483647").map(|d| d.to_string()).as_deref(), Some("0"));
        for bad in ["", ".", "-", "1.2.3", "NaN", "1e", "999999999999999999999999999999999999999"] {
            assert_eq!(DecimalValue::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_same_is_what_would_be_stored_alike() {
        let other_nan = f64::from_bits(f64::NAN.to_bits() ^ 1);
        for (a, b, same) in [
            (Value::F64(f64::NAN), Value::F64(-other_nan), true),
            (Value::F32(f32::NAN), Value::F32(-f32::NAN), true),
            (Value::F64(f64::NAN), Value::F64(0.0), false),
            (Value::F64(0.0), Value::F64(-0.0), false),
            (Value::F32(0.0), Value::F32(-0.0), false),
            (Value::F64(0.5), Value::F64(0.25 + 0.25), true),
            (Value::F32(1.0), Value::F64(1.0), false),
            (Value::Null(Kind::F64), Value::F64(f64::NAN), false),
            (Value::Null(Kind::F64), Value::Null(Kind::F64), true),
            (Value::Text("a".into()), Value::Text("A".into()), false),
        ] {
            assert_eq!((a.same(&b), b.same(&a)), (same, same), "{a:?} and {b:?}");
            let list = |value: &Value| Value::Array(Kind::F64, vec![Value::F64(1.0), value.clone()]);
            assert_eq!(list(&a).same(&list(&b)), same, "{a:?} and {b:?} in a list");
        }
        let list = |length| Value::Array(Kind::F64, vec![Value::F64(f64::NAN); length]);
        assert!(!list(1).same(&list(2)));
    }

    #[test]
    fn a_value_stays_small() {
        assert!(size_of::<Value>() <= 40, "{}", size_of::<Value>());
    }
}
