//! Relata on PostgreSQL: how it spells SQL ([`Postgres`]), and a driver on tokio-postgres ([`PostgresDriver`]).
//!
//! Users name the crate `relata` with its feature `postgres` and give the engine a URL; [`PostgresOptions`] has the list of
//! what can stand in it. The feature `tls` adds encrypted connections.

mod dialect;
mod driver;
mod error;
mod options;

pub use dialect::Postgres;
pub use driver::PostgresDriver;
pub use options::{PostgresOptions, SslMode, TargetSession};
