//! The one place that quotes identifiers.

use super::error::{Compile, CompileError};
use crate::dialect::Dialect;

/// How a database writes identifiers. A statement asks its dialect once, for it writes many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identifiers {
    quote: char,
    limit: usize,
    in_bytes: bool,
    all_planes: bool,
}

impl Identifiers {
    pub(super) fn of(dialect: &dyn Dialect) -> Self {
        Identifiers {
            quote: dialect.quote(),
            limit: dialect.max_identifier(),
            in_bytes: dialect.identifier_limit_in_bytes(),
            all_planes: dialect.identifiers_in_all_planes(),
        }
    }

    /// Appends `name` between quote marks, with each quote mark in it doubled (SQL:2016 Foundation 5.2; MySQL 8.4 manual
    /// 11.2). Whatever is in the name stays a name.
    ///
    /// # Errors
    ///
    /// If the name is empty, holds a NUL, which no database stores, or is longer or has other characters than the database keeps: it
    /// would change the name and find another object.
    pub(super) fn write(self, out: &mut String, name: &str) -> Compile {
        let Identifiers { quote, limit, in_bytes, all_planes } = self;
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
        out.reserve(name.len() + 2);
        out.push(quote);
        // Nearly every name is plain. No byte of a longer character is the quote mark or NUL, and only one beyond the first plane has
        // four.
        let is_special = |byte: u8| char::from(byte) == quote || byte == 0 || byte >= 0xf0;
        if quote.is_ascii() && !name.bytes().any(is_special) {
            out.push_str(name);
        } else {
            for character in name.chars() {
                if character == '\0' {
                    return Err(CompileError::identifier(name, "holds a NUL"));
                }
                if character > '\u{ffff}' && !all_planes {
                    let why =
                        format!("has the character {character}, which the database cannot keep in a name");
                    return Err(CompileError::identifier(name, why));
                }
                if character == quote {
                    out.push(quote);
                }
                out.push(character);
            }
        }
        out.push(quote);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(name: &str) -> Compile<String> {
        let mut out = String::new();
        let identifiers = Identifiers { quote: '"', limit: 63, in_bytes: true, all_planes: true };
        identifiers.write(&mut out, name).map(|()| out)
    }

    #[test]
    fn a_name_stays_a_name() {
        for (name, expected) in [
            ("users", "\"users\""),
            ("a\"b", "\"a\"\"b\""),
            ("\"", "\"\"\"\""),
            ("a.b", "\"a.b\""),
            ("ключ", "\"ключ\""),
            ("🦀\"", "\"🦀\"\"\""),
            ("x\"; DROP TABLE y; --", "\"x\"\"; DROP TABLE y; --\""),
        ] {
            assert_eq!(quoted(name).as_deref(), Ok(expected));
        }
        for bad in ["", "a\0b", "ж".repeat(32).as_str()] {
            assert!(quoted(bad).is_err(), "{bad:?}");
        }
    }
}
