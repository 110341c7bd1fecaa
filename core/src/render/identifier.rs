//! The one function that quotes identifiers.

use super::error::{Compile, CompileError};

/// Appends `name` between quote marks, with each quote mark in it doubled (SQL:2016 Foundation 5.2; MySQL 8.4 manual 11.2).
///
/// Whatever is in the name stays a name. `limit` is the longest name that the database keeps, in bytes or characters as
/// `in_bytes` says: a longer one is refused, since the database would cut it and find another object.
///
/// # Errors
///
/// If the name is empty, too long, or holds a NUL, which no database stores.
pub fn write_quoted(out: &mut String, name: &str, quote: char, limit: usize, in_bytes: bool) -> Compile {
    if name.is_empty() {
        return Err(CompileError::identifier(name, "is empty"));
    }
    if name.len() > limit && (in_bytes || name.chars().count() > limit) {
        let unit = if in_bytes { "bytes" } else { "characters" };
        return Err(CompileError::identifier(
            name,
            format!("is longer than the {limit} {unit} that the database keeps"),
        ));
    }
    if name.as_bytes().contains(&0) {
        return Err(CompileError::identifier(name, "holds a NUL"));
    }
    out.push(quote);
    for (at, part) in name.split(quote).enumerate() {
        if at > 0 {
            out.push(quote);
            out.push(quote);
        }
        out.push_str(part);
    }
    out.push(quote);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(name: &str) -> Compile<String> {
        let mut out = String::new();
        write_quoted(&mut out, name, '"', 63, true).map(|()| out)
    }

    #[test]
    fn a_name_stays_a_name() {
        for (name, expected) in [
            ("users", "\"users\""),
            ("a\"b", "\"a\"\"b\""),
            ("\"", "\"\"\"\""),
            ("a.b", "\"a.b\""),
            ("ключ", "\"ключ\""),
            ("x\"; DROP TABLE y; --", "\"x\"\"; DROP TABLE y; --\""),
        ] {
            assert_eq!(quoted(name).as_deref(), Ok(expected));
        }
        for bad in ["", "a\0b", "ж".repeat(32).as_str()] {
            assert!(quoted(bad).is_err(), "{bad:?}");
        }
    }
}
