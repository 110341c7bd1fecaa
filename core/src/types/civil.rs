//! Days and times of day as numbers, and as the text that databases without a type for them keep.
//!
//! Values travel as counts ([`Value::Date`](crate::value::Value::Date) and its kin), so that neither of the two date
//! libraries is needed to move them; what users see are `jiff` and `chrono` types.

/// Microseconds in a day.
pub const DAY: i64 = 86_400_000_000;

/// Days from 1970-01-01 to a day of the proleptic Gregorian calendar, which must exist.
///
/// The algorithm counts years from March, so that the leap day is the last of its year (Howard Hinnant,
/// "chrono-compatible low-level date algorithms").
pub fn days_from_civil(year: i32, month: u8, day: u8) -> i32 {
    let (month, day) = (i32::from(month), i32::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a day counted from 1970-01-01.
pub fn civil_from_days(days: i32) -> (i32, u8, u8) {
    let days = i64::from(days) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month as u8, day as u8)
}

/// `2026-11-21`; `None` outside of the years 0 to 9999, whose text would not sort.
pub fn format_date(days: i32) -> Option<String> {
    let (year, month, day) = civil_from_days(days);
    (0..=9999).contains(&year).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// `13:05:09.000001`: always six digits, so that text sorts as time does.
pub fn format_time(micros: i64) -> String {
    let (seconds, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    format!("{:02}:{:02}:{:02}.{fraction:06}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `2026-11-21 13:05:09.000001`; `None` outside of the years 0 to 9999.
pub fn format_timestamp(micros: i64) -> Option<String> {
    let days = i32::try_from(micros.div_euclid(DAY)).ok()?;
    Some(format!("{} {}", format_date(days)?, format_time(micros.rem_euclid(DAY))))
}

/// Reads `YYYY-MM-DD`.
pub fn parse_date(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = digits(&bytes[..4])? as i32;
    let (month, day) = (digits(&bytes[5..7])? as u8, digits(&bytes[8..])? as u8);
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let last = match month {
        2 => 28 + u8::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=last).contains(&day).then(|| days_from_civil(year, month, day))
}

/// Reads `HH:MM`, `HH:MM:SS` or `HH:MM:SS.ffffff` with one to six digits of fraction.
pub fn parse_time(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let two = |at: usize| digits(bytes.get(at..at + 2)?);
    let separated = |at: usize, by: u8| bytes.get(at) == Some(&by);
    let (hour, minute) = (two(0)?, two(3)?);
    let mut micros = 0;
    let second = match bytes.len() {
        5 => 0,
        8 => two(6)?,
        10..=15 if separated(8, b'.') => {
            let fraction = &bytes[9..];
            micros = digits(fraction)? * 10_i64.pow(6 - fraction.len() as u32);
            two(6)?
        }
        _ => return None,
    };
    let well_formed = separated(2, b':') && (bytes.len() == 5 || separated(5, b':'));
    (well_formed && hour < 24 && minute < 60 && second < 60)
        .then(|| ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

/// Reads a date and a time with a space or a `T` between them, and a `Z` or `+00:00` behind if there is one.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
    let (date, time) = (text.get(..10)?, text.get(10..)?);
    let time = time.strip_prefix([' ', 'T'])?;
    Some(i64::from(parse_date(date)?) * DAY + parse_time(time)?)
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0_i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_days() {
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days_from_civil(1, 1, 1), -719_162);
        assert_eq!(days_from_civil(2000, 2, 29), 11_016);
        assert_eq!(format_timestamp(-1).as_deref(), Some("1969-12-31 23:59:59.999999"));
        assert_eq!(format_date(days_from_civil(1, 1, 1)).as_deref(), Some("0001-01-01"));
    }

    #[test]
    fn what_is_no_date_or_time_is_refused() {
        for bad in ["2026-02-29", "2026-13-01", "2026-00-10", "2026-1-01", "20260101", "", "2026-01-0x"] {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
        for bad in ["24:00:00", "12:60:00", "12-30-00", "1:00:00", "12:00:00.1234567", "12:00:00,5", "é2:00"]
        {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn days_agree_with_jiff(year in 1_i16..=9999, month in 1_i8..=12, day in 1_i8..=28) {
            let days = days_from_civil(i32::from(year), month as u8, day as u8);
            prop_assert_eq!(civil_from_days(days), (i32::from(year), month as u8, day as u8));
            prop_assert_eq!(format_date(days).and_then(|text| parse_date(&text)), Some(days));
            #[cfg(feature = "jiff")]
            {
                let date = ::jiff::civil::date(year, month, day);
                let epoch = ::jiff::civil::date(1970, 1, 1);
                prop_assert_eq!(epoch.until(date).map(|span| span.get_days()).ok(), Some(days));
            }
        }

        #[test]
        fn timestamps_print_as_they_parse(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
            prop_assert_eq!(format_timestamp(micros).and_then(|text| parse_timestamp(&text)), Some(micros));
        }

        #[test]
        fn parsing_never_panics(text in "\\PC*") {
            let _ = (parse_date(&text), parse_time(&text), parse_timestamp(&text));
        }
    }
}
