//! Rows on their way from the server.

use mysql_async::{Column, Row as NativeRow, Value as Native, consts::ColumnType};
use relata_core::{
    Error, ErrorClass, Result,
    driver::Row,
    projection::no_such_cell,
    types::civil::{DAY, civil_from_days, days_from_civil, parse_date, parse_time, parse_timestamp},
    value::{Cell, DecimalValue},
};

/// The collation of bytes that are no text (MySQL 8.4 manual 12.10.8).
const BINARY: u16 = 63;

/// The scale of a decimal whose mapping said none: zeros at its end are not what the user wrote.
const UNSPECIFIED_SCALE: u8 = 30;

/// What the cells of a column are: found once for a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Number,
    Decimal { trim: bool },
    Date,
    Timestamp,
    Time,
    Text,
    Bytes,
    Json,
    Bit,
}

impl Shape {
    /// The shapes of all columns.
    pub(super) fn of(columns: &[Column]) -> Vec<Shape> {
        columns.iter().map(Shape::of_column).collect()
    }

    fn of_column(column: &Column) -> Shape {
        use ColumnType as C;
        match column.column_type() {
            C::MYSQL_TYPE_TINY
            | C::MYSQL_TYPE_SHORT
            | C::MYSQL_TYPE_INT24
            | C::MYSQL_TYPE_LONG
            | C::MYSQL_TYPE_LONGLONG
            | C::MYSQL_TYPE_YEAR
            | C::MYSQL_TYPE_FLOAT
            | C::MYSQL_TYPE_DOUBLE => Shape::Number,
            C::MYSQL_TYPE_DECIMAL | C::MYSQL_TYPE_NEWDECIMAL => {
                Shape::Decimal { trim: column.decimals() == UNSPECIFIED_SCALE }
            }
            C::MYSQL_TYPE_DATE | C::MYSQL_TYPE_NEWDATE => Shape::Date,
            C::MYSQL_TYPE_DATETIME
            | C::MYSQL_TYPE_DATETIME2
            | C::MYSQL_TYPE_TIMESTAMP
            | C::MYSQL_TYPE_TIMESTAMP2 => Shape::Timestamp,
            C::MYSQL_TYPE_TIME | C::MYSQL_TYPE_TIME2 => Shape::Time,
            C::MYSQL_TYPE_JSON => Shape::Json,
            C::MYSQL_TYPE_BIT => Shape::Bit,
            _ if column.character_set() == BINARY => Shape::Bytes,
            _ => Shape::Text,
        }
    }
}

/// A row that mysql_async read, with the shapes of its columns.
pub(super) struct MysqlRow<'r> {
    pub(super) row: &'r mut NativeRow,
    pub(super) shapes: &'r [Shape],
}

impl Row for MysqlRow<'_> {
    fn width(&self) -> usize {
        self.row.len()
    }

    fn cell(&self, index: usize) -> Result<Cell<'_>> {
        let Some(shape) = self.shapes.get(index) else {
            return Err(no_such_cell(index, self.row.len()));
        };
        // Taken before: it was no UTF-8, or is asked for twice.
        let Some(value) = self.row.as_ref(index) else { return Err(self.unreadable(index, *shape)) };
        let cell = match value {
            Native::NULL => Some(Cell::Null),
            Native::Int(value) => Some(Cell::I64(*value)),
            Native::UInt(value) => Some(unsigned(*value)),
            Native::Float(value) => Some(Cell::F32(*value)),
            Native::Double(value) => Some(Cell::F64(*value)),
            Native::Bytes(bytes) => bytes_cell(bytes, *shape),
            Native::Date(year, month, day, hour, minute, second, micros) => {
                date_cell(*shape, (*year, *month, *day), (*hour, *minute, *second, *micros))
            }
            Native::Time(false, 0, hour, minute, second, micros) if *hour < 24 => {
                Some(Cell::Time(clock(*hour, *minute, *second, *micros)))
            }
            Native::Time(..) => None,
        };
        cell.ok_or_else(|| self.unreadable(index, *shape))
    }

    fn integer(&self, index: usize) -> Option<i64> {
        match self.row.as_ref(index) {
            Some(Native::Int(number)) => Some(*number),
            Some(Native::UInt(number)) => i64::try_from(*number).ok(),
            _ => None,
        }
    }

    fn take_text(&mut self, index: usize) -> Option<String> {
        let is_text = self.shapes.get(index) == Some(&Shape::Text)
            && matches!(self.row.as_ref(index), Some(Native::Bytes(_)));
        if !is_text {
            return None;
        }
        match self.row.take(index) {
            Some(Native::Bytes(bytes)) => String::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    fn name(&self, index: usize) -> &str {
        let column = self.row.columns_ref().get(index);
        column.and_then(|column| std::str::from_utf8(column.name_ref()).ok()).unwrap_or("?")
    }
}

impl MysqlRow<'_> {
    fn unreadable(&self, index: usize, shape: Shape) -> Error {
        let why = match shape {
            Shape::Number | Shape::Bit => "a number that cannot be read",
            Shape::Decimal { .. } => "a decimal of more than 38 digits",
            Shape::Date | Shape::Timestamp => "a date that does not exist, such as 0000-00-00",
            Shape::Time => "a time that is negative or longer than a day",
            Shape::Text | Shape::Json => "text that is not UTF-8",
            Shape::Bytes => "bytes that cannot be read",
        };
        Error::new(ErrorClass::Decode, format!("column {index} ({}): {why}", self.name(index)))
    }
}

