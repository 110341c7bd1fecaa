//! Lists as JSON: SQLite has no arrays, but `json_each` reads one from a text (SQLite, "JSON functions", 4.24).
//!
//! One statement then serves lists of any length, and no list is too long for the limit of binds.

use std::fmt::Write;

use relata_core::value::{Kind, Value};

use crate::store::{Stored, stored};

/// How the elements of a list come out of `json_each`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Elements {
    /// As they are.
    Plain,
    /// As hexadecimal digits: binary data has no place in JSON.
    Hex,
}

/// How a list of this kind travels as JSON; `None` where that would not be exact.
pub(crate) fn elements(kind: Kind) -> Option<Elements> {
    match kind {
        Kind::Bytes | Kind::Uuid => Some(Elements::Hex),
        // Decimal digits are not the float itself; decimals compare by a rule of their own.
        Kind::F32 | Kind::F64 | Kind::Decimal | Kind::Array(_) => None,
        _ => Some(Elements::Plain),
    }
}

/// The list as a JSON text; `None` if a value in it cannot travel so.
pub(crate) fn encode(values: &[Value]) -> Option<String> {
    let mut json = String::with_capacity(2 + values.len() * 8);
    json.push('[');
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        // Writing to a String cannot fail.
        match stored(value).ok()? {
            Stored::Null => json.push_str("null"),
            Stored::Integer(number) => {
                let _ = write!(json, "{number}");
            }
            Stored::Text(text) => string(&mut json, text)?,
            Stored::OwnedText(text) => string(&mut json, &text)?,
            Stored::Blob(bytes) => {
                json.push('"');
                for byte in bytes {
                    let _ = write!(json, "{byte:02X}");
                }
                json.push('"');
            }
            Stored::Real(_) | Stored::List(..) => return None,
        }
    }
    json.push(']');
    Some(json)
}

fn string(json: &mut String, text: &str) -> Option<()> {
    json.push('"');
    for character in text.chars() {
        match character {
            // SQLite's JSON cuts a text off there.
            '\0' => return None,
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            control if control < ' ' => {
                let _ = write!(json, "\\u{:04x}", control as u32);
            }
            other => json.push(other),
        }
    }
    json.push('"');
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_json() {
        let texts = [Value::Text("a\"b\\c\n".into()), Value::Null(Kind::Text)];
        assert_eq!(encode(&texts).as_deref(), Some(r#"["a\"b\\c\u000a",null]"#));
        assert_eq!(
            encode(&[Value::I64(i64::MIN), Value::Bool(true)]).as_deref(),
            Some("[-9223372036854775808,1]")
        );
        assert_eq!(
            encode(&[Value::Bytes(vec![0, 255]), Value::Bytes(vec![])]).as_deref(),
            Some(r#"["00FF",""]"#)
        );
    }

    #[test]
    fn what_json_would_change_does_not_travel_so() {
        assert_eq!(encode(&[Value::F64(0.1)]), None);
        assert_eq!(encode(&[Value::U64(u64::MAX)]), None);
        assert_eq!(encode(&[Value::Text("a\0b".into())]), None);
    }
}
