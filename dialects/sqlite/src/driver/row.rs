//! A row where SQLite has it.

use relata_core::{Error, ErrorClass, Result, driver::Row, projection::no_such_cell, value::Cell};
use rusqlite::types::ValueRef;

/// A row, lent by the statement.
pub(super) struct SqliteRow<'r, 's> {
    pub(super) row: &'r rusqlite::Row<'s>,
    pub(super) width: usize,
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
