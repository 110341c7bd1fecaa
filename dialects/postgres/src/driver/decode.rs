//! Cells on their way from the server, out of its binary formats (the `…send` functions of PostgreSQL).

use relata_core::{
    Error, ErrorClass, Result, driver::Row, projection::no_such_cell, types::civil::DAY, value::Cell,
};
use tokio_postgres::types::{Oid, Type};

use super::{
    encode::{EPOCH_DAYS, EPOCH_MICROS},
    message::Parts,
    numeric,
};

/// How the cells of a column are read: found once per statement, not per cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decoder {
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
    /// A type of the database's own: CREATE TYPE, or an extension's.
    Own,
    Unknown,
}

/// The first number of a type that is not built in (src/include/access/transam.h).
const FIRST_OWN: Oid = 16_384;

impl Decoder {
    fn of(ty: Oid) -> Self {
        let Some(known) = Type::from_oid(ty) else {
            return if ty < FIRST_OWN { Decoder::Unknown } else { Decoder::Own };
        };
        match known {
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
            _ => Decoder::Unknown,
        }
    }
}

/// A column of a result.
pub(super) struct Column {
    name: Box<str>,
    ty: Oid,
    decoder: Decoder,
}

impl Column {
    /// The columns in a RowDescription. `None` if it is not whole.
    pub(super) fn all(body: &[u8]) -> Option<Box<[Column]>> {
        let mut parts = Parts(body);
        (0..parts.u16()?)
            .map(|_| {
                let name = parts.text()?.into();
                // The table that it comes from, and its place there.
                parts.bytes(6)?;
                let ty = parts.oid()?;
                // The size, the modifier, and the format, which is ours to choose.
                parts.bytes(8)?;
                Some(Column { name, ty, decoder: Decoder::of(ty) })
            })
            .collect()
    }
}

/// Where the cells of a row are in it: the first byte and the length, which is negative for NULL.
pub(super) type Cells = Vec<(usize, i32)>;

/// A row as it is lent to the sink, in the buffer that it was read into.
pub(super) struct PostgresRow<'r> {
    body: &'r [u8],
    cells: &'r [(usize, i32)],
    columns: &'r [Column],
}

impl<'r> PostgresRow<'r> {
    /// The row in a DataRow; `cells` is room for where they are. `None` if it is not whole.
    #[inline]
    pub(super) fn new(body: &'r [u8], columns: &'r [Column], cells: &'r mut Cells) -> Option<Self> {
        cells.clear();
        let (count, mut rest) = body.split_first_chunk()?;
        for _ in 0..u16::from_be_bytes(*count) {
            let (length, cell) = rest.split_first_chunk()?;
            let length = i32::from_be_bytes(*length);
            cells.push((body.len() - cell.len(), length));
            rest = cell.get(usize::try_from(length).unwrap_or(0)..)?;
        }
        Some(PostgresRow { body, cells, columns })
    }

    /// The bytes of a cell that is there and not NULL.
    #[inline]
    fn raw(&self, index: usize) -> Option<&[u8]> {
        let (begin, length) = self.cells.get(index)?;
        let length = usize::try_from(*length).ok()?;
        // It was found there.
        self.body.get(*begin..begin + length)
    }

    #[cold]
    fn unreadable(&self, index: usize, why: &'static str) -> Error {
        let ty = match self.columns.get(index).map(|column| (column.ty, Type::from_oid(column.ty))) {
            Some((_, Some(ty))) => ty.name().to_owned(),
            Some((oid, None)) => format!("number {oid} in pg_type"),
            None => String::from("?"),
        };
        Error::new(ErrorClass::Decode, format!("column {index} ({}), of type {ty}: {why}", self.name(index)))
    }
}

impl Row for PostgresRow<'_> {
    fn width(&self) -> usize {
        self.columns.len()
    }

    #[inline]
    fn cell(&self, index: usize) -> Result<Cell<'_>> {
        let Some(column) = self.columns.get(index).filter(|_| index < self.cells.len()) else {
            return Err(no_such_cell(index, self.width()));
        };
        let Some(raw) = self.raw(index) else { return Ok(Cell::Null) };
        decode(column.decoder, raw).map_err(|why| self.unreadable(index, why))
    }

    #[inline]
    fn integer(&self, index: usize) -> Option<i64> {
        let raw = self.raw(index)?;
        match self.columns.get(index)?.decoder {
            Decoder::Int8 => fixed(raw).map(i64::from_be_bytes).ok(),
            Decoder::Int4 => fixed(raw).map(|raw| i32::from_be_bytes(raw).into()).ok(),
            Decoder::Int2 => fixed(raw).map(|raw| i16::from_be_bytes(raw).into()).ok(),
            _ => None,
        }
    }

    fn name(&self, index: usize) -> &str {
        self.columns.get(index).map_or("", |column| &column.name)
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
        Decoder::Own => Cell::Text(own_text(raw).ok_or(UNKNOWN)?),
        Decoder::Unknown => return Err(UNKNOWN),
    })
}

