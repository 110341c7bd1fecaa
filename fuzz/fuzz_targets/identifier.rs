//! Whatever is in an identifier, it stays one: what is written reads back as the same name, and SQLite agrees.
#![no_main]

use libfuzzer_sys::fuzz_target;
use relata::render::Renderer;
use rusqlite::Connection;

thread_local!(static SQLITE: Connection = Connection::open_in_memory().expect("SQLite in memory"));

fuzz_target!(|name: &str| {
    for dialect in relata_fuzz::dialects() {
        let mut out = Renderer::new(&*dialect);
        if out.identifier(name).is_err() {
            continue;
        }
        let sql = out.finish().sql;
        assert_eq!(unquoted(&sql, dialect.quote()).as_deref(), Some(name), "{} wrote {sql:?}", dialect.name());
    }
    let sqlite = relata::sqlite::Sqlite::default();
    let mut out = Renderer::new(&sqlite);
    if out.sql("SELECT 1 AS ").identifier(name).is_ok() {
        let sql = out.finish().sql;
        SQLITE.with(|connection| {
            let statement = connection.prepare(&sql).expect("SQLite takes it");
            assert!(statement.column_names().eq([name]), "{sql}");
        });
    }
});

/// The name in a quoted identifier that takes the whole text.
fn unquoted(sql: &str, quote: char) -> Option<String> {
    let inner = sql.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut name = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        if character == quote && characters.next() != Some(quote) {
            return None;
        }
        name.push(character);
    }
    Some(name)
}
