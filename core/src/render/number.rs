//! Numbers in SQL text.

/// Appends a number in decimal digits: what a dialect numbers its placeholders with. It is short work, for which `write!`
/// takes many times as long.
pub fn write_number(out: &mut String, number: u64) {
    if number >= 10 {
        write_number(out, number / 10);
    }
    out.push(char::from(b'0' + (number % 10) as u8));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_are_printed() {
        for number in [0, 7, 10, 109, 65_535, u64::MAX] {
            let mut out = String::from("$");
            write_number(&mut out, number);
            assert_eq!(out, format!("${number}"));
        }
    }
}
