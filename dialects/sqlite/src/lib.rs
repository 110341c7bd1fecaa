//! Relata on SQLite: how SQLite spells SQL ([`Sqlite`]), and a driver on `rusqlite` ([`SqliteDriver`]).
//!
//! What is stored as what:
//!
//! | Rust | declared | stored |
//! |---|---|---|
//! | `bool` | `BOOLEAN` | 0 or 1 |
//! | integers | `INTEGER` | up to `i64::MAX`; a larger `u64` is refused |
//! | `f32`, `f64` | `REAL` | 64 bits; NaN is refused, the sign of zero is lost |
//! | `String` | `TEXT`, `VARCHAR(n)` | UTF-8, a NUL is kept; the length is not checked |
//! | `Vec<u8>` | `BLOB` | as it is |
//! | `Decimal` | `DECIMAL_TEXT(p, s)` | text with all digits, neither rounded nor padded; compared as a number by the collation `decimal` |
//! | `Uuid` | `UUID_BLOB` | 16 bytes |
//! | date | `DATE_TEXT` | `2026-11-21`, of the years 0 to 9999 |
//! | time | `TIME_TEXT` | `13:05:09.000001` |
//! | timestamp | `TIMESTAMP_TEXT` | `2026-11-21 13:05:09.000001` |
//! | instant | `TIMESTAMPTZ_TEXT` | the same, in UTC |
//! | JSON | `JSON_TEXT` | text, to the letter |
//! | enum | `TEXT` | the word, with a check |
//!
//! `lower`, `upper` and `ilike` know the case of all letters, by functions that each connection is given; SQLite's own know those
//! of ASCII only.
//!
//! SQLite itself is compiled in.

mod decimal;
mod dialect;
mod driver;
mod error;
mod json;
mod letters;
mod options;
mod store;

pub use dialect::{BeginMode, Sqlite};
pub use driver::SqliteDriver;
pub use options::{Access, Blocking, JournalMode, SqliteOptions, Synchronous};
