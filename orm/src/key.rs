//! Values that can be looked up: keys of rows, as hash maps want them.

use std::hash::{Hash, Hasher};

use relata_core::value::{Cell, DecimalValue, Kind, Value};

/// The values of some columns of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// Of one column: nothing to allocate for a number.
    One(Part),
    /// Of several.
    Many(Box<[Part]>),
}

/// The value of one column. What is equal in the database is equal here, however the driver gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Null,
    Bool(bool),
    Integer(i64),
    /// More than fits an `i64`.
    Large(u64),
    /// The bits of a double. To a database, the two zeros are equal, and so are all NaN that it keeps.
    Float(u64),
    Text(Box<str>),
    Bytes(Box<[u8]>),
    /// Without zeros at its end. In a box, so that the other keys are smaller.
    Decimal(Box<(i128, u8)>),
    Uuid([u8; 16]),
    Date(i32),
    Time(i64),
    Timestamp(i64),
    TimestampTz(i64),
}

// Without what variant it is: the keys of a map are mostly of one kind, and hashing that takes longer than hashing a number.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().iter().for_each(|part| part.hash(state));
    }
}

impl Hash for Part {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Part::Null => {}
            Part::Bool(value) => value.hash(state),
            Part::Integer(value) | Part::Time(value) | Part::Timestamp(value) | Part::TimestampTz(value) => {
                value.hash(state);
            }
            Part::Large(value) | Part::Float(value) => value.hash(state),
            Part::Text(text) => text.hash(state),
            Part::Bytes(bytes) => bytes.hash(state),
            Part::Decimal(value) => value.hash(state),
            Part::Uuid(bytes) => bytes.hash(state),
            Part::Date(days) => days.hash(state),
        }
    }
}

impl Part {
    /// The part that a cell of a column of this kind is, where the database may have stored it as something else: what is a decimal
    /// is text on SQLite, with as many digits as were written.
    #[inline]
    pub(crate) fn of_column(cell: Cell<'_>, kind: Kind) -> Part {
        match cell {
            Cell::Text(text) if kind == Kind::Decimal => DecimalValue::parse(text)
                .map_or(Part::Text(text.into()), |value| Part::of(Cell::Decimal(value))),
            cell => Part::of(cell),
        }
    }

    #[inline]
    pub(crate) fn of(cell: Cell<'_>) -> Part {
        match cell {
            Cell::I64(value) => Part::Integer(value),
            // Apart from it, so that what most keys are is short enough to stand where it is used.
            other => Part::of_other(other),
        }
    }

    fn of_other(cell: Cell<'_>) -> Part {
        match cell {
            Cell::Bool(value) => Part::Bool(value),
            Cell::I64(value) => Part::Integer(value),
            Cell::U64(value) => i64::try_from(value).map_or(Part::Large(value), Part::Integer),
            Cell::F32(value) => Part::of_other(Cell::F64(value.into())),
            Cell::F64(value) if value.is_nan() => Part::Float(f64::NAN.to_bits()),
            // 0.0 of -0.0.
            Cell::F64(value) => Part::Float((value + 0.0).to_bits()),
            Cell::Text(text) | Cell::Json(text) => Part::Text(text.into()),
            Cell::Bytes(bytes) => Part::Bytes(bytes.into()),
            Cell::Decimal(value) => {
                let (mut mantissa, mut scale) = (value.mantissa(), value.scale());
                while scale > 0 && mantissa % 10 == 0 {
                    mantissa /= 10;
                    scale -= 1;
                }
                Part::Decimal(Box::new((mantissa, scale)))
            }
            Cell::Uuid(bytes) => Part::Uuid(bytes),
            Cell::Date(days) => Part::Date(days),
            Cell::Time(micros) => Part::Time(micros),
            Cell::Timestamp(micros) => Part::Timestamp(micros),
            Cell::TimestampTz(micros) => Part::TimestampTz(micros),
            // NULL, and what a later version may add: never equal to a key.
            _ => Part::Null,
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Part::Null)
    }

    /// As a bind for a column of this kind.
    pub(crate) fn to_value(&self, kind: Kind) -> Value {
        match self {
            Part::Null => Value::Null(kind),
            Part::Bool(value) => Value::Bool(*value),
            Part::Integer(value) => match kind {
                Kind::I8 | Kind::I16 | Kind::U8 => {
                    i16::try_from(*value).map_or(Value::I64(*value), Value::I16)
                }
                Kind::I32 | Kind::U16 => i32::try_from(*value).map_or(Value::I64(*value), Value::I32),
                _ => Value::I64(*value),
            },
            Part::Large(value) => Value::U64(*value),
            Part::Float(bits) => Value::F64(f64::from_bits(*bits)),
            Part::Text(text) => match kind {
                Kind::Enum(ty) => {
                    let word = ty.variants.iter().find(|word| **word == &**text);
                    word.map_or_else(|| Value::Text(text.to_string()), |word| Value::Enum(ty, word))
                }
                _ => Value::Text(text.to_string()),
            },
            Part::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Part::Decimal(decimal) => Value::Decimal(DecimalValue::new(decimal.0, decimal.1)),
            Part::Uuid(bytes) => Value::Uuid(*bytes),
            Part::Date(days) => Value::Date(*days),
            Part::Time(micros) => Value::Time(*micros),
            Part::Timestamp(micros) => Value::Timestamp(*micros),
            Part::TimestampTz(micros) => Value::TimestampTz(*micros),
        }
    }
}

impl Key {
    /// The key of these parts.
    pub(crate) fn of(mut parts: impl Iterator<Item = Part>) -> Key {
        match (parts.next(), parts.next()) {
            (Some(one), None) => Key::One(one),
            (first, second) => Key::Many(first.into_iter().chain(second).chain(parts).collect()),
        }
    }

    /// The key of these values.
    pub(crate) fn of_values<'v>(values: impl Iterator<Item = &'v Value>) -> Key {
        Key::of(values.map(|value| value.as_cell().map_or(Part::Null, Part::of)))
    }

    pub(crate) fn parts(&self) -> &[Part] {
        match self {
            Key::One(part) => std::slice::from_ref(part),
            Key::Many(parts) => parts,
        }
    }

    /// Whether a part is NULL: then it refers to nothing (SQL:2016 Foundation 4.19.3, MATCH SIMPLE), and nothing equals it.
    pub(crate) fn has_null(&self) -> bool {
        self.parts().iter().any(Part::is_null)
    }
}
