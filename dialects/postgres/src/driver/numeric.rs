//! `numeric` in binary (numeric.c, numeric_send and numeric_recv): groups of four decimal digits, exact both ways.

use bytes::{BufMut, BytesMut};
use relata_core::value::DecimalValue;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;

/// Digits that a [`DecimalValue`] holds.
const MAX_DIGITS: i32 = 38;

/// Why a numeric cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// NaN, or an infinity.
    NotFinite,
    /// More digits than a [`DecimalValue`] holds.
    TooLong,
    /// Not the format.
    Malformed,
}

/// Writes a number.
pub(super) fn write(value: &DecimalValue, out: &mut BytesMut) {
    let scale = u32::from(value.scale());
    let digits = value.mantissa().unsigned_abs();
    // Without a power of ten that large, the number has no integer part.
    let (mut whole, mut fraction) = match 10_u128.checked_pow(scale) {
        Some(unit) => (digits / unit, digits % unit),
        None => (0, digits),
    };
    let mut groups: Vec<u16> = Vec::with_capacity(12);
    while whole > 0 {
        groups.push((whole % 10_000) as u16);
        whole /= 10_000;
    }
    groups.reverse();
    let mut weight = groups.len() as i16 - 1;
    let mut left = scale;
    while left > 0 {
        let group;
        if left >= 4 {
            left -= 4;
            match 10_u128.checked_pow(left) {
                Some(unit) => {
                    group = fraction / unit;
                    fraction %= unit;
                }
                None => group = 0,
            }
        } else {
            group = fraction * 10_u128.pow(4 - left);
            left = 0;
        }
        groups.push(group as u16);
    }
    let leading = groups.iter().take_while(|group| **group == 0).count();
    weight -= leading as i16;
    let end = groups.iter().rposition(|group| *group != 0).map_or(leading, |last| last + 1);
    let groups = &groups[leading..end];
    out.put_u16(groups.len() as u16);
    out.put_i16(if groups.is_empty() { 0 } else { weight });
    out.put_u16(if value.mantissa() < 0 { NEGATIVE } else { POSITIVE });
    out.put_u16(scale as u16);
    for group in groups {
        out.put_u16(*group);
    }
}

/// Reads a number.
///
/// It keeps its scale, zeros at its end included, as far as there is room for them: averages have many.
pub(super) fn read(raw: &[u8]) -> Result<DecimalValue, Unreadable> {
    let word = |at: usize| match raw.get(at..at + 2) {
        Some([high, low]) => Ok(u16::from_be_bytes([*high, *low])),
        _ => Err(Unreadable::Malformed),
    };
    let (count, weight, sign, scale) = (word(0)?, word(2)? as i16, word(4)?, word(6)?);
    if !matches!(sign, POSITIVE | NEGATIVE) {
        return Err(Unreadable::NotFinite);
    }
    let mut digits: i128 = 0;
    // How many of the digits stand behind the point; below zero, zeros are missing before it.
    let mut behind = 4 * (i32::from(count) - 1 - i32::from(weight));
    for at in 0..count {
        let mut group = i128::from(word(8 + 2 * usize::from(at))?);
        let mut unit = 10_000;
        // The last group may end in zeros for which there is no room.
        while at + 1 == count && group != 0 && group % 10 == 0 {
            (group, unit, behind) = (group / 10, unit / 10, behind - 1);
        }
        digits = digits.checked_mul(unit).and_then(|d| d.checked_add(group)).ok_or(Unreadable::TooLong)?;
    }
    let length = digits.checked_ilog10().map_or(0, |log| log as i32 + 1);
    if length == 0 {
        behind = 0;
    }
    let wanted = i32::from(scale).max(behind);
    let room = MAX_DIGITS - length;
    let scale = wanted.min(behind + room);
    if room < 0 || scale < behind.max(0) {
        return Err(Unreadable::TooLong);
    }
    digits *= 10_i128.pow((scale - behind) as u32);
    let scale = u8::try_from(scale).map_err(|_| Unreadable::TooLong)?;
    Ok(DecimalValue::new(if sign == NEGATIVE { -digits } else { digits }, scale))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(text: &str) -> String {
        let mut bytes = BytesMut::new();
        write(&DecimalValue::parse(text).unwrap(), &mut bytes);
        read(&bytes).unwrap().to_string()
    }

    #[test]
    fn numbers_keep_their_digits_and_scale() {
        for text in [
            "0",
            "0.00",
            "-1",
            "10000",
            "12345678.90",
            "0.00001",
            "99999999999999999999999999999999999999",
            "-99999999999999999999999999999999999999",
            "0.99999999999999999999999999999999999999",
            "-9999999999999999.9999999999999999999999",
            "10000000000000000000000000000000000000",
        ] {
            assert_eq!(round_trip(text), text);
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_server() {
        let mut bytes = BytesMut::new();
        write(&DecimalValue::new(-1_234_567, 2), &mut bytes);
        // -1 2345 . 6700: three groups, the first counts ten thousands.
        assert_eq!(bytes[..], [0, 3, 0, 1, 0x40, 0, 0, 2, 0, 1, 9, 41, 26, 44]);
    }

    #[test]
    fn what_is_no_number_of_38_digits_is_refused() {
        assert_eq!(read(&[0, 0, 0, 0, 0xC0, 0, 0, 0]), Err(Unreadable::NotFinite));
        assert_eq!(read(&[0, 1, 0, 0, 0, 0, 0, 0]), Err(Unreadable::Malformed));
        // 1 followed by 40 zeros.
        assert_eq!(read(&[0, 1, 0, 10, 0, 0, 0, 0, 0, 1]), Err(Unreadable::TooLong));
        // 1 with 1,000 zeros behind the point: the zeros are dropped.
        assert_eq!(read(&[0, 1, 0, 0, 0, 0, 3, 0xE8, 0, 1]), Ok(DecimalValue::new(10_i128.pow(37), 37)));
    }

    proptest! {
        #[test]
        fn every_number_comes_back(
            mantissa in -99_999_999_999_999_999_999_999_999_999_999_999_999_i128..=99_999_999_999_999_999_999_999_999_999_999_999_999,
            shift in 0_u32..38,
            scale in 0_u8..=38,
        ) {
            let value = DecimalValue::new(mantissa / 10_i128.pow(shift), scale);
            let mut bytes = BytesMut::new();
            write(&value, &mut bytes);
            prop_assert_eq!(read(&bytes), Ok(value));
        }

        #[test]
        fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&bytes);
        }
    }
}
