//! Binds a value to a placeholder.

use relata_core::{Error, ErrorClass, Result, value::Value};
use rusqlite::Statement;

use crate::{
    error::from_rusqlite,
    json,
    store::{Stored, stored},
};

/// Binds a value to the placeholder at `position`, counted from 1.
pub(super) fn bind(statement: &mut Statement<'_>, position: usize, value: &Value) -> Result<()> {
    let refuse = |why: String| Error::new(ErrorClass::Data, format!("bind {position}: {why}"));
    match stored(value).map_err(refuse)? {
        Stored::Null => statement.raw_bind_parameter(position, rusqlite::types::Null),
        Stored::Integer(number) => statement.raw_bind_parameter(position, number),
        Stored::Real(number) => statement.raw_bind_parameter(position, number),
        Stored::Text(text) => statement.raw_bind_parameter(position, text),
        Stored::OwnedText(text) => statement.raw_bind_parameter(position, text),
        Stored::Blob(bytes) => statement.raw_bind_parameter(position, bytes),
        Stored::List(values, kind) => {
            let list = json::elements(kind).and_then(|_| json::encode(values)).ok_or_else(|| {
                refuse(
                    "SQLite has no arrays, and JSON, which `json_each` reads, cannot hold this list exactly"
                        .into(),
                )
            })?;
            statement.raw_bind_parameter(position, list)
        }
    }
    .map_err(from_rusqlite)
}
