//! Relata on SQLite.
