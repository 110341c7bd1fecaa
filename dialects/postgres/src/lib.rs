//! Relata on PostgreSQL.