const UNKNOWN: &str = "a type that cannot be read; cast it to text in the statement";
const MALFORMED: &str = "the server sent something else than this type";
const INFINITE: &str = "infinity is no date or time; leave such rows out, or cast it to text";

fn fixed<const N: usize>(raw: &[u8]) -> Result<[u8; N], &'static str> {
    raw.try_into().map_err(|_| MALFORMED)
}

fn text(raw: &[u8]) -> Result<&str, &'static str> {
    std::str::from_utf8(raw).map_err(|_| "text that is not UTF-8")
}

/// An enum or citext, whose binary format is the text. Other such formats begin with a number or some flags.
fn own_text(raw: &[u8]) -> Option<&str> {
    let is_control = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    if raw.iter().any(is_control) { None } else { std::str::from_utf8(raw).ok() }
}

fn micros(raw: &[u8]) -> Result<i64, &'static str> {
    match i64::from_be_bytes(fixed(raw)?) {
        i64::MIN | i64::MAX => Err(INFINITE),
        micros => micros.checked_add(EPOCH_MICROS).ok_or(MALFORMED),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use relata_core::driver::Row;

    use super::*;
    use crate::driver::message::{ServerError, row_count};

    const DECODERS: [Decoder; 20] = [
        Decoder::Bool,
        Decoder::Int2,
        Decoder::Int4,
        Decoder::Int8,
        Decoder::Oid,
        Decoder::Float4,
        Decoder::Float8,
        Decoder::Numeric,
        Decoder::Text,
        Decoder::Bytea,
        Decoder::Uuid,
        Decoder::Date,
        Decoder::Time,
        Decoder::Timestamp,
        Decoder::TimestampTz,
        Decoder::Json,
        Decoder::Jsonb,
        Decoder::Void,
        Decoder::Own,
        Decoder::Unknown,
    ];

    proptest! {
        /// Whatever a server sends is read or refused.
        #[test]
        fn no_bytes_do_harm(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Column::all(&body);
            let _ = row_count(&body);
            let _ = ServerError::parse(&body);
            let column = |decoder| Column { name: "c".into(), ty: 0, decoder };
            let columns = DECODERS.map(column);
            let mut cells = Cells::new();
            for row in [&body[..], &[&[0, 3][..], &body].concat()] {
                if let Some(row) = PostgresRow::new(row, &columns, &mut cells) {
                    for place in 0..=columns.len() {
                        let _ = row.cell(place);
                    }
                }
            }
            for decoder in DECODERS {
                let _ = decode(decoder, &body);
            }
        }

        /// An integer is the same by the short way as by its cell.
        #[test]
        fn integers_are_those_of_the_cells(number in any::<i64>(), size in proptest::sample::select(vec![2, 4, 8])) {
            let number = &number.to_be_bytes()[8 - size..];
            let length = i32::try_from(size).unwrap_or_default().to_be_bytes();
            let body = [&[0, 1], &length[..], number].concat();
            let mut cells = Cells::new();
            for decoder in DECODERS {
                let columns = [Column { name: "c".into(), ty: 0, decoder }];
                let row = PostgresRow::new(&body, &columns, &mut cells).ok_or(TestCaseError::fail("a row"))?;
                let by_cell = match (decoder, row.cell(0)) {
                    (Decoder::Int2 | Decoder::Int4 | Decoder::Int8, Ok(Cell::I64(number))) => Some(number),
                    _ => None,
                };
                prop_assert_eq!(row.integer(0), by_cell);
                prop_assert_eq!(row.integer(1), None);
            }
        }

        /// A row gives the cells that were put into it.
        #[test]
        fn cells_come_as_they_were_sent(sent in proptest::collection::vec(proptest::option::of(".{0,20}"), 0..9)) {
            let mut body = u16::try_from(sent.len()).unwrap_or_default().to_be_bytes().to_vec();
            for cell in &sent {
                let length = cell.as_ref().map_or(-1, |text| i32::try_from(text.len()).unwrap_or_default());
                body.extend(length.to_be_bytes());
                body.extend(cell.iter().flat_map(|text| text.bytes()));
            }
            let columns: Vec<_> =
                sent.iter().map(|_| Column { name: "c".into(), ty: 25, decoder: Decoder::Text }).collect();
            let mut cells = Cells::new();
            let row = PostgresRow::new(&body, &columns, &mut cells);
            prop_assert!(row.is_some());
            for (place, cell) in sent.iter().enumerate() {
                let expected = cell.as_ref().map_or(Cell::Null, |text| Cell::Text(text));
                prop_assert_eq!(row.as_ref().and_then(|row| row.cell(place).ok()), Some(expected));
            }
            prop_assert!(PostgresRow::new(&body[..body.len() - 1], &columns, &mut cells).is_none());
        }
    }
}
