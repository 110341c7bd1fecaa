//! The collation: texts compared as numbers.

use std::{borrow::Cow, cmp::Ordering};

use relata_core::value::DecimalValue;

/// Compares two texts as numbers, to the last digit. What is no number comes behind all that are.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (plain(left), plain(right));
    match (Number::read(&left), Number::read(&right)) {
        (Some(left), Some(right)) => left.compare(&right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.cmp(&right),
    }
}

/// A number in scientific notation, as SQLite writes large floats, without it.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(['e', 'E']) {
        return Cow::Borrowed(text);
    }
    DecimalValue::parse(text).map_or(Cow::Borrowed(text), |number| Cow::Owned(number.to_string()))
}

/// A number as its digits, so that there is no limit to them.
struct Number<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
}

impl<'t> Number<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = !(whole.is_empty() && fraction.is_empty())
            && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
        if !is_number {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Number { negative: negative && !zero, whole, fraction })
    }

    fn compare(&self, other: &Number<'_>) -> Ordering {
        let size = |a: &Number<'_>, b: &Number<'_>| {
            a.whole
                .len()
                .cmp(&b.whole.len())
                .then_with(|| a.whole.cmp(b.whole))
                .then_with(|| a.fraction.cmp(b.fraction))
        };
        match (self.negative, other.negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_numbers() {
        let ascending = [
            "-100",
            "-20.5",
            "-20.49",
            "-0.001",
            "0",
            "0.001",
            "0.01",
            "9.5",
            "10",
            "10.000000000000000000000000000000000001",
            "99999999999999999999999999999999999999",
            "no number",
        ];
        for (at, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                assert_eq!(compare(left, right), at.cmp(&other), "{left} {right}");
            }
        }
        for (left, right) in [
            ("1.0", "1"),
            ("-0", "0.00"),
            ("007", "7"),
            ("+1", "1"),
            (".5", "0.50"),
            ("1.0e+20", "100000000000000000000"),
        ] {
            assert_eq!(compare(left, right), Ordering::Equal, "{left} {right}");
        }
    }
}
