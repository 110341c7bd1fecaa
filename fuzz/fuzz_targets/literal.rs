//! Whatever is in a literal, it stays one: SQLite reads back the same text, and on no database does it end early.
#![no_main]

use libfuzzer_sys::fuzz_target;
use relata::dialect::Dialect;
use rusqlite::Connection;

thread_local!(static SQLITE: Connection = Connection::open_in_memory().expect("SQLite in memory"));

fuzz_target!(|text: &str| {
    // A NUL has no place in a literal: SQLite is given it in hexadecimal, the others refuse the statement.
    let text = text.replace('\0', "");
    let text = text.as_str();
    for dialect in relata_fuzz::dialects() {
        let mut sql = String::new();
        dialect.write_literal(&mut sql, text);
        let backslash_escapes = matches!(dialect.name(), "MySQL" | "MariaDB");
        assert!(is_one_literal(&sql, backslash_escapes), "{} wrote {sql:?}", dialect.name());
    }
    let mut sql = String::from("SELECT ");
    relata::sqlite::Sqlite::default().write_literal(&mut sql, text);
    SQLITE.with(|connection| {
        let read: String = connection.query_row(&sql, [], |row| row.get(0)).expect("SQLite takes it");
        assert_eq!(read, text);
    });
});

/// Whether the text is one literal from its first to its last character.
fn is_one_literal(sql: &str, backslash_escapes: bool) -> bool {
    let escaped = sql.strip_prefix('E').or_else(|| sql.strip_prefix(" E"));
    let backslash_escapes = backslash_escapes || escaped.is_some();
    let Some(inner) = escaped.unwrap_or(sql).trim_start().strip_prefix('\'').and_then(|s| s.strip_suffix('\'')) else {
        return false;
    };
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\'' if characters.next() != Some('\'') => return false,
            '\\' if backslash_escapes && characters.next().is_none() => return false,
            _ => {}
        }
    }
    true
}
