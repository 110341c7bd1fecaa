//! `chrono`: `NaiveDate`, `NaiveTime`, `NaiveDateTime` and `DateTime<Utc>`.
//!
//! Databases keep microseconds; a value with nanoseconds is cut off, as PostgreSQL and MySQL would round it differently.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};

use super::{
    Mismatch, Type,
    civil::{self, DAY},
    plain_type, temporal,
};
use crate::value::{Cell, Kind, Value};

impl Type for NaiveDate {
    const KIND: Kind = Kind::Date;
    plain_type!();

    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        date(temporal::date(cell)?)
    }

    fn to_value(&self) -> Value {
        Value::Date(days(*self))
    }
}

impl Type for NaiveTime {
    const KIND: Kind = Kind::Time;
    plain_type!();

    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        time(temporal::time(cell)?)
    }

    fn to_value(&self) -> Value {
        Value::Time(micros(*self))
    }
}

impl Type for NaiveDateTime {
    const KIND: Kind = Kind::Timestamp;
    plain_type!();

    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        let (day, micros) = temporal::date_and_time(cell)?;
        Ok(date(day)?.and_time(time(micros)?))
    }

    fn to_value(&self) -> Value {
        Value::Timestamp(i64::from(days(self.date())) * DAY + micros(self.time()))
    }
}

impl Type for DateTime<Utc> {
    const KIND: Kind = Kind::TimestampTz;
    plain_type!();

    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        let micros = temporal::instant(cell)?;
        DateTime::from_timestamp_micros(micros).ok_or_else(out_of_range)
    }

    fn to_value(&self) -> Value {
        // A leap second as in a time of day; `timestamp_micros` would count it to the next minute.
        let fraction = i64::from(micros_of_second(self.nanosecond()));
        Value::TimestampTz(self.timestamp() * 1_000_000 + fraction)
    }
}

fn out_of_range() -> Mismatch {
    Mismatch::out_of_range("a date outside of the years that chrono can hold")
}

fn date(days: i32) -> Result<NaiveDate, Mismatch> {
    let (year, month, day) = civil::civil_from_days(days);
    NaiveDate::from_ymd_opt(year, u32::from(month), u32::from(day)).ok_or_else(out_of_range)
}

fn days(date: NaiveDate) -> i32 {
    civil::days_from_civil(date.year(), date.month() as u8, date.day() as u8)
}

fn time(micros: i64) -> Result<NaiveTime, Mismatch> {
    let (seconds, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    u32::try_from(seconds)
        .ok()
        .and_then(|seconds| NaiveTime::from_num_seconds_from_midnight_opt(seconds, fraction as u32 * 1000))
        .ok_or_else(|| Mismatch::out_of_range("a time outside of one day"))
}

fn micros(time: NaiveTime) -> i64 {
    i64::from(time.num_seconds_from_midnight()) * 1_000_000 + i64::from(micros_of_second(time.nanosecond()))
}

/// A leap second counts as the last microsecond of its minute: no database keeps it.
fn micros_of_second(nanoseconds: u32) -> u32 {
    nanoseconds.min(999_999_999) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_second_is_the_last_microsecond_of_its_minute() {
        let second: NaiveDateTime = "2016-12-31T23:59:60.5".parse().unwrap();
        let Value::Timestamp(micros) = second.to_value() else { panic!("no timestamp") };
        assert_eq!(civil::format_timestamp(micros).as_deref(), Some("2016-12-31 23:59:59.999999"));
        assert_eq!(second.and_utc().to_value(), Value::TimestampTz(micros));
        assert_eq!(second.time().to_value(), Value::Time(micros.rem_euclid(DAY)));
        let before: DateTime<Utc> = "1960-01-01T00:00:00.1234567Z".parse().unwrap();
        assert_eq!(before.to_value(), Value::TimestampTz(before.timestamp_micros()));
    }
}
