//! What the cells of dates and times hold, whichever library the user reads them with.

use super::{
    Mismatch,
    civil::{self, DAY},
};
use crate::value::Cell;

/// Days since 1970-01-01.
pub(super) fn date(cell: Cell<'_>) -> Result<i32, Mismatch> {
    match cell {
        Cell::Date(days) => Ok(days),
        // MariaDB gives back a DATE that was bound as the midnight of that day.
        Cell::Timestamp(micros) if micros % DAY == 0 => {
            i32::try_from(micros / DAY).map_err(|_| Mismatch::out_of_range("a date that no calendar holds"))
        }
        Cell::Text(text) => {
            civil::parse_date(text).ok_or_else(|| Mismatch::out_of_range("text that is no date"))
        }
        cell => Err(Mismatch::wrong("a date", &cell)),
    }
}

/// Microseconds since midnight.
pub(super) fn time(cell: Cell<'_>) -> Result<i64, Mismatch> {
    match cell {
        Cell::Time(micros) => Ok(micros),
        Cell::Text(text) => {
            civil::parse_time(text).ok_or_else(|| Mismatch::out_of_range("text that is no time"))
        }
        cell => Err(Mismatch::wrong("a time", &cell)),
    }
}

/// The day, and the microseconds since its midnight.
pub(super) fn date_and_time(cell: Cell<'_>) -> Result<(i32, i64), Mismatch> {
    let micros = match cell {
        Cell::Timestamp(micros) => micros,
        Cell::Text(text) => timestamp_text(text)?,
        cell => return Err(Mismatch::wrong("a timestamp without zone", &cell)),
    };
    let day = i32::try_from(micros.div_euclid(DAY))
        .map_err(|_| Mismatch::out_of_range("a date that no calendar holds"))?;
    Ok((day, micros.rem_euclid(DAY)))
}

/// Microseconds since 1970-01-01 00:00:00 UTC.
pub(super) fn instant(cell: Cell<'_>) -> Result<i64, Mismatch> {
    match cell {
        // A database without zones keeps instants in UTC.
        Cell::TimestampTz(micros) | Cell::Timestamp(micros) => Ok(micros),
        Cell::Text(text) => timestamp_text(text),
        cell => Err(Mismatch::wrong("a timestamp with zone", &cell)),
    }
}

fn timestamp_text(text: &str) -> Result<i64, Mismatch> {
    civil::parse_timestamp(text).ok_or_else(|| Mismatch::out_of_range("text that is no timestamp"))
}
