//! A row where SQLite has it.

use relata_core::{Error, ErrorClass, Result, driver::Row, projection::no_such_cell, value::Cell};
use rusqlite::types::ValueRef;

/// A row, lent by the statement.
pub(super) struct SqliteRow<'r, 's> {
    row: &'r rusqlite::Row<'s>,
    width: usize,
    known: Known,
}

/// Those integers of the first cells that were asked for: keys are asked for twice, and SQLite takes several calls to give one.
#[derive(Default)]
struct Known {
    /// A bit for each.
    places: std::cell::Cell<u8>,
    integers: [std::cell::Cell<i64>; u8::BITS as usize],
}

impl Known {
    #[inline]
    fn get(&self, index: usize) -> Option<i64> {
        let integer = self.integers.get(index)?;
        (self.places.get() >> index & 1 != 0).then(|| integer.get())
    }

    #[inline]
    fn set(&self, index: usize, number: i64) {
        if let Some(integer) = self.integers.get(index) {
            integer.set(number);
            self.places.set(self.places.get() | 1 << index);
        }
    }
}

impl<'r, 's> SqliteRow<'r, 's> {
    pub(super) fn new(row: &'r rusqlite::Row<'s>, width: usize) -> Self {
        SqliteRow { row, width, known: Known::default() }
    }
}

impl Row for SqliteRow<'_, '_> {
    fn width(&self) -> usize {
        self.width
    }

    #[inline]
    fn cell(&self, index: usize) -> Result<Cell<'_>> {
        match self.row.get_ref(index) {
            Ok(ValueRef::Null) => Ok(Cell::Null),
            Ok(ValueRef::Integer(number)) => Ok(Cell::I64(number)),
            Ok(ValueRef::Real(number)) => Ok(Cell::F64(number)),
            Ok(ValueRef::Text(text)) => match std::str::from_utf8(text) {
                Ok(text) => Ok(Cell::Text(text)),
                Err(_) => Err(self.no_text(index)),
            },
            Ok(ValueRef::Blob(bytes)) => Ok(Cell::Bytes(bytes)),
            Err(_) => Err(no_such_cell(index, self.width)),
        }
    }

    fn integer(&self, index: usize) -> Option<i64> {
        if let Some(known) = self.known.get(index) {
            return Some(known);
        }
        let Ok(ValueRef::Integer(number)) = self.row.get_ref(index) else { return None };
        self.known.set(index, number);
        Some(number)
    }

    fn name(&self, index: usize) -> &str {
        self.row.as_ref().column_name(index).unwrap_or_default()
    }
}

impl SqliteRow<'_, '_> {
    #[cold]
    fn no_text(&self, index: usize) -> Error {
        Error::new(
            ErrorClass::Decode,
            format!("column {index} ({}): text that is not UTF-8", self.name(index)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_is_the_same_the_second_time() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let mut statement = connection
            .prepare(
                "SELECT 0, NULL, '2', 3.0, 4, 5, 6, 7, 8, 9 UNION ALL SELECT 10, 1, 2, 3, 4, 5, 6, 7, 8, 9",
            )
            .unwrap();
        let mut rows = statement.raw_query();
        let mut next = || {
            let row = rows.next().unwrap().unwrap();
            let row = SqliteRow::new(row, 10);
            let read = || (0..11).map(|index| row.integer(index)).collect::<Vec<_>>();
            let first = read();
            assert_eq!(read(), first);
            first
        };
        let all = |first: [Option<i64>; 4]| {
            first.into_iter().chain((4..10).map(Some)).chain([None]).collect::<Vec<_>>()
        };
        assert_eq!(next(), all([Some(0), None, None, None]));
        assert_eq!(next(), all([Some(10), Some(1), Some(2), Some(3)]));
    }
}