fn unsigned<'r>(value: u64) -> Cell<'r> {
    i64::try_from(value).map_or(Cell::U64(value), Cell::I64)
}

/// What comes as bytes: text and its kin always, and everything where the statement was sent as text.
fn bytes_cell(bytes: &[u8], shape: Shape) -> Option<Cell<'_>> {
    if shape == Shape::Bytes {
        return Some(Cell::Bytes(bytes));
    }
    if shape == Shape::Bit {
        // Up to 64 bits, the highest first (MySQL 8.4 manual 13.1.5).
        let fits = bytes.len() <= 8;
        return fits.then(|| unsigned(bytes.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte))));
    }
    let text = std::str::from_utf8(bytes).ok()?;
    match shape {
        Shape::Text => Some(Cell::Text(text)),
        Shape::Json => Some(Cell::Json(text)),
        Shape::Decimal { trim } => decimal(text, trim).map(Cell::Decimal),
        Shape::Number => match text.parse() {
            Ok(value) => Some(Cell::I64(value)),
            Err(_) => text.parse().map(Cell::U64).or_else(|_| text.parse().map(Cell::F64)).ok(),
        },
        Shape::Date => parse_date(text).map(Cell::Date),
        Shape::Timestamp => parse_timestamp(text).map(Cell::Timestamp),
        Shape::Time => parse_time(text).map(Cell::Time),
        Shape::Bytes | Shape::Bit => None,
    }
}

fn decimal(text: &str, trim: bool) -> Option<DecimalValue> {
    let trimmed = || match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    };
    if trim {
        DecimalValue::parse(trimmed())
    } else {
        DecimalValue::parse(text).or_else(|| DecimalValue::parse(trimmed()))
    }
}

fn date_cell<'r>(
    shape: Shape,
    (year, month, day): (u16, u8, u8),
    (hour, minute, second, micros): (u8, u8, u8, u32),
) -> Option<Cell<'r>> {
    if year == 0 || month == 0 || day == 0 {
        return None;
    }
    let days = days_from_civil(i32::from(year), month, day);
    // What another session stored with ALLOW_INVALID_DATES.
    if civil_from_days(days) != (i32::from(year), month, day) {
        return None;
    }
    match shape {
        Shape::Date => Some(Cell::Date(days)),
        _ => Some(Cell::Timestamp(i64::from(days) * DAY + clock(hour, minute, second, micros))),
    }
}

/// Microseconds since midnight.
fn clock(hour: u8, minute: u8, second: u8, micros: u32) -> i64 {
    let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    seconds * 1_000_000 + i64::from(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_lose_the_zeros_that_nobody_wrote() {
        let read = |text, trim| decimal(text, trim).map(|decimal| decimal.to_string());
        assert_eq!(read("12.500000000000000000000000000000", true).as_deref(), Some("12.5"));
        assert_eq!(read("12.000000000000000000000000000000", true).as_deref(), Some("12"));
        assert_eq!(read("100", true).as_deref(), Some("100"));
        assert_eq!(read("12.50", false).as_deref(), Some("12.50"));
        // 29 digits before the point and 20 behind it are 49, but the last are zeros.
        assert_eq!(
            read("79228162514264337593543950335.00000000000000000000", false).as_deref(),
            Some("79228162514264337593543950335")
        );
    }

    #[test]
    fn dates_that_do_not_exist() {
        let midnight = (0, 0, 0, 0);
        assert_eq!(date_cell(Shape::Date, (0, 0, 0), midnight), None);
        assert_eq!(date_cell(Shape::Date, (2023, 2, 31), midnight), None);
        assert_eq!(date_cell(Shape::Date, (1970, 1, 2), midnight), Some(Cell::Date(1)));
    }

    #[test]
    fn cells_of_a_text_result() {
        assert_eq!(bytes_cell(b"-7", Shape::Number), Some(Cell::I64(-7)));
        assert_eq!(bytes_cell(b"18446744073709551615", Shape::Number), Some(Cell::U64(u64::MAX)));
        assert_eq!(bytes_cell(b"0.5", Shape::Number), Some(Cell::F64(0.5)));
        assert_eq!(bytes_cell(&[1, 0], Shape::Bit), Some(Cell::I64(256)));
        assert_eq!(bytes_cell(&[0xff], Shape::Text), None);
    }
}
