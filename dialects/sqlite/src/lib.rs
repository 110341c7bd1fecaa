//! Relata on SQLite: how SQLite spells SQL ([`Sqlite`]), and a driver on `rusqlite` ([`SqliteDriver`]).
//!
//! `docs/types.md` has the table of what is stored as what. SQLite itself is compiled in.

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
