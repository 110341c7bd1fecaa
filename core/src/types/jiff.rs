//! `jiff`: `civil::Date`, `civil::Time`, `civil::DateTime` and `Timestamp`.
//!
//! Databases keep microseconds; a value with nanoseconds is cut off, as PostgreSQL and MySQL would round it differently.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
};

use super::{
    Mismatch, Type,
    civil::{self, DAY},
    plain_type, temporal,
};
use crate::value::{Cell, Kind, Value};

impl Type for Date {
    const KIND: Kind = Kind::Date;
    plain_type!();

    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        date(temporal::date(cell)?)
    }

    fn to_value(&self) -> Value {
        Value::Date(days(*self))
    }
}

impl Type for Time {
    const KIND: Kind = Kind::Time;
    plain_type!();

    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        time(temporal::time(cell)?)
    }

    fn to_value(&self) -> Value {
        Value::Time(micros(*self))
    }
}

impl Type for DateTime {
    const KIND: Kind = Kind::Timestamp;
    plain_type!();

    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        let (day, micros) = temporal::date_and_time(cell)?;
        Ok(date(day)?.to_datetime(time(micros)?))
    }

    fn to_value(&self) -> Value {
        Value::Timestamp(i64::from(days(self.date())) * DAY + micros(self.time()))
    }
}

impl Type for Timestamp {
    const KIND: Kind = Kind::TimestampTz;
    plain_type!();

    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        let micros = temporal::instant(cell)?;
        // Not `from_microsecond`, which refuses the last second that there is.
        let (second, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
        Timestamp::new(second, fraction as i32 * 1000).map_err(|_| out_of_range())
    }

    fn to_value(&self) -> Value {
        // Floor, so that an instant before 1970 is cut in the same direction as a later one.
        Value::TimestampTz(self.as_nanosecond().div_euclid(1000) as i64)
    }
}

fn out_of_range() -> Mismatch {
    Mismatch::out_of_range("a date outside of the years that jiff can hold")
}

fn date(days: i32) -> Result<Date, Mismatch> {
    let (year, month, day) = civil::civil_from_days(days);
    let year = i16::try_from(year).map_err(|_| out_of_range())?;
    Date::new(year, month as i8, day as i8).map_err(|_| out_of_range())
}

fn days(date: Date) -> i32 {
    civil::days_from_civil(i32::from(date.year()), date.month() as u8, date.day() as u8)
}

fn time(micros: i64) -> Result<Time, Mismatch> {
    let (seconds, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let part =
        |value: i64| i8::try_from(value).map_err(|_| Mismatch::out_of_range("a time outside of one day"));
    Time::new(part(seconds / 3600)?, part(seconds / 60 % 60)?, part(seconds % 60)?, fraction as i32 * 1000)
        .map_err(|_| Mismatch::out_of_range("a time outside of one day"))
}

fn micros(time: Time) -> i64 {
    let seconds = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second());
    seconds * 1_000_000 + i64::from(time.subsec_nanosecond()) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_at_the_ends() {
        for text in ["0001-01-01T00:00:00", "1969-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999"] {
            let value: DateTime = text.parse().unwrap();
            let Value::Timestamp(micros) = value.to_value() else { panic!("no timestamp") };
            assert_eq!(DateTime::decode(Cell::Timestamp(micros)), Ok(value));
            let stored = civil::format_timestamp(micros).unwrap();
            assert_eq!(DateTime::decode(Cell::Text(&stored)), Ok(value));
        }
    }

    #[test]
    fn instants_round_trip_at_the_ends() {
        for value in [Timestamp::MIN, Timestamp::MAX, "1960-01-01T00:00:00.123456Z".parse().unwrap()] {
            let Value::TimestampTz(micros) = value.to_value() else { panic!("no instant") };
            let read = Timestamp::decode(Cell::TimestampTz(micros)).unwrap();
            assert_eq!(read.as_microsecond(), value.as_microsecond());
        }
    }
}
